package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/endurance"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/report"
	"github.com/ragscale/ragscale/sandbox/atomicfile"
	"github.com/ragscale/ragscale/stacks"
)

func loadReportCommand(c console) *cobra.Command {
	var stack, folder, format, output string
	var against []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "report RUN",
		Short: "Judge a run that is over by the results of all its generators, and tell what it measured",
		Long: "Reads the results of a run, which `ragscale load list` names, from the stack's bucket with the AWS credentials of the environment,\n" +
			"or from a copy of the bucket. Counts, rates and percentiles are those of all samples together. It is compared with the baseline,\n" +
			"where there is one, or with --against. html is one page that needs nothing else, md a summary for a pull request. All forms\n" +
			"say why objectives were missed, as far as the run tells: diagnosis, recommendations, profile. " + loadExits + "\n" +
			"What the comparison says has no exit code here: it is that of `ragscale load compare`.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON {
				format = string(report.JSON)
			}
			if err := report.Format(format).Check(); err != nil {
				return fmt.Errorf("--%w", err)
			}
			cfg, store, scenario, err := openStackLoad(cmd.Context(), stack, folder, args[0])
			if err != nil {
				return err
			}
			run, other, err := readReport(cmd.Context(), store, scenario, args[0], against)
			if err != nil {
				return err
			}
			holdBudgets(cmd.Context(), cfg, store, run)
			form := report.Format(format)
			ask := folder == "" && (form == report.HTML || form == report.JSON) // the others do not show it
			told := telemetryOf(cmd.Context(), c, stack, ask, store, run)
			endurance.Judge(run, told)
			r := report.New(run, other, told)
			r.Explain(explained(cmd.Context(), cfg, store, run, told))
			return errors.Join(c.writeReport(r, form, output), loadVerdict(r.Run))
		},
	}
	loadStoreFlags(cmd, &stack, &folder)
	cmd.Flags().StringVar(&format, "format", string(report.Text), "html, md, json or text")
	cmd.Flags().StringVarP(&output, "output", "o", "", "file that gets the report, instead of the standard output")
	cmd.Flags().StringSliceVar(&against, "against", nil, "runs to compare with, instead of the baseline")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON: --format json")
	cmd.MarkFlagsMutuallyExclusive("format", "json")
	return cmd
}

// readReport reads a run and what it is compared with: runs that are named, which have to be there, or the baseline.
func readReport(
	ctx context.Context, store load.Store, scenario, name string, against []string,
) (run *load.Run, other report.Against, err error) {
	if run, err = load.Read(ctx, store, scenario, name); err != nil {
		return nil, other, err
	}
	if len(against) > 0 {
		runs, err := load.ReadAll(ctx, store, scenario, against)
		if err != nil {
			return nil, other, err
		}
		other.Run = runs[0]
	}
	if other.Comparison, err = compareRuns(ctx, store, scenario, []string{name}, against); err != nil {
		other.Why = err.Error()
	} else if slices.Contains(other.Comparison.Then, name) {
		other.Comparison, other.Why = nil, fmt.Sprintf("%s is one of the runs that it would be compared with", name)
	}
	return run, other, nil
}

// writeReport writes one, whole or not at all where it goes to a file.
func (c console) writeReport(r *report.Report, format report.Format, output string) error {
	if output == "" {
		return r.Write(c.out, format)
	}
	var text bytes.Buffer
	if err := r.Write(&text, format); err != nil {
		return err
	}
	if err := atomicfile.Write(output, text.Bytes(), 0o644); err != nil {
		return err
	}
	c.note("the report is in %s", output)
	return nil
}

// loadExits explains the exit codes that a verdict has.
const loadExits = "Exit code 3 says that an objective\nor a budget was missed, 1 that the run does not tell."

func loadStoreFlags(cmd *cobra.Command, stack, folder *string) {
	cmd.Flags().StringVarP(stack, "stack", "s", localStack, "the stack")
	cmd.Flags().StringVar(folder, "folder", "", "a copy of the results bucket, with results/ and baselines/")
}

// openLoad opens the store of a stack's results and finds the scenario that a run, or a scenario's name, is of.
func openLoad(ctx context.Context, stack, folder, run string) (store load.Store, scenario string, err error) {
	_, store, scenario, err = openStackLoad(ctx, stack, folder, run)
	return store, scenario, err
}

// openStackLoad is openLoad with the stack's configuration.
func openStackLoad(
	ctx context.Context, stack, folder, run string,
) (cfg *stacks.Config, store load.Store, scenario string, err error) {
	p, err := openProject()
	if err != nil {
		return nil, nil, "", err
	}
	if cfg, err = p.config(stack); err != nil {
		return nil, nil, "", err
	}
	if run != "" {
		if scenario, err = scenarioOf(cfg, run); err != nil {
			return nil, nil, "", err
		}
	}
	if store = load.Store(load.Folder(folder)); folder == "" {
		store, err = p.loadStore(ctx, cfg)
	}
	return cfg, store, scenario, err
}

// loadStore is where a stack keeps results: its bucket.
func (p project) loadStore(ctx context.Context, cfg *stacks.Config) (load.Store, error) {
	bucket, err := p.output(ctx, cfg.Stack, "loadResultsBucket")
	if err != nil {
		return nil, err
	}
	account, err := p.account(ctx, cfg)
	return load.Bucket{Client: s3.NewFromConfig(account), Bucket: bucket}, err
}

// scenarioOf finds the scenario of a run, whose name begins with it, or of that name.
func scenarioOf(cfg *stacks.Config, run string) (string, error) {
	var names []string
	for _, s := range cfg.LoadScenarios() {
		if run == s.Name || strings.HasPrefix(run, s.Name+"-") {
			return s.Name, nil
		}
		names = append(names, s.Name)
	}
	all := strings.Join(names, ", ")
	return "", fmt.Errorf("%q is no run, want one of %s, such as %s", run, all, load.ExampleRun(names[0]))
}

// loadVerdict is nil for a pass, errUnhealthy for an objective or a budget that was missed, else why the run does not
// tell.
func loadVerdict(run *load.Run) error {
	switch {
	case run.Missed(), load.BudgetMissed(run.Budgets):
		return errUnhealthy
	case run.Passed:
		return nil
	}
	return fmt.Errorf("run %s is no pass: %s", run.Name, strings.Join(run.Open(), "; "))
}

func loadListCommand(c console) *cobra.Command {
	var stack, folder string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [SCENARIO]",
		Short: "List the runs that a stack keeps, the newest last; * stands for the baseline",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, scenario, err := openLoad(cmd.Context(), stack, folder, strings.Join(args, ""))
			if err != nil {
				return err
			}
			runs, err := load.List(cmd.Context(), store, scenario)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.out).Encode(slices.Concat([]load.Stored{}, runs)) // [] for none
			}
			return c.loadList(cmd.Context(), store, runs)
		},
	}
	loadStoreFlags(cmd, &stack, &folder)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (c console) loadList(ctx context.Context, store load.Store, runs []load.Stored) error {
	baselines, err := load.Baselines(ctx, store)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		c.note("there is no run: `ragscale load run SCENARIO` makes one")
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, r := range runs {
		mark := ""
		for _, b := range baselines {
			if slices.ContainsFunc(b.Runs, func(run *load.Run) bool { return run.Name == r.Run }) {
				mark = "*"
			}
		}
		fmt.Fprintf(table, "%s\t%s\tgenerators %d\t%s\n", r.Scenario, r.Run, r.Generators, mark)
	}
	return table.Flush()
}
