// Package changepoint finds where a series of measurements changes.
//
// The divergence is that of Matteson and James (E-divisive, arXiv 1306.4933); windows, Student's test and the two
// thresholds are those of Fleming and others (Hunter, arXiv 2301.03034), which Apache Otava goes on with.
// Owns: change points of a series of numbers. Does not own: what was measured when, what else differed then.
package changepoint

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Options are how sure, and how large, a change has to be.
type Options struct {
	Window   int     // values that are looked at together, 2 or more
	MaxP     float64 // of a change as large by chance
	LeastRel float64 // least change of the mean, as a share of the smaller one
}

// Point is a change: the first value of what comes after it.
type Point struct {
	Index        int     // 1 or more
	P            float64 // of a difference as large by chance
	Before, Then float64 // means up to the change before it, and up to the next one
}

// magnitude is how large the change is, as a share of the smaller mean.
func (p Point) magnitude() float64 {
	least := min(math.Abs(p.Before), math.Abs(p.Then))
	if least == 0 {
		return math.Inf(1)
	}
	return math.Abs(p.Then-p.Before) / least
}

// Find lists the changes of a series, by index. Values have to be finite. A change lasts for two values or more.
func Find(series []float64, o Options) []Point { return find(series, o, student) }

// significance is the probability of two parts' means as far apart by chance.
type significance func(a, b []float64) float64

// First it looks for candidates in windows that overlap by a half, with a probability that is higher than the one that
// is wanted: what one window hides another shows. Then the weakest are dropped, one by one, each time with their
// neighbours' means drawn anew.
func find(series []float64, o Options, p significance) []Point {
	var found []int
	for start := 0; start < len(series); {
		end := min(start+o.Window, len(series))
		last := 0
		for _, index := range divide(series[start:end], candidateP(o.MaxP), p) {
			last = start + index
			found = append(found, last)
		}
		start = max(last, start+o.Window/2)
	}
	slices.Sort(found)
	return strongest(series, slices.Compact(found), o, p)
}

// candidateP is the probability of candidates.
func candidateP(p float64) float64 {
	switch {
	case p < 0.05:
		return 10 * p
	case p < 0.5:
		return 2 * p
	}
	return p
}

// strongest drops changes until each is as sure and as large as is wanted.
func strongest(series []float64, found []int, o Options, p significance) []Point {
	for {
		points := measure(series, found, p)
		if len(points) == 0 {
			return nil
		}
		weakest := slices.MaxFunc(points, func(a, b Point) int { return cmp.Compare(a.P, b.P) })
		if weakest.P < o.MaxP {
			weakest = slices.MinFunc(points, func(a, b Point) int { return cmp.Compare(a.magnitude(), b.magnitude()) })
			if weakest.magnitude() > o.LeastRel {
				return points
			}
		}
		found = slices.DeleteFunc(found, func(index int) bool { return index == weakest.Index })
	}
}

// measure compares what is before each change with what is after it, up to the next ones.
func measure(series []float64, found []int, p significance) []Point {
	var points []Point
	for i, index := range found {
		start, end := 0, len(series)
		if i > 0 {
			start = found[i-1]
		}
		if i+1 < len(found) {
			end = found[i+1]
		}
		before, then := series[start:index], series[index:end]
		points = append(points, Point{
			Index: index, P: p(before, then), Before: stat.Mean(before, nil), Then: stat.Mean(then, nil),
		})
	}
	return points
}

// divide splits a window as long as its best split is significant.
func divide(window []float64, maxP float64, p significance) []int {
	within := distances(window)
	var found []int
	for {
		bounds := slices.Concat([]int{0}, found, []int{len(window)})
		var best split
		for i := range len(bounds) - 1 {
			if s := within.best(bounds[i], bounds[i+1]); s.index > 0 && (best.index == 0 || s.divergence > best.divergence) {
				best = s
			}
		}
		if best.index == 0 || p(window[best.start:best.index], window[best.index:best.end]) > maxP {
			return found
		}
		found = append(found, best.index)
		slices.Sort(found)
	}
}

// student is Student's test, both sides of the distribution. Of a part of one value it says nothing: one odd run is no
// change.
func student(a, b []float64) float64 {
	if len(a) < 2 || len(b) < 2 {
		return 1
	}
	freedom := float64(len(a) + len(b) - 2)
	meanA, meanB := stat.Mean(a, nil), stat.Mean(b, nil)
	var squares float64
	for _, v := range a {
		squares += (v - meanA) * (v - meanA)
	}
	for _, v := range b {
		squares += (v - meanB) * (v - meanB)
	}
	deviation := math.Sqrt(squares / freedom * (1/float64(len(a)) + 1/float64(len(b))))
	switch difference := math.Abs(meanA - meanB); {
	case difference == 0:
		return 1
	case deviation == 0:
		return 0
	default:
		return 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}.Survival(difference/deviation)
	}
}
