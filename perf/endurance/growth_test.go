package endurance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

const step = 30 * time.Second

// heap is the memory of a Go process, MiB, in steps of 30 s: a level that wanders by first-order autocorrelation, the
// teeth of its garbage collector, a warm-up, and a leak per minute.
type heap struct {
	rho, wander, teeth, warm, leak float64
}

func (h heap) values(random *rand.Rand, n int) []float64 {
	values := make([]float64, n)
	state, period := h.wander*random.NormFloat64(), 40+80*random.Float64()
	phase := random.Float64()
	for i := range values {
		minutes := float64(i) * step.Minutes()
		state = h.rho*state + h.wander*math.Sqrt(1-h.rho*h.rho)*random.NormFloat64()
		tooth := math.Mod(phase+minutes*60/period, 1)
		values[i] = 120 + state + h.teeth*tooth + h.warm*(1-math.Exp(-minutes/3)) + h.leak*minutes
	}
	return values
}

// claims is the share of series that are said to have grown.
func claims(random *rand.Rand, h heap, n, series int) (share float64) {
	claimed := 0
	for range series {
		run := &load.Run{Scenario: load.Scenario{DurationSeconds: float64(n-1) * step.Seconds()}}
		if verdict("memory", h.values(random, n), step, 0, run, 64).Outcome == load.Missed {
			claimed++
		}
	}
	return float64(claimed) / float64(series)
}

// Series of half an hour and of two, without and with a collector's teeth, all with a warm-up.
func TestWhatDoesNotGrowIsSeldomSaidTo(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, rho := range []float64{0, 0.5, 0.8, 0.9, 0.95} {
		var sum, worst float64
		for _, n := range []int{61, 240} {
			for _, wander := range []float64{2, 5, 10} {
				for _, teeth := range []float64{0, 16} {
					share := claims(random, heap{rho: rho, wander: wander, teeth: teeth, warm: 40}, n, 200)
					sum, worst = sum+share/12, max(worst, share)
				}
			}
		}
		t.Logf("autocorrelation %v: %.2f %% of 2,400 series, of the worst kind %.1f %%", rho, sum*100, worst*100)
		if sum > 0.01 {
			t.Errorf("autocorrelation %v: %.2f %% of series that do not grow are said to", rho, sum*100)
		}
	}
}

func TestALeakOfAMiBAMinuteIsFoundInHalfAnHour(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, rho := range []float64{0, 0.5, 0.8} {
		found := claims(random, heap{rho: rho, wander: 1, teeth: 16, warm: 40, leak: 1}, 61, 400)
		t.Logf("autocorrelation %v: %.1f %%", rho, found*100)
		if found < 0.95 {
			t.Errorf("autocorrelation %v: %.1f %% of leaks are found", rho, found*100)
		}
	}
}

func TestSeriesOfOtherKinds(t *testing.T) {
	line := func(n int, f func(i int) float64) (all []float64) {
		for i := range n {
			all = append(all, f(i))
		}
		return all
	}
	gaps := func(f func(i int) float64) func(i int) float64 {
		return func(i int) float64 {
			if i%3 == 0 {
				return math.NaN()
			}
			return f(i)
		}
	}
	rising := func(i int) float64 { return 200 + float64(i) }
	for name, c := range map[string]struct {
		values []float64
		want   load.Outcome
	}{
		"none": {nil, load.NotMeasured}, "ten": {line(10, rising), load.NotMeasured},
		"nothing but gaps":          {line(200, func(int) float64 { return math.NaN() }), load.NotMeasured},
		"no numbers":                {line(200, func(int) float64 { return math.Inf(1) }), load.NotMeasured},
		"constant":                  {line(61, func(int) float64 { return 7 }), load.Kept},
		"zero":                      {line(61, func(int) float64 { return 0 }), load.Kept},
		"a straight line up":        {line(61, rising), load.Missed},
		"a line up, with gaps":      {line(90, gaps(rising)), load.Missed},
		"a straight line down":      {line(61, func(i int) float64 { return 200 - float64(i) }), load.Kept},
		"a step in the middle":      {line(61, func(i int) float64 { return 200 + 50*math.Floor(float64(i)/40) }), load.Kept},
		"a warm-up without noise":   {line(61, func(i int) float64 { return 200 - 80*math.Exp(-float64(i)/6) }), load.Kept},
		"two sessions more, slowly": {line(61, func(i int) float64 { return 4 + math.Floor(float64(i)/55) }), load.Kept},
	} {
		run := &load.Run{Scenario: load.Scenario{DurationSeconds: 1800}}
		if v := verdict("memory", c.values, step, 0, run, 64); v.Outcome != c.want {
			t.Errorf("%s: %s %s, value %v, want %s", name, v.Outcome, v.Why, v.Value, c.want)
		}
	}
}

func TestWhichRunsAreJudged(t *testing.T) {
	told := &telemetry.Telemetry{StepSeconds: 30, Panels: []telemetry.Panel{{Name: "memory", Series: []telemetry.Series{{Name: "api"}}}}}
	for i := range 61 {
		told.Panels[0].Series[0].Values = append(told.Panels[0].Series[0].Values, 200+float64(i))
	}
	for name, c := range map[string]struct {
		scenario load.Scenario
		told     *telemetry.Telemetry
		want     string
	}{
		"half an hour":          {load.Scenario{Name: "normal", DurationSeconds: 1800}, told, "growth of memory api: missed"},
		"shorter":               {load.Scenario{Name: "endurance", DurationSeconds: 300}, told, ""},
		"load that grows":       {load.Scenario{Name: "breakpoint", DurationSeconds: 1800, StopAtFault: true}, told, ""},
		"nothing kept":          {load.Scenario{Name: "normal", DurationSeconds: 1800}, nil, ""},
		"nothing for endurance": {load.Scenario{Name: "endurance", DurationSeconds: 7200}, &telemetry.Telemetry{Missing: []telemetry.Missing{{What: "all", Why: "no permission"}}}, "growth of what the stack uses: not measured"},
	} {
		run := &load.Run{Scenario: c.scenario, Passed: true}
		Judge(run, c.told)
		got := ""
		if len(run.Verdicts) > 0 {
			got = fmt.Sprintf("%s: %s", run.Verdicts[0].Metric, run.Verdicts[0].Outcome)
		}
		if got != c.want || run.Passed != (c.want == "") {
			t.Errorf("%s: %q, passed %v, want %q", name, got, run.Passed, c.want)
		}
	}
}

// What a run's ramp-up does is no growth, wherever a panel's own values begin.
func TestARampUpIsLeftOutByTheTimeOfAPanel(t *testing.T) {
	began := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	run := &load.Run{BeganAt: began, Scenario: load.Scenario{DurationSeconds: 3600, RampUpSeconds: 1800}}
	for from, want := range map[time.Duration]float64{0: 60, 10 * time.Minute: 80} {
		panel := telemetry.Panel{Name: "memory", From: began.Add(from), StepSeconds: 30, Series: []telemetry.Series{{Name: "api"}}}
		for range 120 {
			panel.Series[0].Values = append(panel.Series[0].Values, 200)
		}
		told := &telemetry.Telemetry{From: began, StepSeconds: 60, Panels: []telemetry.Panel{panel}}
		if v := verdictsOf(run, told); len(v) != 1 || v[0].Samples != want {
			t.Errorf("from %s: %+v, want %v values", from, v, want)
		}
	}
}
