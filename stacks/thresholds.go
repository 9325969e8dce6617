package stacks

import (
	"math"
	"reflect"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/slo"
)

// Objectives lists the keys below slo, those of hpa included, in the order of the configuration.
func Objectives() []string { return leaves("", reflect.TypeFor[SLO]()) }

// MeasuredByLoad lists the objectives that load tests alone measure: no metric of a stack tells of them, so no alarm
// can.
func MeasuredByLoad() []string { return []string{"recallPercent", "freshnessSeconds"} }

func leaves(path string, t reflect.Type) []string {
	var keys []string
	for _, f := range vocabulary.Fields(t) {
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, leaves(path+f.Key+".", f.Type)...)
			continue
		}
		keys = append(keys, path+f.Key)
	}
	return keys
}

// Values that no objective implies.
const (
	// FastestBurn is how many times too fast requests fail when the first burn-rate alert fires: 2 % of a budget of 30
	// days spent in an hour. Source: Google, The Site Reliability Workbook (2018), chapter 5 "Alerting on SLOs",
	// "Recommended time windows and burn rates", https://sre.google/workbook/alerting-on-slos/ ; as remembered, and as
	// secondary pages give it, 2026-11.
	FastestBurn = 14.4

	// hitPercent of the cache: below 0.8 AWS takes the memory for too small or the keys for too short-lived.
	// Source:
	// https://aws.amazon.com/blogs/database/monitoring-best-practices-with-amazon-elasticache-for-redis-using-amazon-cloudwatch/
	// ; as remembered, 2026-11.
	hitPercent = 80

	// edgeHitPercent of the distribution. CloudFront counts what the API answers privately as misses, so the share of
	// assets in all requests bounds it: with one entry document, some ten assets and some ten API calls to a visit about
	// one half. First assumption, 2026-11; to be replaced by measurement.
	edgeHitPercent = 40

	// storageLatencySeconds is twice the single-digit milliseconds that AWS names for gp3.
	// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html ; as remembered, 2026-11.
	storageLatencySeconds = 0.02

	// lagShare is the part of the upload objective that replication may take: processing has the rest.
	lagShare = 1.0 / 10

	// atMaximumMinutes is longer than any rolling update, and as long as the shortest load scenario that reaches the
	// maximum.
	atMaximumMinutes = 10
)

// ErrorBudget is the share of requests that may fail, 0 to 1, without the digits that floating point adds: people read
// it in rules and load tests.
func (c *Config) ErrorBudget() float64 {
	return math.Round((100-c.SLO.AvailabilityPercent)*1e7) / 1e9
}

// Thresholds derives every threshold of the stack.
func (c *Config) Thresholds() slo.Thresholds {
	all := slo.Thresholds{
		Edge: c.edgeThresholds(), API: c.apiThresholds(), Scaling: c.scalingThresholds(), Nodes: c.nodeThresholds(),
		PgBouncer: c.pgbouncerThresholds(), Database: c.databaseThresholds(), Cache: c.cacheThresholds(),
	}
	return all.Named()
}

// objective is a threshold that is the objective itself.
func objective(value float64, unit, key string) slo.Threshold {
	return slo.Threshold{Value: value, Unit: unit, Objective: key, Reason: "the objective"}
}

// follows is a threshold that follows from an objective, or from the reason alone where the key is empty.
func follows(value float64, unit, key, reason string) slo.Threshold {
	return slo.Threshold{Value: value, Unit: unit, Objective: key, Reason: reason}
}

func (c *Config) edgeThresholds() slo.Edge {
	return slo.Edge{
		ErrorPercent: follows(100*FastestBurn*c.ErrorBudget(), "%", "availabilityPercent",
			"the error budget × the fastest burn rate"),
		HitPercent: follows(edgeHitPercent, "%, below", "", "the share of assets in all requests (`edgeHitPercent`)"),
	}
}

func (c *Config) apiThresholds() slo.API {
	objectives := c.SLO
	return slo.API{
		ResponseSeconds:      objective(objectives.ResponseSeconds, "s, p95", "responseSeconds"),
		ComplexSearchSeconds: objective(objectives.ComplexSearchSeconds, "s, p95", "complexSearchSeconds"),
		UploadSecondsPerMB:   objective(objectives.UploadSecondsPerMB, "s per MB, p95", "uploadSecondsPerMB"),
		ErrorRatio:           follows(c.ErrorBudget(), "of all requests", "availabilityPercent", "what the objective leaves"),
		ThroughputRPS:        objective(objectives.ThroughputRPS, "requests/s", "throughputRPS"),
	}
}

