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
	f.thresholds(a)
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

// inTheCluster are thresholds that alerts read from the autoscalers themselves.
var inTheCluster = []string{
	"Scaling.MinReplicas", "Scaling.MaxReplicas", "Scaling.CPUPercent", "Scaling.MemoryPercent",
}

// mayBeZero are thresholds of which zero is one: any at all is wrong.
var mayBeZero = []string{"PgBouncer.WaitingClients", "Cache.EvictionsPerMinute"}

// thresholds that some alarm or alert compares with: a zero would be one that nothing watches.
func (f *faults) thresholds(a Args) {
	watched := a.Watched()
	for _, t := range a.withDefaults().Thresholds.Rows() {
		if len(watched[t.ID()]) > 0 && !slices.Contains(inTheCluster, t.ID()) {
			f.threshold(t.ID(), t.Value)
		}
	}
}

// threshold is checked by its name, which ends with its unit.
func (f *faults) threshold(id string, value float64) {
	field := "Thresholds." + id
	switch {
	case id == "API.ErrorRatio":
		f.budget(field, value)
	case strings.HasSuffix(id, "Minutes"):
		f.AtLeast(field, int(value), 1)
	case slices.Contains(mayBeZero, id):
		if !(value >= 0) {
			f.Add("%s is %v, want 0 or more", field, value)
		}
	case strings.HasSuffix(id, "Percent") && !(value > 0 && value < 100):
		f.Add("%s is %v, want above 0 and below 100: nothing would watch it", field, value)
	case !(value > 0):
		f.Add("%s is %v, want above 0: nothing would watch it", field, value)
	}
}

func (f *faults) budget(field string, ratio float64) {
	if most := 1 / rules.FastestBurn; ratio <= 0 || ratio >= most {
		f.Add("%s is %v, want above 0 and below %.3f: %v times as many failures must still be seen",
			field, ratio, most, rules.FastestBurn)
	}
}

func (f *faults) retention(a Args) {
	f.Between("MetricRetentionDays", a.MetricRetentionDays, 1, longestMetricRetention)
	f.LogDays("LogRetentionDays", a.LogRetentionDays, "for ever")
}
