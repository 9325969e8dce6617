package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/stacks"
)

// Tier is a resource with its demand: what a request takes of it.
type Tier struct {
	Name    string  `json:"name"`
	Servers float64 `json:"servers"` // that may work at once: processors, connections
	Busy    float64 `json:"busy"`    // of them, at work on average
	// Demand is the time of one server that a request takes, ms: U = X·D, so D = busy/X.
	Demand float64 `json:"demandMillis"`
	// Bound is the most requests/s that it can serve, servers/D: X ≤ 1/Dmax.
	Bound float64 `json:"bound"`
	// Held is true of connections: what waits behind them is in their demand, and goes with it.
	Held bool `json:"held"`
	// AtObjective is the load at which processors reach slo.cpuPercent, requests/s; 0 for what is no processor.
	AtObjective float64 `json:"atObjective,omitempty"`
	From        string  `json:"from"`
}

// Laws are what the operational laws say of a run.
type Laws struct {
	Rate  Fact   `json:"rate"`  // requests/s of the API over the steady part
	Tiers []Tier `json:"tiers"` // what binds first stands first
	// Users are those at which the first tier binds, N* = Xmax·(R + Z): R without waiting, Z the mean pause; 0 where that
	// is not known.
	Users   float64  `json:"users"`
	Checks  []Check  `json:"checks"`
	Lacking []string `json:"notMeasured"` // tiers without a demand
}

// Check is a law held against two measures of the same thing.
type Check struct {
	Law      string  `json:"law"`
	One      float64 `json:"one"`
	Other    float64 `json:"other"`
	Within   float64 `json:"within"` // the share by which they may differ
	Violated bool    `json:"violated"`
	Lacking  string  `json:"notMeasured,omitempty"`
}

// laws reckons demands, bounds and checks.
// Source: Denning and Buzen, The Operational Analysis of Queueing Network Models, ACM Computing Surveys 10(3), 1978.
func (f *Facts) laws(run *load.Run, cfg *stacks.Config, s Split) Laws {
	l := Laws{Rate: f.Rate, Tiers: []Tier{}, Lacking: []string{}}
	l.tier("API's processors", f.CPU, apiCores(cfg), cfg.SLO.CPUPercent, f.Rate)
	for _, d := range f.Databases {
		busy := d.CPU
		vcpu := vcpuOf(cfg, d.Name)
		busy.Value *= vcpu
		l.tier("processors of database "+d.Name, busy, vcpu, cfg.SLO.CPUPercent, f.Rate)
	}
	l.tier("thread of the cache", f.CacheCPU, 1, cfg.SLO.CPUPercent, f.Rate)
	l.tier("pools of the API's pods", f.pooled(), f.PoolMost.or(0), 0, f.Rate)
	pools := cfg.Pools().PgBouncer
	l.tier("server connections of PgBouncer", f.BouncerUse, float64(pools.MinPods*(pools.Write+pools.Read)), 0, f.Rate)
	slices.SortStableFunc(l.Tiers, func(a, b Tier) int { return cmp.Compare(a.Bound, b.Bound) })
	if len(l.Tiers) > 0 && s.total() > 0 {
		idle := (s.total() - s.millis(partPool) - s.millis(partBouncer)) / 1000
		l.Users = l.Tiers[0].Bound * (idle + run.Scenario.ThinkSeconds)
	}
	l.Checks = []Check{f.littleAtAPI(), littleOfUsers(run)}
	return l
}

// pooled is how many connections of the pods' pools are in use: those that PgBouncer has at work or waiting, which it
// counts without a gap, else what a gauge finds every 30 s.
func (f *Facts) pooled() Fact {
	if f.BouncerUse.known {
		return f.BouncerUse.plus(f.BouncerWait)
	}
	return f.PoolUse
}

// tier adds one, where it was measured and its servers are known.
func (l *Laws) tier(name string, busy Fact, servers, objective float64, rate Fact) {
	demand := busy.per(rate, seconds)
	if !demand.known || servers <= 0 {
		why := demand.Lacking
		if demand.known {
			why = "it is not known how many there are"
		}
		l.Lacking = append(l.Lacking, name+": "+why)
		return
	}
	t := Tier{Name: name, Servers: servers, Busy: busy.Value, Demand: 1000 * demand.Value, From: demand.Series}
	if demand.Value > 0 && servers/demand.Value < math.MaxFloat32 { // of next to nothing no bound is known
		t.Bound = servers / demand.Value
		t.AtObjective, t.Held = t.Bound*objective/100, objective == 0
		l.Tiers = append(l.Tiers, t)
	}
}

