package main

import (
	"context"
	"time"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

// gatherLimit bounds how long a stack is asked what it did during a run.
const gatherLimit = time.Minute

// gather asks a stack for its telemetry over a run's time, and keeps it beside the results. What cannot be had is
// missing in the answer, and no error; nor is a store that takes nothing. What is kept already stands where less is
// known by now.
func (p project) gather(
	ctx context.Context, c console, stack string, store load.Store, run *load.Run, kept *telemetry.Telemetry,
) *telemetry.Telemetry {
	within, cancel := context.WithTimeout(ctx, gatherLimit)
	defer cancel()
	sources, missing := p.sources(within, stack)
	t := telemetry.Collect(within, telemetry.WindowOf(run), sources...)
	t.Missing = append(missing, t.Missing...)
	if kept != nil && len(t.Panels) < len(kept.Panels) {
		return kept
	}
	if len(t.Panels) == 0 {
		c.note("run %s has no telemetry: %s", run.Name, t.Missing[0].Why)
		return t // to be asked again
	}
	if err := t.Keep(ctx, store, run); err != nil {
		c.note("the telemetry of run %s is not kept: %v", run.Name, err)
	}
	return t
}

// sources are who can be asked about a stack, and why others cannot.
func (p project) sources(ctx context.Context, stack string) ([]telemetry.Source, []telemetry.Missing) {
	cfg, err := p.config(stack)
	if err != nil {
		return nil, []telemetry.Missing{{What: "all telemetry", Why: err.Error()}}
	}
	account, err := p.account(ctx, cfg)
	if err != nil {
		return nil, []telemetry.Missing{{What: "all telemetry", Why: err.Error()}}
	}
	resources := telemetry.Stack{Account: account, Prefix: platform.Name(stack) + "-"}
	w, err := p.workspace(ctx, stack)
	if err != nil {
		missing := telemetry.Missing{What: "all that Managed Prometheus knows", Why: err.Error()}
		return []telemetry.Source{resources}, []telemetry.Missing{missing}
	}
	return []telemetry.Source{w, resources}, nil
}

// telemetryOf is what was kept of a run or else, where ask says so, what its stack still knows. What was asked for soon
// after the end of the run is asked for again: metrics come late.
func telemetryOf(
	ctx context.Context, c console, stack string, ask bool, store load.Store, run *load.Run,
) *telemetry.Telemetry {
	kept, err := telemetry.Read(ctx, store, run)
	if err != nil {
		return &telemetry.Telemetry{Missing: []telemetry.Missing{{What: "all telemetry", Why: err.Error()}}}
	}
	if kept != nil && !kept.Late(run) || !ask {
		return kept
	}
	p, err := openProject()
	if err != nil {
		return kept
	}
	return p.gather(ctx, c, stack, store, run, kept)
}
