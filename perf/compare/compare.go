// Package compare says whether runs of a load test got better or worse.
//
// The run is the unit: requests of one run stand for one run, however many they are. The noise from run to run is
// estimated from the runs that are compared and from others that were made alike. Owns: the statistics, the answers.
// Does not own: what a run measured (perf/load), which runs are compared, printing.
package compare

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Outcome is the answer for one figure.
type Outcome string

// Outcomes.
const (
	Improved   Outcome = "IMPROVED"
	Same       Outcome = "SAME"
	Regressed  Outcome = "REGRESSED"
	NoBaseline Outcome = "NO BASELINE" // the runs do not tell
)

const (
	// Alpha is how often a comparison of the same with the same may claim a change, over all its figures: 1 %.
	Alpha = 0.01
	// power is how often a change of the smallest size that a comparison says it sees is seen.
	power = 0.95
	// leastChange is one that somebody would act upon, as a share.
	leastChange = 0.02
	// coarsest is the change that a comparison has to see, to call anything the same.
	coarsest = 0.2
	// wanted is the change that more runs are counted for.
	wanted = 0.1
	// finest is the least noise of a figure from run to run, as a share: clocks and schedulers are no better.
	finest = 0.002
	// mostRuns bounds how many more runs are spoken of.
	mostRuns = 1000
)

// Value is what one run measured of a figure.
type Value struct {
	Value   float64
	Ratio   bool    // it is Events of Samples
	Events  float64 // of a ratio
	Samples float64
}

// Series are the runs of one figure.
type Series struct {
	Figure       string
	Unit         string
	HigherBetter bool
	Then, Now    []Value
	Alike        [][]Value // groups of other runs: within one, all were made alike
}

// Answer is what the runs say of a figure. Changes are shares of Then; of a ratio they are differences.
type Answer struct {
	Figure   string  `json:"figure"`
	Unit     string  `json:"unit"`
	Ratio    bool    `json:"ratio"`
	Outcome  Outcome `json:"outcome"`
	Why      string  `json:"why,omitempty"` // of NO BASELINE
	Then     float64 `json:"then"`          // the middle of the runs
	Now      float64 `json:"now"`
	Change   float64 `json:"change"`
	Low      float64 `json:"low"` // the interval that holds the change with 95 %
	High     float64 `json:"high"`
	P        float64 `json:"p"`        // of a change as large by chance, corrected for the number of figures
	Noise    float64 `json:"noise"`    // from run to run, as a share; of a ratio in log odds
	Smallest float64 `json:"smallest"` // the smallest change that would have been seen; 0 of a ratio
	MoreRuns int     `json:"moreRuns"` // on each side, until a change of a tenth would be seen
}

// Compare answers for each figure. Its answers together are wrong about the same system with Alpha at most (Benjamini
// and Hochberg, 1995, which holds that where no figure changed).
func Compare(all []Series) []Answer {
	answers := make([]Answer, len(all))
	tests := make([]test, len(all))
	for i, s := range all {
		tests[i] = s.test()
		answers[i] = s.describe(tests[i])
	}
	correct(answers)
	for i := range answers {
		answers[i].decide(all[i], tests[i])
	}
	return answers
}

// test is how far two sides are apart, in the scale in which noise is the same for large and small values.
type test struct {
	change, deviation float64 // of the difference of means
	noise             float64 // of one run
	freedom           float64 // degrees; 0 where the noise is unknown
}

// test compares the means of both sides. The noise is pooled over both and over runs that were made alike; where one
// side is noisier than that, each side has its own (Welch).
func (s Series) test() test {
	then, now := scaled(s.Then), scaled(s.Now)
	if len(then) == 0 || len(now) == 0 {
		return test{}
	}
	t := test{change: stat.Mean(now, nil) - stat.Mean(then, nil)}
	variance, freedom := pool(append([][]float64{then, now}, scaledGroups(s.Alike)...))
	if freedom == 0 {
		return t
	}
	a, b := max(variance, floor(s.Then))/float64(len(then)), max(variance, floor(s.Now))/float64(len(now))
	t.freedom = freedom
	if noisier(then, variance, freedom) || noisier(now, variance, freedom) {
		if len(then) < 2 || len(now) < 2 {
			return test{change: t.change}
		}
		a = max(stat.Variance(then, nil), floor(s.Then)) / float64(len(then))
		b = max(stat.Variance(now, nil), floor(s.Now)) / float64(len(now))
		t.freedom = (a + b) * (a + b) / (a*a/float64(len(then)-1) + b*b/float64(len(now)-1))
	}
	t.deviation = math.Sqrt(a + b)
	t.noise = math.Sqrt((a*float64(len(then)) + b*float64(len(now))) / 2)
	return t
}

