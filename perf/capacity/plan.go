package capacity

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ragscale/ragscale/catalogue/price"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/stacks"
)

// Stack is what a plan is about.
type Stack struct {
	Values map[string]string // of its file, as stacks.ReadFile returns them
	Config *stacks.Config
	Bill   price.Bill // of what it declares
	// Prices stand before the catalogue's; nil for none.
	Prices *price.List
}

// Question is what a plan answers: a throughput, or growth until a day. With neither it is the stack's own objective.
type Question struct {
	RPS           float64   // requests per second; 0 where growth says, or nothing
	GrowthPercent float64   // a month; 0 for none
	Until         time.Time // with growth
	Now           time.Time
	ZoneLost      bool // the answer holds with one zone gone
}

// Target is what was asked, with what followed.
type Target struct {
	TodayRPS      float64   `json:"todayRPS"` // the stack's objective
	RPS           float64   `json:"rps"`
	GrowthPercent float64   `json:"growthPercentPerMonth,omitempty"`
	Until         time.Time `json:"until,omitzero"`
	ZoneLost      bool      `json:"zoneLost"`
	// Beyond says that the target is more than 1.3 times what was measured: sizes rest on the model alone.
	Beyond bool   `json:"beyond"`
	Origin string `json:"origin"`
}

// Limit is a throughput from which on something gives out.
type Limit struct {
	What   string    `json:"what"`
	RPS    float64   `json:"rps"`
	When   time.Time `json:"when,omitzero"` // at the growth asked about; zero where it is reached already, or never
	Origin string    `json:"origin"`
}

// Size is one size of the platform: as declared, and as the target wants it.
type Size struct {
	What   string `json:"what"`
	Today  string `json:"today"`
	Then   string `json:"then"` // "not told" where nothing measured tells
	Origin string `json:"origin"`
}

// Assumption is a value that stacks assumes until it is measured.
type Assumption struct {
	What     string  `json:"what"`
	Unit     string  `json:"unit"`
	Assumed  float64 `json:"assumed"`
	Measured float64 `json:"measured"`
	Origin   string  `json:"origin"`
}

// Plan is the answer. Every number has its origin.
type Plan struct {
	Stack  string  `json:"stack"`
	Region string  `json:"region"`
	Target Target  `json:"target"`
	Study  *Study  `json:"study"` // null without runs
	Limits []Limit `json:"limits"`
	Sizes  []Size  `json:"sizes"`
	// Assumed are the stack's first assumptions that runs measure.
	Assumed  []Assumption `json:"assumed"`
	Chosen   *Choice      `json:"chosen"`   // the cheapest that holds the objectives; null without runs
	Frontier []Choice     `json:"frontier"` // cost against p95
	Changes  []Change     `json:"changes"`  // of the stack's file, that validation accepts
	Today    Cost         `json:"today"`    // of the stack as declared
	Missing  []string     `json:"missing"`  // what is not told, and what would tell it
}

// Cost is a month's, USD at list prices.
type Cost struct {
	LeastUSD float64 `json:"leastUSD"` // with the fewest nodes
	MostUSD  float64 `json:"mostUSD"`  // with all that autoscaling may add
	// PerMillionUSD is what a million requests cost where the target comes all the time and all that may be added is
	// there.
	PerMillionUSD float64 `json:"perMillionUSD"`
}

const secondsPerMonth = price.HoursPerMonth * 3600

func costOf(b price.Bill, rps float64) Cost {
	return Cost{LeastUSD: b.MinUSD, MostUSD: b.MaxUSD, PerMillionUSD: b.MaxUSD / (rps * secondsPerMonth) * 1e6}
}

// New answers a question about a stack. study is nil without runs: then it says what follows from the configuration
// alone, and which run is missing. Its error names the objective that nothing in the catalogue holds.
func New(stack Stack, q Question, study *Study) (*Plan, error) {
	target, err := q.target(stack.Config)
	if err != nil {
		return nil, err
	}
	p := &Plan{Stack: stack.Config.Stack, Region: stack.Config.Region, Target: target, Study: study, Limits: []Limit{},
		Changes: []Change{}, Frontier: []Choice{}, Assumed: []Assumption{},
		Missing: []string{edgeMissing, growthMissing}, Today: costOf(stack.Bill, target.TodayRPS)}
	if old := price.Stale(stack.Prices.Day(), q.Now); old != "" {
		p.Missing = append(p.Missing, old)
	}
	if study == nil {
		p.Missing = append(p.Missing, "what a request takes of each tier: ragscale load run steps, then this with --run RUN")
		return p, p.declared(stack)
	}
	p.Missing = append(p.Missing, study.Notes...)
	if stack.Config.Environment == stacks.Local {
		p.Missing = append(p.Missing, "what a request takes of AWS' processors: it was measured on this machine's cores, "+
			"which all of the stack and the generators share")
	}
	p.Target.Beyond = target.RPS > trustedReach*study.most()
	p.limits(stack.Config, q)
	p.assumptions(stack.Config)
	return p, p.choose(stack)
}

