package capacity

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue/ec2"
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

// kind is a type of node with what it costs at the least: its pods' CPU and memory over what one allocates.
type kind struct {
	name  string
	least int
	usd   float64 // an hour, of one
}

// nodesFor is the cheapest type of node for so many API pods beside the others, and how many of it, as validation
// counts them; more by the share of a zone where one may be lost.
func (p *Plan) nodesFor(stack Stack, pods int) (best Choice, err error) {
	c := stack.Config
	least := math.Inf(1)
	for _, k := range p.kinds(stack, pods) {
		if float64(k.least)*k.usd >= least {
			break // those after it cost no less
		}
		if n, ok := p.fewestNodes(stack, pods, k); ok && float64(n)*k.usd < least {
			least, best = float64(n)*k.usd, Choice{NodeType: k.name, Nodes: n}
		}
	}
	if math.IsInf(least, 1) {
		_, err := stack.parsed(p.nodeChanges(c, pods, c.Cluster.NodeGroups["api"].InstanceTypes[0], mostNodes))
		return best, errors.Join(fmt.Errorf("no type of node has room for %d API pods in %d nodes", pods, mostNodes), err)
	}
	return best, nil
}

// kinds are the types of the group's architecture that have a price, the cheapest first.
func (p *Plan) kinds(stack Stack, pods int) (all []kind) {
	c := stack.Config
	now, err := ec2.Lookup(c.Cluster.NodeGroups["api"].InstanceTypes[0])
	if err != nil {
		return nil
	}
	cpu, memory := int64(pods)*int64(c.API.Requests.CPU), int64(pods)*int64(c.API.Requests.Memory)
	for _, name := range ec2.Names() {
		t, err := ec2.Lookup(name)
		unit, priced := stack.Prices.In(p.Region, price.NodeHours, name)
		if err != nil || !priced || t.Architecture != now.Architecture || t.Burstable && !now.Burstable {
			continue
		}
		free := t.Allocatable()
		n := max(1, (cpu+free.CPUMilli-1)/free.CPUMilli, (memory+free.MemoryBytes-1)/free.MemoryBytes)
		all = append(all, kind{name, int(n), unit.USD})
	}
	slices.SortStableFunc(all, func(a, b kind) int {
		return cmp.Compare(float64(a.least)*a.usd, float64(b.least)*b.usd)
	})
	return all
}

// withoutBurst is the configuration without the group of spot nodes: those may be gone, and the target has to be held.
func withoutBurst(c *stacks.Config) *stacks.Config {
	without := *c
	without.Cluster.NodeGroups = maps.Clone(c.Cluster.NodeGroups)
	delete(without.Cluster.NodeGroups, "burst")
	return &without
}

// mostNodes that a group takes.
const mostNodes = 450

// fewestNodes of a type that validation takes; false for none.
func (p *Plan) fewestNodes(stack Stack, pods int, k kind) (int, bool) {
	zones := float64(stack.Config.Network.Zones)
	whole := func(n int) int {
		if !p.Target.ZoneLost {
			return n
		}
		return int(math.Ceil(float64(n) * zones / (zones - 1)))
	}
	fits := func(n int) bool {
		_, err := stack.parsed(p.nodeChanges(withoutBurst(stack.Config), pods, k.name, n))
		return err == nil
	}
	least := max(k.least, stack.Config.Cluster.NodeGroups["api"].Min)
	low, high, step := least-1, least, 1
	for !fits(high) {
		low, high, step = high, high+step, step*2
		if whole(high) > mostNodes {
			return 0, false
		}
	}
	for low+1 < high {
		if n := (low + high) / 2; fits(n) {
			high = n
		} else {
			low = n
		}
	}
	return whole(high), true
}

// nodeChanges are what the file says of a group api with such nodes; the other groups are as declared.
func (p *Plan) nodeChanges(c *stacks.Config, pods int, typ string, n int) []Change {
	api := c.Cluster.NodeGroups["api"]
	all := []Change{
		{"slo.throughputRPS", c.SLO.ThroughputRPS, math.Round(max(p.Target.RPS, 1))},
		{"slo.hpa.maxReplicas", c.SLO.HPA.MaxReplicas, pods},
	}
	for _, name := range c.NodeGroupNames() { // naming one replaces the default set
		g := c.Cluster.NodeGroups[name]
		if name == "api" {
			g.InstanceTypes, g.Max = []string{typ}, n
			g.Min, g.Desired = min(api.Min, n), min(api.Desired, n)
		}
		all = append(all, Change{groupsPath + name, c.Cluster.NodeGroups[name], g})
	}
	return all
}

