package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/stacks"
)

// loadNamespace is where the load tests are declared.
const loadNamespace = "loadtest"

func loadCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "load", Short: "The load tests of a stack"}
	root.AddCommand(loadRunCommand(c), loadListCommand(c), loadReportCommand(c))
	root.AddCommand(loadCompareCommand(c), loadBaselineCommand(c), loadReviewCommand(c), loadTrialCommand(c))
	return root
}

func loadRunCommand(c console) *cobra.Command {
	var stack string
	var wait, gate, allowProduction bool
	cmd := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Run a load test now and say whether its objectives were kept",
		Long: "Makes a Job from the scenario's CronJob, as `kubectl create job --from` does, prints what the generators say, and waits for\n" +
			"their end. An interrupt ends the run; its results so far are kept. The verdict is that of `ragscale load report`, with --gate that of\n" +
			"`ragscale load compare` with the baseline too, and every budget (perf:budgets) has to be told. For stack local the same scripts run outside of pods, with the\n" +
			"k6 2.x on PATH or else the sandbox's runner, and leave their results in the sandbox's folder. " + loadExits,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			cfg, err := p.config(stack)
			if err != nil {
				return err
			}
			scenario, err := checkLoad(cfg, args[0], allowProduction)
			if err != nil {
				return err
			}
			run, err := p.makeLoad(cmd.Context(), c, cfg, scenario, wait, allowProduction)
			if err != nil || run == "" {
				return err
			}
			return p.judgeLoad(cmd.Context(), c, cfg, run, gate)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	cmd.Flags().BoolVar(&wait, "wait", true, "follow the run until it ends")
	cmd.Flags().BoolVar(&gate, "gate", false, "compare the run with the scenario's baseline, too")
	cmd.Flags().BoolVar(&allowProduction, "allow-production", false, "load a stack that serves real users")
	return cmd
}

// checkLoad refuses what is no scenario, and production without permission.
func checkLoad(cfg *stacks.Config, scenario string, allowProduction bool) (stacks.LoadScenario, error) {
	var names []string
	for _, s := range cfg.LoadScenarios() {
		if s.Name == scenario {
			if cfg.Environment == stacks.Production && !allowProduction && !cfg.LoadTests.AllowProduction {
				return s, fmt.Errorf("stack %s serves real users, want --allow-production", cfg.Stack)
			}
			return s, nil
		}
		names = append(names, s.Name)
	}
	return stacks.LoadScenario{}, fmt.Errorf("SCENARIO is %q, want one of %s", scenario, strings.Join(names, ", "))
}

// makeLoad makes load to its end and names the run; "" for one that is not waited for.
func (p project) makeLoad(
	ctx context.Context, c console, cfg *stacks.Config, scenario stacks.LoadScenario, wait, allowProduction bool,
) (run string, err error) {
	if cfg.Stack == localStack {
		return p.runLocalLoad(ctx, c, scenario)
	}
	clients, err := clientsOf(ctx, cfg.Stack)
	if err != nil {
		return "", err
	}
	r := &loadRun{console: c, clients: clients, every: time.Second, revision: p.revision(ctx)}
	if err := r.start(ctx, scenario.Name, allowProduction); err != nil || !wait {
		return "", err
	}
	// Each generator judges its share alone, and a share may miss what the whole keeps.
	if err := r.follow(ctx); err != nil && !errors.Is(err, errUnhealthy) {
		return "", err
	}
	return r.job.Name, nil
}

// judgeLoad judges a run that is over by the results of all its generators, and by the baseline where that is asked
// for.
func (p project) judgeLoad(ctx context.Context, c console, cfg *stacks.Config, name string, gate bool) error {
	store, err := p.loadStore(ctx, cfg)
	if err != nil {
		return fmt.Errorf("run %s is over and not judged, which `ragscale load report %s --stack %s` does: %w", name, name, cfg.Stack, err)
	}
	scenario, err := scenarioOf(cfg, name)
	if err != nil {
		return err
	}
	run, err := load.Read(ctx, store, scenario, name)
	if err != nil {
		return fmt.Errorf("run %s is over and not judged, which `ragscale load report %s --stack %s` does: %w", name, name, cfg.Stack, err)
	}
	return c.judge(ctx, cfg, store, run, p.gather(ctx, c, cfg.Stack, store, run), gate)
}

// clientsOf reaches the cluster of a stack on AWS.
func clientsOf(ctx context.Context, stack string) (kubernetes.Interface, error) {
	cfg, err := clusterOf(ctx, stack)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(cfg)
}

// clusterOf is the cluster of a stack on AWS, whose kubeconfig is an output of the stack.
func clusterOf(ctx context.Context, stack string) (*rest.Config, error) {
	text, err := stackOutput(ctx, stack, "kubeconfig", "--show-secrets")
	if err != nil {
		return nil, err
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("stack %s: output kubeconfig: %w", stack, err)
	}
	return cfg, nil
}
