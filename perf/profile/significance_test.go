package profile

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// system is one that is sampled: what functions cost, and how that varies.
type system struct {
	cost    []float64 // of functions, per request; any unit
	machine float64   // coefficient of variation of a window's speed, for all functions together
	own     float64   // that of each function in each window
}

// zipf is a system of so many functions, the first the most expensive.
func zipf(functions int) system {
	s := system{machine: 0.15, own: 0.02}
	for i := range functions {
		s.cost = append(s.cost, 1/float64(i+1))
	}
	return s
}

// slower is the system with a function that costs more by a share.
func (s system) slower(function int, by float64) system {
	s.cost = append([]float64{}, s.cost...)
	s.cost[function] *= 1 + by
	return s
}

// sample takes windows of so many samples in the mean.
func (s system) sample(r *rand.Rand, windows int, samples float64) (cells []cell) {
	varied := func(cv float64) float64 {
		return distuv.Gamma{Alpha: 1 / (cv * cv), Beta: 1 / (cv * cv), Src: r}.Rand()
	}
	var whole float64
	for _, c := range s.cost {
		whole += c
	}
	for range windows {
		c := cell{count: make([]float64, len(s.cost)), of: make([]float64, len(s.cost)), value: make([]float64, len(s.cost)), served: 1000}
		speed := varied(s.machine)
		var total float64
		for i, cost := range s.cost {
			c.count[i] = distuv.Poisson{Lambda: samples * cost / whole * speed * varied(s.own), Src: r}.Rand()
			c.value[i] = c.count[i] * 1e7
			total += c.count[i]
		}
		for i := range c.of {
			c.of[i] = total
		}
		cells = append(cells, c)
	}
	return cells
}

func tallies(then, now []cell) *tallied {
	t := &tallied{cells: [2][]cell{then, now}}
	for i := range then[0].count {
		t.names = append(t.names, fmt.Sprintf("f%02d", i))
	}
	return t
}

// profiled is how a side was profiled: at any rate and over any time.
type profiled struct {
	windows int
	samples float64 // of a window
}

var settings = map[string][2]profiled{
	"alike":            {{24, 4000}, {24, 4000}},
	"another rate":     {{24, 4000}, {24, 20000}},
	"another duration": {{24, 4000}, {6, 4000}},
	"few windows":      {{3, 4000}, {3, 4000}},
	"hardly a sample":  {{12, 150}, {12, 150}},
}

// TestIdenticalSystemsHighlightNoFunction: at most 1 % of the functions that are asked about; the machine's speed differs
// between the sides.
func TestIdenticalSystemsHighlightNoFunction(t *testing.T) {
	for name, how := range settings {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			asked, highlighted := 0, 0
			for range 200 {
				s := zipf(60)
				changes, _, _ := tallies(s.sample(r, how[0].windows, how[0].samples), s.sample(r, how[1].windows, how[1].samples)).compare(DefaultSee)
				for _, c := range changes {
					asked++
					if c.Outcome == More || c.Outcome == Less {
						highlighted++
					}
				}
			}
			if asked < 200 || float64(highlighted) > 0.01*float64(asked) {
				t.Errorf("%d of %d functions are highlighted, want 1 %% at most", highlighted, asked)
			}
			t.Logf("%d of %d", highlighted, asked)
		})
	}
}

// TestAPlantedSlowdownIsFound: 5 % of one function, which has 45,000 samples on each side, in 24 windows.
func TestAPlantedSlowdownIsFound(t *testing.T) {
	for name, rate := range map[string]float64{"the same rate": 1, "five times the rate": 5, "a third of the windows, longer": 1.0 / 3} {
		t.Run(name, func(t *testing.T) {
			const runs, function = 200, 1
			r := rand.New(rand.NewPCG(3, 4))
			s := zipf(60)
			s.own = 0.01
			share := s.cost[function] / total(s.cost)
			samples := 45_000 / share
			then := profiled{24, samples / 24}
			now := profiled{24, samples / 24}
			if rate > 1 { // more samples of the same windows
				now.samples *= rate
			} else { // fewer windows, which are longer
				now.windows = int(math.Round(24 * rate))
				now.samples = samples / float64(now.windows)
			}
			found, others := 0, 0
			for range runs {
				changes, _, _ := tallies(s.sample(r, then.windows, then.samples), s.slower(function, 0.05).sample(r, now.windows, now.samples)).compare(DefaultSee)
				for _, c := range changes {
					switch {
					case c.Name == "f01" && c.Outcome == More:
						found++
					case c.Outcome == More || c.Outcome == Less:
						others++
					}
				}
			}
			if found < 0.95*runs || others > 0.01*runs*59 {
				t.Errorf("found %d times of %d, want 95 %%; %d other functions highlighted, want 1 %% at most", found, runs, others)
			}
			t.Logf("found %d of %d, others %d", found, runs, others)
		})
	}
}

