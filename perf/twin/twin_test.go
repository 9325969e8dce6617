package twin

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/perf/twin/curve"
	"github.com/ragscale/ragscale/perf/twin/hpa"
	"github.com/ragscale/ragscale/perf/twin/queueing"
)

// plain is a stack like production: pods of half a core that serve 50 requests/s at the target, four cores a node.
func plain() Stack {
	up := hpa.Rules{Select: hpa.SelectMax, Tolerance: -1,
		Policies: []hpa.Policy{{Type: hpa.Percent, Value: 100, PeriodSeconds: 15}, {Type: hpa.Pods, Value: 4, PeriodSeconds: 15}}}
	down := hpa.Rules{StabilizationSeconds: 300, Select: hpa.SelectMax, Tolerance: -1,
		Policies: []hpa.Policy{{Type: hpa.Percent, Value: 25, PeriodSeconds: 60}}}
	return Stack{
		Name:       "plain",
		HPA:        hpa.Spec{Min: 3, Max: 20, Metrics: []hpa.Target{{Resource: hpa.CPU, Percent: 70}}, Up: up, Down: down},
		Controller: hpa.Defaults(),
		Metrics:    Metrics{ResolutionSeconds: 15, WindowSeconds: 30, LeastAgeSeconds: 10},
		Pod: Pod{CPUMilli: 500, MemoryBytes: 512 << 20, ScheduleSeconds: 1, StartSeconds: 5,
			ProbeSeconds: 5, RegisterSeconds: 10},
		Work:      Work{CPUSeconds: 0.007, CV2: 1, Elsewhere: queueing.Time{Mean: 0.02, Variance: 4e-4}, TimeoutSeconds: 30},
		Groups:    []Group{{Name: "api", Least: 3, Most: 12, Before: 3, Cores: 4, Pods: 6}},
		Nodes:     Nodes{ScanSeconds: 10, StartSeconds: 110, UnneededSeconds: 600, DelayAfterAddSeconds: 600, Utilization: 0.5},
		Objective: Objective{Seconds: 2, Share: 0.95},
	}
}

// constant is a load that stays.
func constant(rps, seconds float64) curve.Curve {
	return curve.Curve{Name: "constant", Points: []curve.Point{{At: 0, RPS: rps}, {At: seconds, RPS: rps}}}
}

// fixed is a stack that never scales: pods of one core on a node each.
func fixed(nodes int, cores float64, demand float64) Stack {
	s := plain()
	s.HPA.Min, s.HPA.Max = nodes, nodes
	s.Work = Work{CPUSeconds: demand, CV2: 1, TimeoutSeconds: 1e6}
	s.Groups = []Group{{Name: "api", Least: nodes, Most: nodes, Before: nodes, Cores: cores, Pods: 1}}
	return s
}

