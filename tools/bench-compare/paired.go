package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/trial"
	"github.com/ragscale/ragscale/perf/trial/simulated"
)

const (
	// own noise of a block or a run, as a share, beside the machine's drift.
	own = 0.01
	// mostRuns of a side that are tried until a slowdown is found.
	mostRuns = 200
)

// pairedTable shows trials beside runs that are no pairs: first runs far apart, each at a level of the machine of its own,
// as many as find a slowdown in 95 of 100 cases; then as many in one sitting, all of A before all of B.
func pairedTable(ctx context.Context, out io.Writer, pairs int) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\npaired trial\nnoise of the machine\tslower by\tdesign\tfalse decisions\tslowdown found\tblocks or runs, median\tpairs\n")
	for _, noise := range []float64{0.03, 0.05} {
		for _, slowdown := range []float64{1.1, 1.05} {
			unpaired := neededRuns(pairs, noise, slowdown)
			for _, drift := range simulated.Drifts() {
				c, err := manyTrials(ctx, pairs, drift, noise, slowdown)
				if err != nil {
					return err
				}
				c.print(table, noise, slowdown, "perf/trial, "+drift, pairs)
			}
			unpaired.print(table, noise, slowdown, "perf/compare, runs far apart", pairs)
			oneSitting(pairs, noise, slowdown, unpaired.median/2).print(table, noise, slowdown, "perf/compare, AR(1), A before B", pairs)
		}
	}
	return table.Flush()
}

// counts are what a design claims.
type counts struct{ wrong, found, median int }

func (c counts) print(w io.Writer, noise, slowdown float64, design string, pairs int) {
	fmt.Fprintf(w, "%.0f %%\t%.0f %%\t%s\t%.1f %%\t%.1f %%\t%d\t%d\n",
		noise*100, (slowdown-1)*100, design, share(c.wrong, pairs), share(c.found, pairs), c.median, pairs)
}

// manyTrials of the same against the same, and against what is slower.
func manyTrials(ctx context.Context, n int, drift string, noise, slowdown float64) (c counts, err error) {
	random := rand.New(rand.NewPCG(2, 0))
	var blocks []int
	for i := range n {
		for _, slower := range []float64{1, slowdown} {
			s := simulated.New(random, drift, noise, own)
			s.Slower[trial.B] = slower
			t, err := trial.Run(ctx, s, trial.Options{
				Block: 10 * time.Second, Budget: 30 * time.Minute, Margin: 0.05, Seed: uint64(i), Now: s.Now, Figures: []string{"response p95"},
			}, func(*trial.Trial) {})
			if err != nil {
				return c, err
			}
			switch {
			case slower != 1 && t.Outcome == compare.Regressed:
				c.found++
			case slower == 1 && (t.Outcome == compare.Regressed || t.Outcome == compare.Improved):
				c.wrong++
			}
			if slower != 1 {
				blocks = append(blocks, 2*len(t.Pairs))
			}
		}
	}
	slices.Sort(blocks)
	c.median = blocks[len(blocks)/2]
	return c, nil
}

// neededRuns are so many that perf/compare finds the slowdown in 95 of 100 cases.
func neededRuns(n int, noise, slowdown float64) counts {
	level := math.Hypot(noise, own)
	for runs := 3; ; runs++ {
		random := rand.New(rand.NewPCG(4, uint64(runs)))
		c := counts{median: 2 * runs}
		for range n {
			then := system(random, runs, 1, level, 1)
			c.count(then, system(random, runs, 1, level, 1), system(random, runs, 1, level, slowdown))
		}
		if 100*c.found >= 95*n || runs == mostRuns {
			return c
		}
	}
}

// oneSitting has runs one after the other on a machine that drifts.
func oneSitting(n int, noise, slowdown float64, runs int) counts {
	random := rand.New(rand.NewPCG(6, uint64(runs)))
	c := counts{median: 2 * runs}
	sides := func(slower float64) (then, now side) {
		s := simulated.New(random, "AR(1)", noise, own)
		for range runs {
			then = append(then, run{p95: s.P95(1), requests: []float64{0}})
		}
		for range runs {
			now = append(now, run{p95: s.P95(slower), requests: []float64{0}})
		}
		return then, now
	}
	for range n {
		then, same := sides(1)
		thenToo, slower := sides(slowdown)
		if changed(then, same) {
			c.wrong++
		}
		if ours(thenToo, slower) {
			c.found++
		}
	}
	return c
}

func (c *counts) count(then, same, slower side) {
	if changed(then, same) {
		c.wrong++
	}
	if ours(then, slower) {
		c.found++
	}
}

// changed reports whether perf/compare claims either.
func changed(then, now side) bool { return ours(then, now) || ours(now, then) }