// What no run tells.
const (
	edgeMissing = "the edge's share: load tests aim at the load balancer, what the edge answers comes on top (panel " +
		"edge-hits of ragscale load report)"
	growthMissing = "growth of tables, logs, keys and vectors: ragscale db report says what is stored"
)

// assumptions holds what stacks assumes beside what was measured.
func (p *Plan) assumptions(c *stacks.Config) {
	if d, known := p.Study.Demand(Connections); known {
		p.Assumed = append(p.Assumed, Assumption{"time that a request holds a database connection", "ms",
			1000 * c.Pools().Demand.HoldSeconds, 1000 * d.Seconds, d.Origin})
	}
	if d, known := p.Study.Demand(APICPU); known {
		busy := float64(c.API.Requests.CPU) / 1000 * float64(c.SLO.HPA.CPUPercent) / 100
		p.Assumed = append(p.Assumed, Assumption{"requests of one API pod", "/s", c.RPSPerPod(), busy / d.Seconds,
			fmt.Sprintf("%v × %d %% ÷ %.3f ms: %s", c.API.Requests.CPU, c.SLO.HPA.CPUPercent, 1000*d.Seconds, d.Origin)})
	}
}

// target is the throughput that a question is about.
func (q Question) target(c *stacks.Config) (Target, error) {
	t := Target{TodayRPS: c.SLO.ThroughputRPS, RPS: q.RPS, GrowthPercent: q.GrowthPercent, Until: q.Until,
		ZoneLost: q.ZoneLost, Origin: "asked for"}
	if err := q.check(); err != nil {
		return t, err
	}
	switch {
	case q.GrowthPercent > 0:
		months := q.Until.Sub(q.Now).Hours() / price.HoursPerMonth
		t.RPS = t.TodayRPS * math.Pow(1+q.GrowthPercent/100, months)
		t.Origin = fmt.Sprintf("%v requests/s (slo.throughputRPS) × %v^%.1f months", t.TodayRPS, 1+q.GrowthPercent/100,
			months)
	case q.RPS == 0:
		t.RPS, t.Origin = t.TodayRPS, "slo.throughputRPS"
	}
	if t.RPS > mostRPS {
		return t, fmt.Errorf("the target is %.4g requests/s, want at most %.0e", t.RPS, mostRPS)
	}
	return t, nil
}

// check wants a question that can be answered.
func (q Question) check() error {
	var faults []error
	if !(q.RPS >= 0) || math.IsInf(q.RPS, 0) {
		faults = append(faults, fmt.Errorf("rps is %v, want more than 0", q.RPS))
	}
	if !(q.GrowthPercent >= 0 && q.GrowthPercent <= mostGrowth) {
		faults = append(faults, fmt.Errorf("growth is %v %% a month, want 0 to %d", q.GrowthPercent, mostGrowth))
	}
	if q.RPS > 0 && q.GrowthPercent > 0 {
		faults = append(faults, errors.New("rps and growth are both said, want one of them"))
	}
	if q.GrowthPercent > 0 && !q.Until.After(q.Now) {
		faults = append(faults, fmt.Errorf("growth is until %s, want a day after %s", day(q.Until), day(q.Now)))
	}
	return errors.Join(faults...)
}