func (c *Config) scalingThresholds() slo.Scaling {
	hpa := c.SLO.HPA
	return slo.Scaling{
		MinReplicas: objective(float64(hpa.MinReplicas), "pods, below", "hpa.minReplicas"),
		MaxReplicas: objective(float64(hpa.MaxReplicas), "pods", "hpa.maxReplicas"),
		CPUPercent:  objective(float64(hpa.CPUPercent), "% of requests", "hpa.cpuPercent"),
		MemoryPercent: follows(float64(hpa.MemoryPercent), "% of requests", "hpa.memoryPercent",
			"a target that cannot be met drives the autoscaler to its maximum"),
		AtMaximumMinutes: follows(atMaximumMinutes, "min", "", "longer than any rolling update (`atMaximumMinutes`)"),
		UnschedulableMinutes: follows(float64((c.NodeScaling().MaxNodeProvisionSeconds+minute-1)/minute), "min", "",
			"by then a new node has come, or another group was asked (`autoscaling.nodeStartSeconds`)"),
	}
}

func (c *Config) nodeThresholds() slo.Nodes {
	return slo.Nodes{
		CPUPercent:     objective(c.SLO.CPUPercent, "%", "cpuPercent"),
		MemoryPercent:  objective(c.SLO.MemoryPercent, "%", "memoryPercent"),
		StoragePercent: objective(c.SLO.StoragePercent, "%", "storagePercent"),
	}
}

func (c *Config) pgbouncerThresholds() slo.PgBouncer {
	return slo.PgBouncer{WaitingClients: follows(float64(c.APIPoolSize()), "clients", "throughputRPS",
		"as many as the pool of an API pod, which follows from the throughput")}
}

func (c *Config) databaseThresholds() slo.Database {
	primary := c.Pools().Primary
	storage := float64(c.Database.StorageGiB) * float64(catalogue.GiB)
	memory := func(class string) slo.Threshold {
		return follows(classMemory(class)*(100-c.SLO.MemoryPercent)/100, "bytes, below", "memoryPercent",
			"what the objective leaves of the class's memory: RDS has no metric in percent")
	}
	replica := c.Database.ReplicaClass
	if replica == "" {
		replica = c.Database.InstanceClass
	}
	return slo.Database{
		CPUPercent:             objective(c.SLO.CPUPercent, "%", "cpuPercent"),
		FreeMemoryBytes:        memory(c.Database.InstanceClass),
		ReplicaFreeMemoryBytes: memory(replica),
		FreeStorageBytes: follows(storage*(100-c.SLO.StoragePercent)/100, "bytes, below", "storagePercent",
			"what the objective leaves of the storage at creation"),
		Connections: follows(float64(primary.MaxConnections-primary.Admin), "connections", "throughputRPS",
			"max_connections, which follows from the throughput, without the reserve for people"),
		LatencySeconds: follows(storageLatencySeconds, "s per read or write", "",
			"twice what gp3 takes at most (`storageLatencySeconds`)"),
		ReplicaLagSeconds: follows(c.SLO.UploadSecondsPerMB*lagShare, "s", "uploadSecondsPerMB",
			"a tenth of the objective: until then a processed document is not found on the replica"),
	}
}

// classMemory is the memory of an instance class, bytes. A Config that Parse returned has a known class.
func classMemory(name string) float64 {
	class, err := rds.Lookup(name)
	if err != nil {
		return 0
	}
	return float64(class.MemoryBytes)
}

func (c *Config) cacheThresholds() slo.Cache {
	return slo.Cache{
		CPUPercent:    objective(c.SLO.CPUPercent, "% of the engine's thread", "cpuPercent"),
		MemoryPercent: objective(c.SLO.MemoryPercent, "%", "memoryPercent"),
		HitPercent: follows(hitPercent, "%, below", "",
			"below it the cache is too small or its keys live too short (`hitPercent`)"),
		EvictionsPerMinute: follows(0, "keys/min", "",
			"the node is sized for the working set: lasting evictions say that it has grown"),
	}
}
