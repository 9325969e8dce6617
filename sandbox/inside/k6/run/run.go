// Package run runs a load test as `k6 run` does: options, setup, scenarios, thresholds, teardown, summary, exit code.
//
// Owns: the command line, the order of a run, exit codes. Does not own: what each of its steps does.
//
// Source: https://grafana.com/docs/k6/latest/using-k6/test-lifecycle/ and .../javascript-api/error-codes/ ; read
// 2026-11-30. What documentation leaves open was seen of k6 v2.2.0.
package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/sandbox/inside/k6/executor"
	"github.com/ragscale/ragscale/sandbox/inside/k6/html"
	"github.com/ragscale/ragscale/sandbox/inside/k6/http"
	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
)

// Exit codes of k6.
const (
	Fine             = 0
	ThresholdsMissed = 99
	SetupTimeout     = 100
	TeardownTimeout  = 101
	InvalidConfig    = 104
	Interrupted      = 105
	ScriptFault      = 107
	ScriptAborted    = 108
	MarkedFailed     = 110
	Usage            = 255
)

// ended is why a run is over before its time, with its exit code.
type ended struct {
	code int
	text string
}

func (e *ended) Error() string { return e.text }

// Config is what to run.
type Config struct {
	Script        string
	Env           map[string]string
	Layers        []options.Layer // over what the script exports
	Outputs       []metrics.Output
	SummaryExport string
	SummaryMode   string // "disabled": none
	Address       string // of the REST API; "" for none
	NoColor       bool
	Out           io.Writer
	Log           *js.Log
}

// run is one that is going on.
type run struct {
	Config
	test  *js.Test
	main  *sobek.SourceTextModuleRecord
	first *js.User // who exports options, sets up, tears down and sums up

	end    context.CancelCauseFunc
	one    sync.Mutex
	cause  *ended // the first
	failed bool   // the script said so
	users  chan *js.User
	made   []*js.User
	setup  json.RawMessage
}

// Run runs a load test to its end, which the context's end brings about early, and returns k6's exit code.
func Run(ctx context.Context, c Config) int {
	inside, end := context.WithCancelCause(ctx)
	defer end(nil)
	r := &run{Config: c, end: end}
	if err := r.load(inside); err != nil {
		return r.refuse(err)
	}
	if err := r.configure(); err != nil {
		return r.refuse(err)
	}
	if err := r.makeUsers(inside); err != nil {
		return r.refuse(err)
	}
	stopped := context.AfterFunc(ctx, func() { r.stop(Interrupted, "test run was aborted because k6 received a signal") })
	defer stopped()
	r.test.Began = time.Now()
	defer r.tell()()
	r.act(inside)
	return r.finish()
}

// refuse says why a run cannot start.
func (r *run) refuse(err error) int {
	var aborted *js.Aborted
	var reason *ended
	switch {
	case errors.As(err, &reason):
		r.Log.Write("error", reason.text, nil)
		return reason.code
	case errors.As(err, &aborted):
		r.Log.Write("error", aborted.Reason, nil)
		return ScriptAborted
	}
	r.Log.Write("error", js.Text(err), map[string]string{"hint": `"script exception"`})
	return ScriptFault
}

// stop ends the run for a reason. The first one counts.
func (r *run) stop(code int, format string, a ...any) {
	r.one.Lock()
	defer r.one.Unlock()
	if r.cause == nil {
		r.cause = &ended{code, fmt.Sprintf(format, a...)}
	}
	r.end(r.cause)
}

// load runs the init context once, for what the script exports.
func (r *run) load(ctx context.Context) error {
	servers := &http.Servers{}
	loader := js.NewLoader(map[string]js.Module{"k6/html": html.Module(), "k6/http": servers.Module()})
	r.test = &js.Test{
		Loader: loader, Engine: metrics.NewEngine(r.Outputs...), Env: r.Env, Log: r.Log, Groups: js.NewGroup(),
		Abort: func(reason string) { r.stop(ScriptAborted, "%s", reason) },
		Fail: func(reason string) {
			r.one.Lock()
			defer r.one.Unlock()
			r.failed = true
			r.Log.Write("error", "test marked as failed: "+reason, nil)
		},
	}
	o, err := options.Read(r.Layers...)
	if err != nil {
		return &ended{InvalidConfig, err.Error()}
	}
	r.test.SetOptions(o)
	if r.main, err = loader.Main(r.Script); err != nil {
		return err
	}
	r.first, err = r.test.New(ctx, r.main, false)
	return err
}

