package capacity

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/queueing"
	"github.com/ragscale/ragscale/perf/telemetry"
)

// told is the telemetry of a run whose tiers are busy with what they take of each request, and a little without load.
func told(run *load.Run, demands map[string]map[string]float64) *telemetry.Telemetry {
	answered := answeredBy(run)
	t := &telemetry.Telemetry{Version: telemetry.Version, From: run.BeganAt, StepSeconds: 30}
	over := telemetry.WindowOf(run).RateTime()
	for panel, lines := range demands {
		p := telemetry.Panel{Name: panel, Source: workspace, From: run.BeganAt.Add(over / 2), StepSeconds: 30}
		if panel == "database-sessions" {
			p.From, p.StepSeconds = time.Time{}, 0
		}
		from, step := t.Steps(p)
		for name, demand := range lines {
			s := telemetry.Series{Name: name}
			for i := range int(run.Seconds()/30) + 1 {
				at := from.Add(time.Duration(i) * step).Sub(run.BeganAt).Seconds()
				s.Values = append(s.Values, 0.02+demand*answered.rate(at, valuesOver(&p, run)))
			}
			p.Series = append(p.Series, s)
		}
		t.Panels = append(t.Panels, p)
	}
	return t
}

func demandsOfTwoTiers() map[string]map[string]float64 {
	return map[string]map[string]float64{
		"cpu":               {"api": 0.02, "worker": 0.001},
		"database-cpu":      {"primary": 0.006 / 2, "replica 1": 0.001 / 2}, // of two vCPU each
		"cache-cpu":         {"001": 0.0005},
		"database-sessions": {"rag active": 0.009, "rag idle": 1, "rag_read active": 0.003},
	}
}

var hardware = Hardware{PrimaryVCPU: 2, ReplicaVCPU: 2}

func TestDemandsAreWhatTelemetryTells(t *testing.T) {
	run := twoTiers.steps(t, stepsScenario)
	all, missing := Demands([]Source{{run, told(run, demandsOfTwoTiers())}}, hardware)
	want := map[Tier]float64{APICPU: 0.02, WorkerCPU: 0.001, PrimaryCPU: 0.006, ReplicaCPU: 0.001, CacheCPU: 0.0005, Connections: 0.012}
	if len(all) != len(want) || len(missing) > 0 {
		t.Fatalf("%+v, missing %q", all, missing)
	}
	for _, d := range all {
		if math.Abs(d.Seconds/want[d.Tier]-1) > 1e-9 || !strings.Contains(d.Origin, run.Name) {
			t.Errorf("%+v, want %v s", d, want[d.Tier])
		}
	}
	short := told(run, map[string]map[string]float64{"cpu": {"api": 0.02}})
	short.Panels[0].Series[0].Values = short.Panels[0].Series[0].Values[:3]
	if _, missing = Demands([]Source{{run, short}}, hardware); len(missing) != len(gauges) ||
		missing[0] != "CPU of the API's pods: panel cpu has 3 values with load, want 4 or more: a longer run" {
		t.Errorf("%q", missing)
	}
	if _, missing = Demands([]Source{{run, nil}}, hardware); len(missing) != 1 {
		t.Errorf("%q", missing)
	}
}

func TestLawAndModelOfAMeasuredPlatformAgree(t *testing.T) {
	run := twoTiers.steps(t, stepsScenario)
	s, err := NewStudy([]Source{{run, told(run, demandsOfTwoTiers())}}, hardware, map[Tier]int{APICPU: 2, PrimaryCPU: 1})
	if err != nil {
		t.Fatal(err)
	}
	if s.Disagreement > 0.15 || s.Disagreement == 0 {
		t.Errorf("they differ by %v", s.Disagreement)
	}
	if way := s.Model.Stations[2]; way.Servers != 0 || math.Abs(way.Demand-0.004) > 0.001 {
		t.Errorf("%+v, want a way of 4 ms", way)
	}
	bounds := queueing.BoundsOf(s.Model.Stations, 1)
	if math.Abs(bounds.Throughput-100) > 0.1 || bounds.Bottleneck != string(APICPU) {
		t.Errorf("%+v", bounds)
	}
	x, _, why := s.Holds(0.2)
	if x < 70 || x > 100 || !strings.Contains(why, "p95 reaches its objective") {
		t.Errorf("holds %v: %s", x, why)
	}
}

