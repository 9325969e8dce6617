package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ragscale/ragscale/stacks"
)

func loadCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "load", Short: "The load tests of a stack"}
	root.AddCommand(loadRunCommand(c), loadWatchCommand(c), loadStopCommand(c), loadListCommand(c), loadReportCommand(c))
	root.AddCommand(loadCompareCommand(c), loadBaselineCommand(c), loadReviewCommand(c), loadTrialCommand(c))
	return root
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