const groupsPath = "cluster.nodeGroups."

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

const notTold = "not told"

// Names of sizes.
const (
	sizePods     = "API pods"
	sizeNodes    = "nodes of group api"
	sizeClass    = "database class"
	sizeReplicas = "database replicas"
)

// sizes compares the stack as it is with what it will be.
func (p *Plan) sizes(c, then *stacks.Config) {
	bounds := func(c *stacks.Config) string {
		return fmt.Sprintf("%d to %d", c.SLO.HPA.MinReplicas, c.SLO.HPA.MaxReplicas)
	}
	p.size(sizePods, bounds(c), bounds(then), fmt.Sprintf(
		"target × %s ÷ (api.requests.cpu × slo.hpa.cpuPercent)", APICPU))
	request := func(c *stacks.Config) string {
		return fmt.Sprintf("cpu %v, memory %v, limit of memory %v", c.API.Requests.CPU, c.API.Requests.Memory,
			c.API.Limits.Memory)
	}
	p.size("requests and limits of one", request(c), request(then), "as declared: the pods' number follows the load")
	nodes := func(c *stacks.Config) string {
		g := c.Cluster.NodeGroups["api"]
		return fmt.Sprintf("%d to %d %s", g.Min, g.Max, g.InstanceTypes[0])
	}
	zone := ""
	if p.Target.ZoneLost {
		zone = ", and those of a lost zone"
	}
	p.size(sizeNodes, nodes(c), nodes(then), "the cheapest type that all pods at full scale fit, without group burst "+
		"(placement as validated)"+zone)
	p.size(sizeClass, c.Database.InstanceClass, then.Database.InstanceClass,
		fmt.Sprintf("target × %s ÷ vCPU ≤ slo.cpuPercent; memory no less than today", PrimaryCPU))
	p.size(sizeReplicas, fmt.Sprint(c.Database.Replicas), fmt.Sprint(then.Database.Replicas),
		fmt.Sprintf("target × %s ÷ (vCPU × slo.cpuPercent)%s", ReplicaCPU, zone))
	pools := func(c *stacks.Config) string {
		b := c.Pools().PgBouncer
		return fmt.Sprintf("%d to %d pods, pools %d write, %d read", c.PgBouncer.Min, c.PgBouncer.Max, b.Write, b.Read)
	}
	p.size("PgBouncer", pools(c), pools(then), "ragscale plan pools, of the target's throughput")
	p.size("connections of the primary", fmt.Sprint(c.Pools().Primary.MaxConnections),
		fmt.Sprint(then.Pools().Primary.MaxConnections), "ragscale plan pools")
	p.memories(c, then)
}

// memories are those that load does not change, and what they hold.
func (p *Plan) memories(c, then *stacks.Config) {
	storage := fmt.Sprintf("%d GiB, does not grow", c.Database.StorageGiB)
	if most := c.Database.MaxStorageGiB; most > 0 {
		storage = fmt.Sprintf("%d GiB, grows to %d", c.Database.StorageGiB, most)
	}
	p.size("database storage", storage, storage, "as declared: runs do not tell how it grows (ragscale db report says "+
		"its size)")
	cache := func(c *stacks.Config) string {
		return fmt.Sprintf("%d × %s for %d MiB", 1+c.Cache.Replicas, c.Cache.NodeType, c.Cache.WorkingSetMiB)
	}
	p.size("cache", cache(c), cache(then), "cache.workingSetMiB, within slo.memoryPercent of the node: throughput does "+
		"not change it")
	limit := float64(c.VectorStore.Limits.Memory) * c.SLO.MemoryPercent / 100
	vectors := limit / (vectorDimensions * bytesPerFloat * vectorMemory)
	text := fmt.Sprintf("%v, for %.0f vectors", c.VectorStore.Limits.Memory, vectors)
	p.size("vector store's memory", text, text, fmt.Sprintf("%d dimensions × %d bytes × %v resident (chroma-core/chroma "+
		"#1908: 366,568 vectors of 384 dimensions, 1.79 GB), within slo.memoryPercent", vectorDimensions, bytesPerFloat,
		vectorMemory))
}

const (
	vectorDimensions = 384 // of the API's own embedding
	bytesPerFloat    = 4
	// vectorMemory is resident memory over the floats' own: 1.79 GB for 537 MB, and not given back.
	// Source: https://github.com/chroma-core/chroma/issues/1908 and 3336.
	vectorMemory = 3.3
)

func (p *Plan) size(what, today, then, origin string) {
	p.Sizes = append(p.Sizes, Size{What: what, Today: today, Then: then, Origin: origin})
}
