package stacks

import (
	"math"
	"reflect"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/rds"
)

// Threshold is the value from which on something is wrong. What is measured, and how long it has to be wrong, belongs to
// the alarm.
type Threshold struct {
	Value     float64
	Unit      string   // "s", "bytes"; with "below" where less is wrong
	Objective string   // key below slo that the value follows from; "" if the reason alone decides
	Reason    string   // how it follows, or why this value
	Watches   []string // the CloudWatch alarms (lower case) and Prometheus alerts that compare with it
}

// Thresholds are all thresholds of a stack, by tier along the request path.
type Thresholds struct {
	Edge      EdgeThresholds
	API       APIThresholds
	Scaling   ScalingThresholds
	Nodes     NodeThresholds
	PgBouncer PgBouncerThresholds
	Database  DatabaseThresholds
	Cache     CacheThresholds
}

// EdgeThresholds watch the distribution.
type EdgeThresholds struct{ ErrorPercent, HitPercent Threshold }

// APIThresholds watch what users feel. ErrorRatio is the error budget, which burn-rate alerts multiply.
type APIThresholds struct {
	ResponseSeconds, ComplexSearchSeconds, UploadSecondsPerMB, ErrorRatio, ThroughputRPS Threshold
}

// ScalingThresholds watch the autoscalers. The first four are in the HorizontalPodAutoscaler, where the alerts read them.
type ScalingThresholds struct {
	MinReplicas, MaxReplicas, CPUPercent, MemoryPercent, AtMaximumMinutes, UnschedulableMinutes Threshold
}

// NodeThresholds watch the nodes.
type NodeThresholds struct{ CPUPercent, MemoryPercent, StoragePercent Threshold }

// PgBouncerThresholds watch the pooler.
type PgBouncerThresholds struct{ WaitingClients Threshold }

// DatabaseThresholds watch primary and replicas.
type DatabaseThresholds struct {
	CPUPercent, FreeMemoryBytes, ReplicaFreeMemoryBytes, FreeStorageBytes, Connections, LatencySeconds, ReplicaLagSeconds Threshold
}

// CacheThresholds watch the cache.
type CacheThresholds struct{ CPUPercent, MemoryPercent, HitPercent, EvictionsPerMinute Threshold }

// ThresholdRow is a threshold with its place.
type ThresholdRow struct {
	Tier, Name string // "Database", "FreeMemoryBytes"
	Threshold
}

// Rows lists the thresholds in order.
func (t Thresholds) Rows() []ThresholdRow {
	var rows []ThresholdRow
	tiers := reflect.ValueOf(t)
	for i := range tiers.NumField() {
		tier := tiers.Field(i)
		for j := range tier.NumField() {
			if threshold, isThreshold := tier.Field(j).Interface().(Threshold); isThreshold {
				rows = append(rows, ThresholdRow{tiers.Type().Field(i).Name, tier.Type().Field(j).Name, threshold})
			}
		}
	}
	return rows
}

// Objectives lists the keys below slo, those of hpa included, in the order of the configuration.
func Objectives() []string { return leaves("", reflect.TypeFor[SLO]()) }

func leaves(path string, t reflect.Type) []string {
	var keys []string
	for _, f := range fieldsOf(t) {
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, leaves(path+f.key+".", f.Type)...)
			continue
		}
		keys = append(keys, path+f.key)
	}
	return keys
}

