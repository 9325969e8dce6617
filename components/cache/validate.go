package cache

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	// longestID is ElastiCache's limit for the ids of replication groups, user groups and users.
	longestID = 40
	// longestName leaves room in the longest id for "-", the suffix and the longest user's suffix.
	longestName = longestID - 1 - suffixLength - len(reportingSuffix)
	// mostReplicas of a replication group without shards.
	mostReplicas = 5
)

var (
	namePattern     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	nodeTypePattern = regexp.MustCompile(`^cache\.[a-z0-9]+\.[a-z0-9]+$`)
	usernamePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,39}$`)
	prefixPattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*:$`)

	// agedFamilies have no failover, or no snapshots, or neither.
	agedFamilies = []string{"cache.t1.", "cache.t2.", "cache.m1.", "cache.m2.", "cache.c1."}

	// logRetentions (0 = for ever) are all that CloudWatch takes.
	// Source: PutRetentionPolicy of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs@v1.74.4 ; read
	// 2026-11-23.
	logRetentions = []int{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)

// faults collects what is wrong with the arguments: field, fact, want.
type faults []error

func (f *faults) add(format string, values ...any) {
	*f = append(*f, fmt.Errorf("cache."+format, values...))
}

func validate(name string, a Args) error {
	var f faults
	if !namePattern.MatchString(name) || len(name) > longestName {
		f.add("name is %q, want at most %d lower-case letters, digits and single hyphens, a letter first", name, longestName)
	}
	f.wiring(a)
	f.nodes(a)
	f.parameters(a)
	f.access(a)
	f.upkeep(a)
	return errors.Join(f...)
}

func (f *faults) wiring(a Args) {
	if a.VPCID == nil {
		f.add("VPCID is missing, want the network's id")
	}
	if a.Password == nil {
		f.add("Password is missing, want a secret")
	}
	if n := len(a.IsolatedSubnetIDs); n < 2 {
		f.add("IsolatedSubnetIDs has %d, want 2 or more, each in a zone of its own", n)
	}
	for _, client := range slices.Sorted(maps.Keys(a.AllowedSecurityGroupIDs)) {
		if a.AllowedSecurityGroupIDs[client] == nil {
			f.add("AllowedSecurityGroupIDs[%s] is missing, want a security group's id", client)
		}
	}
}

func (f *faults) nodes(a Args) {
	if !nodeTypePattern.MatchString(a.NodeType) {
		f.add("NodeType is %q, want an ElastiCache node type such as cache.r7g.large", a.NodeType)
	}
	if slices.ContainsFunc(agedFamilies, func(family string) bool { return strings.HasPrefix(a.NodeType, family) }) {
		f.add("NodeType is %q, want a family that fails over and keeps snapshots, such as cache.t4g", a.NodeType)
	}
	if a.Replicas < 0 || a.Replicas > mostReplicas {
		f.add("Replicas is %d, want 0 to %d", a.Replicas, mostReplicas)
	}
}

func (f *faults) access(a Args) {
	switch {
	case !usernamePattern.MatchString(a.Username):
		f.add("Username is %q, want a letter, then up to 39 letters, digits and hyphens", a.Username)
	case strings.EqualFold(a.Username, "default"):
		f.add("Username is %q, want another: that user is switched off", a.Username)
	}
	if !prefixPattern.MatchString(a.KeyPrefix) {
		f.add(`KeyPrefix is %q, want letters, digits, dots, hyphens and underscores, then a colon, such as "ragapi:"`, a.KeyPrefix)
	}
}

func (f *faults) upkeep(a Args) {
	if a.SnapshotRetentionDays < 0 || a.SnapshotRetentionDays > 35 {
		f.add("SnapshotRetentionDays is %d, want 0 to 35", a.SnapshotRetentionDays)
	}
	if a.SnapshotWindow != "" && a.SnapshotRetentionDays == 0 {
		f.add("SnapshotWindow is %q with SnapshotRetentionDays 0, want none: no snapshots are taken", a.SnapshotWindow)
	}
	f.windows(a.SnapshotWindow, a.MaintenanceWindow)
	if !slices.Contains(logRetentions, a.LogRetentionDays) {
		f.add("LogRetentionDays is %d, want one of %v", a.LogRetentionDays, logRetentions)
	}
}
