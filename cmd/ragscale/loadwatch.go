package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/generators"
)

func loadWatchCommand(c console) *cobra.Command {
	var stack string
	cmd := &cobra.Command{
		Use:   "watch [RUN]",
		Short: "Follow a run until it ends, by default the one that is under way",
		Long: "Prints what the generators say, from the beginning, and judges the run when it is over. An interrupt leaves the run alone.\n" +
			loadExits,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, r, err := findRun(cmd.Context(), c, stack, args)
			if err != nil {
				return err
			}
			return s.watch(cmd.Context(), r)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	return cmd
}

func loadStopCommand(c console) *cobra.Command {
	var stack string
	cmd := &cobra.Command{
		Use:   "stop [RUN]",
		Short: "End a run, by default the one that is under way, and keep its results so far",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, r, err := findRun(cmd.Context(), c, stack, args)
			if err != nil {
				return err
			}
			return s.stop(cmd.Context(), r)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	return cmd
}

// findRun is the run that is named, or is under way.
func findRun(ctx context.Context, c console, stack string, args []string) (*loaded, *generators.Run, error) {
	s, err := openLoaded(c, stack)
	if err != nil {
		return nil, nil, err
	}
	if err := s.connect(ctx); err != nil {
		return nil, nil, err
	}
	r, err := s.cluster.Find(ctx, strings.Join(args, ""))
	return s, r, err
}

func (s *loaded) watch(ctx context.Context, r *generators.Run) error {
	s.note("run %s: generators %d", r.Name, r.Generators)
	fault := r.Follow(ctx, s.hears(ctx, r))
	if ctx.Err() != nil {
		s.note("run %s goes on: `ragscale load stop` ends it", r.Name)
		return ctx.Err()
	}
	return told(fault, s.judge(ctx, r.Name, false))
}

func (s *loaded) stop(ctx context.Context, r *generators.Run) error {
	s.note("ending run %s: its results so far are kept", r.Name)
	if err := r.End(ctx, s.hears(ctx, r)); err != nil {
		return err
	}
	s.note("run %s has ended: `ragscale load report %s --stack %s` tells what it measured", r.Name, r.Name, s.cfg.Stack)
	return nil
}
