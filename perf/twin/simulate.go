package twin

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/ragscale/ragscale/perf/twin/curve"
)

// Options is how to simulate.
type Options struct {
	Seed         uint64
	Mode         Mode
	PointSeconds float64 // between two points of the trajectory; 0 is 5
	TickSeconds  float64 // of the stream; 0 is 1
}

// Mode is how requests are served.
type Mode string

// Modes.
const (
	Auto     Mode = ""         // each by itself, where there are few
	Requests Mode = "requests" // each by itself
	Stream   Mode = "stream"   // as a stream
)

const (
	// mostRequests that are simulated by themselves unless it is asked for.
	mostRequests = 300_000
	// longestRequests is the number of them that is refused.
	longestRequests = 50_000_000
	// mostPoints bounds a trajectory.
	mostPoints = 100_000
)

// Result is what a stack did under a load.
type Result struct {
	Mode      Mode       `json:"mode"`
	Requests  float64    `json:"requests"`
	Over      float64    `json:"over"`    // of them, longer than the objective, or without an answer
	Refused   float64    `json:"refused"` // of them, without an answer
	P50       float64    `json:"p50Seconds"`
	P95       float64    `json:"p95Seconds"`
	P99       float64    `json:"p99Seconds"`
	PodHours  float64    `json:"podHours"`
	NodeHours float64    `json:"nodeHours"`
	Points    []Point    `json:"points"`
	Decisions []Decision `json:"decisions"`

	took    histogram
	percent int
}

// OverShare is the share of requests that took longer than the objective or had no answer.
func (r *Result) OverShare() float64 { return share(r.Over, r.Requests) }

func share(part, of float64) float64 {
	if of <= 0 {
		return 0
	}
	return part / of
}

// Point is a moment of a trajectory. Counts of requests are of the time since the point before.
type Point struct {
	At          float64  `json:"atSeconds"`
	RPS         float64  `json:"rps"`    // that come
	Served      float64  `json:"served"` // per second
	Wanted      int      `json:"wanted"`
	Serving     int      `json:"serving"`
	Unscheduled int      `json:"unscheduled"` // pods without a node
	Nodes       int      `json:"nodes"`
	Headroom    int      `json:"headroom"`           // places kept free
	Utilization int      `json:"utilizationPercent"` // of CPU requests, as the autoscaler saw it last
	P95         *float64 `json:"p95Seconds"`         // null without requests
	OverShare   float64  `json:"overShare"`
	Waiting     float64  `json:"waiting"` // requests, beyond what is usual
	Holds       float64  `json:"holds"`   // requests/s that the pods which serve can answer
	Binds       string   `json:"binds"`   // what that is bound by: Cores or Connections
}

// What binds the rate that pods hold.
const (
	Cores       = "cores"
	Connections = "connections"
)

// Decision is a change of replicas.
type Decision struct {
	At       float64 `json:"atSeconds"`
	From     int     `json:"from"`
	To       int     `json:"to"`
	Proposed int     `json:"proposed"` // by metrics alone
	Percent  int     `json:"utilizationPercent"`
	Limit    string  `json:"limit"` // what held the proposal: stabilization, policies, maximum, minimum
}

// period is what happened since a point.
type period struct {
	from                        float64
	arrived                     float64
	came, over, refused, served float64 // those whose fate is known
	took                        histogram
}

func (p *period) count(came, over, refused float64) {
	p.came, p.over, p.refused = p.came+came, p.over+over, p.refused+refused
}

// Simulate runs a stack under a load. The same seed gives the same result.
func Simulate(ctx context.Context, s Stack, load curve.Curve, o Options) (*Result, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if err := o.settle(load); err != nil {
		return nil, err
	}
	w := newWorld(s, load, o)
	w.result.Mode = o.Mode
	w.serve = &fluid{w: w, tick: o.TickSeconds}
	if o.Mode == Requests {
		w.serve = &requests{w: w, random: rand.New(rand.NewPCG(o.Seed, 1))}
	}
	if err := w.run(ctx, o.PointSeconds); err != nil {
		return nil, err
	}
	return w.finish(), nil
}

// settle fills what is left open for a load.
func (o *Options) settle(load curve.Curve) error {
	expected := load.Requests()
	if !(expected >= 1) {
		return fmt.Errorf("load %s has %.3g requests, want one or more: without any there is no verdict", load.Name, expected)
	}
	if o.PointSeconds <= 0 {
		o.PointSeconds = max(5, math.Ceil(load.Seconds()/mostPoints))
	}
	if o.TickSeconds <= 0 {
		o.TickSeconds = 1
	}
	if o.Mode == Auto {
		if o.Mode = Stream; expected <= mostRequests {
			o.Mode = Requests
		}
	}
	if o.Mode == Requests && expected > longestRequests {
		return fmt.Errorf("load %s has %.0f requests, want %d at the most to simulate each", load.Name, expected,
			longestRequests)
	}
	return nil
}

// point ends a period.
func (w *world) point() {
	w.serve.advance()
	p, r := &w.period, w.result
	seconds := w.now - p.from
	one := Point{At: w.now, RPS: p.arrived / seconds, Served: p.served / seconds, Wanted: w.wanted,
		Nodes: len(w.cluster.nodes), Utilization: r.percent, OverShare: share(p.over, p.came), Waiting: w.serve.waiting()}
	cores, connections := w.serve.holds()
	if one.Holds, one.Binds = cores, Cores; connections < cores {
		one.Holds, one.Binds = connections, Connections
	}
	for _, pod := range w.pods {
		switch pod.phase {
		case serving:
			one.Serving++
		case unscheduled:
			one.Unscheduled++
		}
	}
	for _, n := range w.cluster.nodes {
		one.Headroom += n.spare
	}
	if p95 := p.took.quantile(0.95); !math.IsNaN(p95) {
		one.P95 = &p95
	}
	r.Points = append(r.Points, one)
	r.Requests, r.Over, r.Refused = r.Requests+p.came, r.Over+p.over, r.Refused+p.refused
	r.PodHours += float64(len(w.pods)) * seconds / 3600
	r.NodeHours += float64(len(w.cluster.nodes)) * seconds / 3600
	r.took.plus(p.took)
	w.period = period{from: w.now}
}

// finish ends the result.
func (w *world) finish() *Result {
	w.serve.end()
	if w.now > w.period.from+1e-6 {
		w.point()
	}
	r := w.result
	for _, q := range []struct {
		share float64
		to    *float64
	}{{0.5, &r.P50}, {0.95, &r.P95}, {0.99, &r.P99}} {
		if *q.to = r.took.quantile(q.share); math.IsNaN(*q.to) {
			*q.to = 0
		}
	}
	return r
}