// configure reads the options that are in effect.
func (r *run) configure() error {
	text, err := r.first.Exported("options")
	if err != nil {
		return err
	}
	var script options.Layer
	if text != nil {
		if err := json.Unmarshal(text, &script); err != nil {
			return &ended{InvalidConfig, "options: " + err.Error()}
		}
	}
	o, err := options.Read(append([]options.Layer{script}, r.Layers...)...)
	if err == nil && !o.NoThresholds {
		err = r.test.Engine.SetThresholds(o.Thresholds)
	}
	if err == nil {
		for _, s := range o.Scenarios {
			if !r.first.Has(s.Exec) {
				err = errors.Join(err, fmt.Errorf("executor %s: function '%s' not found in exports", s.Name, s.Exec))
			}
		}
	}
	if err != nil {
		faults := strings.ReplaceAll(err.Error(), "\n", "\n\t- ")
		return &ended{InvalidConfig, "There were problems with the specified script configuration:\n\t- " + faults}
	}
	r.test.SetOptions(o)
	r.test.Exports, err = json.Marshal(merged(script, r.Layers))
	return err
}

func merged(script options.Layer, layers []options.Layer) options.Layer {
	all := options.Layer{}
	for _, layer := range append([]options.Layer{script}, layers...) {
		for name, value := range layer {
			all[name] = value
		}
	}
	return all
}

// act sets up, lets users act, and tears down.
func (r *run) act(ctx context.Context) {
	watched, stopWatching := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { r.watch(watched) })
	if r.part(ctx, "setup", r.test.Options.SetupTimeout, SetupTimeout) {
		r.scenarios(ctx)
		// The load is over, or was ended: what it left is taken down all the same.
		r.part(context.WithoutCancel(ctx), "teardown", r.test.Options.TeardownTimeout, TeardownTimeout)
	}
	stopWatching()
	watching.Wait()
}

// part runs setup or teardown where the script has it.
func (r *run) part(ctx context.Context, name string, within time.Duration, late int) bool {
	if !r.wants(name) {
		return true
	}
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	data, err := r.first.Part(limited, name, r.setup)
	var aborted *js.Aborted
	switch {
	case err == nil && limited.Err() == nil: // what is late may end before it is told
		if name == "setup" {
			r.setup = data
		}
		return true
	case errors.As(err, &aborted):
		r.stop(ScriptAborted, "%s", aborted.Reason)
	case ctx.Err() != nil: // the run was ended meanwhile
	case limited.Err() != nil:
		r.stop(late, "%s() execution timed out after %.0f seconds", name, within.Seconds())
	default:
		r.stop(ScriptFault, "%s", js.Text(err))
	}
	return false
}

// wants says whether the script has the part and no option leaves it out.
func (r *run) wants(part string) bool {
	o := r.test.Options
	left := part == "setup" && o.NoSetup || part == "teardown" && o.NoTeardown
	return !left && r.first.Has(part)
}

// scenarios runs all of them to their ends.
func (r *run) scenarios(ctx context.Context) {
	for _, u := range r.made {
		if err := u.SetData(r.setup); err != nil {
			r.stop(ScriptFault, "%s", js.Text(err))
			return
		}
	}
	var all sync.WaitGroup
	for _, s := range r.test.Options.Scenarios {
		scenario := &executor.Scenario{
			Scenario: s, Segment: r.test.Options.Segment, Users: r, Drop: r.drop,
			Warn: func(format string, a ...any) {
				r.Log.Write("warning", fmt.Sprintf(format, a...), map[string]string{"scenario": s.Name})
			},
		}
		all.Go(func() {
			timer := time.NewTimer(s.StartTime.Duration)
			defer timer.Stop()
			select {
			case <-timer.C:
				scenario.Run(ctx)
			case <-ctx.Done():
			}
		})
	}
	all.Wait()
}

func (r *run) drop(s *executor.Scenario, n int64) {
	e := r.test.Engine
	e.Add(metrics.Sample{Metric: e.Dropped, Value: float64(n), Time: time.Now(), Tags: r.test.ScenarioTags(s)})
}
