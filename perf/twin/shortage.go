package twin

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/ragscale/ragscale/perf/twin/curve"
)

// Shortage is a time in which fewer pods served than the objective needs.
type Shortage struct {
	From     float64  `json:"fromSeconds"`
	To       float64  `json:"toSeconds"`
	Needed   int      `json:"neededPods"`      // at the most, to hold the objective
	Had      int      `json:"hadPods"`         // when it began
	Held     float64  `json:"heldRPS"`         // what they could answer, requests/s
	Binds    string   `json:"binds"`           // by what: Cores or Connections
	Rests    string   `json:"restsOn"`         // where connections bind: how many, how long each is held, who says so
	Over     float64  `json:"over"`            // requests that took longer than the objective, or had no answer
	Decided  *float64 `json:"decidedSeconds"`  // after its beginning, until so many were wanted; null: never
	Enough   *float64 `json:"enoughSeconds"`   // after its beginning, until so many served; null: not before it ended
	Earliest float64  `json:"earliestSeconds"` // after its beginning that pods can serve, however soon they are asked for
	NoNode   bool     `json:"nodesMustCome"`   // there was no room for them
	Beyond   bool     `json:"beyondMaximum"`   // more pods are needed than there may be
	NoPolicy bool     `json:"noPolicyMeetsIt"` // it ended before any pod that is asked for when it begins could serve
	Database bool     `json:"databaseIsFull"`  // no number of pods holds the objective
}

// Needs is how many pods hold the objective at a rate, requests/s, when nodes are full: their share of its cores is all
// that each has. It is false where no number does up to a bound, so that something else is what is short.
func (s Stack) Needs(rate float64) (pods int, ok bool) {
	each := math.Inf(1)
	for _, g := range s.Groups {
		each = min(each, s.cores(g.Cores, g.Pods)/float64(g.Pods))
	}
	keeps := func(pods int) bool {
		tier, store := s.tier(each*float64(pods)), s.Database.station(pods)
		return rate < s.most(tier, store) &&
			s.response(rate, 0, tier, store).Within(s.Objective.Seconds) >= s.Objective.Share
	}
	if rate <= 0 {
		return 1, true
	}
	pods = 1 + sort.Search(mostPods, func(n int) bool { return keeps(n + 1) })
	return pods, pods <= mostPods
}

// bridge is how long pods may be enough within a shortage, s.
const bridge = 30

// Shortages are the times in which the objective was missed for more requests than it lets, and why. A shortage begins
// when the load first needs more pods than serve, and ends with the last point that misses it.
func (s Stack) Shortages(r *Result, load curve.Curve) []Shortage {
	var all []Shortage
	last := -1
	for i, p := range r.Points {
		if p.OverShare <= 1-s.Objective.Share {
			continue
		}
		if last >= 0 && p.At-r.Points[last].At <= bridge {
			all[len(all)-1].To = p.At
		} else {
			all = append(all, Shortage{From: s.rise(r.Points, i), To: p.At})
		}
		last = i
	}
	for i := range all {
		s.explain(&all[i], r, load)
	}
	return all
}

// rise is when the load began to need more pods than served, going back from a point.
func (s Stack) rise(points []Point, i int) float64 {
	for ; i > 0; i-- {
		if needs, ok := s.Needs(points[i-1].RPS); ok && needs <= points[i-1].Serving && points[i-1].Waiting < 1 {
			return points[i-1].At
		}
	}
	return 0
}

