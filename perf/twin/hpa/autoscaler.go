package hpa

import (
	"math"
	"slices"
)

// Rules bound one direction.
type Rules struct {
	StabilizationSeconds float64
	Select               string // Max, Min or Disabled
	Policies             []Policy
	Tolerance            float64 // a share; negative leaves it to the controller
}

// Policy is how far replicas may go in a period.
type Policy struct {
	Type          string // Pods or Percent
	Value         int
	PeriodSeconds float64
}

// Words of rules and policies.
const (
	SelectMax      = "Max"
	SelectMin      = "Min"
	SelectDisabled = "Disabled"
	Pods           = "Pods"
	Percent        = "Percent"
)

// Autoscaler is one with its memory: what it recommended, and when it scaled.
type Autoscaler struct {
	Spec     Spec
	Settings Settings

	recommended []moment
	up, down    []moment
}

// moment is a number at a time: a recommendation, or a change of replicas.
type moment struct {
	at    float64
	count int
}

// Decision is what a round of the controller came to.
type Decision struct {
	Replicas int
	Proposed int            // before stabilization, policies and bounds
	Percent  map[string]int // utilization by resource
	Limit    string         // what held the proposal: "", stabilization, policies, maximum or minimum
}

// Decide is one round: with so many replicas asked for now, how many next. It remembers what it decides. Where a metric
// fails and the others want fewer, or all fail, replicas stay.
func (a *Autoscaler) Decide(current int, pods []Pod, now float64) Decision {
	if a.recommended == nil {
		a.recommended = []moment{{now, current}}
	}
	d := Decision{Replicas: current, Proposed: current, Percent: map[string]int{}}
	switch {
	case current == 0: // switched off by hand
		return d
	case current > a.Spec.Max:
		d.Replicas, d.Limit = a.Spec.Max, "maximum"
	case current < a.Spec.Min:
		d.Replicas, d.Limit = a.Spec.Min, "minimum"
	default:
		proposed, ok := a.propose(current, pods, now, d.Percent)
		if !ok {
			return d
		}
		d.Proposed = proposed
		d.Replicas, d.Limit = a.bounded(current, proposed, now)
	}
	a.remember(current, d.Replicas, now)
	return d
}

// propose is the most that any metric asks for.
func (a *Autoscaler) propose(current int, pods []Pod, now float64, percents map[string]int) (most int, ok bool) {
	up, down := a.tolerance(a.Spec.Up), a.tolerance(a.Spec.Down)
	failed := 0
	for _, t := range a.Spec.Metrics {
		replicas, percent, err := a.Settings.Propose(t, current, pods, up, down, now)
		if err != nil {
			failed++
			continue
		}
		percents[t.Resource] = percent
		most = max(most, replicas)
	}
	if failed == len(a.Spec.Metrics) || failed > 0 && most < current {
		return current, false
	}
	return most, true
}

func (a *Autoscaler) tolerance(r Rules) float64 {
	if r.Tolerance < 0 {
		return a.Settings.Tolerance
	}
	return r.Tolerance
}

// bounded holds a proposal within stabilization, policies and bounds, in that order.
func (a *Autoscaler) bounded(current, proposed int, now float64) (replicas int, limit string) {
	stable := a.stabilize(current, proposed, now)
	if stable != proposed {
		limit = "stabilization"
	}
	replicas = stable
	switch {
	case stable > current:
		allowed := max(current, a.limit(a.Spec.Up, current, now, true))
		replicas = min(stable, allowed, a.Spec.Max)
		if replicas < stable {
			limit = boundBy(a.Spec.Max <= allowed, "maximum")
		}
	case stable < current:
		allowed := min(current, a.limit(a.Spec.Down, current, now, false))
		replicas = max(stable, allowed, a.Spec.Min)
		if replicas > stable {
			limit = boundBy(a.Spec.Min >= allowed, "minimum")
		}
	}
	return replicas, limit
}

// boundBy names a bound where it is what binds, else policies.
func boundBy(bound bool, name string) string {
	if bound {
		return name
	}
	return "policies"
}

// stabilize keeps within the least that was recommended in the window of scaling up, and the most in that of scaling
// down.
func (a *Autoscaler) stabilize(current, proposed int, now float64) int {
	least, most := proposed, proposed
	up, down := a.Spec.Up.StabilizationSeconds, a.Spec.Down.StabilizationSeconds
	for _, r := range a.recommended {
		if r.at > now-up {
			least = min(least, r.count)
		}
		if r.at > now-down {
			most = max(most, r.count)
		}
	}
	a.recommended = append(since(a.recommended, now-max(up, down)), moment{now, proposed})
	return min(max(current, least), most)
}

// limit is how far the policies of a direction let replicas go from where their periods began.
func (a *Autoscaler) limit(r Rules, current int, now float64, up bool) int {
	if r.Select == SelectDisabled {
		return current
	}
	var proposals []int
	for _, p := range r.Policies {
		began := current - sumSince(a.up, now-p.PeriodSeconds) + sumSince(a.down, now-p.PeriodSeconds)
		proposals = append(proposals, p.reach(began, up))
	}
	if len(proposals) == 0 {
		return current
	}
	if up == (r.Select == SelectMin) {
		return slices.Min(proposals)
	}
	return slices.Max(proposals)
}

// reach is how far a policy lets replicas go from a number.
func (p Policy) reach(from int, up bool) int {
	switch {
	case p.Type == Pods && up:
		return from + p.Value
	case p.Type == Pods:
		return from - p.Value
	case up:
		return int(math.Ceil(float64(from) * (1 + float64(p.Value)/100)))
	default:
		return int(float64(from) * (1 - float64(p.Value)/100))
	}
}

// remember keeps a change for the policies' periods.
func (a *Autoscaler) remember(before, after int, now float64) {
	switch {
	case after > before:
		a.up = append(since(a.up, now-longest(a.Spec)), moment{now, after - before})
	case after < before:
		a.down = append(since(a.down, now-longest(a.Spec)), moment{now, before - after})
	}
}

// longest is the longest period of any policy.
func longest(s Spec) (seconds float64) {
	for _, p := range slices.Concat(s.Up.Policies, s.Down.Policies) {
		seconds = max(seconds, p.PeriodSeconds)
	}
	return seconds
}

// since drops what is older than a time.
func since(all []moment, at float64) []moment {
	return slices.DeleteFunc(all, func(m moment) bool { return m.at < at })
}

func sumSince(all []moment, at float64) (sum int) {
	for _, m := range all {
		if m.at > at {
			sum += m.count
		}
	}
	return sum
}
