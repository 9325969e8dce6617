package js

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/sobek"
)

// globals gives the runtime what scripts have without an import.
func (u *User) globals() error {
	u.VM.SetFieldNameMapper(sobek.UncapFieldNameMapper())
	if u.Now != nil {
		u.VM.SetTimeSource(u.Now)
	}
	u.VM.SetPromiseRejectionTracker(func(p *sobek.Promise, op sobek.PromiseRejectionOperation) {
		if op == sobek.PromiseRejectionReject {
			u.rejected[p] = true
		} else {
			delete(u.rejected, p)
		}
	})
	no := sobek.FLAG_FALSE
	if err := u.VM.GlobalObject().DefineDataProperty(hiddenUser, u.VM.ToValue(u), no, no, no); err != nil {
		return err
	}
	env := map[string]string{}
	for key, value := range u.Env {
		env[key] = value
	}
	all := map[string]any{
		"__ENV": env, "__VU": u.ID, "__ITER": 0, "open": u.open, "require": u.require, "console": u.console(),
	}
	for name, timer := range u.timerFunctions() {
		all[name] = timer
	}
	for name, value := range all {
		if err := u.VM.Set(name, value); err != nil {
			return err
		}
	}
	return u.VM.Set("global", u.VM.GlobalObject())
}

// open reads a file: as a text, or with "b" as an ArrayBuffer.
func (u *User) open(call sobek.FunctionCall) sobek.Value {
	name := call.Argument(0).String()
	if u.running {
		u.Throw(fmt.Errorf("open(%q): it is only for the init context", name))
	}
	content, err := u.Loader.open(name)
	if err != nil {
		u.Throw(fmt.Errorf("open(%q): %w", name, err))
	}
	if mode := call.Argument(1); !sobek.IsUndefined(mode) && mode.String() == "b" {
		return u.VM.ToValue(u.VM.NewArrayBuffer(append([]byte(nil), content...)))
	}
	return u.VM.ToValue(string(content))
}

// require loads a module of k6, or a script beside this one, as CommonJS does.
func (u *User) require(call sobek.FunctionCall) sobek.Value {
	name := call.Argument(0).String()
	if u.running {
		u.Throw(fmt.Errorf("require(%q): it is only for the init context", name))
	}
	record, err := u.Loader.resolve(u.VM.GetActiveScriptOrModule(), name)
	if err != nil {
		u.Throw(err)
	}
	switch record := record.(type) {
	case *native:
		return (*u.native(record))["default"]
	case *sobek.SourceTextModuleRecord:
		if err := record.Link(); err != nil {
			u.Throw(err)
		}
		if p := u.VM.CyclicModuleRecordEvaluate(record, u.Loader.resolve); p.State() == sobek.PromiseStateRejected {
			u.Throw(rejection(p))
		}
		return u.VM.NamespaceObjectFor(record)
	}
	return sobek.Undefined()
}

// timerFunctions are those of browsers, also in module k6/timers.
func (u *User) timerFunctions() map[string]any {
	begin := func(again bool) func(sobek.FunctionCall) sobek.Value {
		return func(call sobek.FunctionCall) sobek.Value { return u.VM.ToValue(u.timer(call, again)) }
	}
	end := func(id int64) {
		if stop, ok := u.timers[id]; ok {
			delete(u.timers, id)
			stop()
		}
	}
	return map[string]any{
		"setTimeout": begin(false), "setInterval": begin(true), "clearTimeout": end, "clearInterval": end,
	}
}

func (u *User) timer(call sobek.FunctionCall, again bool) int64 {
	callback, ok := sobek.AssertFunction(call.Argument(0))
	if !ok {
		panic(u.VM.NewTypeError("the first argument is no function"))
	}
	wait := time.Duration(max(0, call.Argument(1).ToFloat()) * float64(time.Millisecond))
	var arguments []sobek.Value
	if len(call.Arguments) > 2 {
		arguments = call.Arguments[2:]
	}
	u.lastTimer++
	u.schedule(u.lastTimer, wait, again, func() error {
		_, err := callback(sobek.Undefined(), arguments...)
		return err
	})
	return u.lastTimer
}

// schedule lets a callback be called after a time, unless the timer is stopped before.
func (u *User) schedule(id int64, wait time.Duration, again bool, callback func() error) {
	later := u.Register()
	t := time.AfterFunc(wait, func() {
		later(func() error {
			if _, ok := u.timers[id]; !ok {
				return nil
			}
			delete(u.timers, id)
			if again {
				u.schedule(id, wait, again, callback)
			}
			return callback()
		})
	})
	u.timers[id] = func() {
		if t.Stop() {
			later(func() error { return nil })
		}
	}
}

// stopTimers ends those that an iteration left.
func (u *User) stopTimers() {
	for id, stop := range u.timers {
		delete(u.timers, id)
		stop()
	}
	u.loop = newLoop() // what still comes is of the iteration that is over
}

func (u *User) console() *sobek.Object {
	console := u.VM.NewObject()
	levels := map[string]string{"log": "info", "info": "info", "debug": "debug", "warn": "warning", "error": "error"}
	for name, level := range levels {
		u.must(console.Set(name, func(call sobek.FunctionCall) sobek.Value {
			if level != "debug" {
				u.Log.Write(level, u.said(call.Arguments), map[string]string{"source": "console"})
			}
			return sobek.Undefined()
		}))
	}
	return console
}

// said is what values look like in a log: texts as they are, what is in objects and arrays too.
func (u *User) said(values []sobek.Value) string {
	var words []string
	for _, value := range values {
		if text, ok := value.Export().(string); ok {
			words = append(words, text)
		} else {
			words = append(words, u.shown(value, nil))
		}
	}
	return strings.Join(words, " ")
}

// shown is a value within another; what contains itself is said to.
func (u *User) shown(value sobek.Value, within []*sobek.Object) string {
	object, ok := value.(*sobek.Object)
	if !ok {
		if text, ok := value.Export().(string); ok {
			return strconv.Quote(text)
		}
		return value.String()
	}
	if _, ok := sobek.AssertFunction(object); ok {
		return "[object Function]"
	}
	if slices.Contains(within, object) {
		return "[Circular]"
	}
	within = append(within, object)
	open, shut, array := "{", "}", object.ClassName() == "Array"
	if object.ClassName() == "Error" || object.ClassName() == "Date" {
		return object.String()
	}
	if array {
		open, shut = "[", "]"
	}
	var parts []string
	for _, key := range object.Keys() {
		part := u.shown(object.Get(key), within)
		if !array {
			part = key + ": " + part
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return open + shut
	}
	return open + " " + strings.Join(parts, ", ") + " " + shut
}

// Environment is this process's, by name.
func Environment() map[string]string {
	all := map[string]string{}
	for _, line := range os.Environ() {
		name, value, _ := strings.Cut(line, "=")
		all[name] = value
	}
	return all
}
