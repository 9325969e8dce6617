package load

import (
	"fmt"
	"slices"

	"github.com/ragscale/ragscale/perf/compare"
)

// Budget is what a figure of a scenario's runs may come to: a limit, how much worse than the baseline, or both.
type Budget struct {
	Figure       string   // response p95
	Limit        *float64 // in the figure's unit: the most; the least where higher is better
	WorsePercent *float64
}

// Held is one term of a budget, held against a figure.
type Held struct {
	Figure  string   `json:"figure"`
	Term    Term     `json:"term"`
	Limit   float64  `json:"limit"`
	Unit    string   `json:"unit"`  // of limit and value
	Value   *float64 `json:"value"` // null where nothing was measured
	Outcome Outcome  `json:"outcome"`
	Why     string   `json:"why,omitempty"` // of what was not measured
}

// BudgetMissed reports whether any was.
func BudgetMissed(all []Held) bool {
	return slices.ContainsFunc(all, func(h Held) bool { return h.Outcome == Missed })
}

// Term is what a limit is to a figure.
type Term string

// Terms.
const (
	AtMost  Term = "at most"
	AtLeast Term = "at least"
	Worse   Term = "worse than the baseline by at most"
)

// NeedBaseline reports whether any of the budgets is relative to it.
func NeedBaseline(budgets []Budget) bool {
	return slices.ContainsFunc(budgets, func(b Budget) bool { return b.WorsePercent != nil })
}

// Hold holds a run to budgets: limits by its figures, others by its comparison with the baseline. Where there is none,
// missing says why. A run without all of its load tells of none; one that misses a budget is no pass.
func (r *Run) Hold(budgets []Budget, c *Comparison, missing error) {
	r.Budgets = hold(budgets, r.Figures, c, missing)
	if err := r.Fit(); err != nil {
		for i := range r.Budgets {
			r.Budgets[i].Outcome, r.Budgets[i].Why = NotMeasured, err.Error()
		}
	}
	r.Passed = r.Passed && !BudgetMissed(r.Budgets)
}

// Hold holds the newer runs of a comparison to budgets: limits by the mean of each figure.
func (c *Comparison) Hold(budgets []Budget) { c.Budgets = hold(budgets, c.means, c, nil) }

func hold(budgets []Budget, figures []Figure, c *Comparison, missing error) []Held {
	all := []Held{}
	for _, b := range budgets {
		if b.Limit != nil {
			all = append(all, b.holdLimit(figures))
		}
		if b.WorsePercent != nil {
			all = append(all, b.holdRelative(c, missing))
		}
	}
	return all
}

func (b Budget) holdLimit(figures []Figure) Held {
	held := Held{
		Figure: b.Figure, Term: AtMost, Limit: *b.Limit, Outcome: NotMeasured,
		Why: "the run has no such figure, or too few samples of it",
	}
	for _, f := range figures {
		if f.Name != b.Figure {
			continue
		}
		within := f.Value <= held.Limit
		if f.Better == Higher {
			held.Term, within = AtLeast, f.Value >= held.Limit
		}
		held.Unit, held.Value, held.Outcome, held.Why = f.Unit, &f.Value, Missed, ""
		if within {
			held.Outcome = Kept
		}
	}
	return held
}

// holdRelative says that a budget is missed only where the whole interval of the change is beyond it: one run is
// seldom enough to tell some percent from noise. What seems beyond and may be noise is not measured.
func (b Budget) holdRelative(c *Comparison, missing error) Held {
	held := Held{Figure: b.Figure, Term: Worse, Limit: *b.WorsePercent, Unit: "%", Outcome: NotMeasured}
	if c == nil {
		held.Why = fmt.Sprint(missing)
		return held
	}
	i := slices.IndexFunc(c.Answers, func(a compare.Answer) bool { return a.Figure == b.Figure })
	if i < 0 || c.Answers[i].Noise == 0 {
		held.Why = "the runs do not have the figure"
		if i >= 0 {
			held.Why = c.Answers[i].Why
		}
		return held
	}
	change, low := worsening(c.Answers[i], c.higherBetter(b.Figure))
	held.Value = &change
	switch {
	case change <= held.Limit:
		held.Outcome = Kept
	case low > held.Limit:
		held.Outcome = Missed
	default:
		held.Why = fmt.Sprintf("it may be chance: the change is %.1f %% or more with 97.5 %%; more runs tell", low)
	}
	return held
}

// worsening is how much worse a figure got, and at least so with 97.5 %, percent of then; less than zero for better.
func worsening(a compare.Answer, higherBetter bool) (change, low float64) {
	change, low = a.Change, a.Low
	if higherBetter {
		change, low = -a.Change, -a.High
	}
	if a.Ratio { // its changes are differences
		change, low = change/a.Then, low/a.Then
	}
	return change * 100, low * 100
}

func (c *Comparison) higherBetter(figure string) bool {
	return slices.ContainsFunc(c.means, func(f Figure) bool { return f.Name == figure && f.Better == Higher })
}

// ErrorBudget is how many faults a run's objective allows, and how many there were.
type ErrorBudget struct {
	Requests     float64 `json:"requests"`
	Allowed      float64 `json:"allowed"`
	Faults       float64 `json:"faults"`
	SpentPercent float64 `json:"spentPercent"`
}

// errorBudget is that of the threshold on the share of faults; nil without it, without requests, and where it allows
// none.
func (r *Run) errorBudget() *ErrorBudget {
	for _, v := range r.Verdicts {
		rule, err := v.rule()
		if err != nil || v.Metric != faultsMetric || rule.statistic != "rate" || v.Value == nil || rule.limit <= 0 {
			continue
		}
		b := ErrorBudget{Requests: v.Samples, Allowed: rule.limit * v.Samples, Faults: *v.Value * v.Samples}
		b.SpentPercent = 100 * b.Faults / b.Allowed
		return &b
	}
	return nil
}
