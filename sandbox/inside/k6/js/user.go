package js

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/cookiejar"
	"sync/atomic"
	"time"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/sandbox/inside/k6/executor"
	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// User is a virtual user.
type User struct {
	*Test
	VM  *sobek.Runtime
	Jar *cookiejar.Jar // of the iteration
	// Ctx ends with the iteration, at the latest.
	Ctx context.Context //nolint:containedctx // functions of scripts are given none
	// EndIteration and EndUser are for a module that keeps something, such as connections; nil where none does.
	EndIteration, EndUser func()
	// ID among the users of this generator, from 1, and of the whole test. 0 is for setup, teardown and the summary.
	ID, IDInTest int64

	loop     *loop
	exports  *sobek.Object
	natives  map[*native]*members
	running  bool // past the init context
	group    *Group
	tags     metrics.Tags // that the script gave the user
	base     metrics.Tags // of all samples; nil when it has to be made anew
	scenario *executor.Scenario
	env      string // the scenario whose environment is set

	iteration           int64 // of this user, over all scenarios
	inScenario          map[string]int64
	numberInScenario    int64 // of the iteration among the scenario's here
	data                sobek.Value
	rejected            map[*sobek.Promise]bool
	timers              map[int64]func()
	lastTimer           int64
	sentBytes, received atomic.Int64
}

// hiddenUser is where a runtime has its user: natives are found by runtimes.
const hiddenUser = "k6 user"

func userOf(vm *sobek.Runtime) (*User, error) {
	u, ok := vm.GlobalObject().Get(hiddenUser).Export().(*User)
	if !ok {
		return nil, errors.New("the runtime has no user")
	}
	return u, nil
}

// New makes a user and runs the script's init context for it. The first ones are not of those who load: theirs is 0.
func (t *Test) New(ctx context.Context, main *sobek.SourceTextModuleRecord, loads bool) (*User, error) {
	u := &User{
		Test: t, VM: sobek.New(), Ctx: ctx, loop: newLoop(), natives: map[*native]*members{},
		group: t.Groups, tags: metrics.Tags{},
		iteration: -1, inScenario: map[string]int64{}, rejected: map[*sobek.Promise]bool{}, timers: map[int64]func(){},
	}
	if loads {
		t.one.Lock()
		t.users++
		u.ID = t.users
		t.one.Unlock()
		u.IDInTest = t.Options.Segment.Nth(u.ID-1) + 1
	}
	if err := u.globals(); err != nil {
		return nil, err
	}
	end := u.interruptible(ctx)
	defer end()
	err := u.loop.run(ctx, func() error {
		p := u.VM.CyclicModuleRecordEvaluate(main, t.Loader.resolve)
		if p.State() == sobek.PromiseStateRejected {
			return rejection(p)
		}
		return nil
	})
	if err != nil {
		return nil, unwrap(err)
	}
	u.exports, u.running = u.VM.NamespaceObjectFor(main), true
	return u, nil
}

func rejection(p *sobek.Promise) error {
	if err, ok := p.Result().Export().(error); ok {
		return err
	}
	if o, ok := p.Result().(*sobek.Object); ok && o.Get("stack") != nil {
		return errors.New(o.Get("stack").String())
	}
	return fmt.Errorf("Uncaught (in promise) %s", p.Result()) //nolint:staticcheck // k6's words
}

// unwrap finds the script's own end of the run in an error.
func unwrap(err error) error {
	var interrupted *sobek.InterruptedError
	if errors.As(err, &interrupted) {
		if cause, ok := interrupted.Value().(error); ok {
			return cause
		}
	}
	return err
}

// interruptible lets the end of a context interrupt the script. What it returns ends that.
func (u *User) interruptible(ctx context.Context) (end func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		u.VM.Interrupt(context.Cause(ctx))
		close(done)
	})
	return func() {
		if !stop() {
			<-done
		}
		u.VM.ClearInterrupt()
	}
}

