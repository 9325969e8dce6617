package cache

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// parameterGroup has a generated name: the family is part of a group's identity, and another family needs a new group
// before the old one can go.
func (d *declaration) parameterGroup() (*elasticache.ParameterGroup, error) {
	sorted := slices.SortedFunc(slices.Values(d.args.Parameters), func(a, b Parameter) int { return cmp.Compare(a.Name, b.Name) })
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
		Family:      pulumi.String(parameterFamily),
		Parameters:  parameters,
		Tags:        d.tags(""),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("parameter group: %w", err)
	}
	return group, nil
}

// familyDefaults are left out where they are asked for: the provider reads back only what ElastiCache lists as set by its user,
// and a value that is the family's own may not be among that, so that it would be set anew at every update. (Known of Neptune's
// groups: https://github.com/hashicorp/terraform-provider-aws/issues/20056 . Of Redis' a second preview would settle it; left
// out, the value is the same either way.)
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html ; read 2026-11-30.
var familyDefaults = map[string]string{
	"maxmemory-policy": "volatile-lru", "reserved-memory-percent": "25", "slowlog-log-slower-than": "10000", "slowlog-max-len": "128",
	"tcp-keepalive": "300", "timeout": "0",
}

// domain is what a parameter takes: one of words, or else a whole number from least to most.
type domain struct {
	words       []string
	least, most int
}

var (
	yesOrNo = domain{words: []string{"yes", "no"}}
	count   = domain{most: math.MaxInt}
	percent = domain{most: 100}
)

const (
	evictionPolicy = "maxmemory-policy"
	// idleTimeout closes connections that are idle for so many seconds.
	idleTimeout      = "timeout"
	leastIdleTimeout = 20
)

// changeable are the parameters of family redis7 that a replication group without shards may set. Bounds are given where
// ElastiCache is narrower than "no less than 0".
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html ; read 2026-11-23.
var changeable = map[string]domain{
	"acllog-max-len":                               {least: 1, most: 10_000},
	"active-defrag-cycle-max":                      {least: 1, most: 75},
	"active-defrag-cycle-min":                      {least: 1, most: 75},
	"active-defrag-ignore-bytes":                   {least: 1 << 20, most: math.MaxInt},
	"active-defrag-max-scan-fields":                {least: 1, most: 1_000_000},
	"active-defrag-threshold-lower":                {least: 1, most: 100},
	"active-defrag-threshold-upper":                {least: 1, most: 100},
	"active-expire-effort":                         {least: 1, most: 10},
	"activedefrag":                                 yesOrNo,
	"client-output-buffer-limit-normal-hard-limit": count, "client-output-buffer-limit-normal-soft-limit": count,
	"client-output-buffer-limit-normal-soft-seconds": count,
	"client-output-buffer-limit-pubsub-hard-limit":   count, "client-output-buffer-limit-pubsub-soft-limit": count,
	"client-output-buffer-limit-pubsub-soft-seconds": count,
	"client-query-buffer-limit":                      {least: 1 << 20, most: 1 << 30},
	"close-on-replica-write":                         yesOrNo,
	"hash-max-listpack-entries":                      count, "hash-max-listpack-value": count,
	"latency-tracking":       yesOrNo,
	"lazyfree-lazy-eviction": yesOrNo, "lazyfree-lazy-expire": yesOrNo,
	"lazyfree-lazy-server-del": yesOrNo, "lazyfree-lazy-user-del": yesOrNo,
	"lfu-decay-time": count, "lfu-log-factor": count,
	evictionPolicy: {words: []string{"volatile-lru", "allkeys-lru", "volatile-lfu", "allkeys-lfu", "volatile-random",
		"allkeys-random", "volatile-ttl", "noeviction"}},
	"maxmemory-samples":         {least: 1, most: math.MaxInt},
	"min-replicas-max-lag":      count,
	"min-replicas-to-write":     count,
	"proto-max-bulk-len":        {least: 1 << 20, most: 512 << 20},
	"repl-backlog-size":         {least: 16 << 10, most: math.MaxInt},
	"repl-backlog-ttl":          count,
	"reserved-memory-percent":   percent,
	"set-max-intset-entries":    count,
	"slowlog-log-slower-than":   {least: -1, most: math.MaxInt},
	"slowlog-max-len":           count,
	"tcp-keepalive":             count,
	idleTimeout:                 count,
	"tracking-table-max-keys":   {least: 1, most: 100_000_000},
	"zset-max-listpack-entries": count, "zset-max-listpack-value": count,
}

// refused are directives of redis.conf that one might try, with what is wanted in their place.
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

// tierable are the eviction policies that data tiering takes.
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/data-tiering.html ; read 2026-11-23.
var tierable = []string{"volatile-lru", "allkeys-lru", "noeviction"}

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
		if p.Name == evictionPolicy && tiered(a.NodeType) && !slices.Contains(tierable, p.Value) {
			f.Add("Parameters[%s].Value is %q with data tiering (%s), want one of %s", p.Name, p.Value, a.NodeType, strings.Join(tierable, ", "))
		}
	}
}

func (f *faults) parameter(p Parameter) {
	if instead, known := refused[p.Name]; known {
		f.Add("Parameters[%s] cannot be changed, want %s", p.Name, instead)
		return
	}
	if p.Name == "notify-keyspace-events" {
		if strings.Trim(p.Value, "KEg$lshzxetdmnA") != "" {
			f.Add("Parameters[%s].Value is %q, want letters of KEg$lshzxetdmnA", p.Name, p.Value)
		}
		return
	}
	takes, known := changeable[p.Name]
	if !known {
		f.Add("Parameters[%s] is not known, want a parameter of family %s that can be changed", p.Name, parameterFamily)
		return
	}
	if fault := takes.fault(p.Value); fault != "" {
		f.Add("Parameters[%s].Value is %q, want %s", p.Name, p.Value, fault)
		return
	}
	if n, err := strconv.Atoi(p.Value); p.Name == idleTimeout && err == nil && n != 0 && n < leastIdleTimeout {
		f.Add("Parameters[%s].Value is %q, want 0 or at least %d (s)", p.Name, p.Value, leastIdleTimeout)
	}
}

// fault says what is wanted in place of value, or "".
func (d domain) fault(value string) string {
	if d.words != nil {
		if slices.Contains(d.words, value) {
			return ""
		}
		return "one of " + strings.Join(d.words, ", ")
	}
	n, err := strconv.Atoi(value)
	switch {
	case err == nil && n >= d.least && n <= d.most:
		return ""
	case d.most == math.MaxInt:
		return fmt.Sprintf("a whole number of at least %d", d.least)
	default:
		return fmt.Sprintf("%d to %d", d.least, d.most)
	}
}
