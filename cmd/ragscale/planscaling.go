package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
	"github.com/ragscale/ragscale/perf/twin"
	"github.com/ragscale/ragscale/perf/twin/curve"
	"github.com/ragscale/ragscale/perf/twin/hpa"
	"github.com/ragscale/ragscale/planner"
	"github.com/ragscale/ragscale/stacks"
)

// scaling is what `plan scaling` was asked for.
type scaling struct {
	stack, folder, load, run string
	peak                     float64
	lasts                    time.Duration
	seed                     uint64
	search, asJSON           bool
}

// planScalingCommand simulates how a stack scales; its JSON is twin.Plan.
func planScalingCommand(c console) *cobra.Command {
	var s scaling
	cmd := &cobra.Command{
		Use:   "scaling",
		Short: "Simulate how a stack scales under a load: pods, nodes, what is missed, and which policies do better",
		Long: "Simulates what the stack's file declares: the API's autoscaler, its node groups, the room kept free. No stack has\n" +
			"to be up. The load is a shape from what the fewest replicas serve to the peak, or a monitor's CSV: a time, as\n" +
			"RFC 3339 or in seconds, and requests per second. With --run, what requests take is measured by that load test,\n" +
			"else it is what the stack's file implies.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := s.plan(cmd.Context())
			if err != nil {
				return err
			}
			if s.asJSON {
				return c.json(plan)
			}
			return plan.Write(c.out)
		},
	}
	loadStoreFlags(cmd, &s.stack, &s.folder)
	f := cmd.Flags()
	f.StringVar(&s.load, "load", "step", strings.Join(curve.Shapes(), ", ")+", or a CSV file")
	f.Float64Var(&s.peak, "peak", 0, "requests per second at the peak; 0 is slo.throughputRPS, or the file's own")
	f.DurationVar(&s.lasts, "for", 0, "how long a shape lasts; 0 is 30m, a day for day")
	f.StringVar(&s.run, "run", "", "a load test, or a scenario's newest, that measures what requests take")
	f.Uint64Var(&s.seed, "seed", 1, "of what is random: the same seed gives the same result")
	f.BoolVar(&s.search, "search", true, "try other policies under the load")
	f.BoolVar(&s.asJSON, "json", false, "as JSON")
	return cmd
}

func (s scaling) plan(ctx context.Context) (*twin.Plan, error) {
	p, err := openProject()
	if err != nil {
		return nil, err
	}
	cfg, err := p.config(s.stack)
	if err != nil {
		return nil, err
	}
	in := twin.Input{Config: cfg, MachineCores: runtime.NumCPU(), Seed: s.seed, Search: s.search}
	if in.Load, err = s.curve(cfg); err != nil {
		return nil, err
	}
	if in.Declared, err = p.declaredScaling(cfg); err != nil {
		return nil, err
	}
	if s.run != "" {
		if in.Measured, err = s.measured(ctx); err != nil {
			return nil, err
		}
	}
	return twin.New(ctx, in)
}

// curve is the load that was asked for.
func (s scaling) curve(cfg *stacks.Config) (curve.Curve, error) {
	if slices.Contains(curve.Shapes(), s.load) {
		peak, lasts := s.peak, s.lasts
		if peak == 0 {
			peak = cfg.SLO.ThroughputRPS
		}
		if lasts == 0 {
			lasts = map[bool]time.Duration{true: 24 * time.Hour, false: 30 * time.Minute}[s.load == "day"]
		}
		return curve.Shape(s.load, twin.BaseOf(cfg, peak), peak, lasts.Seconds())
	}
	if s.lasts != 0 {
		return curve.Curve{}, fmt.Errorf("--for is %s with --load %s, want it with a shape: a file lasts as long as its rows",
			s.lasts, s.load)
	}
	file, err := os.Open(s.load)
	if err != nil {
		return curve.Curve{}, fmt.Errorf("--load is %q, want one of %s, or a CSV file: %w", s.load,
			strings.Join(curve.Shapes(), ", "), err)
	}
	defer file.Close()
	read, err := curve.Read(s.load, file)
	if err != nil || s.peak == 0 {
		return read, err
	}
	return read.Scaled(s.peak)
}

// measured is what a run tells of requests.
func (s scaling) measured(ctx context.Context) (*twin.Measured, error) {
	store, scenario, err := openLoad(ctx, s.stack, s.folder, s.run)
	if err != nil {
		return nil, err
	}
	name, err := newestOf(ctx, store, scenario, s.run)
	if err != nil {
		return nil, err
	}
	run, err := load.Read(ctx, store, scenario, name)
	if err != nil {
		return nil, err
	}
	if err := ofStack(run, s.stack); err != nil {
		return nil, err
	}
	told, err := telemetry.Read(ctx, store, run)
	if err != nil {
		return nil, err
	}
	m, err := twin.Measure(run, told)
	return &m, err
}

// newestOf is a run, or the newest of a scenario.
func newestOf(ctx context.Context, store load.Store, scenario, run string) (string, error) {
	if run != scenario {
		return run, nil
	}
	all, err := load.List(ctx, store, scenario)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", fmt.Errorf("scenario %s has no runs, want one: ragscale load run %s", scenario, scenario)
	}
	return all[len(all)-1].Run, nil
}

// apiName is the API's, of its Deployment and its autoscaler.
const apiName = "agentic-rag-api"

// declaredScaling reads how the API scales from what the stack's program declares.
func (p project) declaredScaling(cfg *stacks.Config) (d twin.Declared, err error) {
	values, err := stacks.ReadFile(p.stackFile(cfg.Stack))
	if err != nil {
		return d, err
	}
	planned, err := platform.Plan(cfg.Stack, values)
	if err != nil {
		return d, err
	}
	spec, err := json.Marshal(inputOf(planned, "kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "spec"))
	if err != nil {
		return d, err
	}
	var faults []error
	if d.HPA, err = hpa.Parse(spec, twin.ControllerOf(cfg)); err != nil {
		faults = append(faults, err)
	}
	number := func(typ, path string) float64 {
		n, ok := inputOf(planned, typ, path).(float64)
		if !ok {
			faults = append(faults, fmt.Errorf("the program of stack %s declares no %s of a %s, want one", cfg.Stack, path, typ))
		}
		return n
	}
	d.ProbeSeconds = number("kubernetes:apps/v1:Deployment", "spec.template.spec.containers[0].readinessProbe.periodSeconds")
	const targets = "aws:lb/targetGroup:TargetGroup"
	d.RegisterSeconds = number(targets, "healthCheck.interval") * number(targets, "healthCheck.healthyThreshold")
	return d, errors.Join(faults...)
}

// inputOf is an input of the API's resource of a type: of a Kubernetes object that has its name, else of the only one.
func inputOf(all []planner.Resource, typ, path string) any {
	for _, r := range all {
		if r.Type == typ && (!strings.HasPrefix(typ, "kubernetes:") || r.Input("metadata.name") == apiName) {
			return r.Input(path)
		}
	}
	return nil
}
