package load

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Run is a run as a whole: the stable answer of `ragscale load report --json`.
type Run struct {
	Name        string            `json:"run"`
	Scenario    Scenario          `json:"scenario"`
	Environment map[string]string `json:"environment"`
	Program     string            `json:"program"` // that made load, where it was not the declared image
	BeganAt     time.Time         `json:"beganAt"`
	EndedAt     time.Time         `json:"endedAt"`
	SkewSeconds float64           `json:"skewSeconds"` // between the first generator's load and the last one's
	Partial     bool              `json:"partial"`     // it, or a generator, ended before its time
	Lacking     []int             `json:"lacking"`     // generators without a result, or without load
	Stretch     *float64          `json:"stretch"`     // how much longer users paused than they meant to, as a share; null where they do not pause
	Passed      bool              `json:"passed"`
	Verdicts    []Verdict         `json:"verdicts"`
	Figures     []Figure          `json:"figures"`
	Budgets     []Held            `json:"budgets,omitempty"`     // of the stack's, once it is held to them
	ErrorBudget *ErrorBudget      `json:"errorBudget,omitempty"` // of the availability objective
	Version     int               `json:"version"`               // of the results; 0 in baselines of before it was kept

	results []Result
}

// Merge makes a run of what its generators left. Counts and rates are sums. Percentiles are those of all samples
// together, from the generators' distributions.
func Merge(name string, results []Result) (*Run, error) {
	if len(results) == 0 {
		return nil, fmt.Errorf("run %s has no results", name)
	}
	if err := alike(results); err != nil {
		return nil, fmt.Errorf("run %s: %w", name, err)
	}
	first := results[0]
	results = slices.DeleteFunc(slices.Clone(results), Result.idle)
	if len(results) == 0 {
		return nil, fmt.Errorf("run %s: generator %d made no load, want some", name, first.Generator.Index)
	}
	r := &Run{
		Name: name, Scenario: first.Scenario, Environment: first.Environment,
		Program: first.Generator.Program, Lacking: lacking(results), Version: versionOf(results), results: results,
	}
	var began []time.Time
	for _, one := range results {
		began = append(began, *one.BeganAt)
		if one.EndedAt.After(r.EndedAt) {
			r.EndedAt = one.EndedAt
		}
	}
	r.BeganAt = slices.MinFunc(began, time.Time.Compare)
	r.SkewSeconds = slices.MaxFunc(began, time.Time.Compare).Sub(r.BeganAt).Seconds()
	r.Partial = len(r.Cut()) > 0
	r.Stretch = r.stretch()
	r.judge()
	r.Figures = r.figures()
	r.ErrorBudget = r.errorBudget()
	return r, nil
}

// alike wants at most one result of each generator, of the same run.
func alike(results []Result) error {
	var faults []error
	first, seen := results[0], map[int]bool{}
	for _, r := range results {
		if r.Scenario != first.Scenario || r.Generator.Job != first.Generator.Job {
			faults = append(faults, fmt.Errorf(
				"generator %d has a result of job %q, scenario %+v; want those of generator %d: job %q, scenario %+v",
				r.Generator.Index, r.Generator.Job, r.Scenario, first.Generator.Index, first.Generator.Job, first.Scenario))
		}
		if seen[r.Generator.Index] {
			faults = append(faults, fmt.Errorf("generator %d has two results", r.Generator.Index))
		}
		seen[r.Generator.Index] = true
	}
	return errors.Join(faults...)
}

// idle says that the generator was ended before it made load.
func (r Result) idle() bool { return r.BeganAt == nil || r.Metrics["iterations"].Values["count"] == 0 }

// lacking are the generators of the run that are not among those with results; never nil.
func lacking(results []Result) []int {
	all := []int{}
	for i := range results[0].Scenario.Generators {
		if !slices.ContainsFunc(results, func(r Result) bool { return r.Generator.Index == i }) {
			all = append(all, i)
		}
	}
	return all
}

// Cut says how a run ended before its time, a generator at a time; nothing for one that did not.
func (r *Run) Cut() []string {
	var all []string
	for _, i := range r.Lacking {
		all = append(all, fmt.Sprintf("generator %d left no result", i))
	}
	if r.Scenario.StopAtFault {
		return all
	}
	for _, one := range r.results {
		if took := one.seconds(); took < r.Scenario.DurationSeconds {
			all = append(all, fmt.Sprintf("generator %d ended after %.0f of %.0f s", one.Generator.Index, took,
				r.Scenario.DurationSeconds))
		}
	}
	return all
}

// seconds is how long the generator made load.
func (r Result) seconds() float64 {
	ended := r.EndedAt
	if r.LoadEndedAt != nil {
		ended = *r.LoadEndedAt
	}
	return ended.Sub(*r.BeganAt).Seconds()
}

// Seconds is how long there was load.
func (r *Run) Seconds() float64 { return r.EndedAt.Sub(r.BeganAt).Seconds() }

// trend pools a trend's samples over all generators; nil where there are none.
func (r *Run) trend(metric string) (p pooled) {
	for _, one := range r.results {
		if d, ok := distributionOf(one.Metrics[metric]); ok {
			p = append(p, d)
		}
	}
	return p
}

// sum is that of a statistic over all generators.
func (r *Run) sum(metric, statistic string) (sum float64) {
	for _, one := range r.results {
		sum += one.Metrics[metric].Values[statistic]
	}
	return sum
}

// samples is how many a metric has over all generators.
func (r *Run) samples(metric string) (n float64) {
	for _, one := range r.results {
		n += one.Metrics[metric].samples()
	}
	return n
}

// Metrics of the scripts that tell of the generators themselves.
const (
	pauseMetric = "user_pause_ms" // how long users meant to pause, together
	lagMetric   = "user_lag_ms"   // how much later one went on
)

// stretch is how much longer users paused than they meant to: nil without pauses.
func (r *Run) stretch() *float64 {
	meant := r.sum(pauseMetric, "count")
	if meant == 0 {
		return nil
	}
	var more float64
	for _, one := range r.results {
		more += one.Metrics[lagMetric].Values["avg"] * one.Metrics[lagMetric].Values["count"]
	}
	stretch := more / meant
	return &stretch
}
