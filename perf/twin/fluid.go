package twin

import (
	"cmp"
	"math"
	"slices"

	"github.com/ragscale/ragscale/perf/twin/queueing"
)

// fluid serves requests as a stream: for each tick, what comes, what the cores hold, what is left over, and how long
// requests wait as in a queue of that rate.
//
// All pods are one queue, since the load balancer gives each request to the pod with the fewest. What is left over is
// deterministic: requests that come meanwhile wait until it is gone. The random wait on top is that of a steady queue
// (queueing), at no more than the rate at which a queue becomes steady within settleSeconds.
type fluid struct {
	w     *world
	tick  float64
	at    float64 // counted up to
	left  float64 // requests that wait beyond what is usual
	pods  []*pod
	cells []cell
	tier  queueing.Station // the pods' cores
	store queueing.Station // the database
	known map[queueing.Response]spread
}

// spread is a response over the histogram, and its share within the objective.
type spread struct {
	bins   []float64
	within float64
}

// mostKnown bounds how many spreads are kept for when they come again.
const mostKnown = 4096

// cell is a node with pods that serve.
type cell struct {
	cores float64 // that its pods can use
	pods  []*pod
}

// settleSeconds is how long a queue has to become steady: near its most it takes longer than rates last. Its number
// changes by the root of how many pass, so that within that time it is steady up to 1 − 1/√(most × time).
const settleSeconds = 10

func (f *fluid) begin() {
	f.at = f.w.now
	f.changed()
	at := f.w.now
	var again func()
	again = func() {
		f.advance()
		at += f.tick
		f.w.Plan(at, again)
	}
	f.w.Plan(at+f.tick, again)
	at += f.tick
}

func (f *fluid) waiting() float64 { return f.left }

func (f *fluid) holds() (cores, connections float64) {
	if f.tier.Servers == 0 {
		return 0, 0
	}
	return f.tier.Most(), f.w.stack.Database.most(f.store)
}

// end has nobody left: how long who comes will wait is counted when they come.
func (f *fluid) end() {}

// changed counts cores anew. Those of a node are shared by its pods.
func (f *fluid) changed() {
	byNode := map[*node]*cell{}
	f.cells, f.pods = nil, nil
	var order []*node
	for _, p := range f.w.pods {
		if p.phase != serving {
			continue
		}
		if byNode[p.node] == nil {
			byNode[p.node] = &cell{}
			order = append(order, p.node)
		}
		byNode[p.node].pods = append(byNode[p.node].pods, p)
		f.pods = append(f.pods, p)
	}
	var cores float64
	for _, n := range order {
		c := *byNode[n]
		c.cores = f.w.stack.cores(n.group.Cores, len(c.pods))
		cores += c.cores
		f.cells = append(f.cells, c)
	}
	slices.SortStableFunc(f.cells, func(a, b cell) int {
		return cmp.Compare(a.cores/float64(len(a.pods)), b.cores/float64(len(b.pods)))
	})
	f.tier = f.w.stack.tier(cores)
	f.store = f.w.stack.Database.station(len(f.pods))
}

// cores is what requests get of a node's with so many pods.
func (s Stack) cores(of float64, pods int) float64 {
	if s.Pod.LimitCores > 0 {
		of = min(of, s.Pod.LimitCores*float64(pods))
	}
	return max(0, of-s.Work.IdleCores*float64(pods))
}

// tier is some cores as servers; parts of a core make all of them as much faster or slower.
func (s Stack) tier(cores float64) queueing.Station {
	servers := max(1, int(math.Round(cores)))
	if cores <= 0 {
		return queueing.Station{}
	}
	return queueing.Station{Servers: servers, Seconds: s.Work.CPUSeconds * float64(servers) / cores, CV2: s.Work.CV2}
}

// most is the rate that pods and database hold, requests/s.
func (s Stack) most(tier, store queueing.Station) float64 {
	if tier.Servers == 0 {
		return 0
	}
	return min(tier.Most(), s.Database.most(store))
}

// response is how long requests take at a rate, behind so many that are left over.
func (s Stack) response(rate, left float64, tier, store queueing.Station) queueing.Response {
	most := s.most(tier, store)
	steady := most * max(0.5, 1-1/math.Sqrt(most*settleSeconds))
	if left > 0 || rate > steady {
		rate = steady
	}
	r := queueing.Response{Delay: left / most, Wait: tier.Wait(rate), Rest: tier.Service().Plus(s.Work.Elsewhere)}
	if d := s.Database; d.asked() {
		asked := store.Wait(rate * d.Share).Time().Plus(store.Service())
		r.Rest = r.Rest.Plus(asked.Sometimes(d.Share))
	}
	return r
}

func (f *fluid) advance() {
	for f.at < f.w.now-1e-9 {
		seconds := min(f.tick, f.w.now-f.at)
		f.step(seconds, f.w.load.Rate(max(0, f.at+seconds/2)))
		f.at += seconds
	}
}

// step is some seconds at a rate.
func (f *fluid) step(seconds, rate float64) {
	s := f.w.stack
	came := rate * seconds
	most := s.most(f.tier, f.store)
	if most == 0 { // nobody serves
		f.w.period.arrived += came
		f.w.period.count(came+f.left, came+f.left, came+f.left)
		f.left = 0
		return
	}
	before := f.left
	served := min(before+came, most*seconds)
	left := before + came - served
	f.w.period.arrived += came
	given := max(0, left-most*s.Work.TimeoutSeconds) // they have waited as long as anyone does
	f.left = left - given
	f.use(served/seconds, seconds)
	took := f.spread(s.response(rounded(rate), rounded((before+f.left)/2/most)*most, f.tier, f.store))
	f.w.period.count(came, max(0, came-given)*(1-took.within)+min(given, came), min(given, came))
	f.w.period.took.addSpread(took.bins, max(0, came-given))
	f.w.period.served += served
}

// spread computes a response's once.
func (f *fluid) spread(r queueing.Response) spread {
	if one, ok := f.known[r]; ok {
		return one
	}
	if f.known == nil || len(f.known) > mostKnown {
		f.known = map[queueing.Response]spread{}
	}
	one := spread{spreadOf(r), r.Within(f.w.stack.Objective.Seconds)}
	f.known[r] = one
	return one
}

// rounded is a value to three digits: finer ones tell nothing of waiting, and equal ones are computed once.
func rounded(value float64) float64 {
	if value <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(value))-2)
	return math.Round(value/unit) * unit
}

// use gives pods their CPU: all the same, but none more than its share of its node.
func (f *fluid) use(rate, seconds float64) {
	cores := rate * f.w.stack.Work.CPUSeconds
	pods := len(f.pods)
	for _, c := range f.cells { // from those with the least for each pod
		each := min(cores/float64(pods), c.cores/float64(len(c.pods)))
		for _, p := range c.pods {
			p.cpu += (each + f.w.stack.Work.IdleCores) * seconds
		}
		cores -= each * float64(len(c.pods))
		pods -= len(c.pods)
	}
}
