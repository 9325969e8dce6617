package capacity

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Point is what was measured of a level: the throughput X with N requests in the system, or N clients that do not
// pause.
type Point struct {
	N float64 `json:"n"`
	X float64 `json:"x"` // per second
}

// Law is the Universal Scalability Law, X(N) = γN / (1 + α(N−1) + βN(N−1)).
// Source: N. J. Gunther, Guerrilla Capacity Planning (Springer, 2007), chapters 4 to 6.
type Law struct {
	Alpha float64 `json:"alpha"` // contention, 0 to 1
	Beta  float64 `json:"beta"`  // coherency, 0 or more
	Gamma float64 `json:"gamma"` // throughput of one, per second
}

// Throughput is the law's, per second.
func (l Law) Throughput(n float64) float64 { return n * l.Gamma / l.slowdown(n) }

func (l Law) slowdown(n float64) float64 { return 1 + l.Alpha*(n-1) + l.Beta*n*(n-1) }

// Peak is where throughput is greatest, and how great. With β = 0 there is no such N: it is +Inf, and the throughput
// the limit γ/α of Amdahl's law, +Inf where α is 0 too.
func (l Law) Peak() (n, x float64) {
	if l.Beta == 0 {
		return math.Inf(1), l.Gamma / l.Alpha
	}
	n = math.Sqrt(max(0, 1-l.Alpha) / l.Beta)
	return n, l.Throughput(n)
}

// Users is the throughput of a number of users who pause thinkSeconds between two requests: N = users − X·think are in
// the system.
func (l Law) Users(users, thinkSeconds float64) float64 {
	low, high := 0.0, users // what is in the system: more of it, fewer pause
	for range 200 {
		n := low + (high-low)/2
		if n+l.Throughput(n)*thinkSeconds > users {
			high = n
		} else {
			low = n
		}
	}
	return l.Throughput(low)
}

// Fit is a law fitted to points.
type Fit struct {
	Law
	// Errors are the standard errors of α, β and γ, of the linearised model; 0 for one that lies on its bound.
	Errors Law `json:"standardErrors"`
	// Bounds names the coefficients that lie on a bound: "β = 0". Unbound they would have no meaning.
	Bounds []string `json:"bounds"`
	// Residual is the standard deviation of what is left, per second.
	Residual float64 `json:"residual"`
	Points   []Point `json:"points"`

	free []int
}

// coefficients of a law, by number.
const (
	alpha = iota
	beta
	gamma
	coefficients
)

var coefficientNames = [coefficients]string{"α", "β", "γ"}

// FitLaw fits the law by least squares of throughput, unweighted, with 0 ≤ α ≤ 1 and β ≥ 0. It wants four points at
// different N, all above 0. Whether a fit may be trusted is Fit.Doubts.
func FitLaw(points []Point) (*Fit, error) {
	if err := checkPoints(points); err != nil {
		return nil, err
	}
	f := &Fit{Points: slices.Clone(points), Bounds: []string{}}
	best := math.Inf(1)
	for _, start := range starts(points) {
		if l, sum := descend(points, start); sum < best {
			best, f.Law = sum, l
		}
	}
	if math.IsInf(best, 1) {
		return nil, errors.New("no law fits the points: want throughputs that are not all far apart in size")
	}
	f.settle(best)
	return f, nil
}

// leastPoints is one more than there are coefficients: with fewer nothing is left to tell errors from.
const leastPoints = coefficients + 1

func checkPoints(points []Point) error {
	var faults []error
	different := map[float64]bool{}
	for i, p := range points {
		if !(p.N > 0 && p.X > 0) || math.IsInf(p.N, 0) || math.IsInf(p.X, 0) {
			faults = append(faults, fmt.Errorf("points[%d] is N %v, X %v, want both above 0", i, p.N, p.X))
		}
		different[p.N] = true
	}
	if len(different) < leastPoints {
		faults = append(faults, fmt.Errorf("there are %d different levels, want %d or more", len(different), leastPoints))
	}
	return errors.Join(faults...)
}

// starts are laws to start from: a grid, each with the γ that suits it best.
func starts(points []Point) (all []Law) {
	most := slices.MaxFunc(points, func(a, b Point) int { return cmp.Compare(a.N, b.N) }).N
	for _, a := range []float64{0.001, 0.02, 0.2, 0.7} {
		for _, share := range []float64{0, 0.1, 1, 3} { // of the β that has its peak at the last point
			l := Law{Alpha: a, Beta: share * (1 - a) / (most * most), Gamma: 1}
			var xh, hh float64
			for _, p := range points {
				h := l.Throughput(p.N)
				xh, hh = xh+p.X*h, hh+h*h
			}
			l.Gamma = xh / hh
			all = append(all, l)
		}
	}
	return all
}

func (l Law) sumOfSquares(points []Point) (sum float64) {
	for _, p := range points {
		if l.slowdown(p.N) <= 0 {
			return math.Inf(1) // below one in the system, with α near 1
		}
		sum += math.Pow(p.X-l.Throughput(p.N), 2)
	}
	return sum
}

// slopes are the derivatives of the throughput at n.
func (l Law) slopes(n float64) [coefficients]float64 {
	d := l.slowdown(n)
	x := l.Throughput(n)
	return [coefficients]float64{alpha: -x * (n - 1) / d, beta: -x * n * (n - 1) / d, gamma: n / d}
}

