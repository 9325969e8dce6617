package cache

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue/redis"
)

// parameterGroup has a generated name: the family is part of a group's identity, and another family needs a new group
// before the old one can go.
func (d *declaration) parameterGroup() (*elasticache.ParameterGroup, error) {
	sorted := slices.SortedFunc(slices.Values(d.args.Parameters),
		func(a, b Parameter) int { return cmp.Compare(a.Name, b.Name) })
	var parameters elasticache.ParameterGroupParameterArray
	for _, p := range sorted {
		if familyDefaults[p.Name] == p.Value {
			continue
		}
		parameters = append(parameters, &elasticache.ParameterGroupParameterArgs{
			Name: pulumi.String(p.Name), Value: pulumi.String(p.Value),
		})
	}
	group, err := elasticache.NewParameterGroup(d.ctx, d.name, &elasticache.ParameterGroupArgs{
		// A changed description replaces the group: keep it.
		Description: pulumi.String("Redis settings computed from the working set"),
		Family:      pulumi.String(redis.Family),
		Parameters:  parameters,
		Tags:        d.tags(""),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("parameter group: %w", err)
	}
	return group, nil
}

const evictionPolicy = "maxmemory-policy"

// familyDefaults are left out where they are asked for: the provider reads back only what ElastiCache lists as set by
// its user, and a value that is the family's own may not be among that, so that it would be set anew at every update.
// (Known of Neptune's groups: https://github.com/hashicorp/terraform-provider-aws/issues/20056 . Of Redis' a second
// preview would settle it; left out, the value is the same either way.)
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html ; read 2026-11-30.
var familyDefaults = map[string]string{
	"maxmemory-policy": "volatile-lru", "reserved-memory-percent": "25", "slowlog-log-slower-than": "10000",
	"slowlog-max-len": "128",
	"tcp-keepalive":   "300", "timeout": "0",
}

// refused are directives of redis.conf, and parameters of ElastiCache, that this cache has no use for, with what is
// wanted in their place.
var refused = map[string]string{
	"appendfsync":                "none: ElastiCache for Redis 7 keeps no append-only file",
	"appendonly":                 "none: ElastiCache for Redis 7 keeps no append-only file",
	"client-output-buffer-limit": "client-output-buffer-limit-normal-hard-limit and the others, one number each",
	"cluster-enabled":            "none: the replication group has no shards",
	"lua-time-limit":             "none: ElastiCache fixes it",
	"maxclients":                 "none: ElastiCache fixes it at 65000",
	"maxmemory":                  "reserved-memory-percent: ElastiCache computes maxmemory from the node type",
	"rename-commands":            "none: what users may call is in their access strings",
	"reserved-memory":            "reserved-memory-percent, which stays right when the node type changes",
	"save":                       "SnapshotRetentionDays and SnapshotWindow",
}

func (f *faults) parameters(a Args) {
	seen := map[string]bool{}
	for i, p := range a.Parameters {
		if p.Name == "" {
			f.Add("Parameters[%d].Name is empty, want the name of a parameter", i)
			continue
		}
		if seen[p.Name] {
			f.Add("Parameters[%s] is given twice, want it once", p.Name)
		}
		seen[p.Name] = true
		f.parameter(p)
		if p.Name == evictionPolicy && tiered(a.NodeType) && !slices.Contains(redis.TieredPolicies, p.Value) {
			f.Add("Parameters[%s].Value is %q with data tiering (%s), want one of %s", p.Name, p.Value, a.NodeType,
				strings.Join(redis.TieredPolicies, ", "))
		}
	}
}

func (f *faults) parameter(p Parameter) {
	if instead, known := refused[p.Name]; known {
		f.Add("Parameters[%s] cannot be changed, want %s", p.Name, instead)
		return
	}
	s, err := redis.Lookup(p.Name)
	if err != nil {
		f.Add("Parameters[%s] is not known, want a parameter of family %s that can be changed", p.Name, redis.Family)
		return
	}
	if err := s.CheckForm(p.Value); err != nil {
		f.Add("Parameters[%s].Value %w", p.Name, err)
	}
}
