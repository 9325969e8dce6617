// Package simulated is a stage for trials without a machine: arms whose response times are drawn, on a machine that
// drifts as real ones do.
//
// Owns: kinds of drift, figures of a block. Does not own: trials. Tests and tools/bench-compare use it.
package simulated

import (
	"cmp"
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/trial"
)

// drift returns the machine's level from block to block, as a logarithm, of a deviation.
type drift func(random *rand.Rand, deviation float64) func(block int) float64

// drifts by name. What they have in common is that both blocks of a pair see nearly the same.
var drifts = map[string]drift{
	"AR(1)": func(random *rand.Rand, deviation float64) func(int) float64 {
		const keeps = 0.95 // of a block's level in the next
		level := deviation * random.NormFloat64()
		return func(int) float64 {
			level = keeps*level + deviation*math.Sqrt(1-keeps*keeps)*random.NormFloat64()
			return level
		}
	},
	"ramp": func(_ *rand.Rand, deviation float64) func(int) float64 {
		return func(block int) float64 { return deviation * float64(block) / 6 }
	},
	"step": func(random *rand.Rand, deviation float64) func(int) float64 {
		at := 2 + random.IntN(10)
		return func(block int) float64 {
			if block < at {
				return 0
			}
			return 5 * deviation
		}
	},
}

// Drifts are their names, and two more: "heavy tails" and "outlier", of AR(1) with noise of a block's own that is
// Student's with 3 degrees, and with one block that takes half as long again.
func Drifts() []string {
	return slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(drifts)), "heavy tails", "outlier")))
}

// Stage implements trial.Stage.
type Stage struct {
	Slower map[trial.Side]float64 // than 1
	Own    float64                // noise of a block's own, as a share
	Wrong  map[trial.Side]float64 // ratio of faults

	random  *rand.Rand
	drift   func(block int) float64
	heavy   bool
	outlier int // block that is
	block   int
	now     time.Time
}

// New makes a stage on a machine that drifts in this way by a deviation, as a share.
func New(random *rand.Rand, name string, deviation, own float64) *Stage {
	of, known := drifts[name]
	if !known {
		of = drifts["AR(1)"]
	}
	s := &Stage{Own: own, Slower: map[trial.Side]float64{}, Wrong: map[trial.Side]float64{}, random: random, drift: of(random, deviation),
		heavy: name == "heavy tails", outlier: -1, now: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}
	if name == "outlier" {
		s.outlier = 2 + random.IntN(10)
	}
	return s
}

// Now is the stage's own clock.
func (s *Stage) Now() time.Time { return s.now }

// Raise implements trial.Stage.
func (s *Stage) Raise(context.Context, map[trial.Side]trial.Arm) error { return nil }

// Clear implements trial.Stage.
func (s *Stage) Clear(context.Context) error { return nil }

const (
	asked = 1000 // requests of a block
	p95   = 80   // ms
)

// Block implements trial.Stage.
func (s *Stage) Block(ctx context.Context, side trial.Side, length, _ time.Duration) ([]load.Figure, error) {
	s.now = s.now.Add(length)
	level := s.level(cmp.Or(s.Slower[side], 1))
	common := s.noise()
	var wrong float64
	for range asked {
		if s.random.Float64() < s.Wrong[side] {
			wrong++
		}
	}
	figures := []load.Figure{{Name: "faults", Unit: "ratio", Better: load.Lower, Value: wrong / asked, Events: wrong, Samples: asked}}
	if wrong == asked {
		return figures, ctx.Err()
	}
	// Half of a figure's own noise is what a block's figures share.
	of := func(name string, value, sign float64) load.Figure {
		return load.Figure{Name: name, Unit: "ms", Better: load.Lower, Samples: asked - wrong,
			Value: value * math.Exp(sign*(level+s.Own*math.Sqrt(0.5)*(common+s.noise())))}
	}
	throughput := of("throughput", 100, -1)
	throughput.Better = load.Higher
	return append(figures, of("response p50", 20, 1), of("response p95", p95, 1), throughput), ctx.Err()
}

// level of the next block, as a logarithm.
func (s *Stage) level(slower float64) float64 {
	level := s.drift(s.block) + math.Log(slower)
	if s.block == s.outlier {
		level += math.Log(1.5)
	}
	s.block++
	return level
}

// P95 is that of the next block alone, of what is so much slower.
func (s *Stage) P95(slower float64) float64 { return p95 * math.Exp(s.level(slower)+s.Own*s.noise()) }

// noise is of deviation 1.
func (s *Stage) noise() float64 {
	if !s.heavy {
		return s.random.NormFloat64()
	}
	var squares float64
	for range 3 {
		n := s.random.NormFloat64()
		squares += n * n
	}
	return s.random.NormFloat64() / math.Sqrt(squares/3) / math.Sqrt(3) // Student's has a variance of 3
}
