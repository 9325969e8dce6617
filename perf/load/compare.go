package load

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ragscale/ragscale/perf/compare"
)

// Comparison is the stable answer of `ragscale load compare --json`.
type Comparison struct {
	Scenario string           `json:"scenario"`
	Then     []string         `json:"then"`  // names of runs
	Now      []string         `json:"now"`   //
	Alike    int              `json:"alike"` // other runs that the noise is estimated from too
	Changes  []Change         `json:"changes"`
	Answers  []compare.Answer `json:"answers"`
	Budgets  []Held           `json:"budgets,omitempty"` // of the stack's, once it is held to them

	means []Figure // of the newer runs
}

// Compare holds runs against earlier ones. The noise is estimated from both, and from those of others that are of the
// same load and have others like them. Its error says why they cannot be compared.
func Compare(then, now, others []*Run) (*Comparison, error) {
	first := then[0]
	for _, run := range slices.Concat(then, now) {
		if err := errors.Join(like(first, run), run.Fit()); err != nil {
			return nil, err
		}
	}
	alike := groups(first, others, slices.Concat(then, now))
	c := &Comparison{Scenario: first.Scenario.Name, Then: names(then), Now: names(now), Changes: Changes(then, now)}
	for _, group := range alike {
		c.Alike += len(group)
	}
	var all []compare.Series
	for _, figure := range figuresOf(then, now) {
		s := compare.Series{
			Figure: figure.Name, Unit: figure.Unit, HigherBetter: figure.Better == Higher,
			Then: valuesIn(then, figure), Now: valuesIn(now, figure),
		}
		for _, group := range alike {
			s.Alike = append(s.Alike, valuesIn(group, figure))
		}
		all = append(all, s)
		if len(s.Now) > 0 {
			figure.Value = mean(s.Now)
			c.means = append(c.means, figure)
		}
	}
	c.Answers = compare.Compare(all)
	return c, nil
}

// mean is that of values; of a ratio that of all samples together.
func mean(of []compare.Value) float64 {
	var sum, samples float64
	for _, v := range of {
		if v.Ratio {
			sum, samples = sum+v.Events, samples+v.Samples
		} else {
			sum, samples = sum+v.Value, samples+1
		}
	}
	return sum / samples
}

// groups are others of the same load, those together that were made under the same.
func groups(like *Run, others, but []*Run) [][]*Run {
	apart := map[string][]*Run{}
	for _, run := range others {
		known := slices.ContainsFunc(but, func(b *Run) bool { return b.Name == run.Name })
		if !known && !run.Partial && len(Unlike(like, run)) == 0 {
			environment := maps.Clone(run.Environment)
			delete(environment, revisionKey)
			under := fmt.Sprint(environment) // its keys are in order
			apart[under] = append(apart[under], run)
		}
	}
	var all [][]*Run
	for _, group := range apart {
		if len(group) > 1 {
			all = append(all, group)
		}
	}
	return all
}

func names(runs []*Run) (all []string) {
	for _, r := range runs {
		all = append(all, r.Name)
	}
	return all
}

// figuresOf are those that any run has, in the order in which runs have them.
func figuresOf(then, now []*Run) (all []Figure) {
	for _, run := range slices.Concat(then, now) {
		for _, f := range run.Figures {
			if !slices.ContainsFunc(all, func(known Figure) bool { return known.Name == f.Name }) {
				all = append(all, f)
			}
		}
	}
	return all
}

// valuesIn are those of a figure in the runs that have it.
func valuesIn(runs []*Run, figure Figure) (all []compare.Value) {
	for _, run := range runs {
		for _, f := range run.Figures {
			if f.Name == figure.Name {
				all = append(all, compare.Value{Value: f.Value, Ratio: f.Unit == unitRatio, Events: f.Events, Samples: f.Samples})
			}
		}
	}
	return all
}
