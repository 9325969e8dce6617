package load

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Distribution is how a trend's samples are spread: its inverse distribution function, between whose points it is
// taken as linear. The more percentiles a summary has, the closer it is; the scripts ask for some 300, most of them
// near the end.
type Distribution struct {
	Count  float64
	points []point
}

// point says that a share of the samples is at most a value.
type point struct{ share, value float64 }

// distributionOf reads a trend's statistics. It is false for what has no samples, or no count, least and largest.
func distributionOf(m Metric) (d Distribution, ok bool) {
	d.Count = m.Values["count"]
	least, hasLeast := m.Values["min"]
	largest, hasLargest := m.Values["max"]
	if d.Count < 1 || !hasLeast || !hasLargest {
		return d, false
	}
	d.points = append(d.points, point{0, least}, point{1, largest})
	for name, value := range m.Values {
		if share, ok := percentile(name); ok {
			d.points = append(d.points, point{share, value})
		}
	}
	slices.SortFunc(d.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.share, b.share), cmp.Compare(a.value, b.value))
	})
	return d, true
}

// percentile reads a statistic's name: p(95) is 0.95, med 0.5.
func percentile(name string) (share float64, ok bool) {
	if name == "med" {
		return 0.5, true
	}
	inner, isOne := strings.CutPrefix(name, "p(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !isOne || !closed {
		return 0, false
	}
	percent, err := strconv.ParseFloat(inner, 64)
	return percent / 100, err == nil && percent >= 0 && percent <= 100
}

// quantile is the value that a share of the samples does not exceed.
func (d Distribution) quantile(share float64) float64 {
	after, exact := slices.BinarySearchFunc(d.points, share, func(p point, share float64) int {
		return cmp.Compare(p.share, share)
	})
	if exact {
		return d.points[after].value
	}
	a, b := d.points[after-1], d.points[after]
	return a.value + (b.value-a.value)*(share-a.share)/(b.share-a.share)
}

// share is how much of the samples is at most a value.
func (d Distribution) share(value float64) float64 {
	after, _ := slices.BinarySearchFunc(d.points, value, func(p point, value float64) int {
		if p.value <= value {
			return -1
		}
		return 1
	})
	switch after {
	case 0:
		return 0
	case len(d.points):
		return 1
	}
	a, b := d.points[after-1], d.points[after]
	return a.share + (b.share-a.share)*(value-a.value)/(b.value-a.value)
}

// pooled are the samples of several generators together.
type pooled []Distribution

func (p pooled) count() (n float64) {
	for _, d := range p {
		n += d.Count
	}
	return n
}

// mean is that of a distribution that is linear between its points.
func (d Distribution) mean() (mean float64) {
	for i, b := range d.points[1:] {
		a := d.points[i]
		mean += (b.share - a.share) * (a.value + b.value) / 2
	}
	return mean
}

func (p pooled) mean() (mean float64) {
	n := p.count()
	for _, d := range p {
		mean += d.mean() * d.Count / n
	}
	return mean
}

// quantile is the least value that a share of all samples does not exceed. Of one generator it is k6's own figure.
func (p pooled) quantile(share float64) float64 {
	if len(p) == 1 {
		return p[0].quantile(share)
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, d := range p {
		low, high = min(low, d.points[0].value), max(high, d.points[len(d.points)-1].value)
	}
	for range 64 { // each halves what is uncertain: further than a float64 tells apart
		middle := low + (high-low)/2
		if p.share(middle) >= share {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

func (p pooled) share(value float64) float64 {
	var within float64
	for _, d := range p {
		within += d.Count * d.share(value)
	}
	return within / p.count()
}

// Spread is how long what an objective is about took, over a whole run.
type Spread struct {
	Name    string   `json:"name"` // response
	Metric  string   `json:"metric"`
	Unit    string   `json:"unit"`
	Samples float64  `json:"samples"`
	Points  []Within `json:"points"` // from the least to the largest
}

// Within says that a share of the samples took a value at most.
type Within struct {
	Share float64 `json:"share"`
	Value float64 `json:"value"`
}

// spreads are the trends that objectives are about.
var spreads = []Spread{
	{Name: "response", Metric: responseMetric, Unit: "ms"},
	{Name: "complex search", Metric: complexMetric, Unit: "ms"},
	{Name: "upload", Metric: uploadMetric, Unit: "s/MB"},
}

// Spreads are those that a run has samples of. A share closer to 1 than a sample is not told.
func (r *Run) Spreads() []Spread {
	all := []Spread{}
	for _, s := range spreads {
		samples := r.trend(s.Metric)
		if len(samples) == 0 {
			continue
		}
		s.Samples = samples.count()
		for _, share := range sharesOf(s.Samples) {
			s.Points = append(s.Points, Within{share, samples.quantile(share)})
		}
		all = append(all, s)
	}
	return all
}

// sharesOf are those of a curve: every fiftieth, and the closer to 1 the denser, as far as samples reach.
func sharesOf(samples float64) []float64 {
	var all []float64
	for i := range 45 {
		all = append(all, float64(i)/50)
	}
	for beyond := 0.1; beyond*samples >= 1; beyond /= math.Pow(10, 0.125) {
		all = append(all, 1-beyond)
	}
	return append(all, 1)
}
