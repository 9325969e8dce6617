package endurance

import (
	"fmt"
	"math"
	"time"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

const (
	// longEnough is a run that growth is told from, s.
	longEnough = 30 * 60
	// mostGrowth is what a series may grow over a run, as a share of its level.
	mostGrowth = 0.02
	// whatFor is the scenario that is run to tell growth: one that does not is no pass.
	whatFor = "endurance"
)

// watched are the panels whose series are judged. A level below the least is taken for it: two sessions more are no
// leak.
var watched = []struct {
	panel, name string
	least       float64 // in the panel's unit
}{
	{"memory", "memory", 64},
	{"goroutines", "goroutines", 100},
	{"database-sessions", "database sessions", 20},
	{"api-latency", "latency", 20},
}

// Judge adds to a run of half an hour or more whether memory, goroutines, connections and latency grew. A run whose
// load grows by itself is not judged so.
func Judge(run *load.Run, t *telemetry.Telemetry) {
	if run.Scenario.DurationSeconds < longEnough || run.Scenario.StopAtFault {
		return
	}
	var verdicts []load.Verdict
	if t != nil {
		verdicts = verdictsOf(run, t)
	}
	if len(verdicts) == 0 && run.Scenario.Name == whatFor {
		verdicts = []load.Verdict{{Threshold: threshold("what the stack uses"), Outcome: load.NotMeasured, Why: missing(t)}}
	}
	run.Add(verdicts...)
}

func verdictsOf(run *load.Run, t *telemetry.Telemetry) (all []load.Verdict) {
	for _, w := range watched {
		panel := t.Panel(w.panel)
		if panel == nil {
			continue
		}
		from, step := t.Steps(*panel)
		warm := run.BeganAt.Add(time.Duration(run.Scenario.RampUpSeconds * float64(time.Second))).Sub(from)
		for _, s := range panel.Series {
			all = append(all, verdict(w.name+" "+s.Name, s.Values, step, warm, run, w.least))
		}
	}
	return all
}

func threshold(of string) load.Threshold {
	return load.Threshold{Metric: "growth of " + of, Threshold: fmt.Sprintf("rate<=%v", mostGrowth)}
}

// verdict is that on a series: its growth over the run, as a share of its level, that is exceeded almost certainly. Its
// values of the time warm do not count.
func verdict(
	name string, values []float64, step, warm time.Duration, run *load.Run, leastLevel float64,
) load.Verdict {
	g, told := Of(values, step, int(math.Ceil(warm.Seconds()/step.Seconds())))
	v := load.Verdict{Threshold: threshold(name), Samples: float64(g.Values), Outcome: load.Kept}
	if !told {
		v.Outcome = load.NotMeasured
		v.Why = fmt.Sprintf("%d values after the warm-up, want %d or more", g.Values, leastValues)
		return v
	}
	share := max(0, g.Least) * run.Scenario.DurationSeconds / 3600 / max(g.Level, leastLevel)
	v.Value = &share
	if share > mostGrowth {
		v.Outcome = load.Missed
	}
	return v
}

func missing(t *telemetry.Telemetry) string {
	if t == nil || len(t.Missing) == 0 {
		return "no telemetry was kept of the run"
	}
	return t.Missing[0].What + ": " + t.Missing[0].Why
}
