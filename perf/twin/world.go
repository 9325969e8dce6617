package twin

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ragscale/ragscale/perf/twin/calendar"
	"github.com/ragscale/ragscale/perf/twin/curve"
	"github.com/ragscale/ragscale/perf/twin/hpa"
)

// warmUp is how long the load's first rate lasts before the load begins, s: metrics then have their windows, and pods
// their place.
const warmUp = 240

// phase is where a pod is.
type phase int

const (
	unscheduled phase = iota
	starting          // its node has it
	running           // its container runs and is not ready
	ready             // Kubernetes says so
	serving           // the load balancer sends requests
	gone
)

// pod is one of the API's.
type pod struct {
	phase       phase
	node        *node
	started     float64  // when its node took it
	runs        float64  // when its container began
	changed     float64  // when its readiness changed last
	cpu         float64  // CPU that it used, s
	outstanding int      // requests that it has
	station     *station // that works on them: its own, or its node's
	own         station
	samples     []sample
}

// sample is CPU used until a time.
type sample struct{ at, cpu float64 }

// world is a simulation that goes on.
type world struct {
	stack  Stack
	load   curve.Curve
	random *rand.Rand
	now    float64
	calendar.Calendar
	scaler  hpa.Autoscaler
	wanted  int
	pods    []*pod // in the order in which they were made
	cluster cluster
	serve   server
	result  *Result
	period  period // since the last point
}

// server is how requests are served.
type server interface {
	// begin starts it.
	begin()
	// advance brings what it counts up to now.
	advance()
	// changed tells that pods came or went.
	changed()
	// waiting is how many requests wait beyond what is usual.
	waiting() float64
	// holds is the rate that the pods which serve hold, requests/s, by their cores and by their connections.
	holds() (cores, connections float64)
	// end counts those who are still there as what they are by now.
	end()
}

// newWorld is one at the beginning of its warm-up: as many pods as the target asks for at the load's first rate.
func newWorld(s Stack, load curve.Curve, o Options) *world {
	if s.Pod.MemoryUsed == 0 { // a metric that is missing would keep pods from going
		s.HPA.Metrics = slices.DeleteFunc(slices.Clone(s.HPA.Metrics),
			func(t hpa.Target) bool { return t.Resource == hpa.Memory })
	}
	w := &world{stack: s, load: load, random: rand.New(rand.NewPCG(o.Seed, 0x7477696e)), now: -warmUp,
		scaler: hpa.Autoscaler{Spec: s.HPA, Settings: s.Controller}, result: &Result{}}
	w.cluster = newCluster(s)
	w.wanted = min(max(s.HPA.Min, s.asked(load.Rate(0))), s.HPA.Max)
	for range w.wanted {
		p := &pod{phase: serving, started: -1e6, runs: -1e6, changed: -1e6}
		if p.node = w.cluster.place(); p.node == nil {
			if p.node = w.cluster.add(w.now); p.node == nil {
				p.phase = unscheduled
			} else {
				p.node.pods++
			}
		}
		w.pods = append(w.pods, p)
	}
	w.cluster.settle()
	return w
}

// asked is how many replicas the target of CPU asks for at a rate, requests/s, without bounds.
func (s Stack) asked(rate float64) int {
	if s.target() == 0 {
		return s.HPA.Min
	}
	return int(math.Ceil(s.podsAt(rate, float64(s.target()))))
}

// content is the fewest replicas with which the autoscaler wants no more at a rate: utilization, cut to whole percent,
// is within its tolerance of the target.
func (s Stack) content(rate float64) int {
	if s.target() == 0 {
		return s.HPA.Min
	}
	over := math.Floor(float64(s.target())*(1+s.Controller.Tolerance)+1e-9) + 1
	return int(math.Floor(s.podsAt(rate, over))) + 1
}

// podsAt is how many pods use so much of their CPU requests at a rate, requests/s.
func (s Stack) podsAt(rate, percent float64) float64 {
	each := percent/100*float64(s.Pod.CPUMilli)/1000 - s.Work.IdleCores
	if each <= 0 {
		return mostPods
	}
	return min(rate*s.Work.CPUSeconds/each, mostPods)
}

// run goes on until the load's end.
func (w *world) run(ctx context.Context, points float64) error {
	every := func(seconds float64, first float64, do func()) {
		var again func()
		at := first
		again = func() {
			do()
			at += seconds
			w.Plan(at, again)
		}
		w.Plan(first, again)
	}
	anywhere := func(seconds float64) float64 { return -warmUp + w.random.Float64()*seconds }
	every(w.stack.Metrics.ResolutionSeconds, anywhere(w.stack.Metrics.ResolutionSeconds), w.measure)
	every(w.stack.Controller.SyncSeconds, anywhere(w.stack.Controller.SyncSeconds), w.decide)
	every(w.stack.Nodes.ScanSeconds, anywhere(w.stack.Nodes.ScanSeconds), w.scan)
	w.serve.begin()
	w.Plan(0, func() { w.serve.advance(); w.period = period{from: 0} })
	every(points, points, w.point)
	end := w.load.Seconds()
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		at, do, ok := w.Next(end)
		if !ok {
			return nil
		}
		w.now = at
		do()
	}
}