// Next is what binds once the first tier is lifted: processors alone, for the demand of connections is that of what is
// behind them. It is false where no other was measured.
func (l Laws) Next() (t Tier, ok bool) {
	for _, t := range l.Tiers[min(1, len(l.Tiers)):] {
		if !t.Held {
			return t, true
		}
	}
	return t, false
}

// apiCores are the processors that the API's pods may come to: as many as its nodes have at most, and no more than the
// limits of all its pods.
func apiCores(cfg *stacks.Config) float64 {
	sum := 0
	for _, group := range []string{"api", "burst"} {
		g, declared := cfg.Cluster.NodeGroups[group]
		if !declared || len(g.InstanceTypes) == 0 {
			continue
		}
		if t, err := ec2.Lookup(g.InstanceTypes[0]); err == nil {
			sum += g.Max * t.VCPU
		}
	}
	most := float64(sum)
	if limit := float64(cfg.API.Limits.CPU) / 1000 * float64(cfg.SLO.HPA.MaxReplicas); limit > 0 {
		most = math.Min(most, limit)
	}
	return most
}

// vcpuOf is how many processors a database instance has, 0 where its class is not known.
func vcpuOf(cfg *stacks.Config, name string) float64 {
	class := cfg.Database.InstanceClass
	if name != primary {
		class = cfg.ReplicaClass()
	}
	c, err := rds.Lookup(class)
	if err != nil {
		return 0
	}
	return float64(c.VCPU)
}

// Little's law is an identity: where two measures of it differ by more than a tenth, one of them is not what it is
// taken for. The gauge is looked at every 30 s, and Poisson's noise of what it finds comes on top, three deviations
// of it.
const littleWithin = 0.1

func (f *Facts) littleAtAPI() Check {
	c := Check{Law: "at the API: requests in flight are the rate times the time of each (N = X·R)", Within: littleWithin}
	switch {
	case !f.Busy.known:
		c.Lacking = f.Busy.Lacking
	case !f.Flight.known:
		c.Lacking = f.Flight.Lacking
	default:
		c.One, c.Other = f.Busy.Value, f.Flight.Value
		if n := c.One * float64(max(1, f.Flight.Values)); n > 0 {
			c.Within += 3 / math.Sqrt(n)
		}
		if c.Within >= 1 {
			c.Lacking = fmt.Sprintf("%.2g requests at once are too few to look at", c.One)
			return c
		}
		c.Violated = math.Abs(c.One-c.Other) > c.Within*math.Max(c.One, c.Other)
	}
	return c
}

// littleOfUsers holds the time of all users against what they did: answers waited for, and pauses.
func littleOfUsers(run *load.Run) Check {
	c := Check{Law: "at the generators: users are the rate times response and pause (N = X·(R + Z))", Within: littleWithin}
	var waited float64
	for _, m := range run.Means() {
		waited += m.Requests * m.Millis / 1000
	}
	paused, lasted := run.PausedSeconds(), loadSeconds(run)
	if waited == 0 || paused == 0 || lasted <= 0 {
		c.Lacking = "the results have no means, or users do not pause"
		return c
	}
	c.One = float64(run.Scenario.Users) * (1 - run.Scenario.RampUpSeconds/lasted/2)
	c.Other = (waited + paused) / lasted
	// The pause that the end cuts off is not counted. Pauses are exponential, so that it is one of mean length so far, and
	// as much again by chance.
	c.Within += 2 * run.Scenario.ThinkSeconds / lasted
	c.Violated = math.Abs(c.One-c.Other) > c.Within*math.Max(c.One, c.Other)
	return c
}

// loadSeconds is how long load was made: what comes after it is swept away.
func loadSeconds(run *load.Run) float64 {
	if d := run.Scenario.DurationSeconds; d > 0 && !run.Scenario.StopAtFault {
		return math.Min(d, run.Seconds())
	}
	return run.Seconds()
}

// where names the place of a law.
func (c Check) where() string {
	place, _, _ := strings.Cut(c.Law, ":")
	return place
}

// String tells a check that is violated.
func (c Check) String() string {
	return fmt.Sprintf("%s: %s and %s, which differ by more than %.0f %%", c.Law, Figure(c.One), Figure(c.Other),
		100*c.Within)
}
