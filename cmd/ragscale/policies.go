package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/policies/rules"
)

func policiesCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "policies", Short: "The rules that every stack is held to"}
	root.AddCommand(stackCommand("list", "List the rules, their levels for the stack's environment and where their thresholds come from",
		func(_ context.Context, p project, stack string) error {
			cfg, err := p.config(stack)
			if err != nil {
				return err
			}
			return rules.List(c.out, cfg.Environment)
		}))
	return root
}
