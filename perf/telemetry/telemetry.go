package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ragscale/ragscale/perf/load"
)

// Version is that of the form. In those of version 1 all panels have the steps of the whole.
const Version = 2

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
	// AskedAt is when the stack was asked; zero where that was not kept.
	AskedAt time.Time `json:"askedAt,omitzero"`
	Panels  []Panel   `json:"panels"`
	Missing []Missing `json:"missing"`
}

// Panel are series of one unit that are looked at together.
type Panel struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Unit   string `json:"unit"` // ms, s, /s, %: of shares, MiB, cores; "" of counts
	Source string `json:"source"`
	Note   string `json:"note,omitempty"` // over what time values are
	// Stacked series are parts of one whole.
	Stacked bool `json:"stacked,omitempty"`
	// From and StepSeconds are the panel's own; zero where they are those of the whole. Of what is measured over a period
	// they are its middle and its length.
	From        time.Time `json:"from,omitzero"`
	StepSeconds float64   `json:"stepSeconds,omitempty"`
	Series      []Series  `json:"series"`
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

// Collect asks sources for a window, side by side: one that does not answer costs the others nothing.
func Collect(ctx context.Context, w Window, sources ...Source) *Telemetry {
	t := &Telemetry{
		Version: Version, From: w.From, StepSeconds: w.Step.Seconds(), AskedAt: time.Now().UTC().Truncate(time.Second),
		Panels: []Panel{}, Missing: []Missing{},
	}
	panels, missing := make([][]Panel, len(sources)), make([][]Missing, len(sources))
	var all sync.WaitGroup
	for i, s := range sources {
		all.Go(func() { panels[i], missing[i] = s.Panels(ctx, w) })
	}
	all.Wait()
	t.Panels, t.Missing = append(t.Panels, slices.Concat(panels...)...), append(t.Missing, slices.Concat(missing...)...)
	return t
}

// Steps are when a panel's first value is of, and the time from one to the next.
func (t *Telemetry) Steps(p Panel) (from time.Time, step time.Duration) {
	from, seconds := t.From, t.StepSeconds
	if p.StepSeconds > 0 {
		from, seconds = p.From, p.StepSeconds
	}
	return from, time.Duration(seconds * float64(time.Second))
}

// Panel is the one of a name, nil for none.
func (t *Telemetry) Panel(name string) *Panel {
	i := slices.IndexFunc(t.Panels, func(p Panel) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Panels[i]
}

// Late tells whether a run's stack was asked so soon after its end that it may know more by now.
func (t *Telemetry) Late(run *load.Run) bool {
	return !t.AskedAt.IsZero() && t.AskedAt.Sub(run.EndedAt) < lateness
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
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name(key(run)), err)
	}
	return t, nil
}

// mostTotal bounds what is read: as many values as all panels can have, and some.
const mostTotal = 1 << 20

func (t *Telemetry) check() error {
	if t.Version < 1 || t.Version > Version || t.StepSeconds <= 0 {
		return fmt.Errorf("version is %d with a step of %v s, want version 1 to %d with one above 0",
			t.Version, t.StepSeconds, Version)
	}
	if len(t.Panels) > mostRead {
		return fmt.Errorf("%d panels, want %d at most", len(t.Panels), mostRead)
	}
	total := 0
	for _, p := range t.Panels {
		if err := p.check(); err != nil {
			return err
		}
		for _, one := range p.Series {
			total += len(one.Values)
		}
	}
	if total > mostTotal {
		return fmt.Errorf("%d values, want %d at most", total, mostTotal)
	}
	return nil
}

// mostValue bounds what is measured: a thousand exabytes. Sums and ratios of such values are still numbers.
const mostValue = 1e21

// mostRead bounds the panels that are read, and the series of each: ten times what is kept.
const mostRead = 240

// check wants steps of time, series that differ by their names, and values that something can have.
func (p Panel) check() error {
	if p.StepSeconds < 0 || p.StepSeconds > 0 && p.From.IsZero() {
		return fmt.Errorf("panel %s has a step of %v s from %s, want one above 0 from a time", p.Name, p.StepSeconds, p.From)
	}
	if len(p.Series) > mostRead {
		return fmt.Errorf("panel %s has %d series, want %d at most", p.Name, len(p.Series), mostRead)
	}
	seen := map[string]bool{}
	for _, s := range p.Series {
		if seen[s.Name] {
			return fmt.Errorf("panel %s has two series %q, want one of each name", p.Name, s.Name)
		}
		seen[s.Name] = true
		for _, v := range s.Values {
			if math.Abs(v) > mostValue {
				return fmt.Errorf("panel %s, series %q has the value %g, want at most %g", p.Name, s.Name, v, mostValue)
			}
		}
	}
	return nil
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
