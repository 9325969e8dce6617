package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func planCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "plan", Short: "What follows from a stack's objectives, with the arithmetic"}
	root.AddCommand(planPoolsCommand(c), planCostCommand(c), planCapacityCommand(c), planScalingCommand(c))
	return root
}

// planPoolsCommand prints a stack's pool chain; its JSON is stacks.PoolChain.
func planPoolsCommand(c console) *cobra.Command {
	var asJSON bool
	cmd := stackCommand("pools", "Show the way from a request to a database connection: API pools, PgBouncer, "+
		"max_connections",
		func(_ context.Context, p project, stack string) error {
			cfg, err := p.config(stack)
			if err != nil {
				return err
			}
			pools := cfg.Pools()
			if asJSON {
				return c.json(pools)
			}
			for _, line := range pools.Lines() {
				if _, err := fmt.Fprintln(c.out, line); err != nil {
					return err
				}
			}
			return nil
		})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}