const (
	mostGrowth = 1000
	mostRPS    = 1e6 // that slo.throughputRPS takes
)

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// limits are what gives out, the first first.
func (p *Plan) limits(c *stacks.Config, q Question) {
	x, _, why := p.Study.Holds(c.SLO.ResponseSeconds)
	p.Limits = append(p.Limits, Limit{What: "the stack as it was measured", RPS: x,
		Origin: fmt.Sprintf("%s; Universal Scalability Law of %d levels", why, len(p.Study.Law.Points))})
	cpu := c.SLO.CPUPercent / 100
	lost := 0
	if q.ZoneLost && c.Database.Replicas > 1 {
		lost = 1
	}
	if s := p.Study.Model.Stations[0]; s.Name == machineStation {
		p.limit(machineStation, float64(s.Servers)*cpu/s.Demand, fmt.Sprintf(
			"%d cores × %v %% (slo.cpuPercent) ÷ %.2f ms: %s", s.Servers, c.SLO.CPUPercent, 1000*s.Demand,
			p.Study.Model.Origins[s.Name]))
	}
	pod := float64(c.API.Requests.CPU) / 1000 * float64(c.SLO.HPA.CPUPercent) / 100
	p.tier(APICPU, "the API at its most pods", float64(c.SLO.HPA.MaxReplicas)*pod, fmt.Sprintf(
		"%d pods (slo.hpa.maxReplicas) × %v × %d %%; beyond it they live on idle cores", c.SLO.HPA.MaxReplicas,
		c.API.Requests.CPU, c.SLO.HPA.CPUPercent))
	primary, replica := vcpus(c)
	p.tier(PrimaryCPU, "the primary", float64(primary)*cpu, fmt.Sprintf("%d vCPU of %s × %v %% (slo.cpuPercent)", primary,
		c.Database.InstanceClass, c.SLO.CPUPercent))
	if n := c.Database.Replicas; n > 0 {
		p.tier(ReplicaCPU, "the replicas", float64((n-lost)*replica)*cpu, fmt.Sprintf("%d × %d vCPU of %s × %v %%", n-lost,
			replica, c.ReplicaClass(), c.SLO.CPUPercent))
	}
	p.tier(CacheCPU, "the cache's thread", cpu, fmt.Sprintf("1 × %v %%", c.SLO.CPUPercent))
	chain := c.Pools()
	pools := chain.PgBouncer
	size := float64(chain.Demand.Usable(pools.MinPods*pools.Write, pools.MinPods*pools.Read))
	p.tier(Connections, "PgBouncer's connections", math.Pow(math.Sqrt(size+1)-1, 2), fmt.Sprintf(
		"%v connections of %d pods until the pool of reads or of writes is full, of which 2√ are "+
			"room for what comes at once", size, pools.MinPods))
	slices.SortStableFunc(p.Limits, func(a, b Limit) int { return cmp.Compare(a.RPS, b.RPS) })
	for i := range p.Limits {
		p.Limits[i].When = q.when(p.Target.TodayRPS, p.Limits[i].RPS)
	}
}

// tier adds the limit of a tier whose demand is known: as many busy as it may have, over what a request takes.
func (p *Plan) tier(tier Tier, what string, busy float64, origin string) {
	if d, known := p.Study.Demand(tier); known {
		p.limit(what, busy/d.Seconds, fmt.Sprintf("%s ÷ %.3f ms a request (demand: %s)", origin, 1000*d.Seconds, tier))
	}
}

func (p *Plan) limit(what string, rps float64, origin string) {
	p.Limits = append(p.Limits, Limit{What: what, RPS: rps, Origin: origin})
}

// when a throughput is reached at the growth that was asked about; zero for no growth, and for what is reached
// already.
func (q Question) when(today, rps float64) time.Time {
	if q.GrowthPercent <= 0 || rps <= today {
		return time.Time{}
	}
	months := math.Log(rps/today) / math.Log(1+q.GrowthPercent/100)
	if months > 1200 {
		return time.Time{}
	}
	return q.Now.Add(time.Duration(months * price.HoursPerMonth * float64(time.Hour)))
}

// vcpus are those of one primary and one replica. A Config that was parsed has known classes.
func vcpus(c *stacks.Config) (primary, replica int) {
	if class, err := rds.Lookup(c.Database.InstanceClass); err == nil {
		primary = class.VCPU
	}
	if class, err := rds.Lookup(c.ReplicaClass()); err == nil {
		replica = class.VCPU
	}
	return primary, replica
}

// HardwareOf is what a stack has; cores are those of the machine of a stack on one, 0 of others.
func HardwareOf(c *stacks.Config, cores int) Hardware {
	h := Hardware{Cores: cores}
	h.PrimaryVCPU, h.ReplicaVCPU = vcpus(c)
	return h
}

// ServersOf is how many work at once in each tier of a stack at full scale.
func ServersOf(c *stacks.Config) map[Tier]int {
	primary, replica := vcpus(c)
	return map[Tier]int{APICPU: apiServers(c.SLO.HPA.MaxReplicas, c), PrimaryCPU: primary,
		ReplicaCPU: replica * c.Database.Replicas, CacheCPU: 1}
}

// apiServers are the cores that so many pods are sure of, one at the least.
func apiServers(pods int, c *stacks.Config) int {
	return max(1, int(math.Round(float64(pods)*float64(c.API.Requests.CPU)/1000)))
}
