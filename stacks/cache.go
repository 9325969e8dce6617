package stacks

import (
	"strconv"
	"strings"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/redis"
)

// evictionPolicy is what Redis drops when its memory is full. All but noeviction touch only keys with a lifetime, so
// that the counters by which entries are invalidated, which have none, outlive the entries. None is by frequency: under
// LFU a fresh mark of invalidation goes before the popular entry that it invalidates (docs/caching.md).
type evictionPolicy struct{ policy, reason string }

var evictionPolicies = map[string]evictionPolicy{
	"recent":   {"volatile-lru", "what was asked for last is asked for next: keep it; keys without a lifetime stay"},
	"expiring": {"volatile-ttl", "drop what has the shortest time to live; keys without a lifetime stay"},
	"durable":  {"noeviction", "drop nothing: a full cache refuses writes"},
}

// CacheParameters is the parameter group of the cache (family redis7), derived from the workload, the node type and the
// objectives. What each parameter is: redis.Lookup. Keyspace notifications stay off, as is the default: nothing
// listens, and each costs CPU at every write.
func (c *Config) CacheParameters() []Parameter {
	g := &parameterGroup{said: c.Cache.Parameters, lookup: redis.Lookup}
	eviction := evictionPolicies[c.Cache.Workload]
	g.set("maxmemory-policy", eviction.policy, eviction.reason)
	g.set("maxmemory-samples", "10", "keys compared for each eviction: near exact, where the default's error would drop "+
		"popular keys")
	g.set("reserved-memory-percent", strconv.Itoa(reservedPercent(c.Cache.NodeType)),
		"% of the node for snapshots, replication and buffers; AWS recommends 25, on small nodes 30 and on micro 50")
	for _, what := range []string{"eviction", "expire", "server-del", "user-del"} {
		g.set("lazyfree-lazy-"+what, "yes", "large results are freed aside: the one thread that answers does not wait")
	}
	g.set("timeout", "0", "s; the API keeps few connections for long, and one that is closed loses its client-side cache")
	g.set("tcp-keepalive", "60", "s; a client that is gone is noticed by this, not by its silence")
	g.set("slowlog-log-slower-than", strconv.Itoa(c.slowCommandMicros()),
		"µs; a 200th of the response objective: what holds the one thread that long shows in every request")
	g.set("slowlog-max-len", "1024", "entries; a burst is delivered to the logs before it is overwritten")
	return g.finish(false)
}

// slowCommandMicros is from when on a command of the cache is logged, µs.
func (c *Config) slowCommandMicros() int { return ceil(c.SLO.ResponseSeconds * 1e6 / 200) }

// reservedPercent is the part of a node's memory that is not for data.
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/redis-memory-management.html ; read 2026-11-23.
func reservedPercent(nodeType string) int {
	switch {
	case strings.HasSuffix(nodeType, ".micro"):
		return 50
	case strings.HasSuffix(nodeType, ".small"):
		return 30
	}
	return 25
}

// CacheMemory is how the memory of a cache node is divided, bytes.
type CacheMemory struct {
	Node       int64 // maxmemory of the node type
	Usable     int64 // less what is reserved: when it is full, Redis evicts
	Objective  int64 // slo.memoryPercent of it: above, an alarm
	WorkingSet int64 // what is asked for again
}

// CacheMemory divides the memory of a cache node.
func (c *Config) CacheMemory() CacheMemory {
	m := CacheMemory{WorkingSet: int64(c.Cache.WorkingSetMiB) * catalogue.MiB}
	node, err := redis.NodeType(c.Cache.NodeType)
	if err != nil {
		return m // a Config that Parse returned has a known node type
	}
	m.Node = node.MaxMemory
	m.Usable = m.Node * int64(100-c.reserved(c.Cache.NodeType)) / 100
	m.Objective = int64(float64(m.Usable) * c.SLO.MemoryPercent / 100)
	return m
}

// reserved is reserved-memory-percent: what the stack says, else what the node type needs.
func (c *Config) reserved(nodeType string) int {
	if n, err := wholeNumber(c.Cache.Parameters["reserved-memory-percent"]); err == nil && n >= 0 && n <= 100 {
		return n
	}
	return reservedPercent(nodeType)
}
