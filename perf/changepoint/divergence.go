package changepoint

import "math"

// sums[i][j] is the sum of the distances between the first i values and the first j.
type sums [][]float64

// split is where an interval divides best.
type split struct {
	start, index, end int
	divergence        float64
}

func distances(values []float64) sums {
	s := make(sums, len(values)+1)
	s[0] = make([]float64, len(values)+1)
	for i, a := range values {
		s[i+1] = make([]float64, len(values)+1)
		var row float64
		for j, b := range values {
			row += math.Abs(a - b)
			s[i+1][j+1] = s[i][j+1] + row
		}
	}
	return s
}

// between is the sum of the distances of two ranges' values.
func (s sums) between(a, b, c, d int) float64 { return s[b][d] - s[a][d] - s[b][c] + s[a][c] }

// best is where an interval divides best, its second part ending anywhere: a later change would blur it. Index is 0
// where the interval has fewer than two values.
func (s sums) best(start, end int) split {
	best := split{start: start, end: end}
	for index := start + 1; index < end; index++ {
		for to := index + 1; to <= end; to++ {
			if d := s.divergence(start, index, to); best.index == 0 || d > best.divergence {
				best.index, best.divergence = index, d
			}
		}
	}
	return best
}

// divergence is Q of Matteson and James, with exponent 1: the mean distance between both parts less the mean distance
// within each, weighed by their lengths.
func (s sums) divergence(start, index, to int) float64 {
	n, m := float64(index-start), float64(to-index)
	all := 2 / (n + m) * s.between(start, index, index, to)
	if n > 1 {
		all -= m / (n + m) / (n - 1) * s.between(start, index, start, index) // each pair is counted twice
	}
	if m > 1 {
		all -= n / (n + m) / (m - 1) * s.between(index, to, index, to)
	}
	return all
}
