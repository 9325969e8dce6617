// Package loadscripts tests the load tests' scripts, unchanged, on the sandbox's runner for k6's scripts.
package loadscripts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/components/loadtest/k6"
	"github.com/ragscale/ragscale/sandbox/inside/k6/executor"
	"github.com/ragscale/ragscale/sandbox/inside/k6/http"
	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
)

// entry loads the scripts as k6's entry does, and lets tests call what they export.
const entry = `
import * as main from './main.js';
import * as mix from './mix.js';
import * as user from './user.js';
import * as corpus from './corpus.js';
import * as topics from './topics.js';
import * as zipf from './zipf.js';
const scripts = { 'main.js': main, 'mix.js': mix, 'user.js': user, 'corpus.js': corpus, 'topics.js': topics, 'zipf.js': zipf };
export const options = main.options;
export default main.default;
export const setup = main.setup, teardown = main.teardown, handleSummary = main.handleSummary;
export function callIn(script, name, ...given) { return scripts[script][name](...given); }
export function evaluate(expression) { return new Function('scripts', 'return ' + expression)(scripts); }
export function once({ script, name, given }) { scripts[script][name](...given); }
`

// generator is one process that runs the scripts, whose time goes on by their pauses alone.
type generator struct {
	t   *testing.T
	Env map[string]string

	samples []metrics.Sample
	pauses  []float64 // s
	aborted string
	now     time.Time
	log     bytes.Buffer
	dir     string
	test    *js.Test
	main    *sobek.SourceTextModuleRecord
}

// Add implements metrics.Output.
func (g *generator) Add(samples []metrics.Sample) { g.samples = append(g.samples, samples...) }

// newGenerator is one that loads an API at url with a scenario.
func newGenerator(t *testing.T, url string, s k6.Scenario) *generator {
	t.Helper()
	g := &generator{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)}
	scripts, err := k6.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	scenario, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	scripts["entry.js"], scripts["scenario.json"], scripts["environment.json"] = entry, string(scenario), `{"stack":"test"}`
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g.Env = map[string]string{
		k6.EnvTarget: url, k6.EnvScenario: filepath.Join(g.dir, "scenario.json"), k6.EnvEnvironment: filepath.Join(g.dir, "environment.json"),
		k6.EnvResults: "/results", k6.EnvJob: "smoke-1", k6.EnvPod: "smoke-1-0-abcde", k6.EnvNode: "n1", "JOB_COMPLETION_INDEX": "0",
	}
	return g
}

// load reads the scripts, once.
func (g *generator) load() error {
	if g.test != nil {
		return nil
	}
	o, err := options.Read()
	if err != nil {
		return err
	}
	loader := js.NewLoader(map[string]js.Module{"k6/http": (&http.Servers{}).Module()})
	g.test = &js.Test{
		Loader: loader, Engine: metrics.NewEngine(g), Env: g.Env, Log: &js.Log{To: &g.log}, Groups: js.NewGroup(),
		Abort: func(reason string) { g.aborted = reason },
		Now:   func() time.Time { return g.now },
		Sleep: func(_ context.Context, d time.Duration) {
			g.pauses = append(g.pauses, d.Seconds())
			g.now = g.now.Add(d)
		},
	}
	g.test.SetOptions(o)
	g.main, err = loader.Main(filepath.Join(g.dir, "entry.js"))
	return err
}

// User loads the scripts for a virtual user, from 1; 0 is for setup, teardown and the summary.
func (g *generator) User(id int) (*user, error) {
	if err := g.load(); err != nil {
		return nil, err
	}
	u, err := g.test.New(g.t.Context(), g.main, id > 0)
	if err != nil {
		return nil, err
	}
	u.ID, u.IDInTest = int64(id), int64(id)
	scenario := func(exec string) *executor.Scenario {
		return &executor.Scenario{Scenario: options.Scenario{Name: "smoke", Exec: exec}, Segment: options.Whole(), Began: g.now}
	}
	return &user{User: u, g: g, acts: scenario("default"), once: scenario("once")}, nil
}

type user struct {
	*js.User
	g          *generator
	acts, once *executor.Scenario
}

func (g *generator) mustUser(id int) *user {
	g.t.Helper()
	u, err := g.User(id)
	if err != nil {
		g.t.Fatal(err)
	}
	return u
}

// call calls what the entry exports and returns its result, after a round trip through JSON.
func (u *user) call(name string, given ...any) (any, error) {
	texts := make([]json.RawMessage, len(given))
	for i, value := range given {
		if value == nil {
			continue
		}
		var err error
		if texts[i], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	text, err := u.Part(u.g.t.Context(), name, texts...)
	if err != nil || text == nil {
		return nil, err
	}
	var result any
	return result, json.Unmarshal(text, &result)
}

func (u *user) mustCall(name string, given ...any) any {
	u.g.t.Helper()
	result, err := u.call(name, given...)
	if err != nil {
		u.g.t.Fatal(err)
	}
	return result
}

// iterate runs an iteration of a scenario.
func (u *user) iterate(s *executor.Scenario, data any) {
	u.g.t.Helper()
	text, err := json.Marshal(data)
	if err != nil {
		u.g.t.Fatal(err)
	}
	if err := u.SetData(text); err != nil {
		u.g.t.Fatal(err)
	}
	u.Act(u.g.t.Context(), s, s.Iterations())
	if u.g.log.Len() > 0 && strings.Contains(u.g.log.String(), "level=error") {
		u.g.t.Fatal(u.g.log.String())
	}
}

// act runs n iterations of the user on what setup handed over.
func (u *user) act(n int, data any) {
	u.g.t.Helper()
	for range n {
		u.iterate(u.acts, data)
	}
}

// does runs an iteration that is one action.
func (u *user) does(kind string, data any) {
	u.g.t.Helper()
	u.iterate(u.once, map[string]any{"script": "user.js", "name": "act", "given": []any{kind, data}})
}

// prepare runs setup and returns what it hands to the users.
func (g *generator) prepare() any {
	g.t.Helper()
	return g.mustUser(0).mustCall("setup")
}

// requests are the tags of all requests, in order.
func (g *generator) requests() []metrics.Tags {
	var all []metrics.Tags
	for _, s := range g.samples {
		if s.Metric.Name == "http_reqs" {
			all = append(all, s.Tags)
		}
	}
	return all
}

// values are those of a metric's samples.
func (g *generator) values(metric string) []float64 {
	var values []float64
	for _, s := range g.samples {
		if s.Metric.Name == metric {
			values = append(values, s.Value)
		}
	}
	return values
}

// wantNoFault reports every check that failed.
func (g *generator) wantNoFault() {
	g.t.Helper()
	for _, s := range g.samples {
		if s.Metric.Name == "checks" && s.Value == 0 {
			g.t.Errorf("%s failed", s.Tags["check"])
		}
	}
	if faults := g.values("faults"); len(faults) == 0 || slices.Contains(faults, 1) {
		g.t.Errorf("faults: %v, want zeros", faults)
	}
}

// evaluate is the value of an expression over the scripts' exports.
func (u *user) evaluate(format string, a ...any) any {
	u.g.t.Helper()
	return u.mustCall("evaluate", fmt.Sprintf(format, a...))
}
