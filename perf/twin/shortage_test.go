package twin

import (
	"math"
	"slices"
	"testing"

	"github.com/ragscale/ragscale/perf/twin/curve"
	"github.com/ragscale/ragscale/perf/twin/hpa"
	"github.com/ragscale/ragscale/perf/twin/queueing"
)

// limited is plain with pods that get their request at the most.
func limited() Stack {
	s := plain()
	s.Pod.LimitCores = 0.5
	s.Pod.ProbeSeconds = 0
	return s
}

// TestSpikeThatNoPolicyMeets: a spike of 30 s where pods are ready 40 s after they are decided on, the published case
// that defeats an autoscaler which foresees load. Even one that looks every second and may add any number misses all of
// it; replicas that stand ready do not.
func TestSpikeThatNoPolicyMeets(t *testing.T) {
	s := limited()
	s.Pod.StartSeconds = 29 // with 1 s to schedule and 10 s of health checks, 40
	load, err := curve.Shape("spike", 100, 700, 900)
	if err != nil {
		t.Fatal(err)
	}
	s.Work.TimeoutSeconds = 5 // whoever waits for longer leaves
	r := simulate(t, s, load, Options{Seed: 1, Mode: Stream})
	all := s.Shortages(r, load)
	if len(all) != 1 || !all[0].NoPolicy || all[0].Earliest != 40 || all[0].From != 225 || all[0].NoNode || all[0].Beyond {
		t.Fatalf("%+v, want one shortage from 225 s that no policy meets, pods ready after 40 s", all)
	}
	quick := s
	quick.Controller.SyncSeconds, quick.Metrics = 1, Metrics{ResolutionSeconds: 1, WindowSeconds: 1}
	quick.Controller.CPUInitializationSeconds = 0
	quick.HPA.Up.Policies = []hpa.Policy{{Type: hpa.Pods, Value: 1000, PeriodSeconds: 1}}
	during := func(r *Result) (most int) {
		for _, p := range r.Points {
			if p.At > 225 && p.At <= 255 {
				most = max(most, p.Serving)
			}
		}
		return most
	}
	if q := simulate(t, quick, load, Options{Seed: 1, Mode: Stream}); during(q) > 3 || q.OverShare() < 0.1 {
		t.Errorf("the quickest policy had %d pods serve within the spike, %.3f over the objective: it is said to be in vain",
			during(q), q.OverShare())
	}
	standing := s
	standing.HPA.Min = all[0].Needed
	if q := simulate(t, standing, load, Options{Seed: 1, Mode: Stream}); len(standing.Shortages(q, load)) != 0 {
		t.Errorf("%d replicas that stand ready are short too: %+v", all[0].Needed, standing.Shortages(q, load))
	}
}

// TestShortagesSayWhy plants one cause at a time.
func TestShortagesSayWhy(t *testing.T) {
	step, err := curve.Shape("step", 100, 700, 900)
	if err != nil {
		t.Fatal(err)
	}
	shortages := func(change func(*Stack)) []Shortage {
		s := limited()
		change(&s)
		return s.Shortages(simulate(t, s, step, Options{Seed: 1, Mode: Stream}), step)
	}
	if all := shortages(func(*Stack) {}); len(all) != 1 || all[0].Binds != Cores || math.Abs(all[0].Held-3*0.5/0.007) > 1 || all[0].NoPolicy || all[0].Beyond || all[0].Decided == nil || all[0].Enough == nil {
		t.Errorf("a step that pods follow: %+v", all)
	}
	if all := shortages(func(s *Stack) { s.HPA.Max = 6 }); len(all) != 1 || !all[0].Beyond || all[0].Enough != nil {
		t.Errorf("fewer pods than are needed: %+v", all)
	}
	if all := shortages(func(s *Stack) { s.Groups[0].Pods = 1; s.Groups[0].Most = 30 }); len(all) != 1 || !all[0].NoNode ||
		all[0].Earliest != 16+110 {
		t.Errorf("no room: %+v, want nodes that must come, pods after 126 s", all)
	}
	if all := shortages(func(s *Stack) {
		s.Database = Database{Share: 1, Seconds: 0.1, CV2: 1, Servers: 20}
	}); len(all) == 0 || !all[0].Database || all[0].Binds != Connections || all[0].Held != 200 {
		t.Errorf("a database for 200 requests/s: %+v", all)
	}
}

// TestNeedsIsTheFewest: one pod less misses the objective, by simulation.
func TestNeedsIsTheFewest(t *testing.T) {
	s := limited()
	needs, ok := s.Needs(510)
	if !ok {
		t.Fatal("no number of pods holds 510 requests/s")
	}
	for pods, keeps := range map[int]bool{needs: true, needs - 1: false} {
		s.HPA.Min, s.HPA.Max = pods, pods
		r := simulate(t, s, constant(510, 600), Options{Seed: 1, Mode: Stream})
		if got := r.OverShare() <= 0.05; got != keeps {
			t.Errorf("%d pods: %.3f over the objective, want it kept: %t", pods, r.OverShare(), keeps)
		}
	}
	s.Work.Elsewhere = queueing.Time{Mean: 9}
	if n, ok := s.Needs(1); ok {
		t.Errorf("%d pods are said to hold an objective of 2 s with 9 s elsewhere", n)
	}
}

