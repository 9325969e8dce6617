package main

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/spf13/cobra"
)

func previewCommand(c console) *cobra.Command {
	var diff bool
	cmd := stackCommand("preview", "Show what an update of a stack would do, without an account",
		func(ctx context.Context, p project, stack string) error {
			return p.preview(ctx, c, stack, diff)
		})
	cmd.Long = "Plans any stack, prod included, against the sandbox's rules for AWS: nothing is created and nothing " +
		"needs to run."
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
	opts := []optpreview.Option{optpreview.ProgressStreams(c.out), optpreview.ErrorProgressStreams(c.notes),
		optpreview.Color(colour()), optpreview.SuppressProgress(), optpreview.PolicyPacks(p.policies())}
	if diff {
		opts = append(opts, optpreview.Diff())
	}
	if _, err := s.Preview(ctx, opts...); err != nil {
		return engineError("preview", err)
	}
	return nil
}

func refreshCommand(c console) *cobra.Command {
	return stackCommand("refresh", "Read the sandbox's resources again and record what somebody changed; the next up "+
		"heals it", func(ctx context.Context, p project, stack string) error {
		return p.refresh(ctx, c, stack)
	})
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
	if _, err := s.Refresh(ctx, optrefresh.ProgressStreams(c.out), optrefresh.ErrorProgressStreams(c.notes),
		optrefresh.Color(colour()), optrefresh.SuppressProgress()); err != nil {
		return engineError("refresh", err)
	}
	return p.showWaiting(ctx, c, stack)
}

// showWaiting tells what the account keeps for later: the values that it has until then are those that a refresh reads.
func (p project) showWaiting(ctx context.Context, c console, stack string) error {
	cloud, err := p.cloud(ctx, stack)
	if err != nil {
		return err
	}
	changes, err := cloud.List(ctx)
	if err != nil || len(changes) == 0 {
		return err
	}
	return c.showPending(changes, false)
}
