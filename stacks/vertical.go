package stacks

import (
	"slices"

	"github.com/ragscale/ragscale/catalogue/kubernetes"
)

// byName are the vertical autoscalers by their configuration keys.
func (v VerticalWorkloads) byName() map[string]Vertical {
	return map[string]Vertical{"api": v.API, "worker": v.Worker, "pgbouncer": v.PgBouncer, "chroma": v.Chroma}
}

// VerticalActs reports whether any vertical autoscaler does more than recommend.
func (c *Config) VerticalActs() bool {
	for _, v := range c.Autoscaling.Vertical.byName() {
		if v.Mode != kubernetes.VPAOff {
			return true
		}
	}
	return false
}

// horizontal are the resources that a workload's horizontal autoscaler acts on; the workload as in the configuration.
func (c *Config) horizontal(workload string) []string {
	switch {
	case workload == "chroma":
		return nil
	case workload != "pgbouncer" && c.SLO.HPA.MemoryPercent > 0:
		return []string{"cpu", "memory"}
	}
	return []string{"cpu"}
}

// VerticalPolicies are the vertical autoscalers of a stack's workloads.
type VerticalPolicies struct{ API, Worker, PgBouncer, Chroma VerticalPolicy }

// VerticalPolicy is a vertical autoscaler with its bounds.
type VerticalPolicy struct {
	Mode      string
	Resources []string
	// Min and Max bound what it sets; a resource that it does not act on is 0. Without bounds in mode Off: the
	// recommendation then says what the pods want.
	Min, Max Requests
}

// leastShare of its configured request is what a workload keeps: so far off, the configuration is to be corrected
// (alert RequestDrift has the same factor of two).
const leastShare = 0.5

// VerticalPolicies derives the bounds. The least is half of what is configured. The most is what the smallest node that
// fits the workload can allocate beside the daemon sets, so that every pod finds a place on any of them, and no more
// than the limit, where the limit stays: that of the API, the worker and PgBouncer is what their own settings are made
// of. Chroma's limit grows with its request, since its index must be in memory whole, so that the most leaves room for
// both:
//
//	smallest node × request / limit
func (c *Config) VerticalPolicies() VerticalPolicies {
	v := c.Autoscaling.Vertical
	return VerticalPolicies{
		API:       c.verticalPolicy(v.API, c.API.Requests, c.capped(c.API.Requests, c.API.Limits)),
		Worker:    c.verticalPolicy(v.Worker, c.API.Worker.Requests, c.capped(c.API.Worker.Requests, c.API.Worker.Limits)),
		PgBouncer: c.verticalPolicy(v.PgBouncer, c.PgBouncer.Requests, c.capped(c.PgBouncer.Requests, c.PgBouncer.Limits)),
		Chroma: c.verticalPolicy(v.Chroma, c.VectorStore.Requests,
			c.inProportion(c.VectorStore.Requests, c.VectorStore.Limits)),
	}
}

func (c *Config) verticalPolicy(v Vertical, requests, most Requests) VerticalPolicy {
	policy := VerticalPolicy{Mode: v.Mode, Resources: v.Resources}
	if v.Mode == kubernetes.VPAOff {
		return policy
	}
	if slices.Contains(v.Resources, "cpu") {
		policy.Min.CPU, policy.Max.CPU = max(1, CPU(leastShare*float64(requests.CPU))), most.CPU
	}
	if slices.Contains(v.Resources, "memory") {
		policy.Min.Memory, policy.Max.Memory = wholeMiB(leastShare*float64(requests.Memory)), most.Memory
	}
	return policy
}

// capped is the most of a workload whose limits stay.
func (c *Config) capped(requests Requests, limits Limits) Requests {
	most := c.smallestNode(requests)
	if limits.CPU > 0 {
		most.CPU = min(most.CPU, limits.CPU)
	}
	most.Memory = min(most.Memory, limits.Memory)
	return most
}

// inProportion is the most of a workload whose limits grow with its requests; no less than it requests now.
func (c *Config) inProportion(requests Requests, limits Limits) Requests {
	most := c.smallestNode(requests)
	if limits.CPU > 0 {
		most.CPU = CPU(float64(most.CPU) * float64(requests.CPU) / float64(limits.CPU))
	}
	most.Memory = wholeMiB(float64(most.Memory) * float64(requests.Memory) / float64(limits.Memory))
	return Requests{CPU: max(requests.CPU, most.CPU), Memory: max(requests.Memory, most.Memory)}
}

// smallestNode is what each node that fits the requests can allocate to one pod.
func (c *Config) smallestNode(requests Requests) Requests {
	var least Requests
	for _, n := range c.workloadNodes() {
		if n.CPUMilli < int64(requests.CPU) || n.MemoryBytes < int64(requests.Memory) {
			continue
		}
		if cpu := CPU(n.CPUMilli); least.CPU == 0 || cpu < least.CPU {
			least.CPU = cpu
		}
		if memory := wholeMiB(float64(n.MemoryBytes)); least.Memory == 0 || memory < least.Memory {
			least.Memory = memory
		}
	}
	return least
}

// wholeMiB rounds down, at least to one: Kubernetes takes bytes too, but nobody reads them.
func wholeMiB(bytes float64) Memory { return max(mebibyte, Memory(bytes)/mebibyte*mebibyte) }
