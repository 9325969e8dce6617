// Package diagnose says what holds a run of a load test up: where the time of requests goes, what of a stack binds
// first, and the one cause to begin with.
//
// Owns: facts of a run's results and telemetry, the laws that they have to keep, the table of causes, the verdict. Does
// not own: measuring (perf/load, perf/telemetry), what to change (perf/recommend), printing where it goes.
package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
	"github.com/ragscale/ragscale/stacks"
)

// Outcome is what a diagnosis comes to.
type Outcome string

// Outcomes.
const (
	Named       Outcome = "cause"
	None        Outcome = "no bottleneck"
	NotEnough   Outcome = "not enough data"
	Unexplained Outcome = "no cause of the table" // all was measured, and nothing that is known holds
)

// Diagnosis is what is said of a run: the stable answer of `ragscale diagnose --json`.
type Diagnosis struct {
	Run     string  `json:"run"`
	Outcome Outcome `json:"outcome"`
	Says    string  `json:"says"`
	// Effects are what the run has of a bottleneck; none where there is none.
	Effects []Effect `json:"effects"`
	// Findings are causes that bear on an effect and follow from none beside them. The first is the one to begin with.
	Findings []Finding `json:"findings"`
	// Seen are causes whose signs hold, without an effect on what the run is judged by.
	Seen  []Finding `json:"seen"`
	Open  []Open    `json:"open"` // causes that could not be told for lack of data
	Split Split     `json:"split"`
	Laws  Laws      `json:"laws"`
	Facts *Facts    `json:"facts"`
	Notes []string  `json:"notes"` // what bounds the answer
	From  time.Time `json:"from"`  // of the steady part
	To    time.Time `json:"to"`
	Load  float64   `json:"load"` // requests/s that were answered
}

// Open is a cause that the data do not decide.
type Open struct {
	Cause   string   `json:"cause"`
	Lacking []string `json:"lacking"`
}

// Of diagnoses a run by what was kept of it. The telemetry may be nil. Its error says that run and stack do not belong
// together.
func Of(run *load.Run, told *telemetry.Telemetry, cfg *stacks.Config) (*Diagnosis, error) {
	if stack := run.Environment["stack"]; stack != cfg.Stack {
		return nil, fmt.Errorf("run %s is of stack %q, want one of %q: --stack names the stack", run.Name, stack, cfg.Stack)
	}
	r := readingOf(run, told)
	f := read(run, r)
	x := &situation{Facts: f, split: f.split(run, r), cfg: cfg, run: run}
	x.effects = effectsOf(x)
	d := &Diagnosis{
		Run: run.Name, Effects: x.effects, Facts: f, Split: x.split, From: r.from, To: r.to, Load: f.Asked.or(f.Rate.or(0)),
		Findings: []Finding{}, Seen: []Finding{}, Open: []Open{}, Notes: notesOf(run, told, cfg),
	}
	d.Laws = f.laws(run, cfg, x.split)
	for _, c := range d.Laws.Checks {
		if c.Violated {
			d.Notes = append(d.Notes, "a law is violated, so that a figure is not what it is taken for: "+c.where())
		}
	}
	d.judge(x)
	return d, nil
}

// readingOf is the steady part of a run: from when all users were there. Of one whose users come until the end, its
// last third.
func readingOf(run *load.Run, told *telemetry.Telemetry) reading {
	after := func(s float64) time.Time { return run.BeganAt.Add(time.Duration(s * float64(time.Second))) }
	lasted, ramp := loadSeconds(run), run.Scenario.RampUpSeconds
	if ramp >= lasted {
		ramp = lasted * 2 / 3
	}
	return reading{telemetry: told, began: run.BeganAt, from: after(ramp), to: after(lasted)}
}

// notesOf are what bounds an answer beside what was not kept.
func notesOf(run *load.Run, told *telemetry.Telemetry, cfg *stacks.Config) []string {
	notes := []string{}
	if then, now := run.Environment["configuration"], cfg.Digest(); then != now {
		notes = append(notes, fmt.Sprintf("the stack's file has changed since the run (configuration %s, now %s): limits "+
			"are those "+
			"of now, `ragscale load run %s` measures it", cmp.Or(then, "not kept"), now, run.Scenario.Name))
	}
	if run.Partial {
		notes = append(notes, "the run ended before its time: "+strings.Join(run.Cut(), ", "))
	}
	if told == nil {
		notes = append(notes, "no telemetry was kept with the run")
		return notes
	}
	return append(notes, notKept(told.Missing)...)
}

// effectsOf are what a run has of a bottleneck.
func effectsOf(x *situation) []Effect {
	all := []Effect{}
	add := func(e Effect) {
		if !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	for _, e := range missedOf(x.run) {
		add(e)
	}
	if x.Stretch.known && x.Stretch.Value > stretched {
		add(Unloaded)
	}
	wait := x.PoolWait.plus(x.BouncerWait)
	if each := wait.per(x.Rate, seconds); each.known && each.Value > x.cfg.Pools().Demand.HoldSeconds &&
		x.portion(partPool, partBouncer) >= dominating {
		add(Waiting)
	}
	return all
}

// missedOf are the effects of what a run missed, its objectives and its budgets.
func missedOf(run *load.Run) (all []Effect) {
	for _, v := range run.Verdicts {
		switch v.Outcome {
		case load.GeneratorBound:
			all = append(all, Unloaded)
		case load.Missed:
			all = append(all, effectOf(v.Metric))
		}
	}
	for _, b := range run.Budgets {
		if b.Outcome == load.Missed {
			all = append(all, effectOf(b.Figure))
		}
	}
	return all
}

// effects are those of missing an objective of a metric, or the budget of a figure, by what their names begin with. All
// others are of response times.
var effects = []struct {
	begins string
	effect Effect
}{
	{"faults", Faulty}, {"http_req_failed", Faulty}, {"dropped_iterations", Unloaded}, {"upload", LateReady},
	{"freshness", LateReady}, {"degraded", Degraded}, {"recall", Degraded},
}

// effectOf is what missing a metric's objective, or a figure's budget, is an effect of.
func effectOf(of string) Effect {
	for _, e := range effects {
		if strings.HasPrefix(of, e.begins) {
			return e.effect
		}
	}
	return Slow
}