func total(all []float64) (sum float64) {
	for _, v := range all {
		sum += v
	}
	return sum
}

// TestWithTooFewSamplesNothingIsTheSame: a change that could not have been seen is not denied.
func TestWithTooFewSamplesNothingIsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	s := zipf(60)
	changes, _, untested := tallies(s.sample(r, 12, 500), s.sample(r, 12, 500)).compare(DefaultSee)
	if len(changes) == 0 || untested == 0 {
		t.Fatalf("%d functions asked about and %d not, want some of each", len(changes), untested)
	}
	for _, c := range changes {
		if c.Outcome != TooFew || !strings.Contains(c.Why, "times the samples") {
			t.Errorf("%s is %s (%s) of %v samples, want %s", c.Name, c.Outcome, c.Why, c.Samples, TooFew)
		}
	}
	changes, _, _ = tallies(s.sample(r, 2, 50_000), s.sample(r, 12, 50_000)).compare(DefaultSee)
	for _, c := range changes {
		if c.Outcome != TooFew || !strings.Contains(c.Why, "2 windows then and 12 now") {
			t.Errorf("%s is %s (%s), want %s for the windows", c.Name, c.Outcome, c.Why, TooFew)
		}
	}
}

// TestEnoughSamplesSayTheSame: where 5 % would have been found, what is not is denied.
func TestEnoughSamplesSayTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	s := zipf(20)
	s.own = 0.005
	changes, _, _ := tallies(s.sample(r, 24, 100_000), s.sample(r, 24, 100_000)).compare(DefaultSee)
	for _, c := range changes {
		if c.Outcome != Same || c.Smallest > DefaultSee || c.Low > 0.01 || c.High < -0.01 {
			t.Errorf("%s is %s, from %v to %v, seen from %v; want the same", c.Name, c.Outcome, c.Low, c.High, c.Smallest)
		}
	}
}

// TestAFunctionThatIsNewIsFound, and one that went.
func TestAFunctionThatIsNewIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	s := zipf(40)
	before, after := s.slower(5, -1+1e-12), s.slower(7, -1+1e-12)
	changes, _, _ := tallies(before.sample(r, 8, 4000), after.sample(r, 8, 4000)).compare(DefaultSee)
	for _, c := range changes {
		want := c.Outcome == TooFew || c.Outcome == Same
		switch c.Name {
		case "f05":
			want = c.Outcome == More
		case "f07":
			want = c.Outcome == Less
		}
		if !want {
			t.Errorf("%s is %s, samples %v", c.Name, c.Outcome, c.Samples)
		}
	}
}

// TestTheMiddleFunctionIsNotMovedByALargeOne: half of the cost is in a function that became 30 % slower, and only that
// is said to have changed.
func TestTheMiddleFunctionIsNotMovedByALargeOne(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	s := zipf(40)
	s.cost[0] = total(s.cost)
	changes, common, _ := tallies(s.sample(r, 24, 20_000), s.slower(0, 0.3).sample(r, 24, 20_000)).compare(DefaultSee)
	for _, c := range changes {
		if told := c.Outcome == More || c.Outcome == Less; told != (c.Name == "f00") {
			t.Errorf("%s is %s by %v", c.Name, c.Outcome, c.Change)
		}
		if c.Name == "f00" && math.Abs(c.Change-0.3) > 0.03 {
			t.Errorf("f00 changed by %v, want 0.3", c.Change)
		}
	}
	if share := s.cost[0] / total(s.cost); math.Abs(common-(-share*0.3/(1+share*0.3))) > 0.02 {
		t.Errorf("the middle function's part changed by %v", common)
	}
}

// TestWildWindowsTellNothing: a function that is there in one window alone, and figures that JSON has.
func TestWildWindowsTellNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	s := zipf(20)
	then, now := s.sample(r, 3, 5000), s.sample(r, 3, 5000)
	now[1].count[4], now[0].count[4], now[2].count[4] = 1e9, 0, 0
	for _, c := range now {
		for i := range c.of {
			c.of[i] = total(c.count)
		}
	}
	changes, _, _ := tallies(then, now).compare(DefaultSee)
	if _, err := json.Marshal(changes); err != nil {
		t.Error(err)
	}
	for _, c := range changes {
		if c.Outcome == More || c.Outcome == Less {
			t.Errorf("%s is %s by %v (p %v)", c.Name, c.Outcome, c.Change, c.P)
		}
	}
}

func TestTrigammaAndItsInverse(t *testing.T) {
	if got := trigamma(1); math.Abs(got-math.Pi*math.Pi/6) > 1e-12 {
		t.Errorf("trigamma(1) is %v, want π²/6", got)
	}
	for _, x := range []float64{0.01, 0.5, 3, 1000} {
		if got := inverseTrigamma(trigamma(x)); math.Abs(got/x-1) > 1e-6 {
			t.Errorf("inverse of trigamma(%v) is %v", x, got)
		}
	}
}
