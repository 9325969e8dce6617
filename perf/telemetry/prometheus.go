package telemetry

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// prometheus is what panels of a workspace are said to be measured by.
const prometheus = "Managed Prometheus"

// Panels asks a workspace for its panels. One that fails is missing; where all do, that is said once.
func (w Workspace) Panels(ctx context.Context, in Window) (panels []Panel, missing []Missing) {
	failed := 0
	for _, p := range asked {
		panel, err := w.panel(ctx, p, in)
		switch {
		case err != nil:
			failed++
			missing = append(missing, Missing{p.title, err.Error()})
		case len(panel.Series) == 0:
			missing = append(missing, Missing{p.title, prometheus + " has no series of the run's time"})
		default:
			panels = append(panels, panel)
		}
	}
	if failed == len(asked) {
		return nil, []Missing{{"all that " + prometheus + " knows", missing[0].Why}}
	}
	return panels, missing
}

func (w Workspace) panel(ctx context.Context, p query, in Window) (Panel, error) {
	panel := Panel{Name: p.name, Title: p.title, Unit: p.unit, Source: prometheus}
	over := in.RateTime()
	if p.rates() {
		in = in.after(over)
		panel.From, panel.StepSeconds = in.From.Add(-over/2), in.Step.Seconds()
		panel.Note = "over the " + words(over) + " around each value"
	}
	for _, l := range p.lines {
		series, err := w.ask(ctx, l, over, in)
		if err != nil {
			return panel, err
		}
		panel.Series = append(panel.Series, series...)
	}
	if len(panel.Series) > mostSeries {
		panel.Series = panel.Series[:mostSeries]
	}
	return panel, nil
}

// ranged is an answer to a query over a time.
type ranged struct {
	Result []struct {
		Metric map[string]string    `json:"metric"`
		Values [][2]json.RawMessage `json:"values"` // seconds and a text
	} `json:"result"`
}

// ask asks for a query's series, the largest first. Those without a value above zero stand last.
func (w Workspace) ask(ctx context.Context, l line, over time.Duration, in Window) ([]Series, error) {
	var answer ranged
	seconds := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	query := url.Values{
		"query": {strings.ReplaceAll(l.expr, "$range", strconv.Itoa(int(over.Seconds()))+"s")},
		"step":  {strconv.Itoa(int(in.Step.Seconds()))},
		"start": {seconds(in.From)}, "end": {seconds(in.To)},
	}
	if err := w.Get(ctx, "api/v1/query_range", query, &answer); err != nil {
		return nil, err
	}
	var all []Series
	for _, one := range answer.Result {
		s := Series{Name: named(l.name, one.Metric), Values: make(Values, in.points())}
		for i := range s.Values {
			s.Values[i] = math.NaN()
		}
		for _, v := range one.Values {
			if err := s.put(v, in); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b Series) int {
		return cmp.Or(cmp.Compare(b.largest(), a.largest()), strings.Compare(a.Name, b.Name))
	})
	return all, nil
}

// shortRun is how many times what rates are taken over a run has to last, lest little of it is seen.
const shortRun = 4

// RateTime is what rates are taken over: four scrapes, so that one that is late leaves no gap, or a step. Of a short
// run it is two, the least that has a rate.
func (w Window) RateTime() time.Duration {
	if w.To.Sub(w.From) < shortRun*4*leastStep {
		return 2 * leastStep
	}
	return max(4*leastStep, w.Step)
}

// after leaves out the beginning of a window, whose rates are in part those of the time before it: a run would seem to
// begin slowly. One value is left at least.
func (w Window) after(over time.Duration) Window {
	if w.From = w.From.Add(over); w.From.After(w.To) {
		w.From = w.To.Truncate(time.Second)
	}
	return w
}

// rates tells whether a panel's values are over a time.
func (q query) rates() bool {
	return slices.ContainsFunc(q.lines, func(l line) bool { return strings.Contains(l.expr, "$range") })
}

// put places a value in its step.
func (s Series) put(v [2]json.RawMessage, in Window) error {
	at, err := strconv.ParseFloat(string(v[0]), 64)
	if err != nil {
		return fmt.Errorf("%s is no time: %w", v[0], err)
	}
	var text string
	if err := json.Unmarshal(v[1], &text); err != nil {
		return fmt.Errorf("%s is no value: %w", v[1], err)
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("%q is no value: %w", text, err)
	}
	i := math.Round((at - float64(in.From.Unix())) / in.Step.Seconds())
	if i >= 0 && int(i) < len(s.Values) && !math.IsInf(value, 0) {
		s.Values[int(i)] = value
	}
	return nil
}

func (s Series) largest() float64 {
	most := math.Inf(-1)
	for _, v := range s.Values {
		if !math.IsNaN(v) {
			most = max(most, v)
		}
	}
	return most
}

// named fills a name's {label}s in.
func named(name string, labels map[string]string) string {
	for label, value := range labels {
		name = strings.ReplaceAll(name, "{"+label+"}", value)
	}
	return name
}
