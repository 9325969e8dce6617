package trial_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/trial"
	"github.com/ragscale/ragscale/perf/trial/simulated"
)

// counted are how trials ended.
type counted struct {
	outcomes map[compare.Outcome]int
	blocks   []int
}

func options(s *simulated.Stage, seed uint64) trial.Options {
	return trial.Options{Block: 10 * time.Second, Discarded: 2 * time.Second, Budget: 15 * time.Minute, Margin: 0.05, Seed: seed, Now: s.Now}
}

// hold does trials of B, so much slower, against A.
func hold(t *testing.T, n int, drift string, deviation, own, slower float64) counted {
	t.Helper()
	random := rand.New(rand.NewPCG(3, uint64(slower*1000)))
	c := counted{outcomes: map[compare.Outcome]int{}}
	for i := range n {
		s := simulated.New(random, drift, deviation, own)
		s.Slower[trial.B] = slower
		o := options(s, uint64(i))
		got, err := trial.Run(t.Context(), s, o, func(*trial.Trial) {})
		if err != nil {
			t.Fatal(err)
		}
		c.outcomes[got.Outcome]++
		c.blocks = append(c.blocks, 2*len(got.Pairs))
	}
	slices.Sort(c.blocks)
	return c
}

// All are counts of seeded trials: the numbers are the same at every run.
func TestATrialKeepsItsErrorRatesWhateverTheMachineDoes(t *testing.T) {
	const n = 500
	for _, drift := range simulated.Drifts() {
		for _, deviation := range []float64{0.03, 0.05} {
			same := hold(t, n, drift, deviation, 0.01, 1)
			if wrong := same.outcomes[compare.Regressed] + same.outcomes[compare.Improved]; wrong > n/100 {
				t.Errorf("%s of %v: of %d trials of the same, %d claim a change", drift, deviation, n, wrong)
			}
			slower := hold(t, n, drift, deviation, 0.01, 1.1)
			if found := slower.outcomes[compare.Regressed]; found < n*95/100 {
				t.Errorf("%s of %v: of %d trials of a slowdown by a tenth, %v", drift, deviation, n, slower.outcomes)
			}
			t.Logf("%s of %v: same %v in %d blocks, slower %v in %d, at most %d", drift, deviation, same.outcomes, same.blocks[n/2], slower.outcomes, slower.blocks[n/2], slower.blocks[n-1])
		}
	}
}

// Trials that nothing ends but their budget look 45 times at a machine whose blocks are noisy.
func TestLookingOftenClaimsNothing(t *testing.T) {
	const n = 500
	wrong := 0
	for i := range n {
		s := simulated.New(rand.New(rand.NewPCG(7, uint64(i))), "AR(1)", 0.05, 0.04)
		o := options(s, uint64(i))
		o.Margin = 1e-6
		got, err := trial.Run(t.Context(), s, o, func(*trial.Trial) {})
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != trial.Undecided {
			wrong++
		}
	}
	if wrong > n/100 {
		t.Errorf("%d of %d", wrong, n)
	}
}
