package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ragscale/ragscale/sandbox/aws/props"
	"github.com/ragscale/ragscale/sandbox/aws/schema"
	"github.com/ragscale/ragscale/stacks/catalogue"
)

var (
	cacheID      = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)
	redisVersion = regexp.MustCompile(`^([7-9]\.[0-9]+|6\.x|6\.[0-9]+|5\.[0-9]+\.[0-9]+)$`)
)

// Source: CreateReplicationGroup of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/elasticache@v1.64.5 ; read
// 2026-11-23.
func replicationGroup(c *check) {
	if id, ok := props.String(c.Inputs, "replicationGroupId"); ok && (!cacheID.MatchString(id) || len(id) > 40) {
		c.fail("replicationGroupId", "is %q, want 1 to 40 small letters, digits and single hyphens, a letter first", id)
	}
	c.oneOf("engine", "redis", "valkey")
	if v, ok := props.String(c.Inputs, "engineVersion"); ok && !redisVersion.MatchString(v) {
		c.fail("engineVersion", "is %q, want a version such as 7.1", v)
	}
	c.cacheNode()
	c.cacheShape()
	c.cacheAuth()
	c.cacheLogs()
	if c.str("engine") != "valkey" && c.has("kmsKeyId") && !c.is("atRestEncryptionEnabled", false) && !c.unknown("atRestEncryptionEnabled") {
		c.fail("kmsKeyId", "is given, want atRestEncryptionEnabled true with it")
	}
}

func (c *check) cacheNode() {
	node, ok := props.String(c.Inputs, "nodeType")
	if !ok {
		return
	}
	if strings.HasPrefix(node, "cache.r6gd.") {
		if !c.is("dataTieringEnabled", false) {
			c.fail("dataTieringEnabled", "is not true, want true with %s", node)
		}
		return
	}
	if _, err := catalogue.Cache(node); err != nil {
		c.fail("nodeType", "%v", err)
	}
}

func (c *check) cacheShape() {
	c.conflict("numCacheClusters", "numNodeGroups")
	c.conflict("numCacheClusters", "replicasPerNodeGroup")
	c.within("replicasPerNodeGroup", 0, 5)
	failover := c.is("automaticFailoverEnabled", false)
	if n, ok := c.num("numCacheClusters"); ok && failover && n < 2 {
		c.fail("automaticFailoverEnabled", "is true with %v node, want numCacheClusters of at least 2", n)
	}
	if c.is("multiAzEnabled", false) && !failover && !c.unknown("automaticFailoverEnabled") {
		c.fail("multiAzEnabled", "is true, want automaticFailoverEnabled true with it")
	}
	if n, ok := c.num("numNodeGroups"); ok && n > 1 && !failover && !c.unknown("automaticFailoverEnabled") {
		c.fail("automaticFailoverEnabled", "is not true, want true in cluster mode (%v node groups)", n)
	}
	c.cacheCluster()
}

// cacheCluster wants a parameter group with cluster-enabled=yes for more than one node group.
func (c *check) cacheCluster() {
	n, ok := c.num("numNodeGroups")
	group := c.str("parameterGroupName")
	if !ok || n <= 1 || group == "" {
		return
	}
	for _, g := range c.others(tokenCacheParams) {
		if props.Str(g.State, "name") != group {
			continue
		}
		enabled := false
		for _, p := range props.Objects(g.State, "parameters") {
			enabled = enabled || props.Str(p, "name") == "cluster-enabled" && props.Str(p, "value") == "yes"
		}
		if !enabled {
			c.fail("parameterGroupName", "is %s without cluster-enabled=yes, want a group made for cluster mode", group)
		}
	}
}

func (c *check) cacheAuth() {
	c.conflict("authToken", "userGroupIds")
	tls := c.is("transitEncryptionEnabled", false) || c.unknown("transitEncryptionEnabled")
	for _, path := range []string{"authToken", "userGroupIds"} {
		if c.has(path) && !tls {
			c.fail(path, "is given, want transitEncryptionEnabled true with it")
		}
	}
	if c.has("authTokenUpdateStrategy") && !c.has("authToken") {
		c.fail("authTokenUpdateStrategy", "is given, want authToken with it")
	}
	if n := len(c.list("userGroupIds")); n > 1 {
		c.fail("userGroupIds", "has %d groups, want at most 1", n)
	}
}

