package observability

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/observability/rules"
	"github.com/ragscale/ragscale/slo"
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

	// ClusterName is CloudWatch's dimension; ClusterARN, SubnetIDs (two or more zones) and SecurityGroupIDs (of the nodes,
	// so that pods can be reached) are for the Prometheus scraper.
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

	// Thresholds are where alarms begin. Those that no alarm or alert compares with, because their tier is not there, are
	// not looked at; of the others none may be zero, but for Database.ReplicaFreeMemoryBytes, which is then the primary's,
	// and where any at all is wrong (mayBeZero).
	Thresholds slo.Thresholds

	// MetricRetentionDays of Prometheus: 1 to 1095.
	MetricRetentionDays int
	// LogRetentionDays of the rules' and alert manager's log, one of CloudWatch's periods. 0 keeps it for ever.
	LogRetentionDays int
	// DeletionProtection protects the workspace, and with it the history.
	DeletionProtection bool

	Tags map[string]string
}

func (a Args) withDefaults() Args {
	if a.RunbookURL == "" {
		a.RunbookURL = runbook
	}
	a.Thresholds = a.Thresholds.Named()
	if database := &a.Thresholds.Database; database.ReplicaFreeMemoryBytes.Value == 0 {
		database.ReplicaFreeMemoryBytes.Value = database.FreeMemoryBytes.Value
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
	return rules.Config{
		RunbookURL: a.RunbookURL, Namespaces: a.namespaces(), Thresholds: a.Thresholds,
		PgBouncer: a.PgBouncer, Cache: len(a.CacheClusterIDs) > 0, Autoscaling: a.AutoscalingNamespace != "",
		VectorStore: a.VectorStoreNamespace != "",
	}
}
