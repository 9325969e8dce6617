package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/report"
	"github.com/ragscale/ragscale/stacks"
)

// budgetsOf are a scenario's budgets.
func budgetsOf(cfg *stacks.Config, scenario string) []load.Budget {
	var all []load.Budget
	for _, b := range cfg.LoadBudgets(scenario) {
		all = append(all, load.Budget{Figure: figureOf(b.Figure), Limit: b.Limit, WorsePercent: b.WorsePercent})
	}
	return all
}

// figureOf is the figure that a key of the configuration names: response p95 of responseP95.
func figureOf(key string) string {
	var name strings.Builder
	for _, r := range key {
		if unicode.IsUpper(r) {
			name.WriteByte(' ')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	return name.String()
}

// holdBudgets holds a run to its stack's budgets, where they ask for it by a comparison with the baseline.
func holdBudgets(ctx context.Context, cfg *stacks.Config, store load.Store, run *load.Run) {
	budgets := budgetsOf(cfg, run.Scenario.Name)
	var comparison *load.Comparison
	var missing error
	if load.NeedBaseline(budgets) {
		comparison, missing = compareRuns(ctx, store, run.Scenario.Name, []string{run.Name}, nil)
	}
	run.Hold(budgets, comparison, missing)
}

// openBudgets is an error that names the budgets which the runs do not tell of; nil where there are none.
func openBudgets(all []load.Held) error {
	var open []error
	for _, h := range all {
		if h.Outcome == load.NotMeasured {
			open = append(open, fmt.Errorf("budget of %s, %s: %s", h.Figure, report.Wanted(h), h.Why))
		}
	}
	return errors.Join(open...)
}