func (s Stack) explain(one *Shortage, r *Result, load curve.Curve) {
	inside := slices.DeleteFunc(slices.Clone(r.Points),
		func(p Point) bool { return p.At < one.From || p.At > one.To })
	room := s.room(r.Points, one.From)
	began := before(r.Points, one.From)
	one.Had, one.Held, one.Binds = began.Serving, began.Holds, began.Binds
	over := s.demand(one, inside, load)
	one.Over *= spacing(r.Points)
	one.Decided = first(inside, one.From, func(p Point) bool { return p.Wanted >= one.Needed })
	one.Enough = first(inside, one.From, func(p Point) bool { return p.Serving >= one.Needed })
	one.Earliest = s.Pod.ReadySeconds()
	if one.NoNode = one.Needed-one.Had > room; one.NoNode {
		one.Earliest += s.Nodes.StartSeconds
	}
	one.Beyond = one.Needed > s.HPA.Max
	one.NoPolicy = over-one.From < one.Earliest
}

// demand adds up what a shortage is of, and tells when the load last needed more pods than served at its beginning.
func (s Stack) demand(one *Shortage, inside []Point, load curve.Curve) (last float64) {
	last = one.From
	for _, p := range inside {
		one.Over += p.OverShare * p.RPS
		needs, ok := s.Needs(load.Rate(max(0, p.At-1e-6)))
		if !ok {
			one.Database = true
			continue
		}
		if one.Needed = max(one.Needed, needs); needs > one.Had {
			last = p.At
		}
	}
	return last
}

// first is how long after a time points are first so, nil for never.
func first(points []Point, from float64, so func(Point) bool) *float64 {
	i := slices.IndexFunc(points, so)
	if i < 0 {
		return nil
	}
	after := points[i].At - from
	return &after
}

// room is how many more pods found a place at a time, those of the headroom included.
func (s Stack) room(points []Point, at float64) int {
	p := before(points, at)
	places := 0
	left := p.Nodes
	for _, g := range s.Groups {
		nodes := min(left, g.Most)
		if nodes > 0 {
			places += max(0, nodes*g.Pods-g.Others)
		}
		left -= nodes
	}
	return max(0, places-p.Wanted+p.Unscheduled)
}

// before is the last point until a time.
func before(points []Point, at float64) Point {
	i := sort.Search(len(points), func(i int) bool { return points[i].At > at })
	return points[max(0, i-1)]
}

func spacing(points []Point) float64 {
	if len(points) < 2 {
		return points[0].At
	}
	return points[1].At - points[0].At
}

// Reaction is how replicas followed a load to its peak.
type Reaction struct {
	At     float64  `json:"atSeconds"`          // when the load first asks for so many
	Wanted int      `json:"wanted"`             // what the target of CPU asks for at the peak
	After  *float64 `json:"enoughAfterSeconds"` // until so many serve; null: never
}

// React finds when as many pods served as the target asks for at the load's peak. It is false for a load that never
// asks for more than the fewest replicas.
func (s Stack) React(r *Result, load curve.Curve) (Reaction, bool) {
	asks := func(rate float64) int { return min(s.content(rate), s.HPA.Max) }
	one := Reaction{Wanted: asks(load.Peak())}
	if one.Wanted <= s.HPA.Min {
		return one, false
	}
	i := slices.IndexFunc(load.Points, func(p curve.Point) bool { return asks(p.RPS) >= one.Wanted })
	one.At = load.Points[i].At
	if i > 0 { // somewhere on the line to that point
		from, to := load.Points[i-1].At, load.Points[i].At
		part := func(n int) float64 { return from + (to-from)*float64(n)/1000 }
		one.At = part(sort.Search(1000, func(n int) bool { return asks(load.Rate(part(n))) >= one.Wanted }))
	}
	for _, p := range r.Points {
		if after := p.At - one.At; after >= 0 && p.Serving >= one.Wanted {
			one.After = &after
			break
		}
	}
	return one, true
}

// rests is what a rate that connections hold rests on: "" where cores bind.
func (s Stack) rests(one Shortage, measured bool) string {
	if one.Binds != Connections {
		return ""
	}
	by := "assumed, not measured"
	if measured {
		by = "measured"
	}
	return fmt.Sprintf("%d connections, each held %s by a request: %s", s.Database.station(one.Had).Servers,
		milliseconds(s.Database.Seconds), by)
}
