package js

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// natives are k6's modules of this package.
func natives() map[string]Module {
	return map[string]Module{
		"k6":           {[]string{"check", "fail", "group", "randomSeed", "sleep"}, (*User).core},
		"k6/crypto":    {cryptoNames, (*User).crypto},
		"k6/data":      {[]string{"SharedArray"}, (*User).sharedData},
		"k6/encoding":  {[]string{"b64decode", "b64encode"}, (*User).encoding},
		"k6/execution": {[]string{"instance", "scenario", "test", "vu"}, (*User).execution},
		"k6/metrics":   {[]string{"Counter", "Gauge", "Rate", "Trend"}, (*User).custom},
		"k6/timers":    {[]string{"clearInterval", "clearTimeout", "setInterval", "setTimeout"}, (*User).timerFunctions},
	}
}

func (u *User) core() map[string]any {
	return map[string]any{
		"check": u.check, "group": u.inGroup, "sleep": u.sleep,
		"fail": func(reason string) { u.Throw(errors.New(reason)) },
		"randomSeed": func(seed int64) {
			u.VM.SetRandSource(rand.New(rand.NewPCG(uint64(seed), 0)).Float64)
		},
	}
}

func (u *User) sleep(seconds float64) {
	if !u.running {
		u.Throw(fmt.Errorf("sleep: %w", errInit))
	}
	if seconds > 0 {
		u.wait(time.Duration(seconds * float64(time.Second)))
	}
}

func (u *User) wait(d time.Duration) {
	if u.Sleep != nil {
		u.Sleep(u.Ctx, d)
	} else {
		pause(u.Ctx, d)
	}
}

// check holds a value against conditions; a condition that is no function is its own answer.
func (u *User) check(call sobek.FunctionCall) sobek.Value {
	if !u.running {
		u.Throw(fmt.Errorf("check: %w", errInit))
	}
	value, sets := call.Argument(0), call.Argument(1)
	if sobek.IsUndefined(sets) || sobek.IsNull(sets) {
		u.Throw(errors.New("no checks to run were provided"))
	}
	more := u.TagsOf(call.Argument(2))
	object, all := sets.ToObject(u.VM), true
	for _, name := range object.Keys() {
		holds, err := u.holds(object.Get(name), value)
		all = all && holds
		u.checked(name, holds, more)
		if err != nil {
			panic(err)
		}
	}
	return u.VM.ToValue(all)
}

func (u *User) holds(condition, value sobek.Value) (bool, error) {
	function, ok := sobek.AssertFunction(condition)
	if !ok {
		return condition.ToBoolean(), nil
	}
	result, err := function(sobek.Undefined(), value)
	if err != nil {
		return false, err
	}
	if _, ok := result.Export().(*sobek.Promise); ok {
		u.Throw(errors.New("a check's condition returns a promise, want a value"))
	}
	return result.ToBoolean(), nil
}

func (u *User) checked(name string, holds bool, more metrics.Tags) {
	tags := maps.Clone(u.Base())
	if u.System("check") {
		tags["check"] = name
	}
	maps.Copy(tags, more)
	u.group.check(name, holds)
	value := 0.0
	if holds {
		value = 1
	}
	u.Emit(metrics.Sample{Metric: u.Engine.Checks, Value: value, Time: time.Now(), Tags: tags})
}

// TagsOf reads an object of tags.
func (u *User) TagsOf(value sobek.Value) metrics.Tags {
	if sobek.IsUndefined(value) || sobek.IsNull(value) {
		return nil
	}
	object := value.ToObject(u.VM)
	tags := metrics.Tags{}
	for _, key := range object.Keys() {
		if tag := object.Get(key); !sobek.IsUndefined(tag) && !sobek.IsNull(tag) {
			tags[key] = tag.String()
		}
	}
	return tags
}

func (u *User) inGroup(call sobek.FunctionCall) sobek.Value {
	if !u.running {
		u.Throw(fmt.Errorf("group: %w", errInit))
	}
	name := call.Argument(0).String()
	function, ok := sobek.AssertFunction(call.Argument(1))
	if !ok {
		u.Throw(errors.New("group() requires a callback as a second argument"))
	}
	if strings.Contains(name, separator) {
		u.Throw(fmt.Errorf("group %q: a name may not contain '::'", name))
	}
	outer := u.group
	u.group, u.base = outer.group(name), nil
	defer func() { u.group, u.base = outer, nil }()
	began := time.Now()
	result, err := function(sobek.Undefined())
	now := time.Now()
	u.Emit(metrics.Sample{Metric: u.Engine.GroupDuration, Value: millis(now.Sub(began)), Time: now, Tags: u.Base()})
	if err != nil {
		panic(err)
	}
	if _, ok := result.Export().(*sobek.Promise); ok {
		u.Throw(errors.New("group() does not support async functions as arguments"))
	}
	return result
}