// TestHeadroomSavesTheWaitForNodes: places that give way are there at once.
func TestHeadroomSavesTheWaitForNodes(t *testing.T) {
	step, err := curve.Shape("step", 100, 700, 1200)
	if err != nil {
		t.Fatal(err)
	}
	enough := func(headroom int) float64 {
		s := limited()
		s.Groups = []Group{{Name: "api", Least: 1, Most: 10, Before: 1, Cores: 4, Pods: 6}}
		s.Headroom = headroom
		r := simulate(t, s, step, Options{Seed: 1, Mode: Stream})
		q, ok := s.React(r, step)
		if !ok || q.After == nil {
			t.Fatalf("headroom %d: %+v", headroom, q)
		}
		if most := slices.MaxFunc(r.Points, func(a, b Point) int { return a.Headroom - b.Headroom }); most.Headroom < headroom {
			t.Errorf("%d places were kept free at the most, want %d", most.Headroom, headroom)
		}
		return *q.After
	}
	without, with := enough(0), enough(12)
	if without-with < 60 {
		t.Errorf("enough pods after %.0f s without room kept free, %.0f s with; a node takes 115 s", without, with)
	}
}

// TestNodesGoAfterTheirTime: unneeded ones go, no sooner than is said, and never below the least.
func TestNodesGoAfterTheirTime(t *testing.T) {
	s := limited()
	s.Groups = []Group{{Name: "api", Least: 2, Most: 10, Before: 2, Cores: 4, Pods: 3}}
	load := curve.Curve{Name: "up and down", Points: []curve.Point{{At: 0, RPS: 100}, {At: 60, RPS: 100}, {At: 60, RPS: 700},
		{At: 600, RPS: 700}, {At: 600, RPS: 50}, {At: 4000, RPS: 50}}}
	r := simulate(t, s, load, Options{Seed: 1, Mode: Stream})
	most, last := 0, r.Points[len(r.Points)-1]
	for _, p := range r.Points {
		if p.At <= 900 {
			most = max(most, p.Nodes)
		}
		if p.At < 1500 && p.At > 900 && p.Nodes < most {
			t.Fatalf("a node went at %.0f s: pods wait 300 s from 600 s on, nodes 600 s more", p.At)
		}
	}
	if most < 4 || last.Nodes != 2 || last.Serving != 3 {
		t.Errorf("%d nodes at the most, %d with %d pods at the end; want 4 or more, then the 2 least with 3", most, last.Nodes, last.Serving)
	}
}

// TestSearchFindsWhatWasPlanted: with a target that is far too high, one of the others keeps the objective; and nothing
// on the frontier is dearer and worse than another.
func TestSearchFindsWhatWasPlanted(t *testing.T) {
	s := limited()
	s.HPA.Metrics = []hpa.Target{{Resource: hpa.CPU, Percent: 95}}
	s.HPA.Min = 2
	ramp, err := curve.Shape("ramp", 80, 600, 600)
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Try(t.Context(), ramp, 1)
	if err != nil {
		t.Fatal(err)
	}
	if found.Declared.Missed == 0 || found.Best == nil || found.Best.Missed != 0 || found.Best.CPUPercent == 95 && found.Best.Least == 2 {
		t.Errorf("declared %+v, best %+v; want a target of 95 %% to miss, and another policy not to", found.Declared, found.Best)
	}
	for i := 1; i < len(found.Frontier); i++ {
		a, b := found.Frontier[i-1], found.Frontier[i]
		if b.NodeHours < a.NodeHours || b.OverShare >= a.OverShare {
			t.Errorf("%+v after %+v on the frontier", b, a)
		}
	}
	again, err := s.Try(t.Context(), ramp, 1) // the same seed
	if err != nil || *again.Best != *found.Best {
		t.Errorf("%+v, then %+v, %v: want the same", found.Best, again.Best, err)
	}
	suggestions := s.Suggest(Policy{Least: 5, Most: 20, CPUPercent: 60, Headroom: 4, Down: 300},
		func(most int) float64 { return 1000 / float64(most) }, 120)
	want := map[string]string{"slo.hpa.minReplicas": "5", "slo.hpa.cpuPercent": "60", "autoscaling.slopeRPSPerMinute": "100"}
	for _, one := range suggestions {
		if want[one.Key] != one.To {
			t.Errorf("%+v, want %v", one, want)
		}
		delete(want, one.Key)
	}
	if len(want) > 0 {
		t.Errorf("%v are not suggested", want)
	}
}

// TestWaitingDrains: after an overload, all that waited is served, and no more.
func TestWaitingDrains(t *testing.T) {
	s := fixed(2, 1, 0.01) // 200 requests/s
	load := curve.Curve{Name: "over", Points: []curve.Point{{At: 0, RPS: 50}, {At: 60, RPS: 50}, {At: 60, RPS: 300},
		{At: 90, RPS: 300}, {At: 90, RPS: 50}, {At: 200, RPS: 50}}}
	r := simulate(t, s, load, Options{Seed: 1, Mode: Stream})
	at := func(seconds float64) Point { return before(r.Points, seconds) }
	if got := at(90).Waiting; math.Abs(got-3000) > 60 { // 100/s too many for 30 s
		t.Errorf("%.0f wait at the end of the overload, want 3000", got)
	}
	if got := at(105).Waiting; math.Abs(got-750) > 60 { // 150/s are left for them
		t.Errorf("%.0f wait 15 s later, want 750", got)
	}
	if at(115).Waiting != 0 {
		t.Errorf("%.0f wait 25 s later, want none", at(115).Waiting)
	}
}
