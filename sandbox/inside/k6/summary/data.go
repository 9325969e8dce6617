// Package summary is what a load test says at its end: the values that handleSummary gets, the file of
// --summary-export, the text for people.
//
// Owns: these forms, units. Does not own: values, who writes them.
//
// Source: https://grafana.com/docs/k6/latest/results-output/end-of-test/ ; read 2026-11-30.
package summary

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"maps"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// Run is a load test that is over.
type Run struct {
	Metrics    []*metrics.Metric
	Groups     *js.Group
	TrendStats []string
	TimeUnit   string
	Elapsed    time.Duration
	NoColor    bool
	SetupData  json.RawMessage
}

type object = map[string]any

// Data is what handleSummary gets.
func (r *Run) Data() ([]byte, error) {
	all := object{}
	for _, m := range r.Metrics {
		one := object{"type": m.Type, "contains": m.Contains, "values": r.values(m)}
		if len(m.Thresholds) > 0 {
			thresholds := object{}
			for _, t := range m.Thresholds {
				thresholds[t.Source] = object{"ok": !t.Failed}
			}
			one["thresholds"] = thresholds
		}
		all[m.Name] = one
	}
	data := object{
		"metrics": all, "root_group": group(r.Groups),
		"state": object{
			"isStdOutTTY": false, "isStdErrTTY": false, "testRunDurationMs": float64(r.Elapsed) / float64(time.Millisecond),
		},
		"options": object{"noColor": r.NoColor, "summaryTrendStats": r.TrendStats, "summaryTimeUnit": r.TimeUnit},
	}
	if r.SetupData != nil {
		data["setup_data"] = r.SetupData
	}
	return json.Marshal(data)
}

func (r *Run) values(m *metrics.Metric) map[string]float64 {
	return m.Sink.Values(r.TrendStats, r.Elapsed)
}

// id is a group's or a check's: the hash of its path.
func id(path string) string {
	sum := md5.Sum([]byte(path))
	return hex.EncodeToString(sum[:])
}

func group(g *js.Group) object {
	groups, checks := []object{}, []object{}
	for _, child := range g.Children() {
		groups = append(groups, group(child))
	}
	for _, c := range g.Checks() {
		checks = append(checks, check(c))
	}
	return object{"name": g.Name, "path": g.Path, "id": id(g.Path), "groups": groups, "checks": checks}
}

func check(c js.Check) object {
	return object{"name": c.Name, "path": c.Path, "id": id(c.Path), "passes": c.Passes, "fails": c.Fails}
}

// Export is the file of --summary-export: of a threshold it says whether it was missed.
func (r *Run) Export() ([]byte, error) {
	all := object{}
	for _, m := range r.Metrics {
		one := object{}
		for name, value := range r.values(m) {
			if m.Type == metrics.Rate && name == "rate" {
				name = "value"
			}
			one[name] = value
		}
		if len(m.Thresholds) > 0 {
			thresholds := map[string]bool{}
			for _, t := range m.Thresholds {
				thresholds[t.Source] = t.Failed
			}
			one["thresholds"] = thresholds
		}
		all[m.Name] = one
	}
	data := object{"metrics": all, "root_group": named(r.Groups)}
	if r.SetupData != nil {
		data["setup_data"] = r.SetupData
	}
	return json.MarshalIndent(data, "", "    ")
}

// named is a group whose members are under their names.
func named(g *js.Group) object {
	groups, checks := object{}, object{}
	for _, child := range g.Children() {
		groups[child.Name] = named(child)
	}
	for _, c := range g.Checks() {
		checks[c.Name] = check(c)
	}
	all := group(g)
	maps.Copy(all, object{"groups": groups, "checks": checks})
	return all
}
