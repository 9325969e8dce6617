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

// TestRecordedStress replays a load test of stack local, 2026-11-30: 100 users who came within 10 s, requests/s of each
// 10 s as its results say, CPU of a request as its telemetry does (0.0687 cores at 75.4 requests/s), of idle pods 12 % of their request. Its
// autoscaler was
// watched twice a second: 3 replicas were wanted 22.7 s after the load began, served a second later, and 2 again 24 s
// after it ended. Not known is where in their periods metrics and controller were (the median of 21 seeds counts).
func TestRecordedStress(t *testing.T) {
	c, d := declared(t, "local")
	d.HPA.Down = hpa.Rules{StabilizationSeconds: 15, Select: hpa.SelectMax, Tolerance: -1,
		Policies: []hpa.Policy{{Type: hpa.Percent, Value: 100, PeriodSeconds: 60}}}
	s, _, err := Of(c, d, 2)
	if err != nil {
		t.Fatal(err)
	}
	s.Work.CPUSeconds, s.Work.IdleCores = 0.0687/75.4, 0.006
	load := curve.Curve{Name: "recorded", Points: []curve.Point{{At: 0, RPS: 0}, {At: 60, RPS: 0}}}
	for i, answers := range []float64{584, 976, 981, 1017, 959, 979} {
		at := 60 + 10*float64(i)
		load.Points = append(load.Points, curve.Point{At: at, RPS: answers / 10}, curve.Point{At: at + 10, RPS: answers / 10})
	}
	load.Points = append(load.Points, curve.Point{At: 120, RPS: 0}, curve.Point{At: 240, RPS: 0})
	var up, down []float64
	for seed := range uint64(21) {
		for _, change := range simulate(t, s, load, Options{Seed: seed, Mode: Stream, TickSeconds: 0.25}).Decisions {
			switch change.To {
			case 3:
				up = append(up, change.At-60)
			case 2:
				down = append(down, change.At-120)
			}
		}
	}
	if len(up) != 21 || len(down) != 21 {
		t.Fatalf("up %v, down %v: want each once in each of 21 simulations, as recorded", up, down)
	}
	if got := median(up); math.Abs(got-22.7) > 15 {
		t.Errorf("3 replicas after %.1f s, recorded 22.7", got)
	}
	if got := median(down); math.Abs(got-24) > 15 {
		t.Errorf("2 replicas %.1f s after the load, recorded 24", got)
	}
	t.Logf("3 replicas after %.1f s (recorded 22.7), 2 again %.1f s after the load (24)", median(up), median(down))
}
