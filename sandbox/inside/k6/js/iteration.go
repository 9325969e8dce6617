package js

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http/cookiejar"
	"strconv"
	"time"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/sandbox/inside/k6/executor"
	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// Part runs setup or teardown, with tags of its own, and returns its result as JSON.
func (u *User) Part(ctx context.Context, name string, arguments ...json.RawMessage) (json.RawMessage, error) {
	u.group, u.base = &Group{Path: separator + name}, nil
	defer func() { u.group, u.base = u.Groups, nil }()
	u.Jar, _ = cookiejar.New(nil) // it never fails
	result, err := u.Call(ctx, name, arguments...)
	u.traffic()
	return result, err
}

// Act implements executor.User: one iteration.
func (u *User) Act(ctx context.Context, s *executor.Scenario, number int64) {
	u.enter(s, number)
	u.Active.Add(1)
	defer u.Active.Add(-1)
	began := time.Now()
	_, err := u.call(ctx, s.Exec, u.data)
	took := time.Since(began)
	if u.EndIteration != nil {
		u.EndIteration()
	}
	if ctx.Err() != nil {
		u.Interrupted.Add(1)
		u.traffic()
		return
	}
	u.note(err)
	u.Completed.Add(1)
	now, tags := time.Now(), u.Base()
	u.Engine.Add(metrics.Sample{Metric: u.Engine.IterationDuration, Value: millis(took), Time: now, Tags: tags},
		metrics.Sample{Metric: u.Engine.Iterations, Value: 1, Time: now, Tags: tags})
	u.traffic()
	if rest := u.Options.MinIteration - took; rest > 0 {
		pause(ctx, rest)
	}
}

// enter begins an iteration of a scenario.
func (u *User) enter(s *executor.Scenario, number int64) {
	if u.scenario != s {
		u.scenario, u.tags = s, metrics.Tags{}
	}
	u.numberInScenario = number
	u.iteration++
	if _, ok := u.inScenario[s.Name]; ok {
		u.inScenario[s.Name]++
	} else {
		u.inScenario[s.Name] = 0
	}
	if u.env != s.Name {
		env := maps.Clone(u.Env)
		maps.Copy(env, s.Env)
		u.must(u.VM.Set("__ENV", env))
		u.env = s.Name
	}
	if u.Jar == nil || !u.Options.NoCookiesReset {
		u.Jar, _ = cookiejar.New(nil) // it never fails
	}
	u.group, u.base = u.Groups, nil
	u.must(u.VM.Set("__ITER", u.iteration))
}

// SetData gives the user what setup returned.
func (u *User) SetData(text json.RawMessage) error {
	var err error
	u.data, err = u.Parse(text)
	return err
}

// note says the fault of an iteration; one that ends the run ends it.
func (u *User) note(err error) {
	var aborted *Aborted
	switch {
	case err == nil:
	case errors.As(err, &aborted):
		u.Abort(aborted.Reason)
	default:
		u.Log.Write("error", Text(err), map[string]string{
			"executor": u.scenario.Executor, "hint": `"script exception"`, "scenario": u.scenario.Name, "source": "stacktrace",
		})
	}
}

// Text is a fault of a script, with its place.
func Text(err error) string {
	var thrown *sobek.Exception
	if errors.As(err, &thrown) {
		return thrown.String()
	}
	return err.Error()
}

// Base are the tags of every sample of the user at the moment.
func (u *User) Base() metrics.Tags {
	if u.base == nil {
		u.base = u.tagged()
	}
	return u.base
}

// ScenarioTags are those of samples that are of no user.
func (t *Test) ScenarioTags(s *executor.Scenario) metrics.Tags {
	tags := metrics.Tags(t.Options.Tags).With(s.Tags)
	if t.System("scenario") {
		tags["scenario"] = s.Name
	}
	return tags
}

func (u *User) tagged() metrics.Tags {
	all := metrics.Tags{}
	maps.Copy(all, u.Options.Tags)
	if u.scenario != nil {
		maps.Copy(all, u.scenario.Tags)
	}
	maps.Copy(all, u.tags)
	if u.System("group") {
		all["group"] = u.group.Path
	}
	if u.System("scenario") && u.scenario != nil {
		all["scenario"] = u.scenario.Name
	}
	if u.System("vu") {
		all["vu"] = strconv.FormatInt(u.ID, 10)
	}
	if u.System("iter") {
		all["iter"] = strconv.FormatInt(u.iteration, 10)
	}
	return all
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// pause waits for a time, at most until the context ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
