package ragapi

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/components/internal/fault"
)

var (
	tagPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	logLevels  = []string{"debug", "info", "warn", "error"}
)

const (
	// longestName leaves room for the provider's suffix "-1234567" within the 32 characters that AWS allows the names of
	// load balancers and target groups.
	longestName                = 24
	leastDrain, mostDrain      = 2, 600
	mostScaleDownPeriodSeconds = 1800
	mostStabilizationSeconds   = 3600
	mostRetentionDays          = 3650
	// leastPort is the first that a process without capabilities can listen on.
	leastPort, mostPort = 1024, 65535
)

type faults struct{ fault.List }

func validate(name string, a Args) error {
	f := faults{fault.In("ragapi")}
	f.Name("name", name, longestName)
	f.wiring(a)
	f.image(a)
	f.process(a)
	f.scaling("", a.Requests, a.Limits, a.HPA)
	f.scaling("Worker.", a.Worker.Requests, a.Worker.Limits, a.Worker.HPA)
	a.VerticalAutoscaling.API.Check(&f.List, "VerticalAutoscaling.API", a.HPA.resources()...)
	a.VerticalAutoscaling.Worker.Check(&f.List, "VerticalAutoscaling.Worker", a.Worker.HPA.resources()...)
	f.pools(a)
	f.auth(a)
	f.reach(a)
	return f.Err()
}

func (f *faults) wiring(a Args) {
	missing := map[string]bool{
		"ClusterName":         a.ClusterName == nil,
		"Database.Host":       a.Database.Host == nil,
		"Database.Name":       a.Database.Name == nil,
		"Database.Password":   a.Database.Password == nil,
		"Database.Port":       a.Database.Port == nil,
		"Database.User":       a.Database.User == nil,
		"NodeSecurityGroupID": a.NodeSecurityGroupID == nil,
		"VPCID":               a.VPCID == nil,
	}
	if p := a.Database.Pooler; p != nil {
		missing["Database.Pooler.Host"], missing["Database.Pooler.Port"], missing["Database.Pooler.Database"] = p.Host == nil,
			p.Port == nil, p.Database == nil
	}
	if c := a.Cache; c != nil {
		missing["Cache.Host"], missing["Cache.Port"] = c.Host == nil, c.Port == nil
		missing["Cache.Username"], missing["Cache.Password"] = c.Username == nil, c.Password == nil
	}
	if v := a.VectorStore; v != nil {
		missing["VectorStore.URL"], missing["VectorStore.Namespace"], missing["VectorStore.Port"] = v.URL == nil,
			v.Namespace == nil, v.Port == nil
	}
	for name, policy := range a.Policies {
		missing["Policies["+name+"]"] = policy == nil
	}
	f.Missing(missing)
	f.Subnets("Subnets", len(a.Subnets))
}

func (f *faults) image(a Args) {
	switch {
	case a.Image == nil && a.Tag == "":
		f.Add("Tag is empty without Image, want one of the two")
	case a.Image != nil && a.Tag != "":
		f.Add("Tag is %q with Image, want one of the two", a.Tag)
	case a.Image == nil && !tagPattern.MatchString(a.Tag):
		f.Add("Tag is %q, want letters, digits, dots, hyphens and underscores, at most 128", a.Tag)
	case a.Tag == "latest":
		f.Add("Tag is %q, want one that names a build: tags are immutable", a.Tag)
	}
}

func (f *faults) process(a Args) {
	f.OwnNamespace("Namespace", a.Namespace)
	f.Region("Region", a.Region)
	f.Between("Port", a.Port, leastPort, mostPort)
	f.Between("MetricsPort", a.MetricsPort, leastPort, mostPort)
	if a.Port == a.MetricsPort {
		f.Add("MetricsPort is %d like Port, want another: metrics and profiles are not for clients", a.MetricsPort)
	}
	f.Between("SurgePercent", a.SurgePercent, 1, 100)
	f.Between("DrainSeconds", a.DrainSeconds, leastDrain, mostDrain)
	f.Between("QueryLogRetentionDays", a.QueryLogRetentionDays, 0, mostRetentionDays)
	f.report(a.Report)
	if !slices.Contains(logLevels, a.LogLevel) {
		f.Add("LogLevel is %q, want one of %s", a.LogLevel, strings.Join(logLevels, ", "))
	}
	for i, namespace := range a.MetricsNamespaces {
		f.Namespace(fmt.Sprintf("MetricsNamespaces[%d]", i), namespace)
	}
}

// report has the bounds of the image's variables.
func (f *faults) report(l ReportLimits) {
	f.Between("Report.SlowStatementMillis", l.SlowStatementMillis, 1, 3_600_000)
	f.Between("Report.LongTransactionMillis", l.LongTransactionMillis, 1000, 86_400_000)
	f.Between("Report.ReplicaLagMillis", l.ReplicaLagMillis, 1, 3_600_000)
	f.Between("Report.Replicas", l.Replicas, 0, 15)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
