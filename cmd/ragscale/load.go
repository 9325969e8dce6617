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

	"github.com/ragscale/ragscale/stacks"
)

// loadNamespace is where the load tests are declared.
const loadNamespace = "loadtest"

func loadCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "load", Short: "The load tests of a stack"}
	root.AddCommand(loadRunCommand(c), loadReportCommand(c))
	return root
}

func loadRunCommand(c console) *cobra.Command {
	var stack string
	var wait, allowProduction bool
	cmd := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Run a load test now and say whether its thresholds were kept (exit code 3 when they were not)",
		Long: "Makes a Job from the scenario's CronJob, as `kubectl create job --from` does, prints what the generators say, and waits for\n" +
			"their verdict. An interrupt ends the run; its results so far are kept. The verdict of several generators is that of `ragscale\n" +
			"load report`. For stack local the same scripts run outside of pods, with the k6 2.x on PATH or else the sandbox's runner, and\n" +
			"leave their results in the sandbox's folder.",
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
			if stack == localStack {
				return p.runLocalLoad(cmd.Context(), c, scenario)
			}
			clients, err := clientsOf(cmd.Context(), stack)
			if err != nil {
				return err
			}
			r := &loadRun{console: c, clients: clients, every: time.Second}
			if err := r.start(cmd.Context(), scenario.Name, allowProduction); err != nil || !wait {
				return err
			}
			if err := r.follow(cmd.Context()); scenario.Generators == 1 || err != nil && !errors.Is(err, errUnhealthy) {
				return err
			}
			return p.judgeRun(cmd.Context(), c, cfg, r.job.Name)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	cmd.Flags().BoolVar(&wait, "wait", true, "follow the run until it ends")
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

// judgeRun judges a run of several generators by all their results: each judged its share alone, and a share may miss what
// the whole keeps.
func (p project) judgeRun(ctx context.Context, c console, cfg *stacks.Config, run string) error {
	read, err := p.resultsOf(ctx, cfg, run)
	if err == nil {
		err = c.loadReport(run, cfg, read, false)
	}
	if err != nil && !errors.Is(err, errUnhealthy) {
		return fmt.Errorf("run %s is over and not judged as a whole, which `ragscale load report %s --stack %s` does: %w", run, run, cfg.Stack, err)
	}
	return err
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
