package main

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/spf13/cobra"
)

func previewCommand(c console) *cobra.Command {
	var stack string
	var diff bool
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Show what an update of a stack would do, without an account",
		Long:  "Plans any stack, prod included, against the sandbox's rules for AWS: nothing is created and nothing needs to run.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			return p.preview(cmd.Context(), c, stack, diff)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	cmd.Flags().BoolVar(&diff, "diff", false, "show every property")
	return cmd
}

func (p project) preview(ctx context.Context, c console, stack string, diff bool) error {
	if _, err := p.config(stack); err != nil {
		return err
	}
	release, err := p.lock()
	if err != nil {
		return err
	}
	defer release()
	s, err := p.open(ctx, stack)
	if err != nil {
		return err
	}
	opts := []optpreview.Option{optpreview.ProgressStreams(c.out), optpreview.ErrorProgressStreams(c.notes), optpreview.Color(colour()), optpreview.SuppressProgress()}
	if diff {
		opts = append(opts, optpreview.Diff())
	}
	if _, err := s.Preview(ctx, opts...); err != nil {
		return engineError("preview", err)
	}
	return nil
}

func refreshCommand(c console) *cobra.Command {
	var stack string
	cmd := &cobra.Command{
		Use:   "refresh",
		Short: "Read the sandbox's resources again and record what somebody changed; the next up heals it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			return p.refresh(cmd.Context(), c, stack)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	return cmd
}

func (p project) refresh(ctx context.Context, c console, stack string) error {
	if _, err := p.config(stack); err != nil {
		return err
	}
	release, err := p.lock()
	if err != nil {
		return err
	}
	defer release()
	s, err := p.openRunning(ctx, c, stack)
	if err != nil {
		return err
	}
	if _, err := s.Refresh(ctx, optrefresh.ProgressStreams(c.out), optrefresh.ErrorProgressStreams(c.notes), optrefresh.Color(colour()), optrefresh.SuppressProgress()); err != nil {
		return engineError("refresh", err)
	}
	return nil
}
