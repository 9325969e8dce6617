package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ragscale/ragscale/stacks"
)

// loadNamespace is where the load tests are declared.
const loadNamespace = "loadtest"

func loadCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "load", Short: "The load tests of a stack"}
	root.AddCommand(loadRunCommand(c))
	return root
}

func loadRunCommand(c console) *cobra.Command {
	var stack string
	var wait, allowProduction bool
	cmd := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Run a load test now and say whether its thresholds were kept (exit code 3 when they were not)",
		Long: "Makes a Job from the scenario's CronJob, as `kubectl create job --from` does, prints what the generators say, and waits for\n" +
			"their verdict. An interrupt ends the run; its results so far are kept.",
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
			if err := checkLoad(cfg, args[0], allowProduction); err != nil {
				return err
			}
			clients, err := p.clientsOf(cmd.Context(), stack)
			if err != nil {
				return err
			}
			r := &loadRun{console: c, clients: clients, every: time.Second}
			if err := r.start(cmd.Context(), args[0], allowProduction); err != nil || !wait {
				return err
			}
			return r.follow(cmd.Context())
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	cmd.Flags().BoolVar(&wait, "wait", true, "follow the run until it ends")
	cmd.Flags().BoolVar(&allowProduction, "allow-production", false, "load a stack that serves real users")
	return cmd
}

// checkLoad refuses what is no scenario, and production without permission.
func checkLoad(cfg *stacks.Config, scenario string, allowProduction bool) error {
	var names []string
	for _, s := range cfg.LoadScenarios() {
		if s.Name == scenario {
			if cfg.Environment == stacks.Production && !allowProduction && !cfg.LoadTests.AllowProduction {
				return fmt.Errorf("stack %s serves real users, want --allow-production", cfg.Stack)
			}
			return nil
		}
		names = append(names, s.Name)
	}
	return fmt.Errorf("SCENARIO is %q, want one of %s", scenario, strings.Join(names, ", "))
}

// clientsOf reaches a stack's cluster: the sandbox's, or the one whose kubeconfig is an output of the stack.
func (p project) clientsOf(ctx context.Context, stack string) (kubernetes.Interface, error) {
	if stack == localStack {
		return clientset(p.layout.Kubeconfig())
	}
	text, err := stackOutput(ctx, stack, "kubeconfig", "--show-secrets")
	if err != nil {
		return nil, err
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("stack %s: output kubeconfig: %w", stack, err)
	}
	return kubernetes.NewForConfig(cfg)
}
