package js

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// custom are the constructors of a script's own metrics.
func (u *User) custom() map[string]any {
	of := func(typ metrics.Type) func(sobek.ConstructorCall) *sobek.Object {
		return func(call sobek.ConstructorCall) *sobek.Object { return u.newMetric(call, typ) }
	}
	return map[string]any{
		"Counter": of(metrics.Counter), "Gauge": of(metrics.Gauge), "Rate": of(metrics.Rate), "Trend": of(metrics.Trend),
	}
}

func (u *User) newMetric(call sobek.ConstructorCall, typ metrics.Type) *sobek.Object {
	if u.running {
		u.Throw(errors.New("metrics must be declared in the init context"))
	}
	contains := metrics.Default
	if call.Argument(1).ToBoolean() {
		contains = metrics.Time
	}
	m, err := u.Engine.Metric(call.Argument(0).String(), typ, contains)
	if err != nil {
		u.Throw(err)
	}
	u.must(call.This.DefineDataProperty("name", u.VM.ToValue(m.Name), sobek.FLAG_FALSE, sobek.FLAG_FALSE, sobek.FLAG_TRUE))
	u.must(call.This.Set("add", func(call sobek.FunctionCall) sobek.Value {
		return u.VM.ToValue(u.add(m, call.Argument(0), call.Argument(1)))
	}))
	return nil
}

// add samples a metric. A value that is no number is said, and thrown where the options ask for that.
func (u *User) add(m *metrics.Metric, value, tags sobek.Value) bool {
	if !u.running {
		u.Throw(errors.New("metrics can't be added to in the init context"))
	}
	number := value.ToFloat()
	if b, ok := value.Export().(bool); ok && !b {
		number = 0
	}
	if sobek.IsNull(value) || math.IsNaN(number) {
		err := fmt.Errorf("'%s' is an invalid value for metric '%s', a number or a boolean value is expected", value, m.Name)
		if u.Options.Throw {
			u.Throw(err)
		}
		u.Log.Write("warning", err.Error(), nil)
		return false
	}
	all := u.Base()
	if more := u.TagsOf(tags); more != nil {
		all = all.With(more)
	}
	u.Emit(metrics.Sample{Metric: m, Value: number, Time: time.Now(), Tags: all})
	return true
}
