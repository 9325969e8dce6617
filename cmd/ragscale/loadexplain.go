package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ragscale/ragscale/perf/diagnose"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/profile"
	"github.com/ragscale/ragscale/perf/recommend"
	"github.com/ragscale/ragscale/perf/report"
	"github.com/ragscale/ragscale/perf/telemetry"
	"github.com/ragscale/ragscale/stacks"
)

// explained is what leads from the objectives that a run missed to what mends them. What cannot be had is a reason in
// the answer, and no error: the report is of the run.
func explained(
	ctx context.Context, cfg *stacks.Config, store load.Store, run *load.Run, told *telemetry.Telemetry,
) (e report.Explanation) {
	var err error
	if e.Diagnosis, err = diagnose.Of(run, told, cfg); err != nil {
		e.Undiagnosed = err.Error()
		e.Unadvised = "they are made of the diagnosis"
	} else if e.Advice, err = advised(cfg.Stack, e.Diagnosis, run); err != nil {
		e.Unadvised = err.Error()
	}
	if e.Profile, err = profiledDuring(ctx, store, run); err != nil {
		e.Unprofiled = err.Error()
	}
	return e
}

// advised recommends changes of the stack's file as it is now.
func advised(stack string, d *diagnose.Diagnosis, run *load.Run) (*recommend.Answer, error) {
	p, err := openProject()
	if err != nil {
		return nil, err
	}
	file := p.stackFile(stack)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return recommend.For(recommend.Input{Diagnosis: d, Run: run, File: file, Text: text, Check: checkOf(stack)})
}

// profiledDuring sums up the profiles that were taken during a run.
func profiledDuring(ctx context.Context, store load.Store, run *load.Run) (*profile.Report, error) {
	set, err := profile.Read(ctx, store, run.Scenario.Name, run.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("no profile was taken: `ragscale profile` during a run takes one")
	}
	if err != nil {
		return nil, err
	}
	sums, err := set.Report()
	if err != nil {
		return nil, fmt.Errorf("profiles of run %s: %w", run.Name, err)
	}
	return sums, nil
}
