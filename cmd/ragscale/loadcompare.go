package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/report"
)

// mostAlike is how many other runs the noise is estimated from: the newest.
const mostAlike = 40

func loadCompareCommand(c console) *cobra.Command {
	var stack, folder string
	var against []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "compare SCENARIO | compare RUN...",
		Short: "Say whether runs got better or worse than the baseline, or than other runs",
		Long: "The run is the unit: each figure's noise from run to run is estimated first, from the runs that are\n" +
			"compared and from others that were made alike. Answers are IMPROVED, SAME, REGRESSED and NO BASELINE, which\n" +
			"says that the runs do not tell. A comparison of the same with the same claims a change once in a hundred\n" +
			"times, over all its figures. With a scenario, its newest run is taken.\n" +
			"Exit code 3 says that something regressed or a budget was missed, 1 that the runs do not tell.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, store, scenario, err := openStackLoad(cmd.Context(), stack, folder, args[0])
			if err != nil {
				return err
			}
			comparison, err := compareRuns(cmd.Context(), store, scenario, args, against)
			if err != nil {
				return err
			}
			comparison.Hold(budgetsOf(cfg, scenario))
			return c.comparison(comparison, asJSON)
		},
	}
	loadStoreFlags(cmd, &stack, &folder)
	cmd.Flags().StringSliceVar(&against, "against", nil, "runs to compare with, instead of the baseline")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// compareRuns reads what is compared, and others of the scenario, and compares.
func compareRuns(
	ctx context.Context, store load.Store, scenario string, named, against []string,
) (*load.Comparison, error) {
	stored, err := load.List(ctx, store, scenario)
	if err != nil {
		return nil, err
	}
	then, err := thenOf(ctx, store, scenario, against)
	if err != nil {
		return nil, err
	}
	if len(named) == 1 && named[0] == scenario {
		if named, err = newestBut(stored, then); err != nil {
			return nil, err
		}
	}
	now, err := load.ReadAll(ctx, store, scenario, named)
	if err != nil {
		return nil, err
	}
	var others []*load.Run
	for _, r := range slices.Backward(stored) {
		// One that cannot be read, because a generator is missing, tells nothing of the noise either.
		if run, err := load.Read(ctx, store, scenario, r.Run); err == nil {
			others = append(others, run)
		}
		if len(others) == mostAlike {
			break
		}
	}
	return load.Compare(then, now, others)
}

// thenOf are the runs of the baseline, unless others are named.
func thenOf(ctx context.Context, store load.Store, scenario string, against []string) ([]*load.Run, error) {
	if len(against) > 0 {
		return load.ReadAll(ctx, store, scenario, against)
	}
	baseline, err := load.ReadBaseline(ctx, store, scenario)
	if errors.Is(err, load.ErrNoBaseline) {
		return nil, fmt.Errorf("%w, want `ragscale load baseline set RUN...` or --against RUN", err)
	}
	return baseline.Runs, err
}

// newestBut names the newest run that is not one of others.
func newestBut(stored []load.Stored, others []*load.Run) ([]string, error) {
	for _, r := range slices.Backward(stored) {
		if !slices.ContainsFunc(others, func(o *load.Run) bool { return o.Name == r.Run }) {
			return []string{r.Run}, nil
		}
	}
	return nil, errors.New("there is no run to compare with the baseline: `ragscale load run SCENARIO` makes one")
}

// comparison prints one, and returns what it comes to as an error.
func (c console) comparison(comparison *load.Comparison, asJSON bool) error {
	var err error
	if asJSON {
		err = json.NewEncoder(c.out).Encode(comparison)
	} else {
		err = report.Comparison(c.out, comparison)
	}
	return errors.Join(err, comparisonVerdict(comparison))
}

// comparisonVerdict is nil where nothing got worse, errUnhealthy where something did or is over its budget, else what
// the runs do not tell.
func comparisonVerdict(c *load.Comparison) error {
	if load.BudgetMissed(c.Budgets) {
		return errUnhealthy
	}
	var open []string
	for _, a := range c.Answers {
		switch a.Outcome {
		case compare.Regressed:
			return errUnhealthy
		case compare.NoBaseline:
			open = append(open, fmt.Sprintf("%s: %s", a.Figure, a.Why))
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("the runs do not tell: %s", strings.Join(open, "; "))
	}
	return nil
}

func loadBaselineCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "baseline", Short: "The runs that later ones are compared with"}
	root.AddCommand(
		c.baselineCommand("set RUN...", "Make runs the baseline of their scenario: more of them see smaller changes",
			cobra.MinimumNArgs(1), setBaseline),
		c.baselineCommand("show SCENARIO", "Show the baseline of a scenario", cobra.ExactArgs(1), showBaseline),
		c.baselineCommand("list", "List the baselines of a stack", cobra.NoArgs, listBaselines),
		c.baselineCommand("forget SCENARIO", "Forget the baseline of a scenario; its runs stay",
			cobra.ExactArgs(1), forgetBaseline),
	)
	return root
}

// baselineAct does something with the baselines of a store.
type baselineAct func(ctx context.Context, c console, s load.Store, scenario string, args []string) error

func (c console) baselineCommand(use, short string, args cobra.PositionalArgs, act baselineAct) *cobra.Command {
	var stack, folder string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			first := ""
			if len(args) > 0 {
				first = args[0]
			}
			store, scenario, err := openLoad(cmd.Context(), stack, folder, first)
			if err != nil {
				return err
			}
			return act(cmd.Context(), c, store, scenario, args)
		},
	}
	loadStoreFlags(cmd, &stack, &folder)
	return cmd
}

func setBaseline(ctx context.Context, c console, s load.Store, scenario string, args []string) error {
	b, err := load.SetBaseline(ctx, s, scenario, args, time.Now())
	if err != nil {
		return err
	}
	return c.baseline(b)
}

func showBaseline(ctx context.Context, c console, s load.Store, scenario string, _ []string) error {
	b, err := load.ReadBaseline(ctx, s, scenario)
	if err != nil {
		return err
	}
	return c.baseline(b)
}

func listBaselines(ctx context.Context, c console, s load.Store, _ string, _ []string) error {
	all, err := load.Baselines(ctx, s)
	if err != nil {
		return err
	}
	for _, b := range all {
		fmt.Fprintf(c.out, "%s: runs %d, set %s\n", b.Scenario, len(b.Runs), b.SetAt.Format(time.DateTime))
	}
	return nil
}

func forgetBaseline(ctx context.Context, c console, s load.Store, scenario string, _ []string) error {
	return load.ForgetBaseline(ctx, s, scenario)
}

// baseline prints one with its runs' figures.
func (c console) baseline(b load.Baseline) error {
	fmt.Fprintf(c.out, "%s: runs %d, set %s\n", b.Scenario, len(b.Runs), b.SetAt.Format(time.DateTime))
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, run := range b.Runs {
		fmt.Fprintf(table, "  %s", run.Name)
		for _, f := range run.Figures {
			fmt.Fprintf(table, "\t%s %s %s", f.Name, report.Short(f.Value), f.Unit)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}
