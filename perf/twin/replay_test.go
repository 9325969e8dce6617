package twin

import (
	"math"
	"slices"
	"testing"

	"github.com/ragscale/ragscale/perf/twin/curve"
	"github.com/ragscale/ragscale/perf/twin/hpa"
)

// median is the middle value.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// TestRecordedScaling replays a run of the real controllers under load, on the sandbox: 3 replicas, 7 after 15 s, 14
// after 37 s, 18 after 55 s, and 3 again 82 s after the load ended. Known of it: the controller's flags (sync 2 s,
// readiness 5 s, initialization 10 s), metrics every 10 s, the autoscaler: 3 to 20 replicas at 70 % of CPU, up by four or
// double in 15 s, down by half in 15 s after 30 s. Not known: where in their periods the load met metrics and controller
// (so seeds are tried, and the median of each time counts), how soon pods were ready (2 s here), how old a
// measurement was once it was seen (5 s), and the load, which is
// chosen so that it asks for 18 pods. Times may be 15 s off, replicas not at all.
func TestRecordedScaling(t *testing.T) {
	s := plain()
	s.Controller = hpa.Settings{SyncSeconds: 2, Tolerance: 0.1, InitialReadinessSeconds: 5, CPUInitializationSeconds: 10,
		DownscaleStabilizationSeconds: 30}
	s.Metrics = Metrics{ResolutionSeconds: 10, WindowSeconds: 10, LeastAgeSeconds: 10, LateSeconds: 5}
	s.HPA.Down = hpa.Rules{StabilizationSeconds: 30, Select: hpa.SelectMax, Tolerance: -1,
		Policies: []hpa.Policy{{Type: hpa.Percent, Value: 50, PeriodSeconds: 15}}}
	s.Pod = Pod{CPUMilli: 50, MemoryBytes: 1, ScheduleSeconds: 0.2, StartSeconds: 1, ProbeSeconds: 1, RegisterSeconds: 0.3}
	s.Groups = []Group{{Name: "machine", Least: 1, Most: 1, Before: 1, Cores: 2, Pods: 40}}
	s.Work.CPUSeconds = 0.002
	rate := 18 * 0.7 * 0.05 / 0.002 * 0.97
	load := curve.Curve{Name: "on and off", Points: []curve.Point{{At: 0, RPS: 5}, {At: 60, RPS: 5}, {At: 60, RPS: rate},
		{At: 180, RPS: rate}, {At: 180, RPS: 5}, {At: 360, RPS: 5}}}
	steps := map[int][]float64{}
	for seed := range uint64(21) {
		r := simulate(t, s, load, Options{Seed: seed, Mode: Stream, PointSeconds: 1, TickSeconds: 0.25})
		seen := map[int]bool{}
		for _, p := range r.Points {
			if at := p.At - 60; p.At >= 60 && p.At < 180 && !seen[p.Wanted] {
				seen[p.Wanted] = true
				steps[p.Wanted] = append(steps[p.Wanted], at)
			} else if p.At >= 180 && p.Wanted == 3 && !seen[-3] {
				seen[-3] = true
				steps[-3] = append(steps[-3], p.At-180)
			}
		}
	}
	for _, want := range []struct {
		replicas int
		after    float64
	}{{7, 15}, {14, 37}, {18, 55}, {-3, 82}} {
		times := steps[want.replicas]
		if len(times) < 11 {
			t.Errorf("%d replicas were wanted in %d of 21 simulations, want most (all steps: %v)", want.replicas, len(times), steps)
			continue
		}
		if got := median(times); math.Abs(got-want.after) > 15 {
			t.Errorf("%d replicas after %.0f s, recorded %.0f (all: %v)", want.replicas, got, want.after, times)
		} else {
			t.Logf("%d replicas after %.0f s, recorded %.0f", want.replicas, got, want.after)
		}
	}
}
