package compare_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ragscale/ragscale/perf/compare"
)

func values(all ...float64) []compare.Value {
	var values []compare.Value
	for _, v := range all {
		values = append(values, compare.Value{Value: v, Samples: 1000})
	}
	return values
}

func ratios(samples float64, events ...float64) []compare.Value {
	var values []compare.Value
	for _, e := range events {
		values = append(values, compare.Value{Ratio: true, Events: e, Samples: samples, Value: e / samples})
	}
	return values
}

// runs are the figures of some runs of one system: a common effect of each run, and one of each figure.
type system struct {
	random *rand.Rand
	cv     float64
	slower float64 // than 1
}

// figures are as those of a run: five that go together, in part.
const figures = 5

func (s system) runs(n int) (all [figures][]compare.Value) {
	for range n {
		common := s.random.NormFloat64()
		for f := range figures {
			own := s.random.NormFloat64()
			effect := s.cv * (0.7*common + math.Sqrt(1-0.49)*own)
			all[f] = append(all[f], compare.Value{Value: 100 * float64(f+1) * s.slower * math.Exp(effect), Samples: 1000})
		}
	}
	return all
}

// regressed reports whether any figure is said to have.
func regressed(then, now system, runs, alike int) (worse, better bool) {
	a, b := then.runs(runs), now.runs(runs)
	var history [][figures][]compare.Value
	for range alike {
		history = append(history, then.runs(4))
	}
	var all []compare.Series
	for f := range figures {
		s := compare.Series{Figure: fmt.Sprint(f), Then: a[f], Now: b[f]}
		for _, h := range history {
			s.Alike = append(s.Alike, h[f])
		}
		all = append(all, s)
	}
	for _, answer := range compare.Compare(all) {
		worse = worse || answer.Outcome == compare.Regressed
		better = better || answer.Outcome == compare.Improved
	}
	return worse, better
}

// Both are shares of seeded trials: the numbers are the same at every run.
func TestAComparisonKeepsItsErrorRates(t *testing.T) {
	const trials = 500
	for _, c := range []struct {
		cv          float64
		runs, alike int
		power       float64 // at least, at a slowdown of 10 %
	}{
		{cv: 0.02, runs: 4, power: 0.95}, {cv: 0.03, runs: 6, power: 0.95}, {cv: 0.03, runs: 5, alike: 5, power: 0.95}, {cv: 0.05, runs: 12, power: 0.95},
		{cv: 0.01, runs: 1, alike: 5, power: 0.95}, {cv: 0.05, runs: 3, alike: 5},
	} {
		random := rand.New(rand.NewPCG(11, uint64(c.runs)))
		same, slow := system{random, c.cv, 1}, system{random, c.cv, 1.1}
		var alarms, found float64
		for range trials {
			if worse, better := regressed(same, same, c.runs, c.alike); worse || better {
				alarms++
			}
			if worse, _ := regressed(same, slow, c.runs, c.alike); worse {
				found++
			}
		}
		// At a rate of 1 %, 10 of 500 or fewer are false in 98 of 100 courses.
		if alarms/trials > 0.02 || found/trials < c.power {
			t.Errorf("noise %v %%, %d runs, %d groups of others: %v %% false, %v %% found; want 1 and %v", c.cv*100, c.runs, c.alike, alarms/trials*100, found/trials*100, c.power*100)
		}
	}
}

func outcome(s compare.Series) compare.Answer { return compare.Compare([]compare.Series{s})[0] }