// Values that no objective implies.
const (
	// FastestBurn is how many times too fast requests fail when the first burn-rate alert fires: 2 % of a budget of 30 days
	// spent in an hour. Source: Google, The Site Reliability Workbook (2018), chapter 5 "Alerting on SLOs", "Recommended
	// time windows and burn rates", https://sre.google/workbook/alerting-on-slos/ ; as remembered, and
	// as secondary pages give it, 2026-11.
	FastestBurn = 14.4

	// hitPercent of the cache: below 0.8 AWS takes the memory for too small or the keys for too short-lived.
	// Source: https://aws.amazon.com/blogs/database/monitoring-best-practices-with-amazon-elasticache-for-redis-using-amazon-cloudwatch/ ;
	// as remembered, 2026-11.
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

// ErrorBudget is the share of requests that may fail, 0 to 1, without the digits that floating point adds: people read it
// in rules and load tests.
func (c *Config) ErrorBudget() float64 {
	return math.Round((100-c.SLO.AvailabilityPercent)*1e7) / 1e9
}

// Thresholds derives every threshold of the stack.
func (c *Config) Thresholds() Thresholds {
	return Thresholds{
		Edge: c.edgeThresholds(), API: c.apiThresholds(), Scaling: c.scalingThresholds(), Nodes: c.nodeThresholds(),
		PgBouncer: c.pgbouncerThresholds(), Database: c.databaseThresholds(), Cache: c.cacheThresholds(),
	}
}

// objective is a threshold that is the objective itself.
func objective(value float64, unit, key string, watches ...string) Threshold {
	return Threshold{value, unit, key, "the objective", watches}
}

func (c *Config) edgeThresholds() EdgeThresholds {
	return EdgeThresholds{
		ErrorPercent: Threshold{
			100 * FastestBurn * c.ErrorBudget(), "%", "availabilityPercent", "the error budget × the fastest burn rate", []string{"edge-errors"},
		},
		HitPercent: Threshold{edgeHitPercent, "%, below", "", "the share of assets in all requests (`edgeHitPercent`)", []string{"edge-hit-rate"}},
	}
}

func (c *Config) apiThresholds() APIThresholds {
	slo := c.SLO
	return APIThresholds{
		ResponseSeconds:      objective(slo.ResponseSeconds, "s, p95", "responseSeconds", "api-latency", "LatencyBurnFast", "LatencyBurnSlow", "APIPoolWait"),
		ComplexSearchSeconds: objective(slo.ComplexSearchSeconds, "s, p95", "complexSearchSeconds", "ComplexSearchBurnFast", "ComplexSearchBurnSlow"),
		UploadSecondsPerMB:   objective(slo.UploadSecondsPerMB, "s per MB, p95", "uploadSecondsPerMB", "UploadBurnFast", "UploadBurnSlow", "QueueBacklog"),
		ErrorRatio: Threshold{
			c.ErrorBudget(), "of all requests", "availabilityPercent", "what the objective leaves",
			[]string{"api-errors", "availability-burn", "AvailabilityBurnFast", "AvailabilityBurnSlow", "DocumentsFailing"},
		},
		ThroughputRPS: objective(slo.ThroughputRPS, "requests/s", "throughputRPS", "ThroughputCeiling"),
	}
}

func (c *Config) scalingThresholds() ScalingThresholds {
	hpa := c.SLO.HPA
	return ScalingThresholds{
		MinReplicas:   objective(float64(hpa.MinReplicas), "pods, below", "hpa.minReplicas", "ReplicasLacking"),
		MaxReplicas:   objective(float64(hpa.MaxReplicas), "pods", "hpa.maxReplicas", "HPAAtMaximum"),
		CPUPercent:    objective(float64(hpa.CPUPercent), "% of requests", "hpa.cpuPercent", "OverProvisioned", "HPAAtMaximum"),
		MemoryPercent: Threshold{float64(hpa.MemoryPercent), "% of requests", "hpa.memoryPercent", "a target that cannot be met drives the autoscaler to its maximum", []string{"HPAAtMaximum"}},
		AtMaximumMinutes: Threshold{
			atMaximumMinutes, "min", "", "longer than any rolling update (`atMaximumMinutes`)", []string{"HPAAtMaximum"},
		},
		UnschedulableMinutes: Threshold{
			float64((c.NodeScaling().MaxNodeProvisionSeconds + minute - 1) / minute), "min", "", "by then a new node has come, or another group was asked (`autoscaling.nodeStartSeconds`)",
			[]string{"PodsUnschedulable", "ReplicasLacking"},
		},
	}
}

func (c *Config) nodeThresholds() NodeThresholds {
	return NodeThresholds{
		CPUPercent:     objective(c.SLO.CPUPercent, "%", "cpuPercent", "node-cpu"),
		MemoryPercent:  objective(c.SLO.MemoryPercent, "%", "memoryPercent", "node-memory"),
		StoragePercent: objective(c.SLO.StoragePercent, "%", "storagePercent", "node-storage", "VolumeFilling"),
	}
}

func (c *Config) pgbouncerThresholds() PgBouncerThresholds {
	return PgBouncerThresholds{WaitingClients: Threshold{
		float64(c.APIPoolSize()), "clients", "throughputRPS", "as many as the pool of an API pod, which follows from the throughput", []string{"PgBouncerClientsWaiting"},
	}}
}

func (c *Config) databaseThresholds() DatabaseThresholds {
	primary := c.Pools().Primary
	storage := float64(c.Database.StorageGiB) * float64(catalogue.GiB)
	memory := func(class string, watch string) Threshold {
		return Threshold{
			classMemory(class) * (100 - c.SLO.MemoryPercent) / 100, "bytes, below", "memoryPercent",
			"what the objective leaves of the class's memory: RDS has no metric in percent", []string{watch},
		}
	}
	replica := c.Database.ReplicaClass
	if replica == "" {
		replica = c.Database.InstanceClass
	}
	return DatabaseThresholds{
		CPUPercent:             objective(c.SLO.CPUPercent, "%", "cpuPercent", "database-cpu"),
		FreeMemoryBytes:        memory(c.Database.InstanceClass, "database-memory"),
		ReplicaFreeMemoryBytes: memory(replica, "database-memory"),
		FreeStorageBytes: Threshold{
			storage * (100 - c.SLO.StoragePercent) / 100, "bytes, below", "storagePercent", "what the objective leaves of the storage at creation", []string{"database-storage"},
		},
		Connections: Threshold{
			float64(primary.MaxConnections - primary.Admin), "connections", "throughputRPS",
			"max_connections, which follows from the throughput, without the reserve for people", []string{"database-connections"},
		},
		LatencySeconds: Threshold{
			storageLatencySeconds, "s per read or write", "", "twice what gp3 takes at most (`storageLatencySeconds`)", []string{"database-read-latency", "database-write-latency"},
		},
		ReplicaLagSeconds: Threshold{
			c.SLO.UploadSecondsPerMB * lagShare, "s", "uploadSecondsPerMB", "a tenth of the objective: until then a processed document is not found on the replica", []string{"replica-lag", "cache-replication-lag"},
		},
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

func (c *Config) cacheThresholds() CacheThresholds {
	return CacheThresholds{
		CPUPercent:         objective(c.SLO.CPUPercent, "% of the engine's thread", "cpuPercent", "cache-cpu"),
		MemoryPercent:      objective(c.SLO.MemoryPercent, "%", "memoryPercent", "cache-memory"),
		HitPercent:         Threshold{hitPercent, "%, below", "", "below it the cache is too small or its keys live too short (`hitPercent`)", []string{"cache-hit-rate"}},
		EvictionsPerMinute: Threshold{0, "keys/min", "", "the node is sized for the working set: lasting evictions say that it has grown", []string{"cache-evictions"}},
	}
}
