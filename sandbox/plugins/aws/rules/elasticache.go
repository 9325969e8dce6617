package rules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
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
	c.cacheVersion()
	c.cacheNode()
	c.cacheShape()
	c.cacheAuth()
	c.cacheLogs()
	c.cacheSnapshots()
	c.cacheShrinks()
	if c.str("engine") != "valkey" && c.has("kmsKeyId") && !c.is("atRestEncryptionEnabled", false) && !c.unknown("atRestEncryptionEnabled") {
		c.fail("kmsKeyId", "is given, want atRestEncryptionEnabled true with it")
	}
}

// cacheShrinks: the provider turns failover off, then removes replicas, in one update. If the first is to wait for the
// maintenance window the second is refused. That failover itself waits is the stricter reading: ModifyReplicationGroup
// without ApplyImmediately would settle it.
// Source: order of the updates in resourceReplicationGroupUpdate of https://github.com/hashicorp/terraform-provider-aws ,
// internal/service/elasticache/replication_group.go, and https://github.com/pulumi/pulumi-aws/issues/2226 ; read 2026-11-30.
func (c *check) cacheShrinks() {
	nodes, known := c.num("numCacheClusters")
	had := props.Bool(c.Olds, "automaticFailoverEnabled", false)
	if known && nodes < 2 && had && !c.is("applyImmediately", false) && !c.unknown("applyImmediately") {
		c.fail("applyImmediately", "is false while failover is turned off and its replicas go, want true: the first would wait, the second is refused")
	}
}

// cacheVersion wants a version that the engine has, and a parameter group of its family: 7.1 is the last of Redis, what
// follows is Valkey.
func (c *check) cacheVersion() {
	version, ok := props.String(c.Inputs, "engineVersion")
	if !ok {
		return
	}
	if !redisVersion.MatchString(version) {
		c.fail("engineVersion", "is %q, want a version such as 7.1", version)
		return
	}
	major, minor, _ := strings.Cut(version, ".")
	engine := c.str("engine")
	if engine == "" {
		engine = "redis"
	}
	if after := major > "7" || major == "7" && minor > "1"; engine == "redis" && after {
		c.fail("engineVersion", "is %q with engine redis, want 7.1 or earlier, or engine valkey", version)
		return
	}
	c.cacheFamily(engine, major)
}

func (c *check) cacheFamily(engine, major string) {
	want := map[string]string{"5": "redis5.0", "6": "redis6.x"}[major]
	if want == "" {
		want = engine + major
	}
	group := c.str("parameterGroupName")
	for _, g := range c.others(tokenCacheParams) {
		if family := props.Str(g.State, "family"); props.Str(g.State, "name") == group && family != "" && family != want {
			c.fail("parameterGroupName", "is %s of family %s, want family %s", group, family, want)
		}
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
	if c.is("dataTieringEnabled", false) {
		c.fail("dataTieringEnabled", "is true with %s, want a node type of family r6gd", node)
	}
	if _, err := redis.NodeType(node); err != nil {
		c.fail("nodeType", "%v", err)
	}
}

func (c *check) cacheShape() {
	c.conflict("numCacheClusters", "numNodeGroups")
	c.conflict("numCacheClusters", "replicasPerNodeGroup")
	c.within("numCacheClusters", 1, redis.MostReplicas+1)
	c.within("replicasPerNodeGroup", 0, redis.MostReplicas)
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
	c.oneOf("transitEncryptionMode", "preferred", "required")
	if c.has("transitEncryptionMode") && !tls {
		c.fail("transitEncryptionMode", "is given, want transitEncryptionEnabled true with it")
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

func (c *check) cacheSnapshots() {
	c.within("snapshotRetentionLimit", 0, redis.MostSnapshotDays)
	if id, ok := props.String(c.Inputs, "finalSnapshotIdentifier"); ok && !cacheID.MatchString(strings.ToLower(id)) {
		c.fail("finalSnapshotIdentifier", "is %q, want letters, digits and single hyphens, a letter first", id)
	}
	c.windows("snapshotWindow", redis.LeastWindow)
}

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
	if name == "" {
		return
	}
	s, err := redis.Lookup(name)
	if err != nil {
		c.fail(path+"name", "is %q, which ElastiCache does not let be changed%s", name, schema.DidYouMean(name, redis.Names()))
		return
	}
	if _, known := props.String(c.Inputs, path+"value"); !known {
		return
	}
	if err := s.CheckForm(value); err != nil {
		c.fail(path+"value", "of %s %v", name, err)
	}
}