// descend is Levenberg and Marquardt's method, with the coefficients that press against a bound held there.
func descend(points []Point, l Law) (Law, float64) {
	sum, damping := l.sumOfSquares(points), 1e-3
	for range 500 {
		next, moved := l.step(points, damping)
		if !moved {
			break
		}
		if after := next.sumOfSquares(points); after < sum {
			ended := sum-after <= 1e-15*sum
			l, sum, damping = next, after, max(damping/5, 1e-15)
			if ended {
				break
			}
			continue
		}
		if damping *= 4; damping > 1e15 {
			break
		}
	}
	return l.polish(points, sum)
}

// polish takes the last digits by steps without damping: there the sum of squares no longer tells them apart.
func (l Law) polish(points []Point, sum float64) (Law, float64) {
	for range 5 {
		next, moved := l.step(points, 0)
		after := next.sumOfSquares(points)
		if !moved || !(after <= sum*(1+1e-12)) {
			break
		}
		l, sum = next, min(sum, after)
	}
	return l, sum
}

// step is one from l, within the bounds; false where nothing is free or the equations have no answer.
func (l Law) step(points []Point, damping float64) (Law, bool) {
	normal, gradient := l.normal(points)
	free := l.freeTo(gradient)
	if len(free) == 0 {
		return l, false
	}
	a, b := mat.NewSymDense(len(free), nil), mat.NewVecDense(len(free), nil)
	for i, p := range free {
		b.SetVec(i, gradient[p])
		for j := i; j < len(free); j++ {
			a.SetSym(i, j, normal[p][free[j]])
		}
		a.SetSym(i, i, normal[p][p]*(1+damping))
	}
	var factors mat.Cholesky
	var move mat.VecDense
	if !factors.Factorize(a) || factors.SolveVecTo(&move, b) != nil {
		return l, false
	}
	c := l.list()
	for i, p := range free {
		c[p] += move.AtVec(i)
	}
	c[alpha], c[beta] = min(max(c[alpha], 0), 1), max(c[beta], 0)
	if c[gamma] <= 0 {
		c[gamma] = l.Gamma / 2
	}
	return Law{Alpha: c[alpha], Beta: c[beta], Gamma: c[gamma]}, true
}

func (l Law) list() [coefficients]float64 { return [coefficients]float64{l.Alpha, l.Beta, l.Gamma} }

// normal are JᵀJ and Jᵀ(X − X̂).
func (l Law) normal(points []Point) (m [coefficients][coefficients]float64, gradient [coefficients]float64) {
	for _, p := range points {
		s, left := l.slopes(p.N), p.X-l.Throughput(p.N)
		for i := range s {
			gradient[i] += s[i] * left
			for j := range s {
				m[i][j] += s[i] * s[j]
			}
		}
	}
	return m, gradient
}

// freeTo are the coefficients that may move where the gradient wants them.
func (l Law) freeTo(gradient [coefficients]float64) (free []int) {
	for i, v := range l.list() {
		low := i != gamma && v <= 0 && gradient[i] <= 0
		high := i == alpha && v >= 1 && gradient[i] >= 0
		if !low && !high {
			free = append(free, i)
		}
	}
	return free
}

// settle finds what a fit is sure of.
func (f *Fit) settle(sum float64) {
	normal, gradient := f.normal(f.Points)
	f.free = f.freeTo(gradient)
	for i, v := range f.list() {
		if !slices.Contains(f.free, i) {
			f.Bounds = append(f.Bounds, fmt.Sprintf("%s = %v", coefficientNames[i], v))
		}
	}
	left := len(f.Points) - len(f.free)
	f.Residual = math.Sqrt(sum / float64(max(1, left)))
	inverse, ok := inverted(normal, f.free)
	if !ok {
		return
	}
	var e [coefficients]float64
	for i, p := range f.free {
		e[p] = f.Residual * math.Sqrt(max(0, inverse.At(i, i)))
	}
	f.Errors = Law{Alpha: e[alpha], Beta: e[beta], Gamma: e[gamma]}
}

func inverted(normal [coefficients][coefficients]float64, free []int) (*mat.Dense, bool) {
	n := len(free)
	scaled := mat.NewDense(n, n, nil)
	for i, p := range free {
		for j, q := range free {
			scaled.Set(i, j, normal[p][q]/math.Sqrt(normal[p][p]*normal[q][q]))
		}
	}
	var inverse mat.Dense
	if err := inverse.Inverse(scaled); err != nil {
		return nil, false
	}
	for i, p := range free {
		for j, q := range free {
			inverse.Set(i, j, inverse.At(i, j)/math.Sqrt(normal[p][p]*normal[q][q]))
		}
	}
	return &inverse, true
}

// Range is where a value lies, with the confidence of whoever gave it.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Intervals are where the coefficients lie with a confidence, by their linearised standard errors and Student's t. One
// on its bound has none: both ends are the bound. None reaches beyond a bound.
func (f *Fit) Intervals(confidence float64) (a, b, g Range) {
	t := f.student().Quantile((1 + confidence) / 2)
	around := func(v, e float64) Range { return Range{max(0, v-t*e), v + t*e} }
	a, b, g = around(f.Alpha, f.Errors.Alpha), around(f.Beta, f.Errors.Beta), around(f.Gamma, f.Errors.Gamma)
	a.High = min(a.High, 1)
	return a, b, g
}

// student is Student's t with as many degrees as the fit leaves.
func (f *Fit) student() distuv.StudentsT {
	return distuv.StudentsT{Sigma: 1, Nu: float64(max(1, len(f.Points)-len(f.free)))}
}
