package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/trial"
	"github.com/ragscale/ragscale/perf/trial/cluster"
)

// trialFlags are what `ragscale load trial` is told.
type trialFlags struct {
	stack                    string
	a, b, figures            []string
	programA, programB       string
	budget, block, discarded time.Duration
	margin                   float64 // percent
	users                    int
	replicas                 int32
	seed                     uint64
	clean, asJSON            bool
	show                     string
}

func loadTrialCommand(c console) *cobra.Command {
	var f trialFlags
	cmd := &cobra.Command{
		Use:   "trial SCENARIO",
		Short: "Hold two configurations or builds of the API against each other, side by side, until it is decided",
		Long: "Two arms of the API stand beside the stack's own, with as many pods each: A as the stack is, B with what\n" +
			"--b and --program-b say. One generator loads them in turn with the scenario's users, in short blocks; a block\n" +
			"of each, in random order, is a pair. After each pair the trial looks, and it ends when it knows or when its\n" +
			"budget is spent. A trial of the same against the same claims a change once in a hundred times, however often\n" +
			"it looks. The arms go when it ends; what a killed one left, the next one removes, or --clean.\n" +
			"Exit code 0 says that B is better or the same, 3 that it is worse, 1 that the trial does not tell.",
		Example: "  ragscale load trial normal --b env.GOGC=50\n" +
			"  ragscale load trial normal --b api.limits.memory=512Mi --budget 20m\n" +
			"  go build -o /tmp/ragapi ./ragapi && ragscale load trial normal --program-b /tmp/ragapi",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			return p.loadTrial(cmd.Context(), c, f, args)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *trialFlags) register(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVarP(&f.stack, "stack", "s", localStack, "the stack")
	s.StringArrayVar(&f.a, "a", nil, "a setting of arm A, KEY=VALUE; several times for several")
	s.StringArrayVar(&f.b, "b", nil,
		"a setting of arm B: env.NAME for a variable of the API's pods, else a key of the stack's file (api.limits.memory)")
	s.StringVar(&f.programA, "program-a", "", "arm A runs this build of the API, a file")
	s.StringVar(&f.programB, "program-b", "", "arm B runs this build of the API, a file")
	s.DurationVar(&f.budget, "budget", 10*time.Minute, "how long the arms are loaded at most; 0: until it is decided")
	s.DurationVar(&f.block, "block", 10*time.Second, "how long one arm is loaded at a time")
	s.DurationVar(&f.discarded, "discard", 2*time.Second, "how much of a block does not count, from its beginning")
	s.Float64Var(&f.margin, "margin", 5, "the change that nobody acts upon, in percent")
	s.StringSliceVar(&f.figures, "figures", nil, "the figures that decide, beside faults; all without it")
	s.IntVar(&f.users, "users", 0, "users of a block; 0: the scenario's")
	s.Int32Var(&f.replicas, "replicas", 1, "pods of each arm")
	s.Uint64Var(&f.seed, "seed", 1, "of the order of blocks in pairs")
	s.BoolVar(&f.clean, "clean", false, "remove what a killed trial left, and do nothing else")
	s.StringVar(&f.show, "show", "", "show a trial that is over, by its name, and do nothing else")
	s.BoolVar(&f.asJSON, "json", false, "as JSON")
}

// check tells all that is wrong with what was said, before anything is made.
func (f *trialFlags) check() (arms map[trial.Side]trial.Arm, err error) {
	var faults []error
	want := func(fine bool, format string, a ...any) {
		if !fine {
			faults = append(faults, fmt.Errorf(format, a...))
		}
	}
	want(f.block >= time.Second && f.block <= 10*time.Minute, "--block is %s, want 1s to 10m", f.block)
	want(f.discarded >= 0 && f.discarded < f.block, "--discard is %s, want less than the block of %s", f.discarded,
		f.block)
	want(f.budget == 0 || f.budget >= 2*f.block, "--budget is %s, want two blocks of %s or more", f.budget, f.block)
	want(f.margin > 0 && f.margin <= 50, "--margin is %v, want above 0 to 50", f.margin)
	want(f.users >= 0 && f.users <= 10_000, "--users is %d, want 0 to 10000", f.users)
	want(f.replicas >= 1 && f.replicas <= 20, "--replicas is %d, want 1 to 20", f.replicas)
	a, errA := armOf("--a", f.a, f.programA)
	b, errB := armOf("--b", f.b, f.programB)
	return map[trial.Side]trial.Arm{trial.A: a, trial.B: b}, errors.Join(append(faults, errA, errB)...)
}

func (p project) loadTrial(ctx context.Context, c console, f trialFlags, args []string) error {
	cfg, err := p.config(f.stack)
	if err != nil {
		return err
	}
	if f.stack != localStack {
		return fmt.Errorf("stack %s is on AWS, want stack local: a trial is done in the sandbox", f.stack)
	}
	switch {
	case f.show != "":
		t, err := trial.Read(ctx, load.Folder(p.loadFolder()), f.show)
		if err != nil {
			return err
		}
		return c.trial(t, f.asJSON)
	case f.clean:
		return p.cleanTrial(ctx, c, f)
	case len(args) == 0:
		return errors.New("SCENARIO is not given, want one such as normal")
	}
	if err := checkLoad(cfg, args[0], false); err != nil {
		return err
	}
	return p.runTrial(ctx, c, f, args[0])
}

// loadFolder is where trials are kept.
func (p project) loadFolder() string { return filepath.Join(p.layout.Dir, "load") }

// cleanTrial removes what a killed trial left.
func (p project) cleanTrial(ctx context.Context, c console, f trialFlags) error {
	stage, err := p.trialStage(c, f, "")
	if err != nil {
		return err
	}
	release, err := p.lock()
	if err != nil {
		return err
	}
	defer release()
	return stage.Clean(ctx)
}

// changes of both arms. Its error has all their faults.
func (p project) changes(stack string, arms map[trial.Side]trial.Arm) (map[trial.Side]cluster.Change, error) {
	changes := map[trial.Side]cluster.Change{}
	var faults []error
	for _, side := range []trial.Side{trial.A, trial.B} {
		change, err := p.changeOf(stack, side, arms[side])
		if err != nil {
			faults = append(faults, fmt.Errorf("arm %s: %w", side, err))
		}
		changes[side] = change
	}
	return changes, errors.Join(faults...)
}

// runTrial checks all that was said, does the trial, says how far it is, keeps it and prints it.
func (p project) runTrial(ctx context.Context, c console, f trialFlags, scenario string) error {
	arms, err := f.check()
	if err != nil {
		return err
	}
	changes, err := p.changes(f.stack, arms)
	if err != nil {
		return err
	}
	stage, err := p.trialStage(c, f, scenario)
	if err != nil {
		return err
	}
	stage.Resolve = func(side trial.Side, _ trial.Arm) (cluster.Change, error) { return changes[side], nil }
	release, err := p.lock()
	if err != nil {
		return err
	}
	defer release()
	machine, err := trial.Watch(ctx)
	if err := errors.Join(err, p.installPrograms(arms)); err != nil {
		return err
	}
	return p.holdTrial(ctx, c, stage, trial.Options{
		Name: load.NewRun("trial-"+scenario, time.Now()), Scenario: scenario, Arms: arms, Block: f.block,
		Discarded: f.discarded, Budget: f.budget, Margin: f.margin / 100, Seed: f.seed, Figures: f.figures,
		Machine: machine, Now: time.Now,
	}, f.asJSON)
}

func (p project) holdTrial(ctx context.Context, c console, stage trial.Stage, o trial.Options, asJSON bool) error {
	c.note("trial %s: blocks of %s, for %s at most; this machine is %.0f %% busy before", o.Name, o.Block, o.Budget,
		o.Machine.BusyPercent)
	t, failed := trial.Run(ctx, stage, o, c.trialProgress)
	if t == nil {
		return failed
	}
	where, err := trial.Keep(context.WithoutCancel(ctx), load.Folder(p.loadFolder()), t)
	if err == nil {
		c.note("it is kept in %s", where)
	}
	verdict := c.trial(t, asJSON)
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	return verdict
}
