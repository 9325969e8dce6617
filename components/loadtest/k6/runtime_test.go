package k6_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/components/loadtest/k6"
)

// generator stands for one k6 process: it runs the scripts with stand-ins for k6's modules and records what they do.
// Whatever k6 does not document is an error here.
type generator struct {
	t       *testing.T
	env     map[string]string
	files   map[string]string // by path: what open can read
	sources map[string]string
	client  *http.Client
	live    bool // pauses are waited for

	now      time.Time
	random   *rand.Rand
	sleeps   []float64
	requests []request
	samples  []sample
}

// request is one that a script made.
type request struct {
	Method, Path string
	Tags         map[string]string
	Body         string
	Status       int
}

// sample is a value of a metric of the scripts, or a check.
type sample struct {
	Metric string
	Value  float64
	Tags   map[string]string
}

const (
	scenarioFile    = "/etc/loadtest/scenario.json"
	environmentFile = "/etc/loadtest/environment.json"
)

// newGenerator loads scenario s against an API.
func newGenerator(t *testing.T, url string, s k6.Scenario) *generator {
	t.Helper()
	scripts, err := k6.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return &generator{
		t: t, sources: scripts, client: http.DefaultClient,
		env: map[string]string{
			k6.EnvTarget: url, k6.EnvScenario: scenarioFile, k6.EnvEnvironment: environmentFile, k6.EnvResults: "/results",
			k6.EnvJob: "smoke-1", k6.EnvPod: "smoke-1-0-abcde", k6.EnvNode: "n1", "JOB_COMPLETION_INDEX": "0",
		},
		files:  map[string]string{scenarioFile: string(text), environmentFile: `{"stack":"test"}`},
		now:    time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC),
		random: rand.New(rand.NewPCG(1, 2)),
	}
}

// vu is a virtual user: a JavaScript runtime of its own, as in k6.
type vu struct {
	*generator
	id, iteration int
	vm            *sobek.Runtime
	running       bool // past the init context
	exports       *sobek.Object
	modules       map[string]sobek.ModuleRecord
	aborted       string
}

// user loads the scripts for one virtual user, or for setup and teardown (id 0).
func (g *generator) user(id int) (*vu, error) {
	v := &vu{generator: g, id: id, vm: sobek.New(), modules: map[string]sobek.ModuleRecord{}}
	v.vm.SetFieldNameMapper(sobek.UncapFieldNameMapper())
	v.vm.SetTimeSource(g.time)
	v.vm.SetRandSource(g.random.Float64)
	if err := errors.Join(v.vm.Set("__ENV", g.env), v.vm.Set("open", v.open)); err != nil {
		return nil, err
	}
	entry, err := v.resolve(nil, "./"+k6.Entry)
	if err != nil {
		return nil, err
	}
	if err := entry.Link(); err != nil {
		return nil, err
	}
	main, ok := entry.(*sobek.SourceTextModuleRecord)
	if !ok {
		return nil, fmt.Errorf("the entry is a %T", entry)
	}
	if p := v.vm.CyclicModuleRecordEvaluate(main, v.resolve); p.State() != sobek.PromiseStateFulfilled {
		return nil, fmt.Errorf("%s", p.Result())
	}
	v.exports, v.running = v.vm.NamespaceObjectFor(entry), true
	return v, nil
}

// time goes on by the pauses, so that no test waits.
func (g *generator) time() time.Time {
	if g.live {
		return time.Now()
	}
	return g.now
}

func (g *generator) mustUser(id int) *vu {
	g.t.Helper()
	v, err := g.user(id)
	if err != nil {
		g.t.Fatal(err)
	}
	return v
}

// resolve finds a script beside the entry, or the stand-in for a module of k6.
func (v *vu) resolve(_ any, specifier string) (sobek.ModuleRecord, error) {
	if m, ok := v.modules[specifier]; ok {
		return m, nil
	}
	source, ok := v.sources[path.Base(specifier)]
	if !strings.HasPrefix(specifier, "./") || !ok {
		var err error
		if source, err = v.standIn(specifier); err != nil {
			return nil, err
		}
	}
	m, err := sobek.ParseModule(specifier, source, v.resolve)
	if err != nil {
		return nil, err
	}
	v.modules[specifier] = m
	return m, nil
}

// call calls a function that the entry exports. Arguments and result cross as JSON, as k6 passes the data of setup.
func (v *vu) call(name string, arguments ...any) (any, error) {
	return v.callOf(v.exports, name, arguments...)
}

func (v *vu) callOf(object *sobek.Object, name string, arguments ...any) (any, error) {
	function, ok := sobek.AssertFunction(object.Get(name))
	if !ok {
		return nil, fmt.Errorf("no function %s is exported", name)
	}
	values := make([]sobek.Value, len(arguments))
	for i, a := range arguments {
		value, err := v.fromJSON(a)
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	result, err := function(sobek.Undefined(), values...)
	if err != nil {
		return nil, err
	}
	return result.Export(), nil
}

func (v *vu) fromJSON(a any) (sobek.Value, error) {
	if a == nil {
		return sobek.Undefined(), nil
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return v.vm.RunString("(" + string(text) + ")")
}

// module returns the exports of a script, loaded with the entry.
func (v *vu) module(name string) *sobek.Object {
	v.t.Helper()
	m, ok := v.modules["./"+name]
	if !ok {
		v.t.Fatalf("no script %s is loaded", name)
	}
	return v.vm.NamespaceObjectFor(m)
}

// act runs n iterations of the user.
func (v *vu) act(n int, data any) {
	v.t.Helper()
	for range n {
		if _, err := v.call("default", data); err != nil {
			v.t.Fatalf("iteration %d of user %d: %v", v.iteration, v.id, err)
		}
		v.iteration++
	}
}

// prepare runs setup and returns what it hands to the users.
func (g *generator) prepare() any {
	g.t.Helper()
	data, err := g.mustUser(0).call("setup")
	if err != nil {
		g.t.Fatal(err)
	}
	return data
}

// throw ends the script with a fault of its own.
func (v *vu) throw(format string, a ...any) {
	panic(v.vm.NewGoError(fmt.Errorf(format, a...)))
}

// open reads a file, before the first iteration only.
func (v *vu) open(name string) string {
	if v.running {
		v.throw("open is called outside the init context")
	}
	text, ok := v.files[name]
	if !ok {
		v.throw("open: there is no file %q", name)
	}
	return text
}
