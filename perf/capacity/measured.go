package capacity

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

// Demand is what one request takes of a tier.
type Demand struct {
	Tier    Tier    `json:"tier"`
	Seconds float64 `json:"seconds"`
	Origin  string  `json:"origin"`
}

// Tier is a part of the platform that requests take time of.
type Tier string

// The tiers whose demand is measured.
const (
	APICPU      Tier = "CPU of the API's pods"
	WorkerCPU   Tier = "CPU of the workers"
	PrimaryCPU  Tier = "CPU of the primary"
	ReplicaCPU  Tier = "CPU of the replicas" // of all together
	CacheCPU    Tier = "the cache's thread"
	Connections Tier = "connections to the database"
)

// Hardware is what a stack had while it was measured.
type Hardware struct {
	PrimaryVCPU, ReplicaVCPU int // of one instance
	// Cores that all of the stack shares, generators included: of a stack on one machine; 0 where each tier has its own.
	Cores int
}

// gauge is where a tier's busy time stands in a run's telemetry: the sum of a panel's series that fit.
type gauge struct {
	tier   Tier
	panel  string
	fits   func(series string) bool
	factor func(Hardware) float64 // of busy servers to the panel's unit
}

var gauges = []gauge{
	{APICPU, "cpu", func(s string) bool { return s == "api" }, one},
	{WorkerCPU, "cpu", func(s string) bool { return s == "worker" }, one},
	{PrimaryCPU, "database-cpu", func(s string) bool { return !isReplica(s) },
		func(h Hardware) float64 { return float64(h.PrimaryVCPU) }},
	{ReplicaCPU, "database-cpu", isReplica, func(h Hardware) float64 { return float64(h.ReplicaVCPU) }},
	{CacheCPU, "cache-cpu", func(string) bool { return true }, one},
	{Connections, "database-sessions", func(s string) bool { return strings.HasSuffix(s, " active") }, one},
}

func one(Hardware) float64 { return 1 }

func isReplica(series string) bool { return strings.Contains(series, "replica") }

const (
	// momentOver is the time around a moment whose throughput it is held beside, s: that of a scrape.
	momentOver = 30
	// slack is how far a value may reach beyond a run, s: begins and ends are not told more exactly.
	slack = 1
	// leastValues of a series: with fewer a slope is chance.
	leastValues = 4
	// timedPanels is the first version of telemetry whose panels say of what time their values are.
	timedPanels = 2
)

// Demands are those that the telemetry of runs tells, by the utilisation law U = X·D: the slope of what was busy over
// the throughput of the same time. What is busy without load does not count. missing says what could not be told, and
// why.
func Demands(sources []Source, h Hardware) (all []Demand, missing []string) {
	var usable []Source
	for _, s := range sources {
		switch {
		case s.Told == nil:
			missing = append(missing, fmt.Sprintf("run %s has no telemetry: what each tier takes of a request is not known",
				s.Run.Name))
		case s.Told.Version < timedPanels:
			missing = append(missing, fmt.Sprintf("the telemetry of run %s is of an older version, whose times are not told: a "+
				"new run", s.Run.Name))
		default:
			usable = append(usable, s)
		}
	}
	if len(usable) == 0 {
		return nil, missing
	}
	for _, g := range gauges {
		d, why := g.demand(usable, h)
		if why != "" {
			missing = append(missing, fmt.Sprintf("%s: %s", g.tier, why))
			continue
		}
		all = append(all, d)
	}
	return all, missing
}

// cumulative is how many requests were answered until a time, s after the beginning of the load.
type cumulative struct{ at, sum []float64 }

func answeredBy(run *load.Run) cumulative {
	c := cumulative{at: []float64{0}, sum: []float64{0}}
	for _, p := range run.Slices() {
		n := 0.0
		for _, t := range p.Kinds {
			n += t.Requests
		}
		c.at = append(c.at, p.AtSeconds+p.Seconds)
		c.sum = append(c.sum, c.sum[len(c.sum)-1]+n)
	}
	return c
}

func (c cumulative) until(at float64) float64 {
	for i := 1; i < len(c.at); i++ {
		if at <= c.at[i] {
			share := max(0, at-c.at[i-1]) / (c.at[i] - c.at[i-1])
			return c.sum[i-1] + share*(c.sum[i]-c.sum[i-1])
		}
	}
	return c.sum[len(c.sum)-1]
}

// rate is the throughput of the seconds around a time.
func (c cumulative) rate(at, seconds float64) float64 {
	return (c.until(at+seconds/2) - c.until(at-seconds/2)) / seconds
}

// demand is the slope over the values of all runs.
func (g gauge) demand(sources []Source, h Hardware) (d Demand, why string) {
	var x, busy []float64
	var runs []string
	for _, s := range sources {
		panel := s.Told.Panel(g.panel)
		if panel == nil {
			continue
		}
		rates, values := g.values(s, panel)
		x, busy, runs = append(x, rates...), append(busy, values...), append(runs, s.Run.Name)
	}
	if len(runs) == 0 {
		return d, fmt.Sprintf("the telemetry has no panel %s", g.panel)
	}
	if len(x) < leastValues {
		return d, fmt.Sprintf("panel %s has %d values with load, want %d or more: a longer run", g.panel, len(x), leastValues)
	}
	_, slope := stat.LinearRegression(x, busy, nil, false)
	if !(slope > 0) || math.IsInf(slope, 0) {
		return d, fmt.Sprintf("panel %s does not rise with load", g.panel)
	}
	origin := fmt.Sprintf("U = X·D, %d values of panel %s of run %s", len(x), g.panel, strings.Join(runs, ", "))
	return Demand{Tier: g.tier, Seconds: slope * g.factor(h), Origin: origin}, ""
}

// values are what was busy in a run, and the throughput of the same times. Values that reach beyond the run are left
// out: they have another load.
func (g gauge) values(s Source, panel *telemetry.Panel) (x, busy []float64) {
	answered := answeredBy(s.Run)
	from, step := s.Told.Steps(*panel)
	over := valuesOver(panel, s.Run)
	for i := range longest(panel) {
		at := from.Sub(s.Run.BeganAt).Seconds() + float64(i)*step.Seconds()
		sum, known := g.at(panel, i)
		whole := at-over/2 > -slack && at+over/2 <= s.Run.Seconds()+slack
		if rate := answered.rate(at, over); known && whole && rate > 0 {
			x, busy = append(x, rate), append(busy, sum)
		}
	}
	return x, busy
}

// at is the sum of a gauge's series at a step; false where one that fits has no value.
func (g gauge) at(panel *telemetry.Panel, i int) (sum float64, known bool) {
	for _, s := range panel.Series {
		if !g.fits(s.Name) {
			continue
		}
		if i >= len(s.Values) || math.IsNaN(s.Values[i]) {
			return 0, false
		}
		sum, known = sum+s.Values[i], true
	}
	return sum, known
}

func longest(panel *telemetry.Panel) (n int) {
	for _, s := range panel.Series {
		n = max(n, len(s.Values))
	}
	return n
}

// valuesOver is the time that each value of a panel is of, s, with its moment in the middle.
func valuesOver(panel *telemetry.Panel, run *load.Run) float64 {
	switch {
	case panel.StepSeconds == 0:
		return momentOver
	case panel.Source == workspace:
		return telemetry.WindowOf(run).RateTime().Seconds()
	}
	return panel.StepSeconds
}

// workspace is the source of panels whose rates look back.
const workspace = "Managed Prometheus"
