package observability

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/slo"
)

// instance is a primary (no key) or a replica.
type instance struct {
	key        string
	id         pulumi.StringInput
	freeMemory slo.Threshold
}

func (a Args) databaseAlarms() []alarm {
	instances := []instance{{"", a.DatabaseInstanceID, a.Thresholds.Database.FreeMemoryBytes}}
	for _, key := range slices.Sorted(maps.Keys(a.ReplicaIDs)) {
		instances = append(instances, instance{"replica-" + key, a.ReplicaIDs[key],
			a.Thresholds.Database.ReplicaFreeMemoryBytes})
	}
	var all []alarm
	for _, i := range instances {
		all = append(all, a.instanceAlarms(i)...)
		if i.key != "" {
			all = append(all, i.alarm("replica-lag", "Replication lag",
				"A replica is too far behind for reads that must be fresh.",
				"ReplicaLag", a.Thresholds.Database.ReplicaLagSeconds, "s", prompt))
			continue
		}
		all = append(all, i.alarm("database-write-latency", "Time of a write", "The volume is slow to write: commits wait.",
			"WriteLatency", a.Thresholds.Database.LatencySeconds, "s", sustained))
	}
	return all
}

// instanceAlarms are those that primary and replicas have in common. RDS knows no percent of memory or storage.
func (a Args) instanceAlarms(i instance) []alarm {
	t := a.Thresholds.Database
	memory := i.alarm("database-memory", "Free memory",
		"The instance is short of memory: its cache shrinks and it may swap.",
		"FreeableMemory", i.freeMemory, "bytes", sustained)
	storage := i.alarm("database-storage", "Free storage", "The volume fills up: a full one stops the database.",
		"FreeStorageSpace", t.FreeStorageBytes, "bytes", prompt)
	memory.below, storage.below = true, true
	return []alarm{
		i.alarm("database-cpu", "CPU", "The instance works above the objective for CPU.", "CPUUtilization", t.CPUPercent,
			"%", sustained),
		memory,
		storage,
		i.alarm("database-connections", "Connections", "Clients hold almost as many connections as there are.",
			"DatabaseConnections", t.Connections, "connections", prompt),
		i.alarm("database-read-latency", "Time of a read", "The volume is slow to read: queries that miss the cache wait.",
			"ReadLatency", t.LatencySeconds, "s", sustained),
	}
}

func (i instance) alarm(key, title, meaning, name string, threshold slo.Threshold, unit string, when evaluation) alarm {
	return alarm{
		tier: databaseTier, key: key, subject: i.key, title: title, meaning: meaning, threshold: threshold,
		unit: unit, when: when,
		metrics: []metric{{"value", "AWS/RDS", name, "Average", map[string]pulumi.StringInput{"DBInstanceIdentifier": i.id}}},
		// An instance without metrics is stopped, or gone: the API's own alarms tell.
		whenMissing: quiet,
	}
}
