package ragapi

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	namePattern      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	namespacePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	tagPattern       = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	regionPattern    = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[1-9]$`)
	logLevels        = []string{"debug", "info", "warn", "error"}
)

const (
	// longestName leaves room for the provider's suffix "-1234567" within the 32 characters that AWS allows the names of
	// load balancers and target groups.
	longestName                = 24
	leastDrain, mostDrain      = 2, 600
	mostScaleDownPeriodSeconds = 1800
	mostStabilizationSeconds   = 3600
	mostRetentionDays          = 3650
	mostPort                   = 65535
)

// faults collects what is wrong with the arguments: field, fact, want.
type faults []error

func (f *faults) add(format string, values ...any) {
	*f = append(*f, fmt.Errorf("ragapi."+format, values...))
}

func validate(name string, a Args) error {
	var f faults
	if !namePattern.MatchString(name) || len(name) > longestName {
		f.add("name is %q, want at most %d lower-case letters, digits and single hyphens, a letter first", name, longestName)
	}
	f.wiring(a)
	f.image(a)
	f.process(a)
	f.scaling("", a.Requests, a.Limits, a.HPA)
	f.scaling("Worker.", a.Worker.Requests, a.Worker.Limits, a.Worker.HPA)
	f.pools(a)
	f.reach(a)
	return errors.Join(f...)
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
		missing["Database.Pooler.Host"], missing["Database.Pooler.Port"], missing["Database.Pooler.Database"] = p.Host == nil, p.Port == nil, p.Database == nil
	}
	if c := a.Cache; c != nil {
		missing["Cache.Host"], missing["Cache.Port"] = c.Host == nil, c.Port == nil
		missing["Cache.Username"], missing["Cache.Password"] = c.Username == nil, c.Password == nil
	}
	if v := a.VectorStore; v != nil {
		missing["VectorStore.URL"], missing["VectorStore.Namespace"], missing["VectorStore.Port"] = v.URL == nil, v.Namespace == nil, v.Port == nil
	}
	for name, policy := range a.Policies {
		missing["Policies["+name+"]"] = policy == nil
	}
	for _, field := range sortedKeys(missing) {
		if missing[field] {
			f.add("%s is missing, want a value from the component that has it", field)
		}
	}
	if n := len(a.Subnets); n < 2 {
		f.add("Subnets has %d, want 2 or more, each in a zone of its own", n)
	}
}

func (f *faults) image(a Args) {
	switch {
	case a.Image == nil && a.Tag == "":
		f.add("Tag is empty without Image, want one of the two")
	case a.Image != nil && a.Tag != "":
		f.add("Tag is %q with Image, want one of the two", a.Tag)
	case a.Image == nil && !tagPattern.MatchString(a.Tag):
		f.add("Tag is %q, want letters, digits, dots, hyphens and underscores, at most 128", a.Tag)
	case a.Tag == "latest":
		f.add("Tag is %q, want one that names a build: tags are immutable", a.Tag)
	}
}

func (f *faults) process(a Args) {
	if !namespacePattern.MatchString(a.Namespace) {
		f.add("Namespace is %q, want at most 63 lower-case letters, digits and hyphens", a.Namespace)
	}
	if slices.Contains([]string{"default", "kube-system", "kube-public", "kube-node-lease"}, a.Namespace) {
		f.add("Namespace is %q, want one of its own: it is created and deleted here", a.Namespace)
	}
	if !regionPattern.MatchString(a.Region) {
		f.add("Region is %q, want an AWS region such as eu-central-1", a.Region)
	}
	f.unprivilegedPort("Port", a.Port)
	f.unprivilegedPort("MetricsPort", a.MetricsPort)
	if a.Port == a.MetricsPort {
		f.add("MetricsPort is %d like Port, want another: metrics and profiles are not for clients", a.MetricsPort)
	}
	f.rollout(a)
	f.between("QueryLogRetentionDays", a.QueryLogRetentionDays, mostRetentionDays)
	if !slices.Contains(logLevels, a.LogLevel) {
		f.add("LogLevel is %q, want one of %s", a.LogLevel, strings.Join(logLevels, ", "))
	}
	for i, namespace := range a.MetricsNamespaces {
		if !namespacePattern.MatchString(namespace) {
			f.add("MetricsNamespaces[%d] is %q, want a namespace", i, namespace)
		}
	}
}

func (f *faults) rollout(a Args) {
	if a.SurgePercent < 1 || a.SurgePercent > 100 {
		f.add("SurgePercent is %d, want 1 to 100", a.SurgePercent)
	}
	if a.DrainSeconds < leastDrain || a.DrainSeconds > mostDrain {
		f.add("DrainSeconds is %d, want %d to %d", a.DrainSeconds, leastDrain, mostDrain)
	}
}

// unprivilegedPort is one that a process without capabilities can listen on.
func (f *faults) unprivilegedPort(field string, port int) {
	if port < 1024 || port > mostPort {
		f.add("%s is %d, want 1024 to %d", field, port, mostPort)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
