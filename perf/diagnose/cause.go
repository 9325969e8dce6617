package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/stacks"
)

// Effect is what a run has of a bottleneck.
type Effect string

// Effects.
const (
	Slow      Effect = "slow"     // an objective or budget of response times was missed
	Faulty    Effect = "faulty"   // that of faults
	LateReady Effect = "late"     // that of uploads, or of how soon what is new is found
	Degraded  Effect = "degraded" // that of answers which did without something
	Unloaded  Effect = "unloaded" // the generators were what was slow
	Waiting   Effect = "waiting"  // requests wait for connections longer than they are served
)

// Evidence is a measured sign of a cause: a fact against a limit that has a source.
type Evidence struct {
	Fact  Fact    `json:"fact"`
	Sign  string  `json:"sign"`
	Limit float64 `json:"limit"`
	Why   string  `json:"why"` // the limit's source
	Holds bool    `json:"holds"`
}

// situation is what causes look at.
type situation struct {
	*Facts
	split   Split
	cfg     *stacks.Config
	run     *load.Run
	effects []Effect
}

// has tells whether the run has one of some effects.
func (x *situation) has(effects ...Effect) bool {
	return slices.ContainsFunc(effects, func(e Effect) bool { return slices.Contains(x.effects, e) })
}

// cause is one way in which a run may be held up. All its signs have to hold. A sign that was not measured leaves it
// open.
type cause struct {
	id, tier string
	says     func(*situation) string
	signs    func(*situation) []Evidence
	// share is which part of the time of requests goes with it, 0 to 1: what it takes, and what waits for it.
	share func(*situation) float64
	// bears are the effects that it can have.
	bears []Effect
	// apart causes take a share of what the steady mean does not tell: of some pods' requests, of the beginning, of
	// uploads.
	apart bool
	// leads are causes whose signs follow from it: a slow database fills the pools before it.
	leads []string
	// section of docs/operations.md says what is done by hand.
	section string
}

// served are the effects of what requests go through.
var served = []Effect{Slow, Faulty, Waiting}

// causes is the table of them.
var causes = slices.Concat(loadCauses, apiCauses, poolCauses, databaseCauses, cacheCauses, otherCauses)

// above wants a fact to be at a limit or above it.
func above(f Fact, sign string, limit float64, why string) Evidence {
	return Evidence{Fact: f, Sign: sign, Limit: limit, Why: why, Holds: f.known && f.Value >= limit}
}

// below wants a fact to be below a limit.
func below(f Fact, sign string, limit float64, why string) Evidence {
	return Evidence{Fact: f, Sign: sign, Limit: limit, Why: why, Holds: f.known && f.Value < limit}
}

// lasting wants a fact to be above 0 at half of the times or more: once is chance, half is how it was.
func lasting(f Fact, sign string) Evidence {
	steady := f
	steady.Value, steady.Unit = f.Steady, share
	return Evidence{Fact: steady, Sign: sign, Limit: lastingShare, Why: "half of the times: once may be chance",
		Holds: f.known && f.Steady >= lastingShare}
}

const lastingShare = 0.5

// unless is a sign that holds where another does not, measured or not.
func unless(e Evidence, sign string) Evidence {
	e.Sign, e.Holds = sign, !e.Holds
	return e
}

// Finding is a cause whose signs all hold.
type Finding struct {
	Cause    string     `json:"cause"`
	Tier     string     `json:"tier"`
	Says     string     `json:"says"`
	Share    float64    `json:"share"` // of the time of requests that goes with it
	Evidence []Evidence `json:"evidence"`
	// Confidence is high, medium or low, and Why says what it was made of.
	Confidence string   `json:"confidence,omitempty"`
	Why        []string `json:"why,omitempty"`
	Leads      []string `json:"leads"` // causes whose signs hold too, and follow from it
	Section    string   `json:"section"`

	bears []Effect
	apart bool // its share is of what the mean time does not tell
}

// find holds a cause against a situation: what was found, or which signs were not measured while all others hold.
func (c cause) find(x *situation) (found *Finding, open []string) {
	signs := c.signs(x)
	for _, e := range signs {
		switch {
		case !e.Fact.known && !e.Holds:
			open = append(open, fmt.Sprintf("%s (%s)", e.Fact.Series, e.Fact.Lacking))
		case !e.Holds:
			return nil, nil
		}
	}
	if len(open) > 0 {
		return nil, open
	}
	part := clamp(c.share(x))
	if part <= 0 || !c.apart && !x.matters(part) {
		return nil, nil
	}
	return &Finding{Cause: c.id, Tier: c.tier, Says: c.says(x), Share: part, Evidence: signs, Leads: []string{},
		Section: c.section, bears: c.bears, apart: c.apart}, nil
}

// leastShare of an objective, or of what is left once the first cause is lifted, is what a cause has to take: less is
// not what an objective is missed by. A choice of our own; what perf/compare calls a small change is of that size.
const leastShare = 0.1

// matters tells whether a share of the time is enough to miss an objective by.
func (x *situation) matters(part float64) bool {
	return part*x.split.total() >= leastShare*1000*x.cfg.SLO.ResponseSeconds
}

// without is the share of a cause by which answers did without something: all, where an objective was missed by that,
// else a part of the time, where it matters.
func (x *situation) without(part float64) float64 {
	switch {
	case x.has(Degraded):
		return 1
	case x.matters(part):
		return part
	}
	return 0
}

func clamp(v float64) float64 { return max(0, min(1, v)) }

func text(s string) func(*situation) string { return func(*situation) string { return s } }

// portion of the whole time, of parts by name.
func (x *situation) portion(parts ...string) (sum float64) {
	total := x.split.total()
	if total <= 0 {
		return 0
	}
	for _, name := range parts {
		sum += x.split.millis(name)
	}
	return sum / total
}

// chain is the portion of the database with all that waits for its connections.
func (x *situation) chain() float64 {
	if x.split.total() <= 0 {
		return 0
	}
	return x.split.database()/x.split.total() + x.portion(partBouncer, partPool)
}

// computing is the portion of the API itself. What has no explanation is its own where all it waits for was measured:
// waiting for a processor has no series.
func (x *situation) computing() float64 {
	own := x.portion(partCPU, partGC)
	for _, f := range []Fact{x.held(), x.PoolWait, x.Vectors, x.Cache, x.CPU, x.Busy} {
		if !f.known {
			return own
		}
	}
	return own + max(0, x.split.UnexplainedShare)
}

// hold is how long a request holds a connection of a server on average, and how long the pools are made for.
func (x *situation) hold() (f Fact, made float64) {
	return x.held().per(x.Rate, seconds), x.cfg.Pools().Demand.HoldSeconds
}

const holdSource = "what the stack's pools are made for: a twentieth of slo.responseSeconds"

// percentOf is a share as people read it.
func percentOf(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

// group is which part of the load of all databases are wait events that begin with one of some names.
func (x *situation) group(names ...string) Fact {
	whole, sum := x.inside(), Fact{}
	if !whole.known {
		return whole
	}
	sum = whole
	sum.Value, sum.Series = 0, "database-load "+strings.Join(names, ", ")
	for _, event := range x.events() {
		if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(event, name) }) {
			sum.Value += x.event(event).Value
		}
	}
	return sum.per(whole, share)
}