func TestOutcomes(t *testing.T) {
	steady := values(100, 101, 99, 100.5, 99.5, 100.2)
	hundred := make([]float64, 10)
	for i := range hundred {
		hundred[i] = 1
		if i < 7 {
			hundred[i] = 100
		}
	}
	for name, c := range map[string]struct {
		compare.Series
		want compare.Outcome
	}{
		"slower":                       {compare.Series{Then: steady, Now: values(110, 111, 109, 110.5)}, compare.Regressed},
		"faster":                       {compare.Series{Then: steady, Now: values(90, 91, 89, 90.5)}, compare.Improved},
		"more of what is better":       {compare.Series{Then: steady, Now: values(110, 111, 109, 110.5), HigherBetter: true}, compare.Improved},
		"less of what is better":       {compare.Series{Then: steady, Now: values(90, 91, 89, 90.5), HigherBetter: true}, compare.Regressed},
		"as before":                    {compare.Series{Then: steady, Now: values(100.1, 99.9, 100.4)}, compare.Same},
		"a change that matters nobody": {compare.Series{Then: values(100, 100, 100, 100), Now: values(101, 101, 101, 101)}, compare.Same},
		"one run each":                 {compare.Series{Then: values(100), Now: values(150)}, compare.NoBaseline},
		"one run each, noise known":    {compare.Series{Then: values(100), Now: values(150), Alike: [][]compare.Value{steady, steady}}, compare.Regressed},
		"one run against a baseline":   {compare.Series{Then: steady, Now: values(100)}, compare.Same},
		"nothing measured then":        {compare.Series{Now: steady}, compare.NoBaseline},
		"nothing measured now":         {compare.Series{Then: steady}, compare.NoBaseline},
		"too noisy to tell":            {compare.Series{Then: values(100, 180, 60), Now: values(90, 150, 70)}, compare.NoBaseline},
		// https://github.com/spinnaker/spinnaker/issues/6278: a canary judge passes it.
		"most a hundred times slower": {compare.Series{Then: values(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), Now: values(hundred...)}, compare.Regressed},
		"as many faults":              {compare.Series{Then: ratios(10_000, 3, 0, 2), Now: ratios(10_000, 4, 1, 0)}, compare.Same},
		"no faults at all":            {compare.Series{Then: ratios(10_000, 0, 0), Now: ratios(10_000, 0, 0)}, compare.Same},
		"a few faults, by chance":     {compare.Series{Then: ratios(10_000, 0, 0, 0), Now: ratios(10_000, 3)}, compare.Same},
		"many faults":                 {compare.Series{Then: ratios(10_000, 0, 1, 0), Now: ratios(10_000, 90, 110)}, compare.Regressed},
	} {
		if got := outcome(c.Series); got.Outcome != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}

// The interval and the probability are those of Student's test: statistics of two samples by hand.
func TestFiguresAreStudents(t *testing.T) {
	then, now := []float64{100, 104, 98, 102}, []float64{108, 112, 107, 111}
	got := outcome(compare.Series{Then: values(then...), Now: values(now...)})
	mean := func(all []float64) (m float64) {
		for _, v := range all {
			m += math.Log(v) / float64(len(all))
		}
		return m
	}
	squares := func(all []float64) (s float64) {
		for _, v := range all {
			s += (math.Log(v) - mean(all)) * (math.Log(v) - mean(all))
		}
		return s
	}
	change := mean(now) - mean(then)
	deviation := math.Sqrt((squares(then) + squares(now)) / 6 * (1./4 + 1./4))
	const quantile = 2.446912 // of 6 degrees of freedom at 97.5 %, from a printed table
	for name, pair := range map[string][2]float64{
		"change": {got.Change, math.Expm1(change)}, "low": {got.Low, math.Expm1(change - quantile*deviation)}, "high": {got.High, math.Expm1(change + quantile*deviation)},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-5 {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
}

func TestItSaysHowManyMoreRunsWouldTell(t *testing.T) {
	few := outcome(compare.Series{Then: values(100, 108, 93), Now: values(101, 94, 107)})
	many := outcome(compare.Series{Then: values(100, 101, 99.5, 100, 100.4), Now: values(100, 99.6, 100.5, 100, 100.2)})
	if few.MoreRuns < 3 || few.MoreRuns > 60 || many.MoreRuns != 0 {
		t.Errorf("%d more runs at much noise, %d at little; want some and none", few.MoreRuns, many.MoreRuns)
	}
}
