// Package review tells what the runs of some weeks come to: how figures went, where they changed and what else changed
// then, what was spent of error budgets, what a million requests cost, what is due.
//
// Owns: which runs are one series, trends, what is due, the review as Markdown. Does not own: runs and baselines
// (perf/load), change points (perf/changepoint), prices (catalogue/price), where runs are kept.
package review

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ragscale/ragscale/perf/load"
)

// Input is what there is to review.
type Input struct {
	Stack     string
	Since, At time.Time
	Scenarios []Scenario
	Runs      []*load.Run // of any scenario, in any order
	Unread    []string    // why other runs could not be read
	Baselines []load.Baseline
	// Configuration is the digest of the stack's configuration as it is now, Bill its list price.
	Configuration string
	Bill          Bill
}

// Scenario is one that the stack declares.
type Scenario struct {
	Name    string
	Budgets []load.Budget
	Last    time.Time // when the newest run that is known of began; zero for none
}

// Bill is what a stack costs in a month with its fewest and its most nodes, USD. NotPriced says what has no price.
type Bill struct {
	LeastUSD, MostUSD float64
	NotPriced         []string
}

// Review is the stable answer of `ragscale load review --format json`.
type Review struct {
	Stack   string    `json:"stack"`
	Since   time.Time `json:"since"`
	At      time.Time `json:"at"`
	Series  []Series  `json:"series"`
	Due     []string  `json:"due"`
	Missing []string  `json:"missing"` // what could not be told, and why
}

// Series are the runs of one load: of one scenario as it was declared, by one generator, on one stack.
type Series struct {
	Scenario    string            `json:"scenario"`
	Load        string            `json:"load"`
	Runs        []string          `json:"runs"` // the oldest first
	Passed      int               `json:"passed"`
	Unfit       int               `json:"unfit"` // cut short or without all of their load: in no trend
	From        time.Time         `json:"from"`  // when the first began
	To          time.Time         `json:"to"`
	Trends      []Trend           `json:"trends"`
	Changes     []Change          `json:"changes"`
	ErrorBudget *load.ErrorBudget `json:"errorBudget"` // of all its runs together; null where none is known
	Cost        *Cost             `json:"cost"`        // null where Missing says why
}

// New reviews runs.
func New(in Input) *Review {
	r := &Review{Stack: in.Stack, Since: in.Since, At: in.At, Series: []Series{}, Due: []string{}, Missing: []string{}}
	r.Missing = append(r.Missing, in.Unread...)
	byLoad := r.within(in)
	for _, runs := range byLoad {
		s := newSeries(runs)
		var why string
		if s.Cost, why = in.cost(runs); why != "" {
			r.Missing = append(r.Missing, fmt.Sprintf("cost of %s (%s): %s", s.Scenario, s.Load, why))
		}
		r.Series = append(r.Series, s)
	}
	r.Due = append(r.Due, in.due(byLoad)...)
	return r
}

// within groups the runs of the time by load, those of one group in order of time. A run of the future is of a clock
// that was off: it has no place.
func (r *Review) within(in Input) [][]*load.Run {
	var groups [][]*load.Run
	runs := slices.Clone(in.Runs)
	slices.SortFunc(runs, func(a, b *load.Run) int {
		return cmp.Or(a.BeganAt.Compare(b.BeganAt), cmp.Compare(a.Name, b.Name))
	})
	for _, run := range runs {
		switch {
		case run.BeganAt.After(in.At.Add(time.Hour)):
			r.Missing = append(r.Missing, fmt.Sprintf("run %s began %s, which is not yet: a clock was off",
				run.Name, run.BeganAt.Format(time.DateTime)))
			continue
		case run.BeganAt.Before(in.Since):
			continue
		}
		i := slices.IndexFunc(groups, func(g []*load.Run) bool { return len(load.Unlike(g[0], run)) == 0 })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], run)
	}
	slices.SortStableFunc(groups, func(a, b []*load.Run) int {
		return cmp.Compare(a[0].Scenario.Name, b[0].Scenario.Name)
	})
	return groups
}

func newSeries(runs []*load.Run) Series {
	first := runs[0]
	s := Series{
		Scenario: first.Scenario.Name, Load: loadOf(first), From: first.BeganAt, To: runs[len(runs)-1].BeganAt,
		ErrorBudget: spent(runs), Changes: []Change{},
	}
	var fit []*load.Run
	for _, run := range runs {
		s.Runs = append(s.Runs, run.Name)
		if run.Passed {
			s.Passed++
		}
		if run.Fit() == nil {
			fit = append(fit, run)
		}
	}
	s.Unfit = len(runs) - len(fit)
	s.Trends, s.Changes = trends(fit)
	return s
}

// loadOf tells a load from others of its scenario.
func loadOf(r *load.Run) string {
	text := fmt.Sprintf("%d users, %s, generators %d", r.Scenario.Users,
		time.Duration(r.Scenario.DurationSeconds*float64(time.Second)), r.Scenario.Generators)
	for _, program := range []string{r.Program, r.Environment["k6"]} {
		if program != "" {
			return text + ", " + program
		}
	}
	return text
}

// spent adds up error budgets.
func spent(runs []*load.Run) *load.ErrorBudget {
	var all load.ErrorBudget
	for _, run := range runs {
		if b := run.ErrorBudget; b != nil {
			all.Requests, all.Allowed, all.Faults = all.Requests+b.Requests, all.Allowed+b.Allowed, all.Faults+b.Faults
		}
	}
	if all.Allowed == 0 {
		return nil
	}
	all.SpentPercent = 100 * all.Faults / all.Allowed
	return &all
}

// Cost is that of a million right answers at the load of a run, as if the stack did that all month at list prices:
// with the fewest nodes and the most, USD. What is billed by use comes on top.
type Cost struct {
	Then    Range  `json:"then"`
	Now     Range  `json:"now"`
	ThenRun string `json:"thenRun"`
	NowRun  string `json:"nowRun"`
}

// Range is from the fewest nodes to the most.
type Range struct {
	LeastUSD float64 `json:"leastUSD"`
	MostUSD  float64 `json:"mostUSD"`
}

// secondsPerMonth are those of catalogue/price's month: 730 h.
const secondsPerMonth = 730 * 3600

// cost compares the oldest and the newest run that were made under the configuration whose bill is known.
func (in Input) cost(runs []*load.Run) (*Cost, string) {
	if len(in.Bill.NotPriced) > 0 || in.Bill.LeastUSD <= 0 {
		return nil, fmt.Sprintf("the catalogue has no price of all that the stack is made of: %v", in.Bill.NotPriced)
	}
	var c *Cost
	for _, run := range runs {
		throughput, measured := figureOf(run, "throughput")
		if run.Environment["configuration"] != in.Configuration || !measured || throughput.Value <= 0 || run.Fit() != nil {
			continue
		}
		million := 1e6 / throughput.Value / secondsPerMonth
		now := Range{in.Bill.LeastUSD * million, in.Bill.MostUSD * million}
		if c == nil {
			c = &Cost{Then: now, ThenRun: run.Name}
		}
		c.Now, c.NowRun = now, run.Name
	}
	if c == nil {
		return nil, "no whole run was made under the configuration of now, and what others cost is not kept"
	}
	return c, ""
}

func figureOf(run *load.Run, name string) (load.Figure, bool) {
	i := slices.IndexFunc(run.Figures, func(f load.Figure) bool { return f.Name == name })
	if i < 0 || math.IsNaN(run.Figures[i].Value) || math.IsInf(run.Figures[i].Value, 0) {
		return load.Figure{}, false
	}
	return run.Figures[i], true
}
