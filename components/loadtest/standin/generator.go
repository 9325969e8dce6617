// Package standin runs the load tests' scripts without k6, for tests: stand-ins for k6's modules record what the scripts
// do. The scripts are the ones that k6 runs, unchanged.
//
// Owns: the modules that the scripts import, as far as k6 documents them; whatever it does not is an error here.
// Does not own: the scripts, load: users act one after the other.
package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/components/loadtest/k6"
)

// Generator stands for one k6 process.
type Generator struct {
	Env     map[string]string
	Scripts map[string]string // by file name
	// Live waits for pauses. Else time goes on by them, so that no test waits.
	Live bool

	// What the scripts did, in order.
	Requests []Request
	Samples  []Sample
	Pauses   []float64 // s

	ctx    context.Context //nolint:containedctx // of the requests: a script's calls have no place for one
	files  map[string]string
	shared map[string][]any // by the name of the SharedArray
	client *http.Client
	now    time.Time
	random *rand.Rand
}

// Request is one that a script made.
type Request struct {
	Method, Path string
	Tags         map[string]string
	Body         string
	Status       int           // 0: no answer
	Took         time.Duration // until the whole answer was there
}

// Sample is a value of a metric of the scripts, or a check: "check: NAME", 1 where it holds.
type Sample struct {
	Metric string
	Value  float64
	Tags   map[string]string
}

// transport keeps a connection for each of the users that ask at the same time, as k6 does.
var transport = &http.Transport{MaxIdleConnsPerHost: 2000, IdleConnTimeout: time.Minute}

const (
	scenarioFile    = "/etc/loadtest/scenario.json"
	environmentFile = "/etc/loadtest/environment.json"
)

// New loads scenario s for an API at url. Requests end with the context.
func New(ctx context.Context, url string, s k6.Scenario) (*Generator, error) {
	scripts, err := k6.Scripts()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return &Generator{
		ctx: ctx, Scripts: scripts, client: &http.Client{Transport: transport},
		Env: map[string]string{
			k6.EnvTarget: url, k6.EnvScenario: scenarioFile, k6.EnvEnvironment: environmentFile, k6.EnvResults: "/results",
			k6.EnvJob: "smoke-1", k6.EnvPod: "smoke-1-0-abcde", k6.EnvNode: "n1", "JOB_COMPLETION_INDEX": "0",
		},
		files:  map[string]string{scenarioFile: string(text), environmentFile: `{"stack":"test"}`},
		shared: map[string][]any{},
		now:    time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC),
		random: rand.New(rand.NewPCG(1, 2)),
	}, nil
}

// Values are those of a metric's samples.
func (g *Generator) Values(metric string) []float64 {
	var values []float64
	for _, s := range g.Samples {
		if s.Metric == metric {
			values = append(values, s.Value)
		}
	}
	return values
}

// Failed are the checks that failed, each as often as it did.
func (g *Generator) Failed() []string {
	var failed []string
	for _, s := range g.Samples {
		if name, check := strings.CutPrefix(s.Metric, "check: "); check && s.Value == 0 {
			failed = append(failed, name)
		}
	}
	return failed
}

func (g *Generator) time() time.Time {
	if g.Live {
		return time.Now()
	}
	return g.now
}

// User is a virtual user: a JavaScript runtime of its own, as in k6.
type User struct {
	*Generator
	VM      *sobek.Runtime
	Exports *sobek.Object // of the entry
	Aborted string        // the reason with which the scripts ended the run

	id, iteration int
	running       bool // past the init context
	modules       map[string]sobek.ModuleRecord
}

// User loads the scripts for one virtual user, from 1; 0 is for setup, teardown and the summary.
func (g *Generator) User(id int) (*User, error) {
	u := &User{Generator: g, id: id, VM: sobek.New(), modules: map[string]sobek.ModuleRecord{}}
	u.VM.SetFieldNameMapper(sobek.UncapFieldNameMapper())
	u.VM.SetTimeSource(g.time)
	u.VM.SetRandSource(g.random.Float64)
	if err := errors.Join(u.VM.Set("__ENV", g.Env), u.VM.Set("open", u.open)); err != nil {
		return nil, err
	}
	entry, err := u.resolve(nil, "./"+k6.Entry)
	if err != nil {
		return nil, err
	}
	if err := entry.Link(); err != nil {
		return nil, err
	}
	main, ok := entry.(*sobek.SourceTextModuleRecord)
	if !ok {
		return nil, fmt.Errorf("the entry is a %T, want the text of a module", entry)
	}
	if p := u.VM.CyclicModuleRecordEvaluate(main, u.resolve); p.State() != sobek.PromiseStateFulfilled {
		return nil, fmt.Errorf("%s: %s", k6.Entry, p.Result())
	}
	u.Exports, u.running = u.VM.NamespaceObjectFor(entry), true
	return u, nil
}

