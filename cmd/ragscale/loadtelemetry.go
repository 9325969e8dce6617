package main

import (
	"context"
	"time"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

// gatherLimit bounds how long a stack is asked what it did during a run.
const gatherLimit = time.Minute

// gather asks a stack for its telemetry over a run's time, and keeps it beside the results. What cannot be had is
// missing in the answer, and no error; nor is a store that takes nothing.
func (p project) gather(
	ctx context.Context, c console, stack string, store load.Store, run *load.Run,
) *telemetry.Telemetry {
	within, cancel := context.WithTimeout(ctx, gatherLimit)
	defer cancel()
	w, err := p.workspace(within, stack)
	if err != nil {
		c.note("run %s has no telemetry: %v", run.Name, err)
		return &telemetry.Telemetry{Missing: []telemetry.Missing{{What: "all telemetry", Why: err.Error()}}}
	}
	t := telemetry.Collect(within, telemetry.WindowOf(run), w)
	if len(t.Panels) == 0 {
		c.note("run %s has no telemetry: %s", run.Name, t.Missing[0].Why)
		return t // to be asked again
	}
	if err := t.Keep(ctx, store, run); err != nil {
		c.note("the telemetry of run %s is not kept: %v", run.Name, err)
	}
	return t
}

// telemetryOf is what was kept of a run or else, where ask says so, what its stack still knows.
func telemetryOf(
	ctx context.Context, c console, stack string, ask bool, store load.Store, run *load.Run,
) *telemetry.Telemetry {
	kept, err := telemetry.Read(ctx, store, run)
	if err != nil {
		return &telemetry.Telemetry{Missing: []telemetry.Missing{{What: "all telemetry", Why: err.Error()}}}
	}
	if kept != nil || !ask {
		return kept
	}
	p, err := openProject()
	if err != nil {
		return nil
	}
	return p.gather(ctx, c, stack, store, run)
}
