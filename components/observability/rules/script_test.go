package rules_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"

	"github.com/ragscale/ragscale/components/observability/rules"
)

// script is a file of testdata: series in Prometheus' own test notation, one point a minute, and which alerts fire when.
//
//	# What goes wrong, in a sentence.
//	step 5m                    (how often rules are evaluated; 1m unless it is said)
//	some_metric{a="b"} 0+1x60  (replaces the series of that name and labels in healthy.series)
//	at 10m firing: SomeAlert   (all that fire then, or none)
type script struct {
	series map[string]string
	step   time.Duration
	checks []check
}

type check struct {
	at     time.Duration
	firing []string
}

func readScript(t *testing.T, path string) script {
	t.Helper()
	s := script{series: map[string]string{}, step: time.Minute}
	for _, file := range []string{filepath.Join("testdata", "healthy.series"), path} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			s.read(t, strings.TrimSpace(line))
		}
	}
	if len(s.checks) == 0 {
		t.Fatalf("%s says nothing of what fires, want a line at …", path)
	}
	return s
}

func (s *script) read(t *testing.T, line string) {
	t.Helper()
	first, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "" || first == "#":
	case first == "step":
		s.step = duration(t, rest)
	case first == "at":
		when, names, found := strings.Cut(rest, " firing: ")
		if !found {
			t.Fatalf("%q, want at … firing: …", line)
		}
		c := check{at: duration(t, when)}
		if names != "none" {
			c.firing = strings.Split(names, ", ")
		}
		s.checks = append(s.checks, c)
	default:
		s.series[first] = rest
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := model.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(d)
}

func (s script) load() string {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for _, name := range slices.Sorted(maps.Keys(s.series)) {
		fmt.Fprintf(&b, "  %s %s\n", name, s.series[name])
	}
	return b.String()
}

// ruler evaluates rules as Prometheus does, on its engine and storage.
type ruler struct {
	t       *testing.T
	data    *promqltest.LazyLoader
	engine  *promql.Engine
	rules   []rules.Rule
	holding map[string]map[string]time.Time // since when, by alert and labels
}

func newRuler(t *testing.T, s script, c rules.Config) *ruler {
	t.Helper()
	data, err := promqltest.NewLazyLoader(s.load(), promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := data.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &ruler{t: t, data: data, engine: promqltest.NewTestEngine(t, false, 5*time.Minute, 1e6), holding: map[string]map[string]time.Time{}}
	for _, f := range c.Files() {
		for _, g := range f.Groups {
			r.rules = append(r.rules, g.Rules...)
		}
	}
	return r
}

// evaluate every rule at an instant, and return the names of those alerts that fire.
func (r *ruler) evaluate(at time.Time) []string {
	r.t.Helper()
	r.data.WithSamplesTill(at, func(err error) {
		if err != nil {
			r.t.Fatal(err)
		}
	})
	firing := map[string]bool{}
	for _, rule := range r.rules {
		vector := r.query(rule.Expr, at)
		if rule.Record != "" {
			r.store(rule, vector, at)
		} else if r.fires(rule, vector, at) {
			firing[rule.Alert] = true
		}
	}
	return slices.Sorted(maps.Keys(firing))
}

func (r *ruler) query(expr string, at time.Time) promql.Vector {
	r.t.Helper()
	q, err := r.engine.NewInstantQuery(r.t.Context(), r.data.Storage(), nil, expr, at)
	if err != nil {
		r.t.Fatalf("%s: %v", expr, err)
	}
	defer q.Close()
	vector, err := q.Exec(r.t.Context()).Vector()
	if err != nil {
		r.t.Fatalf("%s: %v", expr, err)
	}
	// The query's memory is used again once it is closed.
	return slices.Clone(vector)
}

func (r *ruler) store(rule rules.Rule, vector promql.Vector, at time.Time) {
	r.t.Helper()
	app := r.data.Storage().Appender(r.t.Context())
	for _, sample := range vector {
		b := labels.NewBuilder(sample.Metric).Set(model.MetricNameLabel, rule.Record)
		for name, value := range rule.Labels {
			b.Set(name, value)
		}
		if _, err := app.Append(0, b.Labels(), at.UnixMilli(), sample.F); err != nil {
			r.t.Fatalf("%s: %v", rule.Record, err)
		}
	}
	if err := app.Commit(); err != nil {
		r.t.Fatalf("%s: %v", rule.Record, err)
	}
}

// fires tells whether the expression has held for the same labels for as long as the rule wants.
func (r *ruler) fires(rule rules.Rule, vector promql.Vector, at time.Time) bool {
	wait := time.Duration(0)
	if rule.For != "" {
		wait = duration(r.t, rule.For)
	}
	before, now, fires := r.holding[rule.Alert], map[string]time.Time{}, false
	for _, sample := range vector {
		key := sample.Metric.String()
		since, held := before[key]
		if !held {
			since = at
		}
		now[key] = since
		fires = fires || at.Sub(since) >= wait
	}
	r.holding[rule.Alert] = now
	return fires
}
