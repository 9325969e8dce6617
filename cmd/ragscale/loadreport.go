package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/stacks"
)

func loadReportCommand(c console) *cobra.Command {
	var stack, folder string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "report RUN",
		Short: "Judge a run that is over by the results of all its generators",
		Long: "Reads the results of a run, which `ragscale load list` names, from the stack's bucket with the AWS credentials of the environment,\n" +
			"or from a copy of the bucket. Counts, rates and percentiles are those of all samples together. " + loadExits,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, scenario, err := openLoad(cmd.Context(), stack, folder, args[0])
			if err != nil {
				return err
			}
			run, err := load.Read(cmd.Context(), store, scenario, args[0])
			if err != nil {
				return err
			}
			return c.loadReport(run, asJSON)
		},
	}
	loadStoreFlags(cmd, &stack, &folder)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// loadExits explains the exit codes that a verdict has.
const loadExits = "Exit code 3 says that an objective\nwas missed, 1 that the run does not tell."

func loadStoreFlags(cmd *cobra.Command, stack, folder *string) {
	cmd.Flags().StringVarP(stack, "stack", "s", localStack, "the stack")
	cmd.Flags().StringVar(folder, "folder", "", "a copy of the results bucket, with results/ and baselines/")
}

// openLoad opens the store of a stack's results and finds the scenario that a run, or a scenario's name, is of.
func openLoad(ctx context.Context, stack, folder, run string) (store load.Store, scenario string, err error) {
	p, err := openProject()
	if err != nil {
		return nil, "", err
	}
	cfg, err := p.config(stack)
	if err != nil {
		return nil, "", err
	}
	if run != "" {
		if scenario, err = scenarioOf(cfg, run); err != nil {
			return nil, "", err
		}
	}
	if store = load.Store(load.Folder(folder)); folder == "" {
		store, err = p.loadStore(ctx, cfg)
	}
	return store, scenario, err
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

// loadReport prints a run and returns what its verdict is as an error.
func (c console) loadReport(run *load.Run, asJSON bool) error {
	var err error
	if asJSON {
		err = json.NewEncoder(c.out).Encode(struct {
			*load.Run
			Endpoints []load.Endpoint `json:"endpoints"`
		}{run, run.Endpoints()})
	} else {
		err = printRun(c.out, run)
	}
	return errors.Join(err, loadVerdict(run))
}

// loadVerdict is nil for a pass, errUnhealthy for an objective that was missed, else why the run does not tell.
func loadVerdict(run *load.Run) error {
	if run.Passed {
		return nil
	}
	open := run.Cut()
	for _, v := range run.Verdicts {
		if v.Outcome == load.Missed {
			return errUnhealthy
		}
		if v.Outcome != load.Kept {
			open = append(open, fmt.Sprintf("%s: %s (%s)", v.Metric, v.Outcome, v.Why))
		}
	}
	return fmt.Errorf("run %s is no pass: %s", run.Name, strings.Join(open, "; "))
}

// printRun writes a run for people: verdicts, then what each kind of request took.
func printRun(w io.Writer, run *load.Run) error {
	verdict := "objectives kept"
	switch err := loadVerdict(run); {
	case errors.Is(err, errUnhealthy):
		verdict = "OBJECTIVES MISSED"
	case err != nil:
		verdict = "NO PASS"
	}
	s := run.Scenario
	fmt.Fprintf(w, "%s: %s, %.0f s, %d users, generators %d", run.Name, verdict, run.Seconds(), s.Users, s.Generators)
	if s.Generators > 1 {
		fmt.Fprintf(w, ", which began within %.1f s", run.SkewSeconds)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range run.Verdicts {
		value := "-"
		if v.Value != nil {
			value = short(*v.Value)
		}
		if v.Why != "" {
			value += "\t" + v.Why
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", said(v.Outcome), v.Metric, v.Threshold.Threshold, value)
	}
	if endpoints := run.Endpoints(); len(endpoints) > 0 {
		fmt.Fprint(table, "\n  ms\trequests\tp50\tp95\tp99\tmax\n")
		for _, e := range endpoints {
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\n",
				e.Kind, short(e.Requests), short(e.P50), short(e.P95), short(e.P99), short(e.Max))
		}
	}
	return table.Flush()
}

// said is an outcome as people see it: what is not well stands out.
func said(o load.Outcome) string {
	if o == load.Kept {
		return string(o)
	}
	return strings.ToUpper(string(o))
}

// short is a number with three decimals at most, and as few as it needs.
func short(v float64) string {
	text := strconv.FormatFloat(v, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
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
