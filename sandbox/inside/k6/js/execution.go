package js

import (
	"errors"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/sandbox/inside/k6/executor"
)

// execution is what a script may know of the run, and how it ends it.
func (u *User) execution() map[string]any {
	vu := u.reader(map[string]func() any{
		"idInInstance":        func() any { return u.ID },
		"idInTest":            func() any { return u.IDInTest },
		"iterationInInstance": func() any { return u.iteration },
		"iterationInScenario": func() any { return u.inScenario[u.current("vu.iterationInScenario").Name] },
	})
	tags := u.VM.NewDynamicObject(&userTags{u})
	vuMetrics := u.VM.NewObject()
	u.must(vuMetrics.Set("tags", tags))
	u.must(vuMetrics.Set("metadata", u.VM.NewObject()))
	u.must(vu.Set("tags", tags))
	u.must(vu.Set("metrics", vuMetrics))
	return map[string]any{"vu": vu, "scenario": u.scenarioReader(), "instance": u.instanceReader(), "test": u.testObject()}
}

// reader is an object whose properties are looked at when they are read.
func (u *User) reader(properties map[string]func() any) *sobek.Object {
	object := u.VM.NewObject()
	for name, of := range properties {
		getter := u.VM.ToValue(func(sobek.FunctionCall) sobek.Value { return u.VM.ToValue(of()) })
		u.must(object.DefineAccessorProperty(name, getter, nil, sobek.FLAG_FALSE, sobek.FLAG_TRUE))
	}
	return object
}

// current is the scenario that runs; only its users have one.
func (u *User) current(asked string) *executor.Scenario {
	if u.scenario == nil {
		u.Throw(errors.New("getting " + asked + " outside of the VU context is not supported"))
	}
	return u.scenario
}

func (u *User) scenarioReader() *sobek.Object {
	return u.reader(map[string]func() any{
		"name":                func() any { return u.current("scenario.name").Name },
		"executor":            func() any { return u.current("scenario.executor").Executor },
		"startTime":           func() any { return u.current("scenario.startTime").Began.UnixMilli() },
		"progress":            func() any { return u.current("scenario.progress").Progress() },
		"iterationInInstance": func() any { u.current("scenario.iterationInInstance"); return u.numberInScenario },
		"iterationInTest":     func() any { return u.current("scenario.iterationInTest").InTest(u.numberInScenario) },
	})
}

func (u *User) instanceReader() *sobek.Object {
	return u.reader(map[string]func() any{
		"currentTestRunDuration": func() any { return millis(u.Elapsed()) },
		"iterationsCompleted":    func() any { return u.Completed.Load() },
		"iterationsInterrupted":  func() any { return u.Interrupted.Load() },
		"vusActive":              func() any { return u.Active.Load() },
		"vusInitialized":         func() any { return u.Initialized.Load() },
	})
}

func (u *User) testObject() *sobek.Object {
	test := u.reader(map[string]func() any{"options": func() any {
		value, err := u.Parse(u.Exports)
		if err != nil {
			u.Throw(err)
		}
		return value
	}})
	u.must(test.Set("abort", func(call sobek.FunctionCall) sobek.Value {
		reason := "test aborted"
		if len(call.Arguments) > 0 {
			reason = "test aborted: " + call.Argument(0).String()
		}
		u.VM.Interrupt(&Aborted{reason})
		return sobek.Undefined()
	}))
	u.must(test.Set("fail", func(call sobek.FunctionCall) sobek.Value {
		u.Fail(call.Argument(0).String())
		return sobek.Undefined()
	}))
	return test
}

// userTags are the tags that a script gives its user, and those of its samples when they are read.
type userTags struct{ u *User }

// Get implements sobek.DynamicObject.
func (t *userTags) Get(key string) sobek.Value {
	value, ok := t.u.Base()[key]
	if !ok {
		return sobek.Undefined()
	}
	return t.u.VM.ToValue(value)
}

// Set implements sobek.DynamicObject.
func (t *userTags) Set(key string, value sobek.Value) bool {
	switch value.Export().(type) {
	case string, bool, int64, float64:
		t.u.tags = t.u.tags.With(map[string]string{key: value.String()})
		t.u.base = nil
		return true
	}
	panic(t.u.VM.NewTypeError("only String, Boolean and Number types are accepted as a tag value"))
}

// Has implements sobek.DynamicObject.
func (t *userTags) Has(key string) bool { _, ok := t.u.Base()[key]; return ok }

// Delete implements sobek.DynamicObject.
func (t *userTags) Delete(key string) bool {
	delete(t.u.tags, key)
	t.u.base = nil
	return true
}

// Keys implements sobek.DynamicObject.
func (t *userTags) Keys() []string {
	var keys []string
	for key := range t.u.Base() {
		keys = append(keys, key)
	}
	return keys
}
