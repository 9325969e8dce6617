package main

import (
	"strings"
	"unicode"

	"github.com/ragscale/ragscale/perf/load"
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
