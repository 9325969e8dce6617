package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/capacity"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
	"github.com/ragscale/ragscale/stacks"
)

// capacityFlags are what a plan of capacity is asked.
type capacityFlags struct {
	rps, growth   float64
	until, folder string
	runs, prices  []string
	zoneLost      bool
	asJSON        bool
}

// planCapacityCommand prints what a stack holds and what it takes to hold more; its JSON is capacity.Plan.
func planCapacityCommand(c console) *cobra.Command {
	var f capacityFlags
	cmd := stackCommand("capacity", "Show what a stack holds, what gives out first, and the cheapest sizes that hold a throughput",
		func(ctx context.Context, p project, stack string) error {
			plan, err := p.capacity(ctx, stack, f)
			if err != nil {
				return err
			}
			if f.asJSON {
				return c.json(plan)
			}
			return plan.Write(c.out)
		})
	cmd.Long = "Computes from runs of the scenarios steps and breakpoint, which `ragscale load list` names, and from what the stack told\n" +
		"meanwhile: the Universal Scalability Law and a queueing model of the platform, which have to agree within 15 %. Without --run it\n" +
		"says what follows from the configuration alone, and which run is missing. The throughput is --rps, or today's objective\n" +
		"(slo.throughputRPS) grown by --growth until --until, or that objective."
	cmd.Flags().Float64Var(&f.rps, "rps", 0, "requests per second to hold")
	cmd.Flags().Float64Var(&f.growth, "growth", 0, "percent a month that today's throughput grows by, with --until")
	cmd.Flags().StringVar(&f.until, "until", "", "the day until which it grows: 2027-06-30")
	cmd.Flags().StringSliceVar(&f.runs, "run", nil, "runs of steps or breakpoint to compute from")
	cmd.Flags().StringVar(&f.folder, "folder", "", "a copy of the results bucket, with results/")
	pricesFlag(cmd, &f.prices)
	cmd.Flags().BoolVar(&f.zoneLost, "zone-lost", false, "hold it with one zone gone")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "as JSON")
	cmd.MarkFlagsRequiredTogether("growth", "until")
	cmd.MarkFlagsMutuallyExclusive("rps", "growth")
	return cmd
}

// capacity answers a question about a stack.
func (p project) capacity(ctx context.Context, stack string, f capacityFlags) (*capacity.Plan, error) {
	q := capacity.Question{RPS: f.rps, GrowthPercent: f.growth, Now: time.Now(), ZoneLost: f.zoneLost}
	if f.until != "" {
		until, err := capacity.Day(f.until)
		if err != nil {
			return nil, err
		}
		q.Until = until
	}
	values, err := stacks.ReadFile(p.stackFile(stack))
	if err != nil {
		return nil, err
	}
	cfg, err := p.config(stack)
	if err != nil {
		return nil, err
	}
	study, err := p.study(ctx, cfg, f)
	if err != nil {
		return nil, err
	}
	prices, err := readPrices(f.prices)
	if err != nil {
		return nil, err
	}
	bill, err := p.bill(stack, cfg.Region)
	if err != nil {
		return nil, err
	}
	bill = prices.Estimate(cfg.Region, bill.Items())
	return capacity.New(capacity.Stack{Values: values, Config: cfg, Bill: bill, Prices: prices}, q, study)
}

// study reads the runs and what the stack told meanwhile, nil without runs.
func (p project) study(ctx context.Context, cfg *stacks.Config, f capacityFlags) (*capacity.Study, error) {
	if len(f.runs) == 0 {
		return nil, nil
	}
	store := load.Store(load.Folder(f.folder))
	if f.folder == "" {
		var err error
		if store, err = p.loadStore(ctx, cfg); err != nil {
			return nil, err
		}
	}
	var sources []capacity.Source
	for _, name := range slices.Compact(slices.Sorted(slices.Values(f.runs))) {
		one, err := readSource(ctx, cfg, store, name)
		if err != nil {
			return nil, err
		}
		sources = append(sources, one)
	}
	cores := 0
	if cfg.Environment == stacks.Local {
		cores = runtime.NumCPU()
	}
	return capacity.NewStudy(sources, capacity.HardwareOf(cfg, cores), capacity.ServersOf(cfg))
}

func readSource(ctx context.Context, cfg *stacks.Config, store load.Store, name string) (one capacity.Source, err error) {
	scenario, err := scenarioOf(cfg, name)
	if err != nil {
		return one, err
	}
	if one.Run, err = load.Read(ctx, store, scenario, name); err != nil {
		return one, err
	}
	if err = ofStack(one.Run, cfg.Stack); err != nil {
		return one, err
	}
	one.Told, err = telemetry.Read(ctx, store, one.Run)
	return one, err
}

// ofStack wants a run of a stack: what another's machines take of a request tells nothing of it.
func ofStack(run *load.Run, stack string) error {
	if of := run.Environment["stack"]; of != stack {
		return fmt.Errorf("run %s is of stack %q, want one of %q: --stack names the stack", run.Name, of, stack)
	}
	return nil
}