func (c *check) cacheLogs() {
	seen := map[string]bool{}
	for i := range c.list("logDeliveryConfigurations") {
		path := fmt.Sprintf("logDeliveryConfigurations.%d.", i)
		c.oneOf(path+"logType", "slow-log", "engine-log")
		c.oneOf(path+"destinationType", "cloudwatch-logs", "kinesis-firehose")
		c.oneOf(path+"logFormat", "json", "text")
		kind := c.str(path + "logType")
		if kind != "" && seen[kind] {
			c.fail(path+"logType", "is %s a second time, want each type once", kind)
		}
		seen[kind] = true
	}
}

// cacheParameters may be changed in family redis7. cluster-enabled only when a group is made, which is when it is declared.
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html ; read 2026-11-23.
var cacheParameters = []string{
	"acl-pubsub-default", "acllog-max-len", "active-defrag-cycle-max", "active-defrag-cycle-min", "active-defrag-ignore-bytes", "active-defrag-max-scan-fields",
	"active-defrag-threshold-lower", "active-defrag-threshold-upper", "active-expire-effort", "activedefrag",
	"client-output-buffer-limit-normal-hard-limit", "client-output-buffer-limit-normal-soft-limit", "client-output-buffer-limit-normal-soft-seconds",
	"client-output-buffer-limit-pubsub-hard-limit", "client-output-buffer-limit-pubsub-soft-limit", "client-output-buffer-limit-pubsub-soft-seconds",
	"client-query-buffer-limit",
	"close-on-replica-write", "cluster-allow-pubsubshard-when-down", "cluster-allow-reads-when-down", "cluster-enabled", "cluster-preferred-endpoint-type", "cluster-require-full-coverage",
	"databases", "hash-max-listpack-entries", "hash-max-listpack-value", "hll-sparse-max-bytes",
	"latency-tracking", "lazyfree-lazy-eviction", "lazyfree-lazy-expire", "lazyfree-lazy-server-del", "lazyfree-lazy-user-del", "lfu-decay-time", "lfu-log-factor",
	"list-compress-depth", "maxmemory-policy", "maxmemory-samples", "min-replicas-max-lag", "min-replicas-to-write", "notify-keyspace-events", "proto-max-bulk-len",
	"rename-commands", "repl-backlog-size", "repl-backlog-ttl", "reserved-memory", "reserved-memory-percent", "set-max-intset-entries", "slowlog-log-slower-than", "slowlog-max-len",
	"stream-node-max-bytes", "stream-node-max-entries", "tcp-keepalive", "timeout", "tracking-table-max-keys", "zset-max-listpack-entries", "zset-max-listpack-value",
}

var evictionPolicies = []string{"volatile-lru", "allkeys-lru", "volatile-lfu", "allkeys-lfu", "volatile-random", "allkeys-random", "volatile-ttl", "noeviction"}

func cacheParameterGroup(c *check) {
	family, ok := props.String(c.Inputs, "family")
	families := []string{"redis7", "redis6.x", "redis5.0", "valkey7", "valkey8", "memcached1.6", "memcached1.5"}
	c.oneOf("family", families...)
	if ok && family != "redis7" && family != "valkey7" && family != "valkey8" {
		return
	}
	for i, p := range props.Objects(c.Inputs, "parameters") {
		c.cacheParameter(fmt.Sprintf("parameters.%d.", i), props.Str(p, "name"), props.Str(p, "value"))
	}
}

func (c *check) cacheParameter(path, name, value string) {
	if name != "" && !slices.Contains(cacheParameters, name) {
		c.fail(path+"name", "is %q, which ElastiCache does not let be changed%s", name, schema.DidYouMean(name, cacheParameters))
	}
	switch name {
	case "maxmemory-policy":
		c.oneOf(path+"value", evictionPolicies...)
	case "timeout":
		if n, err := strconv.Atoi(value); value != "" && (err != nil || n != 0 && n < 20) {
			c.fail(path+"value", "of timeout is %q, want 0 or at least 20 (s)", value)
		}
	}
}
