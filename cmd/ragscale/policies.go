package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/policies/rules"
)

func policiesCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "policies", Short: "The rules that every stack is held to"}
	root.AddCommand(policiesListCommand(c))
	return root
}

// policiesListCommand prints the rules; its JSON is rules.Listing.
func policiesListCommand(c console) *cobra.Command {
	var asJSON bool
	cmd := stackCommand("list", "List the rules, their fixes and origins, with the levels and thresholds that a stack "+
		"gives them",
		func(_ context.Context, p project, stack string) error {
			cfg, err := p.config(stack)
			if err != nil {
				return err
			}
			list := rules.List(rules.For(cfg))
			if asJSON {
				return list.JSON(c.out)
			}
			return list.Text(c.out)
		})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}