// measure is a measurement of all containers' CPU, which is known some time later.
func (w *world) measure() {
	w.serve.advance()
	m := w.stack.Metrics
	var pods []*pod
	var measured []sample
	for _, p := range w.pods {
		if p.phase >= running {
			pods, measured = append(pods, p), append(measured, sample{w.now, p.cpu})
		}
	}
	w.Plan(w.now+m.LateSeconds, func() {
		for i, p := range pods {
			p.take(measured[i], measured[i].at-m.WindowSeconds-2*m.ResolutionSeconds)
		}
	})
}

// take adds a sample, and forgets those before a time.
func (p *pod) take(s sample, from float64) {
	old := 0
	for old < len(p.samples) && p.samples[old].at < from {
		old++
	}
	p.samples = append(slices.Delete(p.samples, 0, old), s)
}

// usage is a pod's metric: the last measurement with the one a window before it, or with its container's start.
func (p *pod) usage(m Metrics) (u hpa.Usage, ok bool) {
	if len(p.samples) == 0 {
		return u, false
	}
	last := p.samples[len(p.samples)-1]
	first := sample{p.runs, 0}
	for _, s := range p.samples[:len(p.samples)-1] {
		if s.at <= last.at-m.WindowSeconds+1e-6 {
			first = s
		}
	}
	window := last.at - first.at
	if window < m.LeastAgeSeconds || p.runs <= -1e6 && first.at == p.runs {
		return u, false
	}
	return hpa.Usage{Value: 1000 * (last.cpu - first.cpu) / window, At: last.at, Window: window}, true
}

// seen is a pod as the controller sees it.
func (w *world) seen(p *pod) hpa.Pod {
	s := w.stack
	one := hpa.Pod{Pending: p.phase < running, Ready: p.phase >= ready, Started: p.started, ChangedAt: p.changed,
		Requests: map[string]int64{hpa.CPU: s.Pod.CPUMilli, hpa.Memory: s.Pod.MemoryBytes}, Usage: map[string]hpa.Usage{}}
	if u, ok := p.usage(s.Metrics); ok {
		one.Usage[hpa.CPU] = u
		if s.Pod.MemoryUsed > 0 {
			one.Usage[hpa.Memory] = hpa.Usage{Value: float64(s.Pod.MemoryUsed), At: u.At, Window: u.Window}
		}
	}
	return one
}

// decide is a round of the horizontal autoscaler.
func (w *world) decide() {
	seen := make([]hpa.Pod, 0, len(w.pods))
	for _, p := range w.pods {
		seen = append(seen, w.seen(p))
	}
	d := w.scaler.Decide(w.wanted, seen, w.now)
	if percent, ok := d.Percent[hpa.CPU]; ok {
		w.result.percent = percent
	}
	if d.Replicas == w.wanted {
		return
	}
	if w.now >= 0 {
		w.result.Decisions = append(w.result.Decisions, Decision{At: w.now, From: w.wanted, To: d.Replicas,
			Proposed: d.Proposed, Percent: d.Percent[hpa.CPU], Limit: d.Limit})
	}
	w.serve.advance()
	w.wanted = d.Replicas
	for len(w.pods) < w.wanted {
		w.create()
	}
	if len(w.pods) > w.wanted {
		w.remove(len(w.pods) - w.wanted)
	}
}

// create makes a pod.
func (w *world) create() {
	p := &pod{changed: w.now}
	w.pods = append(w.pods, p)
	w.schedule(p)
}

// schedule gives a pod a place, where there is one; else it waits for a node.
func (w *world) schedule(p *pod) {
	p.node = w.cluster.place()
	if p.node == nil {
		return
	}
	p.phase = starting
	at := w.now + w.stack.Pod.ScheduleSeconds
	p.started, p.changed = at, at
	w.Plan(at, func() { w.begin(p) })
}

// begin is the start of a pod's container.
func (w *world) begin(p *pod) {
	if p.phase != starting {
		return
	}
	s := w.stack.Pod
	p.phase, p.runs = running, w.now
	took := s.StartSeconds * w.spread(s.SpreadCV)
	at := w.now + took + w.random.Float64()*s.ProbeSeconds
	w.Plan(w.now+took, func() { p.cpu += s.StartCPUSeconds })
	w.Plan(at, func() {
		if p.phase == running {
			p.phase, p.changed = ready, w.now
		}
	})
	w.Plan(at+s.RegisterSeconds, func() {
		if p.phase == ready {
			w.serve.advance()
			p.phase = serving
			w.serve.changed()
		}
	})
}

// spread is a log-normal factor of mean 1.
func (w *world) spread(cv float64) float64 {
	if cv <= 0 {
		return 1
	}
	v := math.Log(1 + cv*cv)
	return math.Exp(w.random.NormFloat64()*math.Sqrt(v) - v/2)
}
