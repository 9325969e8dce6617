// Package load judges load tests: what one generator left, what the whole run was, and whether it kept its
// objectives.
//
// Owns: the form of a result, merging generators, verdicts, runs and baselines in a stack's store. Does not own:
// making load (components/loadtest), comparing runs (perf/compare), flags and printing (cmd/ragscale).
package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// Version is that of the results that the scripts write.
	Version = 4
	// oldest is the first version that is read: it has no slices.
	oldest = 2
	// withQuality is the first version whose scripts measure the quality of answers.
	withQuality = 4
)

// Result is what one generator leaves of a run: summary.json of components/loadtest/k6.
type Result struct {
	Version     int               `json:"-"` // of the scripts' form, as it was read
	Scenario    Scenario          `json:"scenario"`
	Generator   Generator         `json:"generator"`
	Environment map[string]string `json:"environment"` // what the run was made under: stack, images, classes
	BeganAt     *time.Time        `json:"beganAt"`     // of the load, after preparation; nil when none came
	LoadEndedAt *time.Time        `json:"loadEndedAt"` // before what was stored is swept away; nil when none came, or not known
	EndedAt     time.Time         `json:"endedAt"`
	Thresholds  []Threshold       `json:"thresholds"`
	Metrics     map[string]Metric `json:"metrics"`
	Slices      *Slices           `json:"slices,omitempty"` // nil before version 3
}

// Scenario is what a run was to do, as far as runs are told apart by it.
type Scenario struct {
	Name            string  `json:"name"`
	Users           int     `json:"users"`
	RampUpSeconds   float64 `json:"rampUpSeconds"`
	DurationSeconds float64 `json:"durationSeconds"`
	ThinkSeconds    float64 `json:"thinkSeconds"`
	Generators      int     `json:"generators"` // of the run
	StopAtFault     bool    `json:"stopAtFault"`
	Levels          int     `json:"levels,omitempty"` // in which the users come; 0 where all come at once
}

// Generator is one k6 process.
type Generator struct {
	Index int    `json:"index"`
	Job   string `json:"job"`
	Node  string `json:"node"`
	// Program is what ran the scripts, where it was not the declared image: of stack local.
	Program string `json:"program"`
}

// Threshold is one of k6's on a metric: p(95)<2000.
type Threshold struct {
	Metric    string `json:"metric"`
	Threshold string `json:"threshold"`
}

// Metric has a metric's statistics, by k6's names: count, min, p(95) of a trend, passes and fails of a rate.
type Metric struct {
	Values map[string]float64 `json:"values"`
}

// samples is how many there are.
func (m Metric) samples() float64 { return m.Values["count"] + m.Values["passes"] + m.Values["fails"] }

// Parse reads a result, whose name stands in errors.
func Parse(name string, text []byte) (r Result, err error) {
	var form struct{ Version int } // first: another version may have another form
	if err := json.Unmarshal(text, &form); err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	if form.Version < oldest || form.Version > Version {
		return r, fmt.Errorf("%s: version is %d, want %d to %d: it is from %s of these scripts",
			name, form.Version, oldest, Version, age(form.Version))
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	r.Version = form.Version
	if err := r.check(); err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

func age(version int) string {
	if version > Version {
		return "a newer version"
	}
	return "an older version"
}

// check wants what merging and judging rely on, and names all that is wrong.
func (r Result) check() error {
	var faults []error
	if r.Scenario.Name == "" {
		faults = append(faults, errors.New("scenario.name is empty, want a scenario"))
	}
	if r.Scenario.Generators < 1 {
		faults = append(faults, fmt.Errorf("scenario.generators is %d, want 1 or more", r.Scenario.Generators))
	}
	if i := r.Generator.Index; i < 0 || r.Scenario.Generators > 0 && i >= r.Scenario.Generators {
		faults = append(faults,
			fmt.Errorf("generator.index is %d, want one of %d generators, from 0", i, r.Scenario.Generators))
	}
	faults = append(faults, r.Slices.check())
	for _, t := range r.Thresholds {
		if _, err := t.rule(); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}
