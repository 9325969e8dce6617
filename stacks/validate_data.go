package stacks

import (
	"fmt"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/stacks/settings"
)

// What a PgBouncer process takes: an estimate on the safe side of its code and tables, and of each connection's buffers
// and TLS state; 2026-11. Compare with the pods' memory under load.
const (
	poolerMemory           = Memory(16 * catalogue.MiB)
	poolerConnectionMemory = Memory(64 * 1024)
)

func (c *Config) checkPgBouncer(f *settings.Faults) {
	path, p := prefix+"pgbouncer", c.PgBouncer
	if p.Max < p.Min {
		f.Add(path+".max", settings.Show(p.Max), fmt.Sprintf("at least min, %d", p.Min))
	}
	checkLimits(path, p.Requests, p.Limits, f)
	pools := c.Pools().PgBouncer
	connections := pools.MaxClients + pools.Write + pools.Read
	if needed := poolerMemory + Memory(connections)*poolerConnectionMemory; p.Limits.Memory < needed {
		f.Add(path+".limits.memory", "is "+p.Limits.Memory.String(),
			fmt.Sprintf("at least %dMi: a pod may hold %d connections, %d of clients", int64((needed+mebibyte-1)/mebibyte),
				connections, pools.MaxClients))
	}
}

func (c *Config) checkCache(f *settings.Faults) {
	path, cache := prefix+"cache", c.Cache
	checkWindows(path, "snapshotWindow", cache.SnapshotWindow, cache.MaintenanceWindow, redis.LeastWindow, f)
	checkSaid(path+".parameters", cache.Parameters, redis.Lookup, parameter.Instance{}, f)
	if !f.Within(prefix + "cache.parameters") {
		c.checkWorkingSet(f)
	}
}

// checkWorkingSet wants the working set to fit into the node below the memory objective: above it there is an alarm,
// and at the limit popular keys are evicted.
func (c *Config) checkWorkingSet(f *settings.Faults) {
	m := c.CacheMemory()
	if m.WorkingSet <= m.Objective {
		return
	}
	f.Add(prefix+"cache.workingSetMiB", settings.Show(c.Cache.WorkingSetMiB),
		fmt.Sprintf("at most %d: %v %% (slo.memoryPercent) of the %d MiB that %s has for data%s", m.Objective/catalogue.MiB,
			c.SLO.MemoryPercent, m.Usable/catalogue.MiB, c.Cache.NodeType, c.roomier(m.WorkingSet)))
}

// roomier names the smallest node type that holds a working set.
func (c *Config) roomier(workingSet int64) string {
	var best redis.Node
	for _, name := range redis.NodeTypes() {
		node, err := redis.NodeType(name)
		if err != nil {
			continue
		}
		usable := float64(node.MaxMemory) * float64(100-c.reserved(name)) / 100
		if usable*c.SLO.MemoryPercent/100 >= float64(workingSet) && (best.Name == "" || node.MaxMemory < best.MaxMemory) {
			best = node
		}
	}
	if best.Name == "" {
		return ""
	}
	return ", or " + best.Name
}

func (c *Config) checkVectorStore(f *settings.Faults) {
	checkLimits(prefix+"vectorStore", c.VectorStore.Requests, c.VectorStore.Limits, f)
}