// What works hardest is not among what is measured.
func TestModelsThatDisagreeAreRefused(t *testing.T) {
	run := twoTiers.steps(t, stepsScenario)
	demands := demandsOfTwoTiers()
	delete(demands, "cpu")
	_, err := NewStudy([]Source{{run, told(run, demands)}}, hardware, map[Tier]int{APICPU: 2, PrimaryCPU: 1})
	if err == nil || !strings.Contains(err.Error(), "the law and the model of the platform differ by") ||
		!strings.Contains(err.Error(), "ragscale load run steps") {
		t.Errorf("%v", err)
	}
}

func TestOneMachineIsOneStation(t *testing.T) {
	machine := system{stations: []queueing.Station{{Name: "cores", Demand: 0.008, Servers: 2}, {Name: "way", Demand: 0.005, Servers: 0}}}
	scenario := load.Scenario{Name: "steps", Users: 160, RampUpSeconds: 16, DurationSeconds: 240, ThinkSeconds: 0.25, Levels: 8}
	run := machine.steps(t, scenario)
	s, err := NewStudy([]Source{{run, told(run, map[string]map[string]float64{"cpu": {"api": 0.003}})}}, Hardware{Cores: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Model.Stations[0]; math.Abs(d.Demand/0.008-1) > 0.01 || d.Servers != 2 {
		t.Errorf("%+v, want 8 ms of 2 cores", d)
	}
}

func TestAStudySaysWhatIsMissing(t *testing.T) {
	few := stepsScenario
	few.Users = 24 // far below the knee
	low := twoTiers.steps(t, few)
	three := stepsScenario
	three.Levels, three.RampUpSeconds = 3, 30
	for want, sources := range map[string][]Source{
		"no run of steps or breakpoint, want one: ragscale load run steps":                     nil,
		"past the knee, where it is 75 % or less; run ragscale load run steps with more users": {{low, nil}},
		"there are 3 different levels, want 4 or more; run ragscale load run steps":            {{twoTiers.steps(t, three), nil}},
	} {
		if _, err := NewStudy(sources, hardware, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Runs with noise, of which two levels are held out and predicted by what the others tell.
func TestHeldOutLevelsOfNoisyRunsArePredicted(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	scenario := load.Scenario{Name: "steps", Users: 160, RampUpSeconds: 16, DurationSeconds: 480, ThinkSeconds: 0.25, Levels: 8}
	machine := system{stations: []queueing.Station{{Name: "cores", Demand: 0.008, Servers: 2}, {Name: "way", Demand: 0.005, Servers: 0}}, noise: func(int) float64 { return 1 + 0.03*random.NormFloat64() }}
	var missed []float64
	inside, all := 0, 0
	for range 6 {
		levels, err := Levels(machine.steps(t, scenario))
		if err != nil {
			t.Fatal(err)
		}
		if h := holdOut(levels, 0.25); h.Levels != 6 || h.Missed > 0.1 || h.Inside < 3 {
			t.Errorf("%+v", h)
		}
		for _, out := range []int{2, 5} {
			var kept []Level
			for i, l := range levels {
				if i != out {
					kept = append(kept, l)
				}
			}
			fit := mustFit(t, PointsOf(kept))
			p := fit.PredictUsers(levels[out].Users, 0.25, 0.9)
			missed = append(missed, math.Abs(p.X/levels[out].X-1))
			all++
			if p.Within.Low <= levels[out].X && levels[out].X <= p.Within.High {
				inside++
			}
		}
	}
	if m := median(missed); m > 0.1 {
		t.Errorf("held-out levels are missed by %.1f %% in the median", 100*m)
	}
	if share := float64(inside) / float64(all); share < 0.75 {
		t.Errorf("%.0f %% are within 90 %% intervals", 100*share)
	} else {
		t.Logf("median miss %.1f %%, %.0f %% within 90 %% intervals", 100*median(missed), 100*share)
	}
}
