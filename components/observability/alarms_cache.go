package observability

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func (a Args) cacheAlarms() []alarm {
	var all []alarm
	for _, key := range slices.Sorted(maps.Keys(a.CacheClusterIDs)) {
		all = append(all, a.cacheNode(key, map[string]pulumi.StringInput{"CacheClusterId": a.CacheClusterIDs[key]})...)
	}
	return all
}

func (a Args) cacheNode(key string, node map[string]pulumi.StringInput) []alarm {
	const space = "AWS/ElastiCache"
	t := a.Thresholds.Cache
	one := func(name, stat string) []metric { return []metric{{"value", space, name, stat, node}} }
	all := []alarm{
		{
			key: "cache-cpu", title: "CPU of the engine",
			meaning: "The cache's one thread is almost always at work: every command waits.",
			metrics: one("EngineCPUUtilization", "Average"), threshold: t.CPUPercent, unit: "%", when: sustained,
		},
		{
			key: "cache-memory", title: "Memory", meaning: "The cache is almost full: it will evict.",
			metrics: one("DatabaseMemoryUsagePercentage", "Average"), threshold: t.MemoryPercent, unit: "%", when: sustained,
		},
		{
			key: "cache-hit-rate", title: "Hits", meaning: "The cache answers too few of the reads: the database does the work.",
			// Without reads there is no hit rate, and no data point.
			metrics:    []metric{{"hits", space, "CacheHits", "Sum", node}, {"misses", space, "CacheMisses", "Sum", node}},
			expression: "100 * hits / (hits + misses)",
			below:      true, threshold: t.HitPercent, unit: "%", when: sustained,
		},
		{
			key: "cache-evictions", title: "Evictions", meaning: "The cache throws out keys before they expire.",
			metrics: one("Evictions", "Sum"), threshold: t.EvictionsPerMinute, unit: "keys per minute", when: sustained,
		},
		{
			key: "cache-replication-lag", title: "Replication lag",
			meaning: "A cache replica is behind: after a failover it would miss writes.",
			metrics: one("ReplicationLag", "Average"), threshold: a.Thresholds.Database.ReplicaLagSeconds, unit: "s",
			when: prompt,
		},
	}
	for i := range all {
		all[i].tier, all[i].subject, all[i].whenMissing = cacheTier, key, quiet
	}
	return all
}
