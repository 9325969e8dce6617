package recommend

import (
	"fmt"
	"math"
	"strings"

	"github.com/ragscale/ragscale/perf/diagnose"
)

// Effect is what is predicted of the mean response time at the run's own load, ms.
type Effect struct {
	Now    float64 `json:"nowMillis"`
	Low    float64 `json:"lowMillis"`
	Likely float64 `json:"likelyMillis"`
	High   float64 `json:"highMillis"`
	// Uploads is true where the change is about uploads, whose time has no such prediction.
	Uploads bool   `json:"uploads,omitempty"`
	How     string `json:"how"`
}

// gain is how much the mean is predicted to fall, ms. Of uploads it is not known, and taken as small.
func (e Effect) gain() float64 { return math.Max(1, e.Now-e.Likely) }

// notBinding is how far above the run's load a tier's bound has to be that is not what binds now: 5 %, the noise of the
// rates that it is made of.
const notBinding = 1.05

// predict says what comes of a tier that has some times its capacity, from bounds of a closed system. At best all of
// the time that goes with the cause is gone. At worst it shrinks as the capacity grows, and users still wait for the
// next tier's processors: R' ≥ N/X' − Z, with X' no more than their bound. In between nothing is known: the middle of
// the logarithms stands for it.
// Source: Denning and Buzen, The Operational Analysis of Queueing Network Models, ACM Computing Surveys 10(3), 1978.
func (m *maker) predict(f diagnose.Finding, times float64) Effect {
	d := m.Diagnosis
	total := d.Split.Total()
	if f.Tier == "upload workers" || f.Tier == "load generators" || total <= 0 {
		return Effect{Uploads: f.Tier == "upload workers", How: "not reckoned: the laws are of requests, and this is " +
			"about " + f.Tier}
	}
	idle := total * (1 - f.Share)
	rate, users, think := d.Laws.Rate.Value, float64(m.Run.Scenario.Users), m.Run.Scenario.ThinkSeconds
	next, binds := math.Inf(1), ""
	for _, t := range d.Laws.Tiers {
		if !t.Held && t.Bound > rate*notBinding && t.Bound < next {
			next, binds = t.Bound, t.Name
		}
	}
	floor := func(x float64) float64 { return 1000 * (users/x - think) }
	low := math.Max(idle, floor(next))
	high := math.Max(low, math.Max(idle+total*f.Share/times, floor(math.Min(next, rate*times))))
	high = math.Min(high, total)
	low = math.Min(math.Max(low, 0.1), high)
	how := fmt.Sprintf("%.0f %% of %.4g ms goes with %s; %.3g times the capacity leaves 1/%.3g of it at worst and none "+
		"at best",
		100*f.Share, total, f.Cause, times, times)
	if binds != "" {
		how += fmt.Sprintf("; %s binds next, at %s requests/s", binds, diagnose.Figure(next))
	}
	return Effect{Now: total, Low: low, High: high, Likely: math.Sqrt(low * high),
		How: how + ". Bounds of the laws of closed systems, no interval of measured predictions"}
}

// triable are keys that change nothing but the API's pods.
var triable = []string{"api.limits.", "api.requests."}

// trial is the command that would try a change, or why none does.
func (m *maker) trial(edits []Edit) string {
	if m.cfg.Environment != "local" {
		return fmt.Sprintf("unverified: trials run on stack local alone, and this is stack %s", m.cfg.Stack)
	}
	command := "ragscale load trial " + m.Run.Scenario.Name
	for _, e := range edits {
		apart := false
		for _, prefix := range triable {
			apart = apart || strings.HasPrefix(e.Key, prefix)
		}
		if !apart {
			return fmt.Sprintf("unverified: %s changes what both arms of a trial would share; apply it, `ragscale up`, and "+
				"`ragscale load run %s --gate`", e.Key, m.Run.Scenario.Name)
		}
		command += fmt.Sprintf(" --b %s=%s", e.Key, e.To)
	}
	return "unverified: " + command
}
