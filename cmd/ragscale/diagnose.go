package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/diagnose"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/stacks"
)

func diagnoseCommand(c console) *cobra.Command {
	var stack, folder string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diagnose [RUN]",
		Short: "Say what holds a run of a load test up: where its time goes, what binds first, and the cause to begin with",
		Long: "Reads what was kept of a run, the newest one without RUN: its results and what the stack told meanwhile. One cause is named\n" +
			"first, with its evidence, or there is none, or the data do not tell and it says which are lacking. Nothing is measured anew.\n" +
			"Exit code 3 says that the run missed an objective or a budget, 1 that its cause could not be told.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, run, err := c.diagnosed(cmd.Context(), stack, folder, strings.Join(args, ""))
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(c.out).Encode(d)
			} else {
				err = d.Write(c.out)
			}
			if err != nil {
				return err
			}
			return diagnosisVerdict(d.Diagnosis, run)
		},
	}
	loadStoreFlags(cmd, &stack, &folder)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// diagnosed is a diagnosis with what it was made of.
type diagnosed struct {
	*diagnose.Diagnosis
	cfg *stacks.Config
}

// diagnosed reads a run, the newest one without a name, and diagnoses it.
func (c console) diagnosed(ctx context.Context, stack, folder, name string) (d diagnosed, run *load.Run, err error) {
	cfg, store, scenario, err := openStackLoad(ctx, stack, folder, name)
	if err != nil {
		return d, nil, err
	}
	if name == "" {
		if scenario, name, err = newestRun(ctx, store); err != nil {
			return d, nil, err
		}
	}
	if run, err = load.Read(ctx, store, scenario, name); err != nil {
		return d, nil, err
	}
	holdBudgets(ctx, cfg, store, run)
	told := telemetryOf(ctx, c, stack, folder == "", store, run)
	d.cfg = cfg
	d.Diagnosis, err = diagnose.Of(run, told, cfg)
	return d, run, err
}

// newestRun is the run of all scenarios that began last, by its name.
func newestRun(ctx context.Context, store load.Store) (scenario, name string, err error) {
	runs, err := load.List(ctx, store, "")
	if err != nil {
		return "", "", err
	}
	var newest load.Stored
	for _, r := range runs {
		at, dated := r.BeganAt()
		if last, _ := newest.BeganAt(); dated && at.After(last) {
			newest = r
		}
	}
	if newest.Run == "" {
		return "", "", fmt.Errorf("there is no run whose name says when it began: `ragscale load run SCENARIO` makes one, or name one")
	}
	return newest.Scenario, newest.Run, nil
}

// diagnosisVerdict is nil where nothing was missed, or a cause was named of it.
func diagnosisVerdict(d *diagnose.Diagnosis, run *load.Run) error {
	switch {
	case d.Outcome == diagnose.NotEnough || d.Outcome == diagnose.Unexplained:
		return fmt.Errorf("run %s: %s", run.Name, d.Says)
	case run.Missed() || load.BudgetMissed(run.Budgets):
		return errUnhealthy
	}
	return nil
}
