package observability

import (
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/observability/rules"
)

var (
	namePattern      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	regionPattern    = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[1-9]$`)
	namespacePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

const (
	longestName = 40
	// longestMetricRetention is Prometheus' own, days.
	// Source: https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-workspace-configuration.html ; read 2026-11-24.
	longestMetricRetention = 1095
)

// logRetentions (0 = for ever) are CloudWatch's. Source: PutRetentionPolicy of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs@v1.74.4 ; read 2026-11-23.
var logRetentions = []int{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// faults collects what is wrong with the arguments: field, fact, want.
type faults []error

func (f *faults) add(format string, values ...any) {
	*f = append(*f, fmt.Errorf("observability."+format, values...))
}

func validate(name string, a Args) error {
	var f faults
	if !namePattern.MatchString(name) || len(name) > longestName {
		f.add("name is %q, want at most %d lower-case letters, digits and single hyphens, a letter first", name, longestName)
	}
	f.place(a)
	f.targets(a)
	f.subjects(a)
	f.objectives(a.Thresholds)
	f.tiers(a)
	f.retention(a)
	return errors.Join(f...)
}

func (f *faults) place(a Args) {
	if !regionPattern.MatchString(a.Region) {
		f.add("Region is %q, want a region such as eu-central-1", a.Region)
	}
	if a.DistributionID != nil && a.Region != globalRegion && a.GlobalProvider == nil {
		f.add("GlobalProvider is missing, want a provider for %s: CloudFront's alarms live there", globalRegion)
	}
	if a.RunbookURL != "" && (!strings.HasPrefix(a.RunbookURL, "https://") || strings.Contains(a.RunbookURL, "#")) {
		f.add("RunbookURL is %q, want an https address without a fragment", a.RunbookURL)
	}
	f.namespace("APINamespace", a.APINamespace, false)
	f.namespace("VectorStoreNamespace", a.VectorStoreNamespace, true)
	f.namespace("AutoscalingNamespace", a.AutoscalingNamespace, true)
	f.namespace("GrafanaNamespace", a.GrafanaNamespace, true)
}

func (f *faults) namespace(field, value string, optional bool) {
	if value == "" && optional {
		return
	}
	if !namespacePattern.MatchString(value) {
		f.add("%s is %q, want the name of a namespace", field, value)
	}
}

func (f *faults) targets(a Args) {
	if len(a.Emails) == 0 && !a.Unattended {
		f.add("Emails is empty, want one address or more, or Unattended: an alarm without a target wakes nobody")
	}
	if len(a.Emails) > 0 && a.Unattended {
		f.add("Unattended is true with %d Emails, want one or the other", len(a.Emails))
	}
	for i, address := range a.Emails {
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
			f.add("Emails[%d] is %q, want a mail address", i, address)
		}
		if slices.Contains(a.Emails[:i], address) {
			f.add("Emails[%d] is %q again, want it once", i, address)
		}
	}
}

func (f *faults) subjects(a Args) {
	inputs := []struct {
		field string
		value pulumi.StringInput
	}{
		{"ClusterName", a.ClusterName}, {"ClusterARN", a.ClusterARN}, {"LoadBalancerARNSuffix", a.LoadBalancerARNSuffix},
		{"TargetGroupARNSuffix", a.TargetGroupARNSuffix}, {"DatabaseInstanceID", a.DatabaseInstanceID},
	}
	for _, i := range inputs {
		if i.value == nil {
			f.add("%s is missing, want a value from the component that has it", i.field)
		}
	}
	f.keyed("ReplicaIDs", a.ReplicaIDs)
	f.keyed("CacheClusterIDs", a.CacheClusterIDs)
	if n := len(a.SubnetIDs); n < 2 {
		f.add("SubnetIDs has %d, want 2 or more, each in a zone of its own", n)
	}
	if n := len(a.SecurityGroupIDs); n == 0 || n > 5 {
		f.add("SecurityGroupIDs has %d, want 1 to 5", n)
	}
}

func (f *faults) keyed(field string, values map[string]pulumi.StringInput) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !namespacePattern.MatchString(key) {
			f.add("%s[%s] is no key for a resource's name, want lower-case letters, digits and hyphens", field, key)
		}
		if values[key] == nil {
			f.add("%s[%s] is missing, want an identifier", field, key)
		}
	}
}

// objectives must all be watched: a zero would be one that nothing looks at.
func (f *faults) objectives(t Thresholds) {
	f.positive("ResponseP95Seconds", t.ResponseP95Seconds)
	f.positive("ComplexSearchP95Seconds", t.ComplexSearchP95Seconds)
	f.positive("UploadSecondsPerMB", t.UploadSecondsPerMB)
	f.positive("ThroughputRPS", t.ThroughputRPS)
	f.percent("CPUPercent", t.CPUPercent)
	f.percent("MemoryPercent", t.MemoryPercent)
	f.percent("StoragePercent", t.StoragePercent)
	if most := 1 / rules.FastestBurn; t.ErrorRatio <= 0 || t.ErrorRatio >= most {
		f.add("Thresholds.ErrorRatio is %v, want above 0 and below %.3f: %v times as many failures must still be seen", t.ErrorRatio, most, rules.FastestBurn)
	}
	f.atLeastOne("HPAAtMaxMinutes", t.HPAAtMaxMinutes)
	f.atLeastOne("UnschedulableMinutes", t.UnschedulableMinutes)
}

func (f *faults) tiers(a Args) {
	t := a.Thresholds
	f.positive("DatabaseFreeMemoryBytes", t.DatabaseFreeMemoryBytes)
	f.positive("DatabaseFreeStorageBytes", t.DatabaseFreeStorageBytes)
	f.positive("DatabaseConnections", t.DatabaseConnections)
	f.positive("DatabaseLatencySeconds", t.DatabaseLatencySeconds)
	f.notNegative("ReplicaFreeMemoryBytes", t.ReplicaFreeMemoryBytes)
	f.notNegative("PoolWaitingClients", t.PoolWaitingClients)
	f.notNegative("CacheEvictionsPerMinute", t.CacheEvictionsPerMinute)
	if len(a.ReplicaIDs) > 0 || len(a.CacheClusterIDs) > 0 {
		f.positive("ReplicaLagSeconds", t.ReplicaLagSeconds)
	}
	if len(a.CacheClusterIDs) > 0 {
		f.percent("CacheCPUPercent", t.CacheCPUPercent)
		f.percent("CacheMemoryPercent", t.CacheMemoryPercent)
		f.percent("CacheHitRatePercent", t.CacheHitRatePercent)
	}
	if a.DistributionID != nil {
		f.percent("EdgeHitRatePercent", t.EdgeHitRatePercent)
		f.percent("EdgeErrorPercent", t.EdgeErrorPercent)
	}
}

func (f *faults) positive(field string, v float64) {
	if !(v > 0) {
		f.add("Thresholds.%s is %v, want above 0: nothing would watch it", field, v)
	}
}

func (f *faults) percent(field string, v float64) {
	if !(v > 0 && v < 100) {
		f.add("Thresholds.%s is %v, want above 0 and below 100: nothing would watch it", field, v)
	}
}

func (f *faults) notNegative(field string, v float64) {
	if !(v >= 0) {
		f.add("Thresholds.%s is %v, want 0 or more", field, v)
	}
}

func (f *faults) atLeastOne(field string, v int) {
	if v < 1 {
		f.add("Thresholds.%s is %d, want 1 or more", field, v)
	}
}

func (f *faults) retention(a Args) {
	if a.MetricRetentionDays < 1 || a.MetricRetentionDays > longestMetricRetention {
		f.add("MetricRetentionDays is %d, want 1 to %d", a.MetricRetentionDays, longestMetricRetention)
	}
	if !slices.Contains(logRetentions, a.LogRetentionDays) {
		f.add("LogRetentionDays is %d, want one of %v", a.LogRetentionDays, logRetentions)
	}
}
