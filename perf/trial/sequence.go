package trial

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// width of the effects that the test looks for, in deviations of a pair's difference: it decides soonest on those
	// that are about so large, and later on others.
	width = 3
	// leastPairs that anything is said from.
	leastPairs = 4
	// far is how many deviations from the middle a difference may be: what is further counts as so far. One block that
	// a stranger held up is then not taken for noise of all of them.
	far = 5
	// clipFrom is from how many pairs on that is done: the middle of fewer is not known well.
	clipFrom = 5
)

// sequence is the differences of pairs so far, on a scale on which noise is the same for large and small values.
//
// The test is a mixture of likelihood ratios of Student's t over effects that are normal with deviation width, with
// the noise integrated out (right Haar prior): under no difference it is a martingale, so that by Ville's inequality
// it exceeds 1/α with probability α at most, however often it is looked at. Sources: Lai 1976, "On confidence
// sequences"; Wang and Ramdas 2023, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown
// variance".
type sequence struct {
	n         float64 // pairs
	mean      float64
	deviation float64 // of one difference
}

// sequenceOf takes differences, and the least variance that they can have.
func sequenceOf(differences []float64, floor float64) sequence {
	clipped := clip(differences)
	s := sequence{n: float64(len(clipped))}
	switch len(clipped) {
	case 0:
	case 1:
		s.mean = clipped[0]
	default:
		mean, variance := stat.MeanVariance(clipped, nil)
		s.mean, s.deviation = mean, math.Sqrt(max(variance, floor))
	}
	return s
}

// clip moves differences that are far from the middle to where they are no longer.
func clip(all []float64) []float64 {
	if len(all) < clipFrom {
		return all
	}
	middle := median(all)
	apart := make([]float64, len(all))
	for i, d := range all {
		apart[i] = math.Abs(d - middle)
	}
	most := far * 1.4826 * median(apart) // of a normal distribution the deviation is 1.4826 of this median
	clipped := make([]float64, len(all))
	for i, d := range all {
		clipped[i] = max(middle-most, min(d, middle+most))
	}
	return clipped
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// enough reports whether there are pairs enough to say anything.
func (s sequence) enough() bool { return s.n >= leastPairs }

// freedom is that of the deviation.
func (s sequence) freedom() float64 { return s.n - 1 }

// evidence against no difference: 1/α of it is reached with probability α by chance, at whatever look.
func (s sequence) evidence() float64 {
	if !s.enough() {
		return 1
	}
	a := 1 + s.n*width*width
	t := s.mean / s.deviation * math.Sqrt(s.n)
	x := t * t / s.freedom()
	return math.Exp(min(-math.Log(a)/2+s.n/2*(math.Log1p(x)-math.Log1p(x/a)), 700))
}

// radius of the interval around the mean that holds the difference at all looks together but in α of the cases.
func (s sequence) radius(alpha float64) float64 {
	if !s.enough() {
		return math.Inf(1)
	}
	a := 1 + s.n*width*width
	r := math.Exp(2 * (math.Log(1/alpha) + math.Log(a)/2) / s.n)
	if r >= a {
		return math.Inf(1)
	}
	return math.Sqrt((r-1)/(1-r/a)*s.freedom()) * s.deviation / math.Sqrt(s.n)
}

// after is what the sequence would be with n pairs that go on as these did.
func (s sequence) after(n float64) sequence {
	s.n = n
	return s
}

// smallest is the least difference that would have been seen by now with a probability of power.
func (s sequence) smallest(alpha float64) float64 {
	return s.radius(alpha) + distuv.UnitNormal.Quantile(power)*s.deviation/math.Sqrt(s.n)
}
