package observability

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/observability/rules"
)

// runbook is the page whose sections alarms link to unless Args says otherwise.
const runbook = "https://github.com/ragscale/ragscale/blob/main/docs/operations.md"

// Args says what is watched, from when on someone is told, and who. Everything plain is checked before anything is
// declared.
type Args struct {
	// Region of everything but CloudFront's metrics.
	Region string
	// GlobalProvider is for us-east-1, where CloudFront's alarms live. Required with a DistributionID in another region.
	GlobalProvider pulumi.ProviderResource

	// Emails are told of every alarm. Each address must confirm a mail from AWS first.
	Emails []string
	// Unattended allows there to be none: alarms change colour and wake nobody.
	Unattended bool
	// RunbookURL is the page whose sections alarms link to, without a fragment. Empty is the project's own.
	RunbookURL string

	// ClusterName is CloudWatch's dimension; ClusterARN, SubnetIDs (two or more zones) and SecurityGroupIDs (of the nodes, so
	// that pods can be reached) are for the Prometheus scraper.
	ClusterName      pulumi.StringInput
	ClusterARN       pulumi.StringInput
	SubnetIDs        pulumi.StringArray
	SecurityGroupIDs pulumi.StringArray

	// LoadBalancerARNSuffix and TargetGroupARNSuffix are CloudWatch's dimensions of the API's way in.
	LoadBalancerARNSuffix pulumi.StringInput
	TargetGroupARNSuffix  pulumi.StringInput
	// DatabaseInstanceID is the primary; ReplicaIDs are its replicas, keyed by a stable name ("1").
	DatabaseInstanceID pulumi.StringInput
	ReplicaIDs         map[string]pulumi.StringInput
	// CacheClusterIDs are the nodes of the cache, keyed by a stable name ("001"). None: no cache.
	CacheClusterIDs map[string]pulumi.StringInput
	// DistributionID of the CDN. Nil: no CDN.
	DistributionID pulumi.StringInput

	// StateMetricsChartVersion of chart kube-state-metrics, which most rules rest on.
	StateMetricsChartVersion string
	// DependsOn is what must stand before its pod: nodes.
	DependsOn []pulumi.Resource

	// APINamespace holds the API, its workers and PgBouncer.
	APINamespace string
	// VectorStoreNamespace holds Chroma. Empty: no vector store.
	VectorStoreNamespace string
	// PgBouncer tells that its exporter runs in APINamespace.
	PgBouncer bool
	// AutoscalingNamespace holds cluster-autoscaler and the VPA. Empty: neither is there.
	AutoscalingNamespace string
	// GrafanaNamespace gets the dashboards as ConfigMaps for Grafana's sidecar. Empty: no Grafana in the cluster.
	GrafanaNamespace string

	Thresholds Thresholds

	// MetricRetentionDays of Prometheus: 1 to 1095.
	MetricRetentionDays int
	// LogRetentionDays of the rules' and alert manager's log, one of CloudWatch's periods. 0 keeps it for ever.
	LogRetentionDays int
	// DeletionProtection protects the workspace, and with it the history.
	DeletionProtection bool

	Tags map[string]string
}

// Thresholds are where alarms begin. Those of a tier that is not there are not looked at; of the others none may be zero.
type Thresholds struct {
	// Objectives of the stack.

	ResponseP95Seconds      float64 // s, of all requests
	ComplexSearchP95Seconds float64 // s, of searches in mode complex
	UploadSecondsPerMB      float64 // s per 10^6 bytes, from acceptance until it can be found
	ErrorRatio              float64 // share of requests that may fail, 0 to 1: 1 - availability
	ThroughputRPS           float64 // requests/s that the stack is sized for
	CPUPercent              float64 // of capacity, average
	MemoryPercent           float64 // of capacity, average
	StoragePercent          float64 // of what is allocated

	// Database.

	DatabaseFreeMemoryBytes  float64 // of the primary
	ReplicaFreeMemoryBytes   float64 // of a replica; 0 is the primary's
	DatabaseFreeStorageBytes float64
	DatabaseConnections      float64 // open at once
	DatabaseLatencySeconds   float64 // s per read or write of the volume, average
	ReplicaLagSeconds        float64 // s that a replica, of the database or of the cache, is behind
	PoolWaitingClients       float64 // clients of PgBouncer without a connection; 0 is none at all

	// Cache.

	CacheCPUPercent         float64 // of the engine's one thread
	CacheMemoryPercent      float64 // of maxmemory
	CacheHitRatePercent     float64 // alarm below
	CacheEvictionsPerMinute float64 // 0 is none at all

	// CDN.

	EdgeHitRatePercent float64 // alarm below
	EdgeErrorPercent   float64 // answers with 5xx, percent

	// Scaling.

	HPAAtMaxMinutes      int // min that an autoscaler may stand at its maximum
	UnschedulableMinutes int // min until a wanted pod is ready, a new node included
}

func (a Args) withDefaults() Args {
	if a.RunbookURL == "" {
		a.RunbookURL = runbook
	}
	if a.Thresholds.ReplicaFreeMemoryBytes == 0 {
		a.Thresholds.ReplicaFreeMemoryBytes = a.Thresholds.DatabaseFreeMemoryBytes
	}
	return a
}

func (a Args) namespaces() []string {
	all := []string{a.APINamespace}
	if a.VectorStoreNamespace != "" && a.VectorStoreNamespace != a.APINamespace {
		all = append(all, a.VectorStoreNamespace)
	}
	return all
}

// Rules is what Prometheus is told to watch.
func (a Args) Rules() rules.Config {
	a = a.withDefaults()
	t := a.Thresholds
	return rules.Config{
		RunbookURL: a.RunbookURL, Namespaces: a.namespaces(),
		PgBouncer: a.PgBouncer, Cache: len(a.CacheClusterIDs) > 0, Autoscaling: a.AutoscalingNamespace != "", VectorStore: a.VectorStoreNamespace != "",
		ErrorRatio: t.ErrorRatio, ResponseP95Seconds: t.ResponseP95Seconds, ComplexSearchP95Seconds: t.ComplexSearchP95Seconds,
		UploadSecondsPerMB: t.UploadSecondsPerMB, ThroughputRPS: t.ThroughputRPS, StoragePercent: t.StoragePercent,
		PoolWaitingClients: t.PoolWaitingClients, HPAAtMaxMinutes: t.HPAAtMaxMinutes, UnschedulableMinutes: t.UnschedulableMinutes,
	}
}
