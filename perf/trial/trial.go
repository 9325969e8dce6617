// Package trial holds two arms against each other: A, and B that is to replace it.
//
// Both stand side by side and are loaded in turn, in short blocks. A block of each, next to each other and in random
// order, is a pair, and the pair is the unit: what the machine does meanwhile happens to both and goes out of their
// difference. The trial looks after each pair and ends when it knows, or when its budget is spent.
//
// Owns: the order of blocks, when to end, the statistics, the answers, what is kept of a trial. Does not own: how arms
// are made and loaded (Stage; package cluster has the one of a stack), which arms are worth a trial, printing.
package trial

import (
	"context"
	"time"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/load"
)

// Undecided says that the blocks do not tell yet. The other outcomes are those of package compare.
const Undecided compare.Outcome = "UNDECIDED"

const (
	// Alpha is how often a trial of the same against the same may claim a change, over all its figures and looks: 1 %.
	Alpha = 0.01
	// around is what the intervals that are shown may miss, over all looks: 5 %.
	around = 0.05
	// power is how often a change of the smallest size that a trial says it sees is seen.
	power = 0.95
	// finest is the least noise of a figure from block to block, as a share: clocks and schedulers are no better.
	finest = 0.002
	// ratioMargin is the difference of ratios that nobody acts upon.
	ratioMargin = 0.01
	// mostPairs bounds a trial, and what is kept of it.
	mostPairs = 500
)

// Arm is one of two sides: what is set otherwise than the stack has it. An arm without settings is the stack as it is.
type Arm struct {
	Settings map[string]string `json:"settings,omitempty"` // key, as the Stage knows it, to value
}

// Side names an arm.
type Side string

// The sides.
const (
	A Side = "A"
	B Side = "B"
)

// Stage is what a trial is done on. One goroutine calls it.
type Stage interface {
	// Raise makes the arms ready to be loaded, side by side, alike but for their settings. What it has made so far when
	// it ends with an error, Clear removes.
	Raise(ctx context.Context, arms map[Side]Arm) error
	// Block loads one arm for a while and measures it; what happens in the beginning, for as long as is discarded, does
	// not count. Its figures are those of right answers; "faults", the ratio of those that were none, has to be among
	// them where anything was asked. An error says that nothing was measured, by no fault of the arm.
	Block(ctx context.Context, side Side, length, discarded time.Duration) ([]load.Figure, error)
	// Clear removes what Raise made. It is called once, also after an interrupt.
	Clear(ctx context.Context) error
}

// Options say how a trial is done.
type Options struct {
	Name, Scenario string
	Arms           map[Side]Arm
	Block          time.Duration // of load on one arm
	Discarded      time.Duration // of a block: the first part
	Budget         time.Duration // of all blocks; 0 for as long as it takes
	Margin         float64       // the change that nobody acts upon, as a share: 0.05
	Seed           uint64        // of the order in pairs
	Figures        []string      // that the trial is decided by, beside faults; none for all
	Machine        Machine       // as it was before
	Now            func() time.Time
}

// Trial is what is kept of one, and the stable answer of `ragscale load trial --json`.
type Trial struct {
	Version          int             `json:"version"` // 1
	Name             string          `json:"name"`
	Scenario         string          `json:"scenario"`
	Arms             map[Side]Arm    `json:"arms"`
	Outcome          compare.Outcome `json:"outcome"`
	Why              string          `json:"why,omitempty"` // it ended, where that was not because it knew
	Answers          []Answer        `json:"answers"`
	BeganAt          time.Time       `json:"beganAt"`
	EndedAt          time.Time       `json:"endedAt"`
	BlockSeconds     float64         `json:"blockSeconds"`
	DiscardedSeconds float64         `json:"discardedSeconds"` // of each block
	BudgetSeconds    float64         `json:"budgetSeconds"`
	Margin           float64         `json:"margin"`
	Seed             uint64          `json:"seed"`
	Machine          Machine         `json:"machine"`
	Dropped          []string        `json:"dropped,omitempty"` // why pairs were
	Pairs            []Pair          `json:"pairs"`
}

// Machine is what the blocks ran on.
type Machine struct {
	Cores       int     `json:"cores"`
	BusyPercent float64 `json:"busyPercent"` // of all cores, before the first block; by others than the trial
}

// Pair is two blocks next to each other.
type Pair struct {
	First Side          `json:"first"` // the arm that was loaded first
	A     []load.Figure `json:"a"`
	B     []load.Figure `json:"b"`
}

// of are the figures of one side.
func (p Pair) of(side Side) []load.Figure {
	if side == A {
		return p.A
	}
	return p.B
}
