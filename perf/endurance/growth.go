// Package endurance says whether memory, goroutines, connections or latency grew while a run lasted.
//
// Values of one process depend on those before them, which makes ordinary tests of a slope see growth in noise. Here
// the dependence is estimated and taken out: generalized least squares with first-order autocorrelation, corrected
// for its bias in short series and taken as a random walk where it may be one (Prais and Winsten, 1954; Kendall,
// 1954; Perron and Yabu, 2009).
//
// Owns: the test, which series are judged. Does not own: gathering them (perf/telemetry), runs (perf/load).
package endurance

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// alpha is how often a bound may be above what is true, if the dependence were known. It is estimated, from few
	// values, and far more often too low than that: the tests hold what comes of it.
	alpha = 1e-7
	// warmUp is the share of a run that is not looked at: caches and pools fill.
	warmUp = 0.25
	// parts of the time, each of which has to be above the one before.
	parts = 4
	// leastValues that a slope is told from.
	leastValues = 30
	// bends is how sure a bend has to be to be taken into account, one-sided.
	bends = 0.01
	// walk is how near to 1 an autocorrelation has to be to be taken for it, times the root of the number of values.
	walk = 1.0
	// lasting is how far beyond chance dependence over three steps has to be, in its deviations, to be what counts.
	lasting = 1.5
)

// Growth is what a series did after its warm-up.
type Growth struct {
	Values  int     // that were looked at
	PerHour float64 // most likely, in the series' unit
	// Least is the slope per hour that is exceeded almost certainly; where the series flattens, that of its end. It is 0
	// at most where the series does not rise all the time.
	Least float64
	Level float64 // median
	// Dependence is the autocorrelation that was taken out: 0 for independent values, 1 for a random walk.
	Dependence float64
}

// Of finds the growth of a series in steps, after skip of them or the warm-up; NaN stands for a gap. It is false for
// fewer values than tell anything.
func Of(values []float64, step time.Duration, skip int) (Growth, bool) {
	s := newSeries(values, step, max(skip, int(math.Ceil(float64(len(values))*warmUp))))
	if len(s.y) < leastValues {
		return Growth{Values: len(s.y)}, false
	}
	sorted := slices.Sorted(slices.Values(s.y))
	g := Growth{Values: len(s.y), Level: sorted[len(sorted)/2]}
	if s.constant() {
		return g, true
	}
	g.Dependence = s.dependence()
	line, fine := s.fit(1, g.Dependence)
	if !fine {
		return g, false
	}
	g.PerHour, g.Least = line.slope(0), line.least(0, alpha)
	bent, fine := s.fit(2, g.Dependence)
	if fine && bent.b[2] < 0 && bent.p(2) < bends {
		g.Least = min(g.Least, bent.least(s.t[len(s.t)-1], alpha))
	}
	if !s.rises() {
		g.Least = min(g.Least, 0)
	}
	return g, true
}

// series are values after the warm-up and their times, hours from the middle.
type series struct {
	t, y  []float64
	after []bool // the value of the step before is there too
	step  float64
}

func newSeries(values []float64, step time.Duration, first int) series {
	s := series{step: step.Hours()}
	last := -2
	for i := first; i < len(values); i++ {
		if math.IsNaN(values[i]) || math.IsInf(values[i], 0) {
			continue
		}
		s.t = append(s.t, float64(i)*s.step)
		s.y = append(s.y, values[i])
		s.after = append(s.after, last == i-1)
		last = i
	}
	if len(s.t) > 0 {
		middle := (s.t[0] + s.t[len(s.t)-1]) / 2
		for i := range s.t {
			s.t[i] -= middle
		}
	}
	return s
}

func (s series) constant() bool {
	return !slices.ContainsFunc(s.y, func(v float64) bool { return v != s.y[0] })
}

// rises reports whether the mean of each part of the time is above that of the one before.
func (s series) rises() bool {
	last := math.Inf(-1)
	for k := range parts {
		mean := stat.Mean(s.y[k*len(s.y)/parts:(k+1)*len(s.y)/parts], nil)
		if mean <= last {
			return false
		}
		last = mean
	}
	return true
}

