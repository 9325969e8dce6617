package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/stacks"
)

// budgets appends to the stack's file, in the project that the test is in.
func budgets(t *testing.T, stack, text string) {
	t.Helper()
	file := "Pulumi." + stack + ".yaml"
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(before, []byte("\n  perf:budgets:\n    peak: "+text+"\n")...), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(file, before, 0o600); err != nil {
			t.Error(err)
		}
	})
}

func TestBudgetsAreShownAndDecideTheExitCode(t *testing.T) {
	enterProject(t)
	var all []generated
	for i, p95 := range []float64{200, 204, 196, 202, 198, 204, 290} {
		all = append(all, generated{run: fmt.Sprintf("peak-20261124-%d", i), p95: p95, uploads: 30, image: "0.1.0"})
	}
	all[6].image = "0.2.0"
	folder := kept(t, all...)
	for _, c := range []struct {
		budget string
		args   []string
		code   int
		want   []string
	}{
		{"{responseP95: {limit: 250}}", []string{"report", all[6].run}, exitUnhealthy, []string{"BUDGETS MISSED", "MISSED  budget of response p95                 at most 250 ms  290"}},
		{"{responseP95: {limit: 250}}", []string{"report", all[0].run}, 0, []string{"kept  budget of response p95"}},
		{"{responseP95: {worsePercent: 10}}", []string{"report", all[6].run}, 0, []string{"NOT MEASURED", "scenario peak: no baseline"}},
		{"{responseP95: {limit: 250, worsePercent: 10}}", []string{"compare", all[6].run, "--against", all[0].run + "," + all[1].run + "," + all[2].run}, exitUnhealthy, []string{"MISSED", "worse than the baseline by at most 10 %"}},
		{"{responseP95: {worsePercent: 60}}", []string{"compare", all[1].run, "--against", all[0].run + "," + all[2].run + "," + all[3].run}, 0, []string{"kept"}},
		{"{responsP95: {limit: 1}}", []string{"report", all[0].run}, exitFailed, []string{"perf:budgets.peak.responsP95 is no known key (did you mean responseP95?)"}},
	} {
		t.Run(c.budget+c.args[0], func(t *testing.T) {
			budgets(t, "prod", c.budget)
			out, errs, code := ragscaleHere(append(append([]string{"load"}, c.args...), "--stack", "prod", "--folder", folder)...)
			for _, want := range c.want {
				if code != c.code || !strings.Contains(out+errs, want) {
					t.Errorf("exit code %d, want %d and %q:\n%s%s", code, c.code, want, out, errs)
				}
			}
		})
	}
}

// A gate wants every budget told: one that needs a baseline which was forgotten is no pass.
func TestAGateWantsEveryBudgetTold(t *testing.T) {
	ten := 10.0
	run := &load.Run{Passed: true}
	run.Hold([]load.Budget{{Figure: "response p95", WorsePercent: &ten}}, nil, load.ErrNoBaseline)
	want := "budget of response p95, worse than the baseline by at most 10 %: no baseline"
	if err := openBudgets(run.Budgets); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestEveryFigureMayHaveABudget(t *testing.T) {
	known := load.FigureNames()
	for _, key := range stacks.BudgetFigures() {
		delete(known, figureOf(key))
	}
	if len(known) != 0 || len(load.FigureNames()) != len(stacks.BudgetFigures()) {
		t.Errorf("figures without a key: %v; keys: %v", known, stacks.BudgetFigures())
	}
}