func simulate(t testing.TB, s Stack, load curve.Curve, o Options) *Result {
	t.Helper()
	r, err := Simulate(t.Context(), s, load, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRequestsOneByOneWaitAsErlangSays holds the simulation to rows of Erlang's C formula that were computed apart from
// it: one pod whose node has so many cores, service of a second on average.
func TestRequestsOneByOneWaitAsErlangSays(t *testing.T) {
	for _, c := range []struct {
		cores             int
		busy, waits, mean float64
		within            float64 // of the figures: few long busy times make most of the wait
	}{
		{1, 0.7, 0.7, 2.333333, 0.06},
		{4, 0.8, 0.596432, 0.745541, 0.05},
		{10, 0.8, 0.40918, 0.20459, 0.05},
		{20, 0.9, 0.550769, 0.275385, 0.08},
	} {
		s := fixed(1, float64(c.cores), 1)
		w := newWorld(s, constant(c.busy*float64(c.cores), 150_000/c.busy/float64(c.cores)), Options{Seed: 1})
		var n, waited, sum float64
		w.serve = &requests{w: w, random: rand.New(rand.NewPCG(1, 1)), waits: func(seconds float64) {
			if n++; seconds > 0 {
				waited++
				sum += seconds
			}
		}}
		if err := w.run(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		if math.Abs(waited/n-c.waits) > c.within*c.waits || math.Abs(sum/n-c.mean) > 2*c.within*c.mean {
			t.Errorf("%d cores %v busy: %.4f of %.0f waited, %.4f s on average; want %v, %v", c.cores, c.busy, waited/n, n,
				sum/n, c.waits, c.mean)
		}
	}
}

// TestStreamAgreesWithRequests holds the stream to requests simulated one by one, of stacks that do not scale: the median
// and the 95th percentile within 10 %, of uneven service within 15 %, and within 25 % where cores have queues of their own,
// which the stream takes for one.
func TestStreamAgreesWithRequests(t *testing.T) {
	for _, c := range []struct {
		name        string
		nodes       int
		cores, busy float64
		cv2         float64
		elsewhere   queueing.Time
		database    Database
		p50, p95    float64 // how far apart they may be
	}{
		{"one core", 1, 1, 0.7, 1, queueing.Time{}, Database{}, 0.1, 0.1},
		{"a node", 1, 4, 0.8, 1, queueing.Time{}, Database{}, 0.1, 0.1},
		{"a node, steady service", 1, 4, 0.8, 0.25, queueing.Time{}, Database{}, 0.1, 0.1},
		{"a node, uneven service", 1, 4, 0.8, 4, queueing.Time{}, Database{}, 0.15, 0.15},
		{"nodes", 5, 4, 0.85, 1, queueing.Time{Mean: 0.02, Variance: 4e-4}, Database{}, 0.1, 0.1},
		{"cores apart", 12, 1, 0.85, 1, queueing.Time{}, Database{}, 0.25, 0.25},
		{"with a database", 4, 4, 0.6, 1, queueing.Time{Mean: 0.005}, Database{Share: 0.3, Seconds: 0.01, CV2: 1, Servers: 4}, 0.1, 0.1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fixed(c.nodes, c.cores, 0.01)
			s.Work.CV2, s.Work.Elsewhere, s.Database = c.cv2, c.elsewhere, c.database
			rate := c.busy * c.cores * float64(c.nodes) / 0.01
			load := constant(rate, 150_000/rate)
			each := simulate(t, s, load, Options{Seed: 2, Mode: Requests})
			all := simulate(t, s, load, Options{Seed: 2, Mode: Stream})
			apart := func(name string, a, b, within float64) {
				if math.Abs(b-a) > within*a {
					t.Errorf("%s: %.4f each by itself, %.4f as a stream, %+.0f %%, want within %.0f %%", name, a, b,
						100*(b/a-1), 100*within)
				}
				t.Logf("%s: %.4f each by itself, %.4f as a stream, %+.1f %%", name, a, b, 100*(b/a-1))
			}
			apart("p50", each.P50, all.P50, c.p50)
			apart("p95", each.P95, all.P95, c.p95)
			apart("requests", each.Requests, all.Requests, 0.01)
		})
	}
}

// TestStreamScalesAsRequests: loads that pods of half a core at most cannot hold until more come, from the same seed.
func TestStreamScalesAsRequests(t *testing.T) {
	s := plain()
	s.Pod.LimitCores = 0.5
	for _, shape := range []string{"step", "spike", "ramp"} {
		load, err := curve.Shape(shape, 100, 700, 600)
		if err != nil {
			t.Fatal(err)
		}
		each := simulate(t, s, load, Options{Seed: 3, Mode: Requests})
		all := simulate(t, s, load, Options{Seed: 3, Mode: Stream})
		var squares float64
		for i := range each.Points {
			d := float64(each.Points[i].Serving - all.Points[i].Serving)
			squares += d * d
		}
		rmse := math.Sqrt(squares / float64(len(each.Points)))
		over := all.OverShare() - each.OverShare()
		t.Logf("%s: serving pods %.2f apart (RMSE), over the objective %.4f and %.4f", shape, rmse, each.OverShare(),
			all.OverShare())
		if rmse > 1 || math.Abs(over) > 0.02 {
			t.Errorf("%s: serving pods %.2f apart (RMSE), %.4f and %.4f over the objective; want within 1 and 0.02", shape,
				rmse, each.OverShare(), all.OverShare())
		}
	}
}

func TestSameSeedSameResult(t *testing.T) {
	load, _ := curve.Shape("wave", 100, 600, 300)
	for _, mode := range []Mode{Stream, Requests} {
		first := simulate(t, plain(), load, Options{Seed: 4, Mode: mode})
		again := simulate(t, plain(), load, Options{Seed: 4, Mode: mode})
		if diff := cmp.Diff(first.Points, again.Points); diff != "" {
			t.Errorf("%s: the same seed gave another trajectory\n%s", mode, diff)
		}
		if other := simulate(t, plain(), load, Options{Seed: 5, Mode: mode}); cmp.Equal(first.Points, other.Points) {
			t.Errorf("%s: another seed gave the same trajectory", mode)
		}
	}
}

// TestStepScalesToWhatTheTargetAsksFor: 50 requests/s a pod at the target.
func TestStepScalesToWhatTheTargetAsksFor(t *testing.T) {
	load, _ := curve.Shape("step", 100, 600, 1200)
	r := simulate(t, plain(), load, Options{Seed: 6})
	last := r.Points[len(r.Points)-1]
	if last.Serving < 11 || last.Serving > 14 { // 12 within the tolerance of a tenth
		t.Errorf("%d pods serve 600 requests/s, want some 12", last.Serving)
	}
	if first := r.Points[0]; first.Serving != 3 {
		t.Errorf("%d pods serve 100 requests/s, want the least, 3", first.Serving)
	}
}

// TestNothingIsLost: what comes is answered or refused, whatever happens; but for those who still wait at the end.
func TestNothingIsLost(t *testing.T) {
	s := plain()
	s.Work.TimeoutSeconds = 5
	s.HPA.Max = 6
	load, _ := curve.Shape("step", 100, 2000, 300)
	for _, mode := range []Mode{Stream, Requests} {
		r := simulate(t, s, load, Options{Seed: 7, Mode: mode})
		if math.Abs(r.Requests-load.Requests()) > 0.025*load.Requests() {
			t.Errorf("%s: %.0f requests, want %.0f", mode, r.Requests, load.Requests())
		}
		if r.Refused < 0.1*r.Requests || r.Over < r.Refused || r.Over > r.Requests*(1+1e-9) {
			t.Errorf("%s: %.0f of %.0f refused, %.0f over the objective", mode, r.Refused, r.Requests, r.Over)
		}
	}
}

func TestCheckNamesAllFaults(t *testing.T) {
	s := plain()
	s.HPA.Min, s.Pod.CPUMilli, s.Work.CPUSeconds = 1000, 0, math.NaN()
	s.Groups = append(s.Groups, Group{Name: "none", Least: 2, Most: 1})
	s.Objective.Share, s.Database.Share = 1, 2
	_, err := Simulate(t.Context(), s, constant(1, 60), Options{})
	for _, want := range []string{"replicas are 1000 to 20", "CPU request is 0", "CPU seconds of a request is NaN",
		"node group none", "places for", "share of 1,", "database answers a share of 2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant in it %q", err, want)
		}
	}
}

// BenchmarkLarge is an hour of waves up to 100,000 requests/s on 300 nodes.
func BenchmarkLarge(b *testing.B) {
	s := plain()
	s.HPA.Min, s.HPA.Max = 200, 2000
	s.Groups = []Group{{Name: "api", Least: 40, Most: 300, Before: 40, Cores: 4, Pods: 7}}
	s.Headroom = 70
	load, err := curve.Shape("wave", 10_000, 100_000, 3600)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r := simulate(b, s, load, Options{Seed: 8})
		most := 0
		for _, p := range r.Points {
			most = max(most, p.Nodes)
		}
		b.ReportMetric(float64(most), "nodes")
		b.ReportMetric(r.Requests/1e6, "million-requests")
	}
}