// resolve finds a script beside the entry, or the stand-in for a module of k6.
func (u *User) resolve(_ any, specifier string) (sobek.ModuleRecord, error) {
	if m, ok := u.modules[specifier]; ok {
		return m, nil
	}
	source, ok := u.Scripts[path.Base(specifier)]
	if !strings.HasPrefix(specifier, "./") || !ok {
		var err error
		if source, err = u.standIn(specifier); err != nil {
			return nil, err
		}
	}
	m, err := sobek.ParseModule(specifier, source, u.resolve)
	if err != nil {
		return nil, err
	}
	u.modules[specifier] = m
	return m, nil
}

// Call calls a function that the entry exports. Arguments and result cross as JSON, as k6 passes the data of setup.
func (u *User) Call(name string, arguments ...any) (any, error) {
	return u.call(u.Exports, name, arguments...)
}

// CallIn calls a function of another script, which the entry has loaded.
func (u *User) CallIn(script, name string, arguments ...any) (any, error) {
	return u.call(u.Module(script), name, arguments...)
}

// Module returns the exports of a script, nil for one that the entry has not loaded.
func (u *User) Module(script string) *sobek.Object {
	m, ok := u.modules["./"+script]
	if !ok {
		return nil
	}
	return u.VM.NamespaceObjectFor(m)
}

func (u *User) call(exports *sobek.Object, name string, arguments ...any) (any, error) {
	if exports == nil {
		return nil, fmt.Errorf("no script that is loaded has function %s", name)
	}
	function, ok := sobek.AssertFunction(exports.Get(name))
	if !ok {
		return nil, fmt.Errorf("no function %s is exported", name)
	}
	values := make([]sobek.Value, len(arguments))
	for i, a := range arguments {
		if value, done := a.(sobek.Value); done {
			values[i] = value
			continue
		}
		text, err := json.Marshal(a)
		if err != nil {
			return nil, err
		}
		if values[i], err = u.parse(text); err != nil {
			return nil, err
		}
	}
	result, err := function(sobek.Undefined(), values...)
	if err != nil {
		return nil, err
	}
	return result.Export(), nil
}

// parse is JSON.parse; null is undefined, as k6 hands over what is not there.
func (u *User) parse(text []byte) (sobek.Value, error) {
	if string(text) == "null" {
		return sobek.Undefined(), nil
	}
	parse, ok := sobek.AssertFunction(u.VM.Get("JSON").ToObject(u.VM).Get("parse"))
	if !ok {
		return nil, errors.New("JSON.parse is no function")
	}
	return parse(sobek.Undefined(), u.VM.ToValue(string(text)))
}

// Act runs n iterations of the user on what setup handed over.
func (u *User) Act(n int, data any) error {
	return u.ActWhile(func() bool { n--; return n >= 0 }, data)
}

// ActWhile runs iterations for as long as goOn says so.
func (u *User) ActWhile(goOn func() bool, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	value, err := u.parse(text)
	if err != nil {
		return err
	}
	for goOn() {
		if _, err := u.Call("default", value); err != nil {
			return fmt.Errorf("iteration %d of user %d: %w", u.iteration, u.id, err)
		}
		u.iteration++
	}
	return nil
}

// Skip goes on to the user's next iteration without running this one.
func (u *User) Skip() { u.iteration++ }

// throw ends the script with a fault of its own.
func (u *User) throw(format string, a ...any) {
	panic(u.VM.NewGoError(fmt.Errorf(format, a...)))
}

// open reads a file, before the first iteration only.
func (u *User) open(name string) string {
	if u.running {
		u.throw("open is called outside the init context")
	}
	text, ok := u.files[name]
	if !ok {
		u.throw("open: there is no file %q", name)
	}
	return text
}
