// Package alerts tells what a stack's Prometheus and CloudWatch alert on, and did, from their own APIs.
//
// Owns: what the answers mean. Does not own: asking Prometheus (perf/telemetry), where both are, credentials, how it is
// shown.
package alerts

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ragscale/ragscale/perf/telemetry"
)

// Alert is one that fires, waits for its time to pass, or fired.
type Alert struct {
	Name     string            `json:"name"`
	Source   string            `json:"source"`   // prometheus or cloudwatch
	State    string            `json:"state"`    // firing, pending or resolved
	Severity string            `json:"severity"` // page or ticket
	Labels   map[string]string `json:"labels"`   // what tells it from others of its name
	Summary  string            `json:"summary"`  // "" for one that is resolved: its values are gone
	Since    time.Time         `json:"since"`
	Until    *time.Time        `json:"until"`   // of a resolved one
	Runbook  string            `json:"runbook"` // where to read: "docs/operations.md#cache-gone"
}

// States of an alert, in the order in which they are told.
const (
	Firing   = "firing"
	Pending  = "pending"
	Resolved = "resolved"
)

var order = []string{Firing, Pending, Resolved}

// Sources of alerts.
const (
	Prometheus = "prometheus"
	CloudWatch = "cloudwatch"
)

// operations is the page that alerts' own links lead to.
const operations = "docs/operations.md"

// step is between two points of history: rules are evaluated once a minute.
const step = time.Minute

// List tells what fires and waits now, and what was resolved in the time back from now: the newest first.
func List(ctx context.Context, w telemetry.Workspace, now time.Time, back time.Duration) ([]Alert, error) {
	rules, err := rulesOf(ctx, w)
	if err != nil {
		return nil, err
	}
	past, err := historyOf(ctx, w, now, back)
	if err != nil {
		return nil, err
	}
	out := active(rules)
	for i := range out {
		if run, ok := past.running(out[i]); ok && out[i].State == Firing {
			out[i].Since = run.from
		}
	}
	for _, s := range past {
		for _, run := range s.runs {
			if !run.ended(now) {
				continue
			}
			out = append(out, s.resolved(run, rules))
		}
	}
	Sort(out)
	return out, nil
}

// Sort orders alerts as they are told: by state, then the newest first.
func Sort(all []Alert) {
	slices.SortStableFunc(all, func(a, b Alert) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.State), slices.Index(order, b.State)),
			b.Since.Compare(a.Since), strings.Compare(a.Name, b.Name))
	})
}

// rule is an alerting rule as /api/v1/rules tells it.
type rule struct {
	Name        string            `json:"name"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Alerts      []struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		State       string            `json:"state"`
		ActiveAt    time.Time         `json:"activeAt"`
	} `json:"alerts"`
}

func rulesOf(ctx context.Context, w telemetry.Workspace) (map[string]rule, error) {
	var answer struct {
		Groups []struct {
			Rules []rule `json:"rules"`
		} `json:"groups"`
	}
	if err := w.Get(ctx, "api/v1/rules", url.Values{"type": {"alert"}}, &answer); err != nil {
		return nil, err
	}
	out := map[string]rule{}
	for _, g := range answer.Groups {
		for _, r := range g.Rules {
			out[r.Name] = r
		}
	}
	return out, nil
}

// active are the alerts of rules that are not at rest.
func active(rules map[string]rule) []Alert {
	out := []Alert{}
	for _, r := range rules {
		for _, a := range r.Alerts {
			out = append(out, Alert{
				Name: r.Name, Source: Prometheus, State: a.State, Severity: a.Labels["severity"], Labels: distinct(a.Labels),
				Summary: a.Annotations["summary"], Since: a.ActiveAt, Runbook: section(a.Annotations),
			})
		}
	}
	return out
}

// section is where to read about an alert.
func section(annotations map[string]string) string {
	return sectionOf(annotations["runbook_url"])
}

func sectionOf(link string) string {
	if _, fragment, ok := strings.Cut(link, "#"); ok {
		return operations + "#" + fragment
	}
	return link
}

// distinct are the labels but for those that every alert has.
func distinct(labels map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range labels {
		if !slices.Contains([]string{"__name__", "alertname", "alertstate", "severity"}, name) {
			out[name] = value
		}
	}
	return out
}

// fired is when an alert of some labels fired.
type fired struct {
	labels map[string]string
	runs   []run
}

// run is one time of firing.
type run struct{ from, to time.Time }

// ended says whether a run is over: a point is missing after it.
func (r run) ended(now time.Time) bool { return now.Sub(r.to) > step }

type history []fired

// history asks when alerts fired.
func historyOf(ctx context.Context, w telemetry.Workspace, now time.Time, back time.Duration) (history, error) {
	var answer struct {
		Result []struct {
			Metric map[string]string    `json:"metric"`
			Values [][2]json.RawMessage `json:"values"` // seconds and a text
		} `json:"result"`
	}
	unix := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	query := url.Values{
		"query": {`ALERTS{alertstate="firing"}`},
		"start": {unix(now.Add(-back))}, "end": {unix(now)}, "step": {strconv.Itoa(int(step.Seconds()))},
	}
	if err := w.Get(ctx, "api/v1/query_range", query, &answer); err != nil {
		return nil, err
	}
	var out history
	for _, series := range answer.Result {
		f := fired{labels: series.Metric}
		for _, v := range series.Values {
			seconds, err := strconv.ParseFloat(string(v[0]), 64)
			if err != nil {
				return nil, fmt.Errorf("history: %s is no time: %w", v[0], err)
			}
			f.add(time.Unix(int64(seconds), 0).UTC())
		}
		out = append(out, f)
	}
	return out, nil
}

// add lengthens the last run by a point, or begins one.
func (f *fired) add(at time.Time) {
	if n := len(f.runs); n > 0 && at.Sub(f.runs[n-1].to) <= step {
		f.runs[n-1].to = at
		return
	}
	f.runs = append(f.runs, run{at, at})
}

// running is the run of an alert that fires.
func (h history) running(a Alert) (run, bool) {
	for _, f := range h {
		if n := len(f.runs); n > 0 && f.labels["alertname"] == a.Name && equal(distinct(f.labels), a.Labels) {
			return f.runs[n-1], true
		}
	}
	return run{}, false
}

func equal(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if other, ok := b[k]; !ok || other != v {
			return false
		}
	}
	return true
}

func (f fired) resolved(r run, rules map[string]rule) Alert {
	name := f.labels["alertname"]
	return Alert{
		Name: name, Source: Prometheus, State: Resolved, Severity: f.labels["severity"], Labels: distinct(f.labels), Since: r.from, Until: &r.to,
		Runbook: section(rules[name].Annotations),
	}
}
