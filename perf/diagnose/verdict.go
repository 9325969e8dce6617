package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/perf/load"
)

// judge holds the table of causes against a situation.
func (d *Diagnosis) judge(x *situation) {
	var found []Finding
	for _, c := range causes {
		one, open := c.find(x)
		switch {
		case one != nil && x.has(c.bears...):
			found = append(found, *one)
		case one != nil:
			d.Seen = append(d.Seen, *one)
		case len(open) > 0 && x.has(c.bears...):
			d.Open = append(d.Open, Open{c.id, open})
		}
	}
	d.Findings = rooted(found)
	for i := range d.Findings {
		d.Findings[i].weigh(x, d)
	}
	d.conclude(x)
}

// rooted leaves out what follows from another, and what is small beside what the first leaves. The largest share
// stands first.
func rooted(found []Finding) []Finding {
	roots := []Finding{}
	for _, f := range found {
		if !slices.ContainsFunc(found, func(other Finding) bool { return leadsTo(other, f) }) {
			roots = append(roots, f)
			continue
		}
	}
	for i := range roots {
		for _, f := range found {
			if leadsTo(roots[i], f) {
				roots[i].Leads = append(roots[i].Leads, f.Cause)
			}
		}
	}
	slices.SortStableFunc(roots, func(a, b Finding) int { return cmp.Compare(b.Share, a.Share) })
	return slices.DeleteFunc(roots, func(f Finding) bool { return f.Share < leastShare*(1-roots[0].Share) })
}

// leadsTo tells whether one finding's signs follow from another. Of two that lead to each other the larger is first.
func leadsTo(root, f Finding) bool {
	if !slices.Contains(causeOf(root.Cause).leads, f.Cause) {
		return false
	}
	return !slices.Contains(causeOf(f.Cause).leads, root.Cause) || root.Share > f.Share
}

func causeOf(id string) cause {
	i := slices.IndexFunc(causes, func(c cause) bool { return c.id == id })
	if i < 0 {
		return cause{}
	}
	return causes[i]
}

// unexplainedMost is the share of the time without an explanation up to which a budget may be trusted: a tenth, what
// the laws' checks allow too.
const unexplainedMost = 0.1

// weigh says how much a finding is to be trusted, and why. Each of three doubts takes a step from high to low.
func (f *Finding) weigh(x *situation, d *Diagnosis) {
	var doubts []string
	if excess := x.excess(); f.Share < excess {
		doubts = append(doubts, fmt.Sprintf("%s of the time goes with it, and the objective is missed by %s of it: "+
			"lifting it "+
			"may not do", percentOf(f.Share), percentOf(excess)))
	}
	if left := x.split.UnexplainedShare; max(left, -left) > unexplainedMost && !f.apart && !isComputing(f.Cause) {
		doubts = append(doubts, doubtOf(left))
	}
	if n := rivals(d.Open); n > 0 {
		doubts = append(doubts, fmt.Sprintf("%d other causes could not be told for lack of data", n))
	}
	for _, e := range f.Evidence {
		if e.Fact.known && e.Fact.Values == 1 && !strings.HasPrefix(e.Fact.Series, "results ") {
			doubts = append(doubts, fmt.Sprintf("%s has one value over the load", e.Fact.Series))
			break
		}
	}
	f.Confidence = []string{"high", "medium", "low"}[min(2, len(doubts))]
	f.Why = doubts
	if len(doubts) == 0 {
		f.Why = []string{"all its signs were measured, the time that goes with it is more than what was missed, and no " +
			"other cause " +
			"is open"}
	}
}

// doubtOf says why a budget is not to be trusted: time that no part has, or parts that come to more than there was.
func doubtOf(left float64) string {
	if left < 0 {
		return fmt.Sprintf("the parts of the time come to %s more than there was: some overlap, or are not of requests",
			percentOf(-left))
	}
	return fmt.Sprintf("%s of the time has no explanation", percentOf(left))
}

// nothing says why there is no bottleneck: all that was judged was kept. What would bind is known of measured tiers
// alone.
func (d *Diagnosis) nothing(x *situation) string {
	says := "nothing that the run is judged by was missed; what would bind first was not measured"
	if untold := d.untold(x); untold != "" {
		says += ", " + untold
	}
	if len(d.Laws.Tiers) > 0 {
		t := d.Laws.Tiers[0]
		says = fmt.Sprintf("the load ended before any tier did; %s would bind first, at %s requests/s", t.Name,
			Figure(t.Bound))
	}
	if x.run.Partial {
		says += "; the run was cut short, and what it would have missed later is not known"
	}
	return says
}

func rivals(open []Open) int { return len(open) }

// isComputing tells whether the time without an explanation is a cause's own: waiting for a processor has no series.
func isComputing(cause string) bool {
	return slices.Contains([]string{"hpa-maximum", "cpu-limit", "nodes", "garbage", "unschedulable", "replicas-lacking",
		"outside"}, cause)
}

// excess is by which share the most that was missed of response times is above its objective.
func (x *situation) excess() (most float64) {
	for _, v := range x.run.Verdicts {
		if v.Outcome == load.Missed && effectOf(v.Metric) == Slow && v.Value != nil && *v.Value > 0 {
			most = max(most, 1-v.Limit()/(*v.Value))
		}
	}
	return most
}

// conclude says what it comes to.
func (d *Diagnosis) conclude(x *situation) {
	switch {
	case len(d.Findings) > 0:
		d.Outcome, d.Says = Named, d.Findings[0].Says
	case len(d.Effects) == 0 && !x.Client.known && !x.Rate.known:
		d.Outcome = NotEnough
		d.Says = fmt.Sprintf("the run tells neither times nor rates: `ragscale load run %s` keeps both", x.run.Scenario.Name)
	case len(d.Effects) == 0:
		d.Outcome, d.Says = None, d.nothing(x)
	case len(d.Open) > 0:
		d.Outcome, d.Says = NotEnough, d.lacks(x)
	case !x.has(Slow, Faulty, LateReady, Unloaded, Waiting):
		d.Outcome = Unexplained
		d.Says = "what was missed is what answers hold, while the API counts none that did without a store: no matter of load"
	default:
		d.Outcome = Unexplained
		d.Says = fmt.Sprintf("all was measured and no cause of the table holds; the largest part of the time is %s",
			x.split.largest())
	}
}

// largest names the largest part.
func (s Split) largest() string {
	name, most := "the part without explanation", s.Unexplained
	for _, p := range s.Parts {
		if p.Millis > most {
			name, most = p.Name, p.Millis
		}
	}
	return fmt.Sprintf("%s, %s ms", name, Figure(most))
}