// pool is the variance within groups, and its degrees of freedom.
func pool(groups [][]float64) (variance, freedom float64) {
	var squares float64
	for _, g := range groups {
		if len(g) > 1 {
			squares += stat.Variance(g, nil) * float64(len(g)-1)
			freedom += float64(len(g) - 1)
		}
	}
	if freedom == 0 {
		return 0, 0
	}
	return squares / freedom, freedom
}

// noisier reports whether a side varies more than the pool does, beyond what happens once in a thousand times.
func noisier(side []float64, variance, freedom float64) bool {
	if len(side) < 2 {
		return false
	}
	own, ownFreedom := stat.Variance(side, nil), float64(len(side)-1)
	others := freedom - ownFreedom
	if others <= 0 {
		return false
	}
	rest := max((variance*freedom-own*ownFreedom)/others, finest*finest)
	return distuv.F{D1: ownFreedom, D2: others}.Survival(own/rest) < 0.001
}

// floor is the least variance of a side's runs: that of counting, for a ratio.
func floor(side []Value) float64 {
	if len(side) == 0 || !side[0].Ratio {
		return finest * finest
	}
	var sum float64
	for _, v := range side {
		sum += 1/(v.Events+0.5) + 1/(v.Samples-v.Events+0.5)
	}
	return sum / float64(len(side))
}

// scaled puts a side on a logarithmic scale: logarithms of values, log odds of ratios. A half is added to counts, so
// that none may be zero. What is not above zero has no place on it and is left out.
func scaled(side []Value) []float64 {
	var all []float64
	for _, v := range side {
		switch {
		case v.Ratio:
			all = append(all, math.Log((v.Events+0.5)/(v.Samples-v.Events+0.5)))
		case v.Value > 0:
			all = append(all, math.Log(v.Value))
		}
	}
	return all
}

func scaledGroups(groups [][]Value) [][]float64 {
	var all [][]float64
	for _, g := range groups {
		all = append(all, scaled(g))
	}
	return all
}

// describe fills in what does not depend on the other figures.
func (s Series) describe(t test) Answer {
	a := Answer{Figure: s.Figure, Unit: s.Unit, P: 1, Noise: t.noise}
	if len(s.Then) > 0 {
		a.Ratio = s.Then[0].Ratio
	}
	then, now := scaled(s.Then), scaled(s.Now)
	if len(then) == 0 || len(now) == 0 {
		a.Why = fmt.Sprintf("it was measured in %d runs then and %d now, want one or more of each", len(then), len(now))
		return a
	}
	ratio := a.Ratio
	from := stat.Mean(then, nil)
	a.Then, a.Now = unscaled(from, ratio), unscaled(from+t.change, ratio)
	a.Change = apart(from, t.change, ratio)
	a.Low, a.High = a.Change, a.Change
	if t.freedom == 0 {
		a.Why = "the noise from run to run is not known"
		a.MoreRuns = 2
		return a
	}
	student := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: t.freedom}
	wide := student.Quantile(0.975) * t.deviation
	a.Low, a.High = apart(from, t.change-wide, ratio), apart(from, t.change+wide, ratio)
	a.P = 2 * student.Survival(math.Abs(t.change)/t.deviation)
	if !ratio {
		a.Smallest = math.Expm1((student.Quantile(1-Alpha/2) + student.Quantile(power)) * t.deviation)
		a.MoreRuns = moreRuns(t, len(now))
	}
	return a
}

func unscaled(y float64, ratio bool) float64 {
	if ratio {
		return 1 / (1 + math.Exp(-y))
	}
	return math.Exp(y)
}

// apart is a change in the scale of people.
func apart(from, change float64, ratio bool) float64 {
	if ratio {
		return unscaled(from+change, true) - unscaled(from, true)
	}
	return math.Expm1(change)
}

// moreRuns is how many more a side needs until a change of the wanted size would be seen, both sides having as many.
func moreRuns(t test, has int) int {
	return sort.Search(mostRuns, func(more int) bool {
		n := float64(has + more)
		student := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: t.freedom + 2*float64(more)}
		return (student.Quantile(1-Alpha/2)+student.Quantile(power))*t.noise*math.Sqrt(2/n) <= math.Log1p(wanted)
	})
}

// decide says what a figure did.
func (a *Answer) decide(s Series, t test) {
	switch worse := t.change > 0 != s.HigherBetter; {
	case a.Why != "":
		a.Outcome = NoBaseline
	case a.P <= Alpha && math.Abs(t.change) >= math.Log1p(leastChange) && worse:
		a.Outcome = Regressed
	case a.P <= Alpha && math.Abs(t.change) >= math.Log1p(leastChange):
		a.Outcome = Improved
	case a.Smallest > coarsest:
		a.Outcome = NoBaseline
		a.Why = fmt.Sprintf("only a change of %.0f %% would have been seen, want %.0f %% or less: more runs, or less noise",
			a.Smallest*100, coarsest*100)
	default:
		a.Outcome = Same
	}
}
