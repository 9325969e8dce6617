package cache

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/components/internal/datakey"
	"github.com/ragscale/ragscale/components/internal/fault"
)

const (
	// longestID is ElastiCache's limit for the ids of replication groups, user groups and users.
	longestID = 40
	// longestName leaves room in the longest id for "-", the suffix and the longest user's suffix.
	longestName = longestID - 1 - datakey.SuffixLength - len(reportingSuffix)
)

var (
	nodeTypePattern = regexp.MustCompile(`^cache\.[a-z0-9]+\.[a-z0-9]+$`)
	usernamePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,39}$`)
	prefixPattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*:$`)

	// agedFamilies have no failover, or no snapshots, or neither.
	agedFamilies = []string{"cache.t1.", "cache.t2.", "cache.m1.", "cache.m2.", "cache.c1."}
)

type faults struct{ fault.List }

func validate(name string, a Args) error {
	f := faults{fault.In("cache")}
	f.Name("name", name, longestName)
	f.wiring(a)
	f.nodes(a)
	f.parameters(a)
	f.access(a)
	f.upkeep(a)
	return f.Err()
}

func (f *faults) wiring(a Args) {
	missing := map[string]bool{"VPCID": a.VPCID == nil, "Password": a.Password == nil}
	for client, group := range a.AllowedSecurityGroupIDs {
		missing["AllowedSecurityGroupIDs["+client+"]"] = group == nil
	}
	f.Missing(missing)
	f.Subnets("IsolatedSubnetIDs", len(a.IsolatedSubnetIDs))
}

func (f *faults) nodes(a Args) {
	if !nodeTypePattern.MatchString(a.NodeType) {
		f.Add("NodeType is %q, want an ElastiCache node type such as cache.r7g.large", a.NodeType)
	}
	if slices.ContainsFunc(agedFamilies, func(family string) bool { return strings.HasPrefix(a.NodeType, family) }) {
		f.Add("NodeType is %q, want a family that fails over and keeps snapshots, such as cache.t4g", a.NodeType)
	}
	f.Between("Replicas", a.Replicas, 0, redis.MostReplicas)
}

func (f *faults) access(a Args) {
	switch {
	case !usernamePattern.MatchString(a.Username):
		f.Add("Username is %q, want a letter, then up to 39 letters, digits and hyphens", a.Username)
	case strings.EqualFold(a.Username, "default"):
		f.Add("Username is %q, want another: that user is switched off", a.Username)
	}
	if !prefixPattern.MatchString(a.KeyPrefix) {
		f.Add(`KeyPrefix is %q, want letters, digits, dots, hyphens and underscores, then a colon, such as "ragapi:"`,
			a.KeyPrefix)
	}
}

func (f *faults) upkeep(a Args) {
	f.Between("SnapshotRetentionDays", a.SnapshotRetentionDays, 0, redis.MostSnapshotDays)
	if a.SnapshotWindow != "" && a.SnapshotRetentionDays == 0 {
		f.Add("SnapshotWindow is %q with SnapshotRetentionDays 0, want none: no snapshots are taken", a.SnapshotWindow)
	}
	f.Windows(fault.Span{Field: "SnapshotWindow", Value: a.SnapshotWindow},
		fault.Span{Field: "MaintenanceWindow", Value: a.MaintenanceWindow}, redis.LeastWindow)
	f.LogDays("LogRetentionDays", a.LogRetentionDays, "for ever")
}
