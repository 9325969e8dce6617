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
	Partial     bool              `json:"partial"`     // it ended before its time
	Stretch     *float64          `json:"stretch"`     // how much longer users paused than they meant to, as a share; null where they do not pause
	Passed      bool              `json:"passed"`
	Verdicts    []Verdict         `json:"verdicts"`
	Figures     []Figure          `json:"figures"`
	Budgets     []Held            `json:"budgets,omitempty"`     // of the stack's, once it is held to them
	ErrorBudget *ErrorBudget      `json:"errorBudget,omitempty"` // of the availability objective

	results []Result
}

// Merge makes a run of what its generators left. Counts and rates are sums. Percentiles are those of all samples
// together, from the generators' distributions.
func Merge(name string, results []Result) (*Run, error) {
	if len(results) == 0 {
		return nil, fmt.Errorf("run %s has no results", name)
	}
	if err := whole(results); err != nil {
		return nil, fmt.Errorf("run %s: %w", name, err)
	}
	first := results[0]
	r := &Run{
		Name: name, Scenario: first.Scenario, Environment: first.Environment,
		Program: first.Generator.Program, results: results,
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
	r.Partial = !r.Scenario.StopAtFault && r.Seconds() < r.Scenario.DurationSeconds
	r.Stretch = r.stretch()
	r.judge()
	r.Figures = r.figures()
	r.ErrorBudget = r.errorBudget()
	return r, nil
}

// whole wants one result of each generator, of the same run, each with load.
func whole(results []Result) error {
	var faults []error
	first, seen := results[0], map[int]bool{}
	for _, r := range results {
		if r.BeganAt == nil || r.Metrics["iterations"].Values["count"] == 0 {
			faults = append(faults, fmt.Errorf("generator %d made no load, want some of each", r.Generator.Index))
		}
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
	if len(seen) != first.Scenario.Generators {
		faults = append(faults, fmt.Errorf("%d generators have results, want %d", len(seen), first.Scenario.Generators))
	}
	return errors.Join(faults...)
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