// Has tells whether the script exports a function of a name.
func (u *User) Has(name string) bool {
	_, ok := sobek.AssertFunction(u.exports.Get(name))
	return ok
}

// Exported is what the script exports under a name, as JSON; nil where it does not.
func (u *User) Exported(name string) (json.RawMessage, error) {
	value := u.exports.Get(name)
	if value == nil || sobek.IsUndefined(value) || sobek.IsNull(value) {
		return nil, nil
	}
	return u.stringify(value)
}

func (u *User) stringify(value sobek.Value) (json.RawMessage, error) {
	stringify, _ := sobek.AssertFunction(u.VM.Get("JSON").ToObject(u.VM).Get("stringify"))
	text, err := stringify(sobek.Undefined(), value)
	if err != nil {
		return nil, err
	}
	if sobek.IsUndefined(text) {
		return nil, nil
	}
	return json.RawMessage(text.String()), nil
}

// Parse is JSON.parse; nil is undefined.
func (u *User) Parse(text json.RawMessage) (sobek.Value, error) {
	if text == nil {
		return sobek.Undefined(), nil
	}
	parse, _ := sobek.AssertFunction(u.VM.Get("JSON").ToObject(u.VM).Get("parse"))
	return parse(sobek.Undefined(), u.VM.ToValue(string(text)))
}

// Call calls a function of the script and returns its result as JSON. Arguments are given as JSON.
func (u *User) Call(ctx context.Context, name string, arguments ...json.RawMessage) (json.RawMessage, error) {
	values := make([]sobek.Value, len(arguments))
	for i, text := range arguments {
		var err error
		if values[i], err = u.Parse(text); err != nil {
			return nil, err
		}
	}
	result, err := u.call(ctx, name, values...)
	if err != nil {
		return nil, err
	}
	return u.stringify(result)
}

// call calls a function of the script and waits for what it began.
func (u *User) call(ctx context.Context, name string, arguments ...sobek.Value) (result sobek.Value, err error) {
	function, ok := sobek.AssertFunction(u.exports.Get(name))
	if !ok {
		return nil, fmt.Errorf("function '%s' not found in exports", name)
	}
	u.Ctx = ctx
	end := u.interruptible(ctx)
	defer end()
	err = u.loop.run(ctx, func() error {
		result, err = function(sobek.Undefined(), arguments...)
		return err
	})
	u.stopTimers()
	if err != nil {
		return nil, unwrap(err)
	}
	if p, ok := result.Export().(*sobek.Promise); ok {
		if p.State() == sobek.PromiseStateRejected {
			return nil, rejection(p)
		}
		result = p.Result()
	}
	for p := range u.rejected {
		clear(u.rejected)
		return nil, rejection(p)
	}
	return result, nil
}

// Running tells whether the init context is over.
func (u *User) Running() bool { return u.running }

// Emit samples what the user did. What is still done when its iteration was interrupted is not sampled.
func (u *User) Emit(samples ...metrics.Sample) {
	if u.Ctx.Err() == nil {
		u.Engine.Add(samples...)
	}
}

// Count adds to the bytes that the user sent and received.
func (u *User) Count(sent, received int64) {
	u.sentBytes.Add(sent)
	u.received.Add(received)
}

// traffic samples the bytes of an iteration.
func (u *User) traffic() {
	now, tags := time.Now(), u.Base()
	u.Engine.Add(metrics.Sample{Metric: u.Engine.Sent, Value: float64(u.sentBytes.Swap(0)), Time: now, Tags: tags},
		metrics.Sample{Metric: u.Engine.Received, Value: float64(u.received.Swap(0)), Time: now, Tags: tags})
}

// Throw ends the script with a fault, which it may catch.
func (u *User) Throw(err error) { panic(u.VM.NewGoError(err)) }

// must is for what cannot fail: values of ours in objects of ours.
func (u *User) must(err error) {
	if err != nil {
		u.Throw(err)
	}
}
