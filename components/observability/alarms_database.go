package observability

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// instance is a primary (no key) or a replica.
type instance struct {
	key             string
	id              pulumi.StringInput
	freeMemoryBytes float64
}

func (a Args) databaseAlarms() []alarm {
	instances := []instance{{"", a.DatabaseInstanceID, a.Thresholds.DatabaseFreeMemoryBytes}}
	for _, key := range slices.Sorted(maps.Keys(a.ReplicaIDs)) {
		instances = append(instances, instance{"replica-" + key, a.ReplicaIDs[key], a.Thresholds.ReplicaFreeMemoryBytes})
	}
	var all []alarm
	for _, i := range instances {
		all = append(all, a.instanceAlarms(i)...)
		if i.key != "" {
			all = append(all, i.alarm("replica-lag", "Replication lag", "A replica is too far behind for reads that must be fresh.",
				"ReplicaLag", a.Thresholds.ReplicaLagSeconds, "s", prompt))
			continue
		}
		all = append(all, i.alarm("database-write-latency", "Time of a write", "The volume is slow to write: commits wait.",
			"WriteLatency", a.Thresholds.DatabaseLatencySeconds, "s", sustained))
	}
	return all
}

// instanceAlarms are those that primary and replicas have in common. RDS knows no percent of memory or storage.
func (a Args) instanceAlarms(i instance) []alarm {
	t := a.Thresholds
	memory := i.alarm("database-memory", "Free memory", "The instance is short of memory: its cache shrinks and it may swap.",
		"FreeableMemory", i.freeMemoryBytes, "bytes", sustained)
	storage := i.alarm("database-storage", "Free storage", "The volume fills up: a full one stops the database.",
		"FreeStorageSpace", t.DatabaseFreeStorageBytes, "bytes", prompt)
	memory.below, storage.below = true, true
	return []alarm{
		i.alarm("database-cpu", "CPU", "The instance works above the objective for CPU.", "CPUUtilization", t.CPUPercent, "%", sustained),
		memory,
		storage,
		i.alarm("database-connections", "Connections", "Clients hold almost as many connections as there are.",
			"DatabaseConnections", t.DatabaseConnections, "connections", prompt),
		i.alarm("database-read-latency", "Time of a read", "The volume is slow to read: queries that miss the cache wait.",
			"ReadLatency", t.DatabaseLatencySeconds, "s", sustained),
	}
}

func (i instance) alarm(key, title, meaning, name string, threshold float64, unit string, when evaluation) alarm {
	return alarm{
		tier: databaseTier, key: key, subject: i.key, title: title, meaning: meaning, threshold: threshold, unit: unit, when: when,
		metrics: []metric{{"value", "AWS/RDS", name, "Average", map[string]pulumi.StringInput{"DBInstanceIdentifier": i.id}}},
		// An instance without metrics is stopped, or gone: the API's own alarms tell.
		whenMissing: quiet,
	}
}
