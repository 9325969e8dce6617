package capacity

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/queueing"
)

// system is what a made-up run loads.
type system struct {
	stations []queueing.Station
	noise    func(slice int) float64 // of throughput, as a factor; nil for none
	wrong    func(level int) float64 // share of answers; nil for none
	lag      float64                 // how much longer users pause than they say
}

var shares = []float64{0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995,
	0.998, 0.999, 1}

// row is a slice's, of exponential times.
func row(slice int, n, mean float64) []float64 {
	all := []float64{float64(slice), n}
	for _, share := range shares {
		all = append(all, -1000*mean*math.Log(1-min(share, 0.9998)))
	}
	return all
}

var began = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// steps is a run whose levels are what the exact solution says, but for the ramp, in which fewer are there.
func (s system) steps(t *testing.T, scenario load.Scenario) *load.Run {
	t.Helper()
	run, err := s.run(scenario)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func (s system) run(scenario load.Scenario) (*load.Run, error) {
	seconds := 10.0
	width, ramp := scenario.DurationSeconds/float64(scenario.Levels), scenario.RampUpSeconds/float64(scenario.Levels)
	took, faults := [][]float64{}, [][]float64{}
	known := queueing.Throughputs(s.stations, scenario.Users+1, scenario.ThinkSeconds*(1+s.lag))
	for i := 0; float64(i)*seconds < scenario.DurationSeconds; i++ {
		at := float64(i) * seconds
		level := int(at / width)
		users := float64(scenario.Users) * float64(level+1) / float64(scenario.Levels)
		if at < float64(level)*width+ramp {
			users -= float64(scenario.Users) / float64(scenario.Levels) / 2
		}
		x := queueing.Solution{}
		if users > 0 {
			x.Throughput = between(known, math.Round(users))
		}
		factor, wrong := 1.0, 0.0
		if s.noise != nil {
			factor = s.noise(i)
		}
		if s.wrong != nil {
			wrong = s.wrong(level)
		}
		n := x.Throughput * seconds * factor
		took = append(took, row(i, n, users/x.Throughput/factor-scenario.ThinkSeconds*(1+s.lag)))
		faults = append(faults, []float64{float64(i), n * wrong, n})
	}
	return merge(scenario, took, faults, map[string]load.Metric{})
}

func merged(t *testing.T, scenario load.Scenario, took, faults [][]float64, metrics map[string]load.Metric) *load.Run {
	t.Helper()
	run, err := merge(scenario, took, faults, metrics)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func merge(scenario load.Scenario, took, faults [][]float64, metrics map[string]load.Metric) (*load.Run, error) {
	begin := began
	metrics["iterations"] = load.Metric{Values: map[string]float64{"count": 1000}}
	scenario.Generators = 1
	return load.Merge(scenario.Name+"-20261130-120000", []load.Result{{
		Scenario: scenario, Environment: map[string]string{"stack": "dev"}, BeganAt: &begin,
		EndedAt: begin.Add(time.Duration(scenario.DurationSeconds * float64(time.Second))), Metrics: metrics,
		Slices: &load.Slices{Seconds: 10, Shares: shares, Took: map[string][][]float64{"search-simple": took}, Faults: faults},
	}})
}

var twoTiers = system{stations: []queueing.Station{{Name: "pods", Demand: 0.02, Servers: 2}, {Name: "database", Demand: 0.006, Servers: 1}, {Name: "way", Demand: 0.004, Servers: 0}}}

var stepsScenario = load.Scenario{Name: "steps", Users: 200, RampUpSeconds: 80, DurationSeconds: 480, ThinkSeconds: 1, Levels: 8}

func TestLevelsAreWhatWasHeld(t *testing.T) {
	levels, err := Levels(twoTiers.steps(t, stepsScenario))
	if err != nil {
		t.Fatal(err)
	}
	if len(levels) != 8 || len(Doubts(levels)) > 0 {
		t.Fatalf("%d levels, %v", len(levels), Doubts(levels))
	}
	for i, l := range levels {
		users := 25 * (i + 1)
		s, err := queueing.Closed(twoTiers.stations, users, 1)
		if err != nil {
			t.Fatal(err)
		}
		if l.Users != float64(users) || l.AtSeconds < float64(60*i+10) || math.Abs(l.X/s.Throughput-1) > 1e-9 ||
			math.Abs(l.Response/s.Response-1) > 0.01 || math.Abs(l.N-l.X*l.Response) > 1e-9*l.N {
			t.Errorf("level %d is %+v, want X %v and R %v", i+1, l, s.Throughput, s.Response)
		}
		if l.P95 == nil || math.Abs(*l.P95/s.Response-3) > 0.03 { // of exponential times ln 20 times the mean
			t.Errorf("level %d has a p95 of %v", i+1, l.P95)
		}
	}
}

func TestWhatIsNotSettledIsDropped(t *testing.T) {
	s := twoTiers
	s.noise = func(slice int) float64 {
		if slice%6 == 1 { // the first after the ramp
			return 0.8
		}
		return 1 + 0.001*float64(slice%3)
	}
	levels, err := Levels(s.steps(t, stepsScenario))
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range levels {
		if l.Dropped != 1 || l.Slices != 4 {
			t.Errorf("level %d has %d slices, %d dropped, want 4 and 1", i+1, l.Slices, l.Dropped)
		}
	}
}

func TestLittlesLawThatIsBrokenIsNamed(t *testing.T) {
	s := twoTiers
	s.lag = 0.4
	s.wrong = func(level int) float64 {
		if level == 7 {
			return 0.3
		}
		return 0
	}
	levels, err := Levels(s.steps(t, stepsScenario))
	if err != nil {
		t.Fatal(err)
	}
	doubts := Doubts(levels)
	if len(doubts) == 0 || !strings.HasPrefix(doubts[0], "level 1: 25 users, of whom X·(R + Z) finds 18: Little's law is broken by 2") {
		t.Errorf("%q", doubts)
	}
	if points := PointsOf(levels); len(points) > 0 {
		t.Errorf("%v are taken for points of a law", points)
	}
	if last := doubts[len(doubts)-1]; !strings.HasPrefix(last, "level 8: 30 % of its answers were wrong") {
		t.Errorf("%q", last)
	}
}

func TestBreakpointIsCutIntoPartsThatRise(t *testing.T) {
	s := load.Scenario{Name: "breakpoint", Users: 480, RampUpSeconds: 240, DurationSeconds: 240, ThinkSeconds: 1, StopAtFault: true}
	var took, faults [][]float64
	for i := range 24 {
		n := 10 * 20 * (float64(i) + 0.5)
		took, faults = append(took, row(i, n, 0.05)), append(faults, []float64{float64(i), 0, n})
	}
	levels, err := Levels(merged(t, s, took, faults, map[string]load.Metric{}))
	if err != nil {
		t.Fatal(err)
	}
	if len(levels) != 12 {
		t.Fatalf("%d levels", len(levels))
	}
	for i, l := range levels {
		if want := 40 * (float64(i) + 0.5); math.Abs(l.X-want) > 1e-9 || math.Abs(l.Offered-want) > 1e-9 || !l.Rising || l.Unaccounted != 0 {
			t.Errorf("%+v, want X %v", l, want)
		}
	}
}

func TestRunsWithoutLevelsAreRefused(t *testing.T) {
	constant := load.Scenario{Name: "normal", Users: 100, DurationSeconds: 30, ThinkSeconds: 1}
	slow := stepsScenario
	slow.DurationSeconds = 80
	took, faults := [][]float64{row(0, 10, .1), row(1, 10, .1)}, [][]float64{{0, 0, 10}}
	bound := map[string]load.Metric{
		"user_pause_ms": {Values: map[string]float64{"count": 1000}}, "user_lag_ms": {Values: map[string]float64{"count": 10, "avg": 20}},
	}
	for want, run := range map[string]*load.Run{
		"has one load throughout, 100 users, want levels: ragscale load run steps": merged(t, constant, took, faults, map[string]load.Metric{}),
		"level 3 of 8, 30 to 30 s, has no slice of its own":                        merged(t, slow, took, faults, map[string]load.Metric{}),
		"its generators were what was slow":                                        merged(t, stepsScenario, took, faults, bound),
	} {
		if _, err := Levels(run); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	a, b := *twoTiers.steps(t, stepsScenario), *twoTiers.steps(t, stepsScenario)
	b.Environment = map[string]string{"stack": "prod"}
	if err := Alike([]*load.Run{&a, &b}); err == nil || !strings.Contains(err.Error(), `differ in stack, "dev" and "prod"`) {
		t.Errorf("%v", err)
	}
}
