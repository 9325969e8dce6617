package twin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ragscale/ragscale/perf/twin/curve"
	"github.com/ragscale/ragscale/perf/twin/hpa"
)

// Policy is what may be changed about how a stack scales.
type Policy struct {
	Least      int     `json:"minReplicas"`
	Most       int     `json:"maxReplicas"`
	CPUPercent int     `json:"cpuPercent"`
	Headroom   int     `json:"headroomPods"`
	UpPercent  int     `json:"scaleUpPercent"` // in 15 s; 0 is as declared
	Down       float64 `json:"scaleDownStabilizationSeconds"`
}

// Tried is a policy with what it came to.
type Tried struct {
	Policy
	OverShare float64 `json:"overShare"`
	P95       float64 `json:"p95Seconds"`
	PodHours  float64 `json:"podHours"`
	NodeHours float64 `json:"nodeHours"`
	Declared  bool    `json:"declared"`      // it is the stack as it is
	Missed    int     `json:"missedSeconds"` // of points beyond the objective
}

// Search is what policies come to under a load.
type Search struct {
	Tried    int     `json:"tried"`
	Declared Tried   `json:"declared"`
	Frontier []Tried `json:"frontier"` // none is cheaper and misses less, from the cheapest
	// Best is the cheapest that keeps the objective at all times, else over all requests; nil where none does.
	Best *Tried `json:"best"`
}

const (
	// mostTried bounds a search.
	mostTried = 400
	// searchTicks is in how many steps a search looks at a load, of a second to half a minute.
	searchTicks = 1800
	// quickPercent is how far replicas may go up in upSeconds with the quick policy that is tried.
	quickPercent = 400
	// upSeconds is the period of scaling up.
	upSeconds = 15
	// mostSearched bounds a search, in seconds of pods that are simulated: 6 to 12 million take a second of one core.
	// A day of 12 pods under 192 policies is a quarter of it.
	mostSearched = 1e9
	// besidePods is what a second of the controllers takes, in pods.
	besidePods = 4
)

// ErrLong says that a load has too many hours of pods to try policies with.
var ErrLong = errors.New("the load has too many pod hours to try policies with, want the hours that matter alone, " +
	"as a file")

// Try simulates policies around what is declared, all with one seed, and as a stream: targets, least replicas, room
// kept free, how fast replicas go up and how long they stay. What is declared is among them. Where all of them would
// take minutes it is ErrLong, as soon as that is seen.
func (s Stack) Try(ctx context.Context, load curve.Curve, seed uint64) (*Search, error) {
	var all Search
	peak, _ := s.Needs(load.Peak())
	tick := min(30, max(1, load.Seconds()/searchTicks))
	policies := s.policies(load, peak)
	spent := 0.0
	for i, p := range policies {
		one := s.under(p)
		if one.Check() != nil {
			continue // more replicas than places, say
		}
		r, err := Simulate(ctx, one, load,
			Options{Seed: seed, Mode: Stream, TickSeconds: tick, PointSeconds: max(5, tick)})
		if err != nil {
			return nil, err
		}
		all.add(s, p, r)
		spent += 3600*r.PodHours + besidePods*load.Seconds()
		if whole := spent / float64(i+1) * float64(len(policies)); whole > mostSearched {
			return nil, ErrLong
		}
	}
	all.Frontier = frontier(all.Frontier)
	all.Best = best(all.Frontier, 1-s.Objective.Share)
	return &all, nil
}

func (a *Search) add(s Stack, p Policy, r *Result) {
	one := Tried{Policy: p, OverShare: r.OverShare(), P95: r.P95, PodHours: r.PodHours, NodeHours: r.NodeHours,
		Declared: p == s.policy()}
	for _, point := range r.Points {
		if point.OverShare > 1-s.Objective.Share {
			one.Missed += int(spacing(r.Points))
		}
	}
	a.Tried++
	a.Frontier = append(a.Frontier, one)
	if one.Declared {
		a.Declared = one
	}
}

// policy is what is declared.
func (s Stack) policy() Policy {
	return Policy{Least: s.HPA.Min, Most: s.HPA.Max, CPUPercent: s.target(), Headroom: s.Headroom,
		Down: s.HPA.Down.StabilizationSeconds}
}

// target is that of CPU, percent; 0 for none.
func (s Stack) target() int {
	for _, t := range s.HPA.Metrics {
		if t.Resource == hpa.CPU {
			return t.Percent
		}
	}
	return 0
}

