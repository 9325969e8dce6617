package capacity

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue/price"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/perf/queueing"
	"github.com/ragscale/ragscale/stacks"
)

// Choice is a set of sizes from the catalogue.
type Choice struct {
	Pods     int     `json:"pods"` // of the API, at the most
	NodeType string  `json:"nodeType"`
	Nodes    int     `json:"nodes"` // of group api, at the most
	Class    string  `json:"databaseClass"`
	Replicas int     `json:"databaseReplicas"`
	P95      float64 `json:"p95Seconds"` // expected at the target
	Cost     Cost    `json:"cost"`
}

// podSteps are what pods are tried in, times the fewest.
var podSteps = []float64{1, 1.25, 1.5, 2}

// choose finds the cheapest set that holds the objectives at the target, and what more money buys.
func (p *Plan) choose(stack Stack) error {
	c := stack.Config
	if _, known := p.Study.Demand(APICPU); !known {
		p.Missing = append(p.Missing, fmt.Sprintf("sizes: %s that a request takes is not known, want a run of steps with "+
			"its telemetry: ragscale load run steps", APICPU))
		return p.declared(stack)
	}
	fewest, err := p.fewestPods(c)
	if err != nil {
		return err
	}
	databases := p.databases(stack)
	var all []Choice
	for _, step := range podSteps {
		pods := int(math.Ceil(fewest * step))
		nodes, err := p.nodesFor(stack, pods)
		if err != nil {
			return err
		}
		for _, d := range databases {
			one := d
			one.Pods, one.NodeType, one.Nodes = pods, nodes.NodeType, nodes.Nodes
			if one.P95 = p.expected(c, one); one.P95 <= c.SLO.ResponseSeconds {
				one.Cost = costOf(one.bill(stack), p.Target.RPS)
				all = append(all, one)
			}
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("no set of the catalogue holds %.0f requests/s with a p95 of %v s and %v %% of CPU: relax "+
			"slo.responseSeconds or slo.cpuPercent, or ask for less", p.Target.RPS, c.SLO.ResponseSeconds, c.SLO.CPUPercent)
	}
	p.Frontier = frontier(all)
	p.Chosen = &p.Frontier[0]
	return p.settleChoice(stack)
}

// fewestPods keep within the autoscaler's target.
func (p *Plan) fewestPods(c *stacks.Config) (float64, error) {
	d, _ := p.Study.Demand(APICPU)
	each := float64(c.API.Requests.CPU) / 1000 * float64(c.SLO.HPA.CPUPercent) / 100
	pods := math.Ceil(p.Target.RPS * d.Seconds / each)
	if pods > mostPods {
		return 0, fmt.Errorf("the API would need %.0f pods of %v, want at most %d: raise api.requests.cpu", pods,
			c.API.Requests.CPU, mostPods)
	}
	return max(pods, float64(c.SLO.HPA.MinReplicas), 1), nil
}

// mostPods that slo.hpa.maxReplicas takes.
const mostPods = 1000

// databases are the classes and numbers of replicas that keep within the objective for CPU, each with the fewest
// replicas and one more. Without a demand of the database they are as declared, which is said.
func (p *Plan) databases(stack Stack) (all []Choice) {
	c := stack.Config
	primary, known := p.Study.Demand(PrimaryCPU)
	replica, both := p.Study.Demand(ReplicaCPU)
	if !known || c.Database.Replicas > 0 && !both {
		p.Missing = append(p.Missing, "the database's class and replicas are as declared: its CPU a request is not known")
		return []Choice{{Class: c.Database.InstanceClass, Replicas: c.Database.Replicas}}
	}
	for _, class := range classesFor(stack) {
		room := float64(class.VCPU) * c.SLO.CPUPercent / 100
		if p.Target.RPS*primary.Seconds > room {
			continue
		}
		if c.Database.Replicas == 0 {
			all = append(all, Choice{Class: class.Name})
			continue
		}
		fewest := max(1, int(math.Ceil(p.Target.RPS*replica.Seconds/room)))
		if p.Target.ZoneLost {
			fewest++
		}
		for n := fewest; n <= min(fewest+1, rds.MostReplicas); n++ {
			all = append(all, Choice{Class: class.Name, Replicas: n})
		}
	}
	return all
}

// classesFor are those of today's architecture that have a price, no less memory than today and, unless today's has,
// none that lives on credits.
func classesFor(stack Stack) (all []rds.Class) {
	now, err := rds.Lookup(stack.Config.Database.InstanceClass)
	if err != nil {
		return nil
	}
	for _, name := range rds.Names() {
		class, err := rds.Lookup(name)
		_, priced := stack.Prices.In(stack.Config.Region, price.DatabaseHours, name)
		alike := class.Architecture == now.Architecture && class.MemoryBytes >= now.MemoryBytes
		if err == nil && priced && alike && (now.Burstable || !class.Burstable) {
			all = append(all, class)
		}
	}
	return all
}

// expected is the p95 of a choice at the target: exact mean response of the open network, times what the levels have
// of p95 to mean with as many requests in the system. +Inf where a station could not keep up.
func (p *Plan) expected(c *stacks.Config, one Choice) float64 {
	class, err := rds.Lookup(one.Class)
	if err != nil {
		return math.Inf(1)
	}
	servers := map[Tier]int{APICPU: apiServers(one.Pods, c), PrimaryCPU: class.VCPU, ReplicaCPU: class.VCPU * one.Replicas,
		CacheCPU: 1}
	var stations []queueing.Station
	for _, d := range p.Study.Demands {
		if n := servers[d.Tier]; n > 0 {
			stations = append(stations, queueing.Station{Name: string(d.Tier), Demand: d.Seconds, Servers: n})
		}
	}
	for _, s := range p.Study.Model.Stations {
		if s.Name == wayStation {
			stations = append(stations, s)
		}
	}
	solved, err := queueing.Open(stations, p.Target.RPS)
	if err != nil {
		return math.Inf(1)
	}
	spread := p.Study.spread(p.Target.RPS * solved.Response)
	if math.IsNaN(spread) {
		spread = math.Log(20) // of exponential times
	}
	return solved.Response * spread
}

// bill is that of the stack with a choice in place of what it declares.
func (one Choice) bill(stack Stack) price.Bill {
	items := stack.Bill.Items()
	for i := range items {
		one.replace(&items[i], stack.Config)
	}
	return stack.Prices.Estimate(stack.Config.Region, items)
}

// replace makes an item that of the choice. Volumes go with what they belong to.
func (one Choice) replace(item *price.Item, c *stacks.Config) {
	scaled := func(by float64) { item.Min, item.Max = item.Min*by, item.Max*by }
	switch item.Name {
	case "nodes api":
		item.Max *= float64(one.Nodes) / float64(c.Cluster.NodeGroups["api"].Max)
		item.Min = min(item.Min, item.Max)
		if item.Service == price.NodeHours {
			item.Type = one.NodeType
		}
	case "database":
		if item.Service == price.DatabaseHours {
			item.Type = one.Class
		}
	case "database replica":
		scaled(float64(one.Replicas) / float64(max(1, c.Database.Replicas)))
		if item.Service == price.DatabaseHours {
			item.Type = one.Class
		}
	}
}

// frontier are the choices that none beats in both cost and p95, the cheapest first.
func frontier(all []Choice) (best []Choice) {
	slices.SortStableFunc(all, func(a, b Choice) int {
		if c := cmp.Compare(a.Cost.MostUSD, b.Cost.MostUSD); c != 0 {
			return c
		}
		return cmp.Compare(a.P95, b.P95)
	})
	least := math.Inf(1)
	for _, one := range all {
		if one.P95 < least*0.99 {
			least, best = one.P95, append(best, one)
		}
	}
	return best
}

// settleChoice says what the choice changes, if validation accepts it.
func (p *Plan) settleChoice(stack Stack) error {
	c, one := stack.Config, p.Chosen
	all := p.nodeChanges(c, one.Pods, one.NodeType, one.Nodes)
	all = append(all, Change{"database.instanceClass", c.Database.InstanceClass, one.Class},
		Change{"database.replicas", c.Database.Replicas, one.Replicas})
	then, err := stack.parsed(all)
	if err != nil {
		return fmt.Errorf("the cheapest set is refused by validation, choose another key of it: %w", err)
	}
	for _, change := range all {
		// To name one group replaces the default set: all are said.
		if strings.HasPrefix(change.Path, groupsPath) || fmt.Sprint(change.From) != fmt.Sprint(change.To) {
			p.Changes = append(p.Changes, change)
		}
	}
	p.sizes(c, then)
	return nil
}

// declared is the answer without runs: what follows from the configuration for another throughput.
func (p *Plan) declared(stack Stack) error {
	c := stack.Config
	pods := int(math.Ceil(p.Target.RPS / c.RPSPerPod()))
	all := []Change{{"slo.throughputRPS", c.SLO.ThroughputRPS, math.Round(max(p.Target.RPS, 1))},
		{"slo.hpa.maxReplicas", c.SLO.HPA.MaxReplicas, max(pods, c.SLO.HPA.MinReplicas)}}
	then, err := stack.parsed(all)
	if err != nil {
		p.Missing = append(p.Missing, "the same stack for the target is refused by validation: "+
			strings.ReplaceAll(err.Error(), "\n", "; "))
		then = c
	}
	p.sizes(c, then)
	for i := range p.Sizes {
		if err != nil {
			p.Sizes[i].Then, p.Sizes[i].Origin = notTold, "validation refuses the stack for the target (see the note)"
			continue
		}
		switch p.Sizes[i].What {
		case sizePods:
			p.Sizes[i].Origin = "in proportion to slo.throughputRPS and slo.hpa.maxReplicas as declared, not measured"
		case sizeNodes, sizeClass, sizeReplicas:
			p.Sizes[i].Then, p.Sizes[i].Origin = notTold, "a request's demands are not known without a run"
		}
	}
	return nil
}
