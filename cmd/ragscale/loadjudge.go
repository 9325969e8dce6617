package main

import (
	"context"
	"errors"
	"slices"

	"github.com/ragscale/ragscale/perf/endurance"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/report"
	"github.com/ragscale/ragscale/perf/telemetry"
	"github.com/ragscale/ragscale/stacks"
)

// judge prints a run that is over and returns its verdict. With a gate every budget has to be told, and nothing may be
// worse than the baseline.
func (c console) judge(
	ctx context.Context, cfg *stacks.Config, store load.Store, run *load.Run, told *telemetry.Telemetry, gate bool,
) error {
	holdBudgets(ctx, cfg, store, run)
	endurance.Judge(run, told)
	verdict := errors.Join(report.New(run, report.Against{}, told).Write(c.out, report.Text), loadVerdict(run))
	if !gate {
		return verdict
	}
	return errors.Join(verdict, openBudgets(run.Budgets), c.compared(ctx, cfg, store, run))
}

// compared compares a run with the baseline. One of a scenario that is too short for percentiles has no figures to
// compare: its objectives and budgets are its gate.
func (c console) compared(ctx context.Context, cfg *stacks.Config, store load.Store, run *load.Run) error {
	if slices.ContainsFunc(cfg.LoadScenarios(), func(s stacks.LoadScenario) bool { return s.Name == run.Scenario.Name && s.AnswersOnly }) {
		return nil
	}
	comparison, err := compareRuns(ctx, store, run.Scenario.Name, []string{run.Name}, nil)
	if err != nil {
		return err
	}
	return c.comparison(comparison, false)
}
