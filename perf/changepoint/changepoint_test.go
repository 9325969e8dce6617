package changepoint

import (
	_ "embed"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// tigerbeetle are the throughputs of TigerBeetle's benchmark, which Apache Otava is tested with.
// Source: https://github.com/apache/otava, tests/tigerbeetle_test.py at 1ceb1537a49d; read 2026-11-30.
//
//go:embed testdata/tigerbeetle.txt
var tigerbeetle string

func published(t *testing.T) (series []float64) {
	t.Helper()
	for line := range strings.FieldsSeq(tigerbeetle) {
		v, err := strconv.ParseFloat(line, 64)
		if err != nil {
			t.Fatal(err)
		}
		series = append(series, v)
	}
	return series
}

func indices(points []Point) []int {
	all := []int{}
	for _, p := range points {
		all = append(all, p.Index)
	}
	return all
}

// otava is the significance that the published change points have: Student's, with the deviation of each part taken as
// that of a whole population, which makes small parts too sure. Ours takes that of samples.
func otava(a, b []float64) float64 {
	if len(a)+len(b) < 3 {
		return 1
	}
	n, m := float64(len(a)), float64(len(b))
	variance := ((n-1)*stat.PopVariance(a, nil) + (m-1)*stat.PopVariance(b, nil)) / (n + m - 2)
	t := math.Abs(stat.Mean(a, nil)-stat.Mean(b, nil)) / math.Sqrt(variance*(1/n+1/m))
	return 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n + m - 2}.Survival(t)
}

// The change points that the same source expects. It does not measure the left neighbour of a dropped point anew, which
// leaves some that ours drops: they are stale.
func TestTheChangePointsOfThePublishedSeries(t *testing.T) {
	series := published(t)
	for _, c := range []struct {
		maxP, least float64
		want        []int
		stale       []int
	}{
		{0.01, 0.05, []int{15, 71}, nil},
		{0.05, 0.05, []int{15, 71}, nil},
		{0.1, 0.05, []int{10, 11, 15, 71, 363}, []int{363}},
		{0.2, 0.05, []int{10, 11, 15, 71}, nil},
		{0.1, 0.01, []int{10, 11, 15, 28, 29, 35, 37, 48, 49, 61, 71, 95, 117, 131, 142, 148, 165, 169, 192, 206, 212, 260, 265, 268, 278, 282, 363}, []int{265}},
		{0.01, 0, []int{15, 26, 61, 71, 95, 117, 131, 142, 148, 165, 169, 192, 212, 260}, []int{26}},
		{0.001, 0, []int{15, 61, 71, 95, 117, 131, 142, 148, 192, 212, 260}, []int{260}},
		{0.0001, 0, []int{71, 95, 117, 131, 142, 148, 192, 212}, nil},
		{0.00001, 0, []int{71, 95, 131, 192, 212}, nil},
	} {
		got := indices(find(series, Options{Window: 30, MaxP: c.maxP, LeastRel: c.least}, otava))
		want := slices.DeleteFunc(c.want, func(i int) bool { return slices.Contains(c.stale, i) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("p %v, least %v (-published +got):\n%s", c.maxP, c.least, diff)
		}
	}
}

// What lasts and is large is found by Student's own test too.
func TestTheGreatChangesOfThePublishedSeries(t *testing.T) {
	for _, maxP := range []float64{0.01, 0.001} {
		got := indices(Find(published(t), Options{Window: 30, MaxP: maxP, LeastRel: 0.05}))
		if !cmp.Equal(got, []int{15, 71}) {
			t.Errorf("p %v: %v, want 15 and 71", maxP, got)
		}
	}
}

// Source: tests/analysis_test.py and tests/change_point_divisive_test.py there.
func TestTheChangePointsOfShortSeries(t *testing.T) {
	step := []float64{1.02, 0.95, 0.99, 1, 1.12, 1, 1.01, 0.98, 1.01, 0.96, 0.5, 0.51, 0.48, 0.48, 0.55, 0.5, 0.49, 0.51, 0.5, 0.49}
	stairs := []float64{0.3, 2.4, 1.5, -0.9, -0.5, 99.7, 98.3, 99.1, 149, 149.7, 149.5, 149.1, 148.8, 150}
	if got := indices(Find(step, Options{Window: 10, MaxP: 0.0001})); !cmp.Equal(got, []int{10}) {
		t.Errorf("step: %v, want 10", got)
	}
	if got := indices(Find(stairs, Options{Window: 14, MaxP: 0.01})); !cmp.Equal(got, []int{5, 8}) {
		t.Errorf("stairs: %v, want 5 and 8", got)
	}
}

func TestSeriesThatCannotChange(t *testing.T) {
	for name, series := range map[string][]float64{
		"none": {}, "one": {1}, "two": {1, 2}, "constant": {3, 3, 3, 3, 3, 3, 3, 3, 3, 3}, "three, of which one differs": {1, 1.01, 9},
	} {
		if got := Find(series, Options{Window: 30, MaxP: 0.001}); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	exact := Find([]float64{1, 1, 1, 1, 2, 2, 2, 2}, Options{Window: 30, MaxP: 0.001})
	if len(exact) != 1 || exact[0] != (Point{Index: 4, P: 0, Before: 1, Then: 2}) {
		t.Errorf("a step without noise: %+v", exact)
	}
}

// How often a series of nothing but noise is said to change: bounded for the lengths that a stack's runs have.
func TestNoiseSeldomChanges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, length := range []int{10, 30, 100} {
		claimed := 0
		const series = 300
		for range series {
			values := make([]float64, length)
			for i := range values {
				values[i] = 100 + 3*random.NormFloat64()
			}
			if len(Find(values, Options{Window: 30, MaxP: 0.001, LeastRel: 0.02})) > 0 {
				claimed++
			}
		}
		t.Logf("%d values: %d of %d", length, claimed, series)
		if claimed > series*8/100 {
			t.Errorf("%d values of noise: a change in %d of %d series", length, claimed, series)
		}
	}
}
