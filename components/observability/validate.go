package observability

import (
	"maps"
	"net/mail"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/ragscale/ragscale/components/internal/fault"
	"github.com/ragscale/ragscale/components/observability/rules"
	"github.com/ragscale/ragscale/slo"
)

const (
	longestName = 40
	// longestMetricRetention is Prometheus' own, days.
	// Source: https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-workspace-configuration.html ; read 2026-11-24.
	longestMetricRetention = 1095
)

type faults struct{ fault.List }

func validate(name string, a Args) error {
	f := faults{fault.In("observability")}
	f.Name("name", name, longestName)
	f.place(a)
	f.targets(a)
	f.subjects(a)
	f.objectives(a.Thresholds)
	f.tiers(a)
	f.retention(a)
	f.ChartVersion("StateMetricsChartVersion", a.StateMetricsChartVersion, "8.4.1")
	return f.Err()
}

func (f *faults) place(a Args) {
	f.Region("Region", a.Region)
	if a.DistributionID != nil && a.Region != globalRegion && a.GlobalProvider == nil {
		f.Add("GlobalProvider is missing, want a provider for %s: CloudFront's alarms live there", globalRegion)
	}
	if a.RunbookURL != "" && (!strings.HasPrefix(a.RunbookURL, "https://") || strings.Contains(a.RunbookURL, "#")) {
		f.Add("RunbookURL is %q, want an https address without a fragment", a.RunbookURL)
	}
	f.Namespace("APINamespace", a.APINamespace)
	f.optionalNamespace("VectorStoreNamespace", a.VectorStoreNamespace)
	f.optionalNamespace("AutoscalingNamespace", a.AutoscalingNamespace)
	f.optionalNamespace("GrafanaNamespace", a.GrafanaNamespace)
}

func (f *faults) optionalNamespace(field, value string) {
	if value != "" {
		f.Namespace(field, value)
	}
}

func (f *faults) targets(a Args) {
	if len(a.Emails) == 0 && !a.Unattended {
		f.Add("Emails is empty, want one address or more, or Unattended: an alarm without a target wakes nobody")
	}
	if len(a.Emails) > 0 && a.Unattended {
		f.Add("Unattended is true with %d Emails, want one or the other", len(a.Emails))
	}
	for i, address := range a.Emails {
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
			f.Add("Emails[%d] is %q, want a mail address", i, address)
		}
		if slices.Contains(a.Emails[:i], address) {
			f.Add("Emails[%d] is %q again, want it once", i, address)
		}
	}
}

func (f *faults) subjects(a Args) {
	f.Missing(map[string]bool{
		"ClusterARN":            a.ClusterARN == nil,
		"ClusterName":           a.ClusterName == nil,
		"DatabaseInstanceID":    a.DatabaseInstanceID == nil,
		"LoadBalancerARNSuffix": a.LoadBalancerARNSuffix == nil,
		"TargetGroupARNSuffix":  a.TargetGroupARNSuffix == nil,
	})
	f.keyed("ReplicaIDs", a.ReplicaIDs)
	f.keyed("CacheClusterIDs", a.CacheClusterIDs)
	f.Subnets("SubnetIDs", len(a.SubnetIDs))
	if n := len(a.SecurityGroupIDs); n == 0 || n > 5 {
		f.Add("SecurityGroupIDs has %d, want 1 to 5", n)
	}
}

func (f *faults) keyed(field string, values map[string]pulumi.StringInput) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if len(content.IsDNS1123Label(key)) > 0 {
			f.Add("%s[%s] is no key for a resource's name, want lower-case letters, digits and hyphens", field, key)
		}
		if values[key] == nil {
			f.Add("%s[%s] is missing, want an identifier", field, key)
		}
	}
}

// objectives must all be watched: a zero would be one that nothing looks at.
func (f *faults) objectives(t slo.Thresholds) {
	f.positive("API.ResponseSeconds", t.API.ResponseSeconds)
	f.positive("API.ComplexSearchSeconds", t.API.ComplexSearchSeconds)
	f.positive("API.UploadSecondsPerMB", t.API.UploadSecondsPerMB)
	f.positive("API.ThroughputRPS", t.API.ThroughputRPS)
	f.percent("Nodes.CPUPercent", t.Nodes.CPUPercent)
	f.percent("Nodes.MemoryPercent", t.Nodes.MemoryPercent)
	f.percent("Nodes.StoragePercent", t.Nodes.StoragePercent)
	if ratio, most := t.API.ErrorRatio.Value, 1/rules.FastestBurn; ratio <= 0 || ratio >= most {
		f.Add("Thresholds.API.ErrorRatio is %v, want above 0 and below %.3f: %v times as many failures must still be seen", ratio, most, rules.FastestBurn)
	}
	f.AtLeast("Thresholds.Scaling.AtMaximumMinutes", int(t.Scaling.AtMaximumMinutes.Value), 1)
	f.AtLeast("Thresholds.Scaling.UnschedulableMinutes", int(t.Scaling.UnschedulableMinutes.Value), 1)
}

func (f *faults) tiers(a Args) {
	t := a.Thresholds
	f.percent("Database.CPUPercent", t.Database.CPUPercent)
	f.positive("Database.FreeMemoryBytes", t.Database.FreeMemoryBytes)
	f.positive("Database.FreeStorageBytes", t.Database.FreeStorageBytes)
	f.positive("Database.Connections", t.Database.Connections)
	f.positive("Database.LatencySeconds", t.Database.LatencySeconds)
	f.notNegative("Database.ReplicaFreeMemoryBytes", t.Database.ReplicaFreeMemoryBytes)
	f.notNegative("PgBouncer.WaitingClients", t.PgBouncer.WaitingClients)
	f.notNegative("Cache.EvictionsPerMinute", t.Cache.EvictionsPerMinute)
	if len(a.ReplicaIDs) > 0 || len(a.CacheClusterIDs) > 0 {
		f.positive("Database.ReplicaLagSeconds", t.Database.ReplicaLagSeconds)
	}
	if len(a.CacheClusterIDs) > 0 {
		f.percent("Cache.CPUPercent", t.Cache.CPUPercent)
		f.percent("Cache.MemoryPercent", t.Cache.MemoryPercent)
		f.percent("Cache.HitPercent", t.Cache.HitPercent)
	}
	if a.DistributionID != nil {
		f.percent("Edge.HitPercent", t.Edge.HitPercent)
		f.percent("Edge.ErrorPercent", t.Edge.ErrorPercent)
	}
}

func (f *faults) positive(field string, t slo.Threshold) {
	if !(t.Value > 0) {
		f.Add("Thresholds.%s is %v, want above 0: nothing would watch it", field, t.Value)
	}
}

func (f *faults) percent(field string, t slo.Threshold) {
	if !(t.Value > 0 && t.Value < 100) {
		f.Add("Thresholds.%s is %v, want above 0 and below 100: nothing would watch it", field, t.Value)
	}
}

func (f *faults) notNegative(field string, t slo.Threshold) {
	if !(t.Value >= 0) {
		f.Add("Thresholds.%s is %v, want 0 or more", field, t.Value)
	}
}

func (f *faults) retention(a Args) {
	f.Between("MetricRetentionDays", a.MetricRetentionDays, 1, longestMetricRetention)
	f.LogDays("LogRetentionDays", a.LogRetentionDays, "for ever")
}
