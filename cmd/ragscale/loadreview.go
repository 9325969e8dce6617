package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/review"
	"github.com/ragscale/ragscale/stacks"
)

func loadReviewCommand(c console) *cobra.Command {
	var stack, folder, since, format string
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Tell how a stack's load tests went since a day: trends, changes and what differed then, budgets, cost, what is due",
		Long: "Follows each figure over the runs of one load (scenario, generator, stack, region) that were whole. A change is\n" +
			"one that lasts for two runs or more, is of 2 % or more, and as large by chance once in a thousand times. Its\n" +
			"fingerprint differences are those of the first run after it from the last one before. The cost of a million\n" +
			"requests is known of runs that were made under the configuration of now.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now()
			from, err := sinceOf(since, now)
			if err != nil {
				return err
			}
			if format != "md" && format != "json" {
				return fmt.Errorf("--format is %q, want md or json", format)
			}
			r, err := reviewOf(cmd.Context(), stack, folder, from, now)
			if err != nil {
				return err
			}
			if format == "json" {
				return json.NewEncoder(c.out).Encode(r)
			}
			return r.Write(c.out)
		},
	}
	loadStoreFlags(cmd, &stack, &folder)
	cmd.Flags().StringVar(&since, "since", "30d", "a day such as 2026-11-01, or how long ago: 30d, 4w, 12h")
	cmd.Flags().StringVar(&format, "format", "md", "md or json")
	return cmd
}

// sinceOf reads a day, or how long ago.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		if at.After(now) {
			return at, fmt.Errorf("--since is %s, which is not yet", text)
		}
		return at, nil
	}
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "h": time.Hour} {
		number, is := strings.CutSuffix(text, unit)
		if n, err := strconv.Atoi(number); is && err == nil && n > 0 && n <= 87600 { // ten years of hours
			return now.Add(-time.Duration(n) * length), nil
		}
	}
	return now, fmt.Errorf("--since is %q, want a day such as 2026-11-01, or 30d, 4w, 12h", text)
}

// reviewOf reads what a stack keeps, and reviews it.
func reviewOf(ctx context.Context, stack, folder string, from, now time.Time) (*review.Review, error) {
	cfg, store, _, err := openStackLoad(ctx, stack, folder, "")
	if err != nil {
		return nil, err
	}
	in := review.Input{Stack: cfg.Stack, Since: from, At: now, Configuration: cfg.Digest()}
	if in.Baselines, err = load.Baselines(ctx, store); err != nil {
		return nil, err
	}
	if in.Bill, err = billOf(cfg); err != nil {
		return nil, err
	}
	for _, s := range cfg.LoadScenarios() {
		scenario := review.Scenario{Name: s.Name, Budgets: budgetsOf(cfg, s.Name)}
		stored, err := load.List(ctx, store, s.Name)
		if err != nil {
			return nil, err
		}
		for _, one := range stored {
			last, err := readForReview(ctx, store, one, &in)
			if err != nil {
				return nil, err
			}
			if last.After(scenario.Last) && !last.After(now) {
				scenario.Last = last
			}
		}
		in.Scenarios = append(in.Scenarios, scenario)
	}
	return review.New(in), nil
}

// readForReview reads a run, unless its name says that it is too old, and tells when it began. One that cannot be read is
// told of, and no fault.
func readForReview(ctx context.Context, store load.Store, one load.Stored, in *review.Input) (began time.Time, err error) {
	if at, named := one.BeganAt(); named && at.Before(in.Since) {
		return at, nil
	}
	run, err := load.Read(ctx, store, one.Scenario, one.Run)
	if ctx.Err() != nil {
		return began, ctx.Err()
	}
	if err != nil {
		in.Unread = append(in.Unread, err.Error())
		at, _ := one.BeganAt()
		return at, nil
	}
	in.Runs = append(in.Runs, run)
	return run.BeganAt, nil
}

// billOf is what a stack costs at list prices.
func billOf(cfg *stacks.Config) (review.Bill, error) {
	p, err := openProject()
	if err != nil {
		return review.Bill{}, err
	}
	bill, err := p.bill(cfg.Stack, cfg.Region)
	return review.Bill{LeastUSD: bill.MinUSD, MostUSD: bill.MaxUSD, NotPriced: bill.NotPriced}, err
}
