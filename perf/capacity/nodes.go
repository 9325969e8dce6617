package capacity

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/price"
	"github.com/ragscale/ragscale/stacks"
)

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