// dependence is the autocorrelation of what a line leaves: corrected for its bias, which is some -(2 + 4 rho)/n
// beside a fitted line, and 1 where it is not told from it. Noise of its own on top of what wanders, such as the
// teeth of a collector, hides the dependence of neighbours: what lasts for three steps tells it then.
func (s series) dependence() float64 {
	line, fine := s.fit(1, 0)
	if !fine {
		return 1
	}
	left := make([]float64, len(s.y))
	for i := range left {
		left[i] = s.y[i] - line.at(s.t[i])
	}
	var lag [5]float64
	for k := range lag {
		for i := k; i < len(left); i++ {
			lag[k] += left[i] * left[i-k]
		}
	}
	if lag[0] == 0 {
		return 0
	}
	n, rho := float64(len(left)), lag[1]/lag[0]
	if near := lag[1] + lag[2] + lag[3]; near/lag[0] > lasting*math.Sqrt(3/n) {
		rho = max(rho, min(1, (lag[2]+lag[3]+lag[4])/near))
	}
	rho += (2 + 4*rho) / n
	if rho > 1-walk/math.Sqrt(n) {
		return 1
	}
	return max(rho, 0)
}

// curve is a polynomial that was fitted.
type curve struct {
	b          []float64
	covariance *mat.Dense
	freedom    float64
}

// fit fits a polynomial of a degree to values that depend on those before them by rho: each less what that one
// foretells. After a gap a value counts as one without a forerunner. Of a random walk only the steps tell.
func (s series) fit(degree int, rho float64) (curve, bool) {
	x, y := mat.NewDense(len(s.y), degree+1, nil), mat.NewDense(len(s.y), 1, nil)
	alone := math.Sqrt(1 - rho*rho)
	for i := range s.y {
		for k := range degree + 1 {
			v := alone * math.Pow(s.t[i], float64(k))
			if s.after[i] {
				v = math.Pow(s.t[i], float64(k)) - rho*math.Pow(s.t[i-1], float64(k))
			}
			x.Set(i, k, v)
		}
		v := alone * s.y[i]
		if s.after[i] {
			v = s.y[i] - rho*s.y[i-1]
		}
		y.Set(i, 0, v)
	}
	return solve(x, y, rho == 1)
}

// solve is least squares. Of a random walk the level is not known, and is left out.
func solve(x, y *mat.Dense, withoutLevel bool) (curve, bool) {
	rows, columns := x.Dims()
	from := 0
	if withoutLevel {
		from = 1
	}
	part := x.Slice(0, rows, from, columns)
	var normal, inverse, moments, b, left mat.Dense
	normal.Mul(part.T(), part)
	if err := inverse.Inverse(&normal); err != nil {
		return curve{}, false
	}
	moments.Mul(part.T(), y)
	b.Mul(&inverse, &moments)
	left.Mul(part, &b)
	left.Sub(y, &left)
	c := curve{
		b: make([]float64, columns), covariance: mat.NewDense(columns, columns, nil), freedom: float64(rows - columns),
	}
	variance := math.Pow(mat.Norm(&left, 2), 2) / c.freedom
	for i := from; i < columns; i++ {
		c.b[i] = b.At(i-from, 0)
		for j := from; j < columns; j++ {
			c.covariance.Set(i, j, variance*inverse.At(i-from, j-from))
		}
	}
	return c, true
}

func (c curve) at(t float64) (v float64) {
	for k, b := range c.b {
		v += b * math.Pow(t, float64(k))
	}
	return v
}

// slope is that at a time.
func (c curve) slope(t float64) float64 {
	if len(c.b) < 3 {
		return c.b[1]
	}
	return c.b[1] + 2*c.b[2]*t
}

// least is the slope at a time that is exceeded with all but a probability.
func (c curve) least(t, probability float64) float64 {
	variance := c.covariance.At(1, 1)
	if len(c.b) > 2 {
		variance += 4*t*c.covariance.At(1, 2) + 4*t*t*c.covariance.At(2, 2)
	}
	return c.slope(t) - c.student().Quantile(1-probability)*math.Sqrt(max(variance, 0))
}

// p is how likely a coefficient as far from 0 is by chance, on its side of 0.
func (c curve) p(k int) float64 {
	deviation := math.Sqrt(c.covariance.At(k, k))
	if deviation == 0 {
		return 0
	}
	return c.student().Survival(math.Abs(c.b[k]) / deviation)
}

func (c curve) student() distuv.StudentsT { return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: c.freedom} }