// policies is the grid, what is declared first. The most replicas rise with the least, where that is more.
func (s Stack) policies(load curve.Curve, peak int) []Policy {
	declared := s.policy()
	all := []Policy{declared}
	most := max(s.HPA.Max, min(peak, mostPods))
	least := distinct(s.HPA.Min, min(2*s.HPA.Min, most), (s.HPA.Min+most)/2, min(peak, most))
	targets := distinct(declared.CPUPercent, 50, 60, 80)
	if declared.CPUPercent == 0 {
		targets = []int{0}
	}
	headroom := distinct(s.Headroom, 0, max(2, 2*s.Headroom), max(0, most-s.HPA.Min))
	add := func(p Policy) {
		if p != declared && len(all) < mostTried {
			all = append(all, p)
		}
	}
	for _, down := range s.downs(load) {
		for _, l := range least {
			for _, t := range targets {
				for _, h := range headroom {
					add(Policy{Least: l, Most: most, CPUPercent: t, Headroom: h, Down: down})
					add(Policy{Least: l, Most: most, CPUPercent: t, Headroom: h, Down: down, UpPercent: quickPercent})
				}
			}
		}
	}
	return all
}

// downs are how long low load may have to last before pods go: as declared, and twice that where the load is long.
func (s Stack) downs(load curve.Curve) []float64 {
	declared := s.HPA.Down.StabilizationSeconds
	if twice := 2 * declared; load.Seconds() > 2*twice && twice > 0 && twice <= 3600 {
		return []float64{declared, twice}
	}
	return []float64{declared}
}

func distinct(values ...int) []int {
	slices.Sort(values)
	return slices.Compact(values)
}

// under is the stack with another policy.
func (s Stack) under(p Policy) Stack {
	s.HPA.Min, s.HPA.Max, s.Headroom = p.Least, p.Most, p.Headroom
	s.HPA.Metrics = slices.Clone(s.HPA.Metrics)
	for i, t := range s.HPA.Metrics {
		if t.Resource == hpa.CPU {
			s.HPA.Metrics[i].Percent = p.CPUPercent
		}
	}
	if p.UpPercent > 0 {
		s.HPA.Up.Policies = []hpa.Policy{{Type: hpa.Percent, Value: p.UpPercent, PeriodSeconds: upSeconds}}
	}
	s.HPA.Down.StabilizationSeconds = p.Down
	return s
}

// frontier are those that none is both cheaper and better than: nodes cost, then pods.
func frontier(all []Tried) []Tried {
	slices.SortStableFunc(all, func(a, b Tried) int {
		return cmp.Or(cmp.Compare(a.NodeHours, b.NodeHours), cmp.Compare(a.PodHours, b.PodHours),
			cmp.Compare(a.OverShare, b.OverShare), change(a, b))
	})
	least := math.Inf(1)
	var kept []Tried
	for _, one := range all {
		if rounded(one.OverShare) < least {
			least = rounded(one.OverShare)
			kept = append(kept, one)
		}
	}
	return kept
}

// change puts what is declared first among equals.
func change(a, b Tried) int {
	switch {
	case a.Declared == b.Declared:
		return 0
	case a.Declared:
		return -1
	}
	return 1
}

func best(all []Tried, over float64) *Tried {
	for _, one := range all {
		if one.Missed == 0 {
			return &one
		}
	}
	for _, one := range all {
		if one.OverShare <= over {
			return &one
		}
	}
	return nil
}

// Suggestion is a change of one thing.
type Suggestion struct {
	Key  string `json:"key"` // of the stack's file, without ragscale:; "" where it has none
	From string `json:"from"`
	To   string `json:"to"`
	Note string `json:"note,omitempty"`
}

// Suggest is how the stack's file says a policy. Room kept free is a slope there: that of traffic which need not wait
// for a node, requests/s in each minute, which comes to so many pods with nodes that take nodeSeconds, of podRPS each.
func (s Stack) Suggest(to Policy, podRPS func(most int) float64, nodeSeconds float64) []Suggestion {
	from := s.policy()
	var all []Suggestion
	add := func(key string, a, b int) {
		if a != b {
			all = append(all, Suggestion{Key: key, From: fmt.Sprint(a), To: fmt.Sprint(b)})
		}
	}
	add("slo.hpa.minReplicas", from.Least, to.Least)
	add("slo.hpa.maxReplicas", from.Most, to.Most)
	add("slo.hpa.cpuPercent", from.CPUPercent, to.CPUPercent)
	slope := func(pods, most int) string {
		return fmt.Sprintf("%.4g", float64(pods)*podRPS(most)/(nodeSeconds/60))
	}
	if a, b := slope(from.Headroom, from.Most), slope(to.Headroom, to.Most); a != b {
		all = append(all, Suggestion{Key: "autoscaling.slopeRPSPerMinute", From: a, To: b,
			Note: fmt.Sprintf("%d pods of room kept free", to.Headroom)})
	}
	if to.UpPercent != from.UpPercent {
		all = append(all, Suggestion{From: "as declared", To: fmt.Sprintf("%d %% in %d s", to.UpPercent, upSeconds),
			Note: "scale-up policy of components/ragapi: the stack's file has no key for it"})
	}
	if to.Down != from.Down {
		all = append(all, Suggestion{From: seconds(from.Down), To: seconds(to.Down),
			Note: "stabilization of scaling down, of stacks: the stack's file has no key for it"})
	}
	return all
}
