package twin

import (
	"math"
	"slices"

	"github.com/ragscale/ragscale/perf/queueing"
)

// histogram counts times in bins that grow by a tenth, from a millisecond to some 15 minutes. What is beyond is in the
// last one.
type histogram struct{ bins []float64 }

const (
	firstBin = 1e-3
	growth   = 1.1
	bins     = 145
)

// bound is the upper bound of a bin, s.
func bound(bin int) float64 { return firstBin * math.Pow(growth, float64(bin)) }

var bounds = func() (all [bins]float64) {
	for i := range all {
		all[i] = bound(i)
	}
	return all
}()

func (h *histogram) ready() {
	if h.bins == nil {
		h.bins = make([]float64, bins)
	}
}

func (h *histogram) add(seconds float64) {
	h.ready()
	i, _ := slices.BinarySearch(bounds[:], seconds)
	h.bins[min(i, bins-1)]++
}

// spreadOf is a response's share in each bin.
func spreadOf(r queueing.Response) []float64 {
	into := make([]float64, bins)
	before := 0.0
	for i := range into {
		within := before
		if before < 1-1e-7 {
			within = r.Within(bounds[i])
		}
		if i == bins-1 {
			within = 1
		}
		into[i], before = max(0, within-before), max(before, within)
	}
	return into
}

func (h *histogram) addSpread(shares []float64, count float64) {
	if count <= 0 {
		return
	}
	h.ready()
	for i, share := range shares {
		h.bins[i] += share * count
	}
}

func (h *histogram) plus(other histogram) {
	if other.bins == nil {
		return
	}
	h.ready()
	for i, n := range other.bins {
		h.bins[i] += n
	}
}

// quantile is the time that a share took at most, s, by straight lines within bins on the logarithm; NaN of none.
func (h *histogram) quantile(share float64) float64 {
	var all float64
	for _, n := range h.bins {
		all += n
	}
	if all == 0 {
		return math.NaN()
	}
	wanted := share * all
	for i, n := range h.bins {
		if n > 0 && n >= wanted {
			return bound(i) * math.Pow(growth, wanted/n-1)
		}
		wanted -= n
	}
	return bound(bins - 1)
}
