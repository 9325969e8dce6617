package review

import (
	"fmt"
	"slices"
	"time"

	"github.com/ragscale/ragscale/perf/load"
)

// When something is due.
const (
	day           = 24 * time.Hour
	longAgo       = 30 * day // since a scenario ran
	oldBaseline   = 90 * day // since a baseline was set
	nearlySpent   = 80       // percent of an error budget
	nearLimit     = 0.9      // share of a budget's limit
	enoughForBase = 3        // runs that make a baseline
)

// due lists what somebody should see to.
func (in Input) due(byLoad [][]*load.Run) (all []string) {
	for _, s := range in.Scenarios {
		switch {
		case s.Last.IsZero():
			all = append(all, fmt.Sprintf("%s has never run", s.Name))
		case in.At.Sub(s.Last) > longAgo:
			all = append(all, fmt.Sprintf("%s has not run for %d days", s.Name, int(in.At.Sub(s.Last)/day)))
		}
	}
	for _, runs := range byLoad {
		all = append(all, in.dueOf(runs)...)
	}
	for _, b := range in.Baselines {
		if age := in.At.Sub(b.SetAt); age > oldBaseline {
			all = append(all, fmt.Sprintf("the baseline of %s is %d days old", b.Scenario, int(age/day)))
		}
	}
	return all
}

// dueOf is what the runs of one load want.
func (in Input) dueOf(runs []*load.Run) (all []string) {
	newest := runs[len(runs)-1]
	name := newest.Scenario.Name
	if newest.Missed() {
		all = append(all, fmt.Sprintf("%s: the newest run, %s, missed an objective", name, newest.Name))
	}
	if b := spent(runs); b != nil && b.SpentPercent >= nearlySpent {
		all = append(all, fmt.Sprintf("%s (%s): %.0f %% of its error budget is spent", name, loadOf(newest), b.SpentPercent))
	}
	for _, s := range in.Scenarios {
		if s.Name == name {
			all = append(all, nearBudget(newest, s.Budgets)...)
		}
	}
	i := slices.IndexFunc(in.Baselines, func(b load.Baseline) bool { return b.Scenario == name })
	switch {
	case i < 0 && len(runs) >= enoughForBase:
		all = append(all, fmt.Sprintf("%s has %d runs and no baseline", name, len(runs)))
	case i >= 0 && len(load.Unlike(in.Baselines[i].Runs[0], newest)) > 0:
		all = append(all, fmt.Sprintf("%s: %s is of another load than the baseline, which compares with it no more",
			name, newest.Name))
	}
	return all
}

// nearBudget names the limits that the newest run comes near, or is beyond.
func nearBudget(newest *load.Run, budgets []load.Budget) (all []string) {
	for _, b := range budgets {
		f, measured := figureOf(newest, b.Figure)
		if b.Limit == nil || !measured {
			continue
		}
		share := f.Value / *b.Limit
		if f.Better == load.Higher {
			share = *b.Limit / f.Value
		}
		if share >= nearLimit { // of a limit of 0 every fault is too many, and none is no share
			all = append(all, fmt.Sprintf("%s: %s of %s is %s, budget %s %s", newest.Scenario.Name, b.Figure, newest.Name,
				amount(f.Value, f.Unit), termOf(f), amount(*b.Limit, f.Unit)))
		}
	}
	return all
}

func termOf(f load.Figure) load.Term {
	if f.Better == load.Higher {
		return load.AtLeast
	}
	return load.AtMost
}
