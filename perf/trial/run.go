package trial

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/load"
)

const (
	// inRow is how many pairs in a row may be dropped, or be without an answer of an arm, before a trial ends for it.
	inRow = 3
	// clearing is how long what a trial made may take to go.
	clearing = 2 * time.Minute
)

// course is a trial under way.
type course struct {
	*Trial
	stage   Stage
	options Options
	random  *rand.Rand
	dead    map[Side]int // pairs in a row in which an arm had no right answer
	dropped int          // pairs in a row
}

// Run does a trial. It returns what there is of it in any case, nil only where the arms did not stand; with an error
// where something is left of them, or the context is over. After each pair it calls looked.
func Run(ctx context.Context, stage Stage, o Options, looked func(*Trial)) (t *Trial, err error) {
	defer func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearing)
		defer cancel()
		if left := stage.Clear(within); left != nil {
			err = errors.Join(err, fmt.Errorf("arms are left: %w", left))
		}
	}()
	if err := stage.Raise(ctx, o.Arms); err != nil {
		return nil, fmt.Errorf("arms: %w", err)
	}
	c := &course{stage: stage, options: o, random: rand.New(rand.NewPCG(o.Seed, 0)), dead: map[Side]int{}, Trial: &Trial{
		Version: 1, Name: o.Name, Scenario: o.Scenario, Arms: o.Arms, Outcome: Undecided, BeganAt: o.Now(),
		BlockSeconds: o.Block.Seconds(), DiscardedSeconds: o.Discarded.Seconds(), BudgetSeconds: o.Budget.Seconds(),
		Margin: o.Margin, Seed: o.Seed, Machine: o.Machine, Answers: []Answer{}, Pairs: []Pair{},
	}}
	c.warm(ctx)
	for c.goesOn(ctx) {
		c.pair(ctx)
		looked(c.Trial)
	}
	c.EndedAt = o.Now()
	return c.Trial, ctx.Err()
}

// warm loads each arm once: what a process does for the first time is no part of a trial.
func (c *course) warm(ctx context.Context) {
	for _, side := range []Side{A, B} {
		if _, err := c.stage.Block(ctx, side, c.options.Block, c.options.Discarded); err != nil && ctx.Err() == nil {
			c.Dropped = append(c.Dropped, fmt.Sprintf("warm-up of %s: %v", side, err))
		}
	}
	c.BeganAt = c.options.Now()
}

// goesOn reports whether there is to be another pair, and notes why not.
func (c *course) goesOn(ctx context.Context) bool {
	spent := c.options.Now().Sub(c.BeganAt)
	next := spent
	if n := len(c.Pairs) + len(c.Dropped); n > 0 {
		next += spent / time.Duration(n)
	}
	switch {
	case c.Outcome != Undecided:
		return false
	case ctx.Err() != nil:
		c.Why = "it was interrupted"
	case c.Why != "":
	case len(c.Pairs) >= mostPairs:
		c.Why = fmt.Sprintf("it has %d pairs, the most that a trial may have", mostPairs)
	case c.options.Budget > 0 && next > c.options.Budget:
		c.Why = fmt.Sprintf("its budget of %s is spent", c.options.Budget)
	}
	return c.Why == ""
}

// pair loads both arms and looks at what all pairs tell.
func (c *course) pair(ctx context.Context) {
	p := Pair{First: A}
	order := []Side{A, B}
	if c.random.IntN(2) == 1 {
		p.First, order = B, []Side{B, A}
	}
	for _, side := range order {
		figures, err := c.stage.Block(ctx, side, c.options.Block, c.options.Discarded)
		if err != nil {
			c.drop(ctx, side, err)
			return
		}
		if side == A {
			p.A = figures
		} else {
			p.B = figures
		}
	}
	c.dropped = 0
	c.Pairs = append(c.Pairs, p)
	c.Answers, c.Outcome = Judge(c.Pairs, c.options)
	c.lookForDead(p)
}

// drop leaves out a pair that was not measured.
func (c *course) drop(ctx context.Context, side Side, why error) {
	if ctx.Err() != nil {
		return
	}
	c.Dropped = append(c.Dropped, fmt.Sprintf("pair %d: block of %s: %v", len(c.Pairs)+len(c.Dropped)+1, side, why))
	if c.dropped++; c.dropped >= inRow {
		c.Why = fmt.Sprintf("%d pairs in a row were not measured: %v", inRow, why)
	}
}

// lookForDead ends a trial in which an arm has no right answer any more. B alone is worse then, whatever its few figures say.
func (c *course) lookForDead(p Pair) {
	for _, side := range []Side{A, B} {
		if answers(p.of(side)) {
			c.dead[side] = 0
		} else {
			c.dead[side]++
		}
	}
	a, b := c.dead[A] >= inRow, c.dead[B] >= inRow
	switch {
	case a && b:
		c.Outcome, c.Why = Undecided, fmt.Sprintf("neither arm gave a right answer in %d pairs in a row", inRow)
	case a:
		c.Outcome, c.Why = Undecided, fmt.Sprintf("A gave no right answer in %d pairs in a row: there is nothing to hold B against", inRow)
	case b && c.dead[A] == 0:
		c.Outcome, c.Why = compare.Regressed, fmt.Sprintf("B gave no right answer in %d pairs in a row", inRow)
	}
}

// answers reports whether a block had a right answer.
func answers(figures []load.Figure) bool {
	f, asked := named(figures, faults)
	return asked && f.Events < f.Samples
}
