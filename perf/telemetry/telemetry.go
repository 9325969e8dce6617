// Package telemetry keeps what a stack told of itself while a run of a load test lasted.
//
// Owns: which series are asked for, over which time and in which step, their form in a run's folder. Does not own:
// credentials and endpoints, runs (perf/load), showing it (perf/report).
package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"time"

	"github.com/ragscale/ragscale/perf/load"
)

// Version is that of the form.
const Version = 1

const (
	file       = "telemetry.json"
	mostPoints = 180
	leastStep  = 30 * time.Second // of scraping
	// mostSeries bounds a panel: more lines nobody tells apart.
	mostSeries = 24
)

// Telemetry is what a stack told over the time of a run.
type Telemetry struct {
	Version     int       `json:"version"`
	From        time.Time `json:"from"` // of the first value
	StepSeconds float64   `json:"stepSeconds"`
	Panels      []Panel   `json:"panels"`
	Missing     []Missing `json:"missing"`
}

// Panel are series of one unit that are looked at together.
type Panel struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	Unit   string   `json:"unit"` // ms, /s, %: of shares, MiB, cores; "" of counts
	Source string   `json:"source"`
	Series []Series `json:"series"`
}

// Series is one line: a value for each step from the beginning.
type Series struct {
	Name   string `json:"name"`
	Values Values `json:"values"`
}

// Missing is what could not be had.
type Missing struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Window is the time of a run, in the steps in which it is asked for.
type Window struct {
	From, To time.Time
	Step     time.Duration
}

// Source is who is asked: Managed Prometheus is one.
type Source interface {
	// Panels are what it has of a window, and what it has not. What fails is missing, and no error.
	Panels(ctx context.Context, w Window) ([]Panel, []Missing)
}

// WindowOf is that of a run: steps are as long as scraping takes, longer for long runs: what is kept is bounded.
func WindowOf(run *load.Run) Window {
	step := leastStep
	for run.EndedAt.Sub(run.BeganAt)/step >= mostPoints {
		step += leastStep
	}
	return Window{From: run.BeganAt.UTC().Truncate(time.Second), To: run.EndedAt.UTC(), Step: step}
}

// points is how many values a series has.
func (w Window) points() int { return max(0, int(w.To.Sub(w.From)/w.Step)) + 1 }

// Collect asks sources for a window.
func Collect(ctx context.Context, w Window, sources ...Source) *Telemetry {
	t := &Telemetry{Version: Version, From: w.From, StepSeconds: w.Step.Seconds(), Panels: []Panel{}, Missing: []Missing{}}
	for _, s := range sources {
		panels, missing := s.Panels(ctx, w)
		t.Panels, t.Missing = append(t.Panels, panels...), append(t.Missing, missing...)
	}
	return t
}

func key(run *load.Run) string { return load.RunPrefix(run.Scenario.Name, run.Name) + file }

// Keep stores what a run's stack told beside the run's results.
func (t *Telemetry) Keep(ctx context.Context, s load.Store, run *load.Run) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.Write(ctx, key(run), text)
}

// Read returns what was kept of a run, nil for nothing.
func Read(ctx context.Context, s load.Store, run *load.Run) (*Telemetry, error) {
	text, err := s.Read(ctx, key(run))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t := &Telemetry{}
	if err := json.Unmarshal(text, t); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name(key(run)), err)
	}
	if t.Version != Version || t.StepSeconds <= 0 {
		return nil, fmt.Errorf("%s: version is %d with a step of %v s, want version %d with one above 0",
			s.Name(key(run)), t.Version, t.StepSeconds, Version)
	}
	return t, nil
}

// Values are those of a series; NaN where there is none.
type Values []float64

// MarshalJSON writes five digits of each, null for none.
func (v Values) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	for i, value := range v {
		if i > 0 {
			text = append(text, ',')
		}
		if math.IsNaN(value) || math.IsInf(value, 0) {
			text = append(text, "null"...)
			continue
		}
		text = strconv.AppendFloat(text, value, 'g', 5, 64)
	}
	return append(text, ']'), nil
}

// UnmarshalJSON reads them.
func (v *Values) UnmarshalJSON(text []byte) error {
	var all []*float64
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, value := range all {
		if value == nil {
			*v = append(*v, math.NaN())
			continue
		}
		*v = append(*v, *value)
	}
	return nil
}
