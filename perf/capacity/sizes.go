package capacity

import (
	"fmt"

	"github.com/ragscale/ragscale/stacks"
)

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
