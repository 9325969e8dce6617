package catalogue

// Redis returns the setting of ElastiCache's parameter group family redis7 of that name. An unknown name is an error that
// lists near ones.
func Redis(name string) (Setting, error) { return lookup(redisSettings, "Redis parameter", name) }

// RedisNames lists the known settings, sorted.
func RedisNames() []string { return names(redisSettings) }

const (
	cacheDoc    = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html"
	reservedDoc = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/redis-memory-management.html"
	evictionDoc = "https://redis.io/docs/latest/develop/reference/eviction/"
	lazyFreeDoc = "https://github.com/redis/redis/blob/7.0/redis.conf"
)

var yesNo = []string{"yes", "no"}

// EvictionPolicies are what Redis may do when its memory is full.
var EvictionPolicies = []string{
	"volatile-lru", "allkeys-lru", "volatile-lfu", "allkeys-lfu", "volatile-random", "allkeys-random", "volatile-ttl", "noeviction",
}

// redisSettings are the settings that a stack's parameter group uses, and those that a team is likely to tune. All take
// effect at once. Names, ranges and which may be changed: cacheDoc; read
// 2026-11-23. To settle: aws elasticache describe-cache-parameters --cache-parameter-group-name default.redis7
var redisSettings = settings([]Setting{
	{Name: "maxmemory-policy", Kind: Choice, Values: EvictionPolicies, Since: "2.6", Source: evictionDoc},
	{Name: "maxmemory-samples", Kind: Integer, Min: 1, Max: most, Since: "2.8", Source: evictionDoc},
	{Name: "reserved-memory-percent", Kind: Integer, Unit: "%", Min: 0, Max: 100, Since: "3.2", Source: reservedDoc},
	{Name: "lazyfree-lazy-eviction", Kind: Choice, Values: yesNo, Since: "4.0", Source: lazyFreeDoc},
	{Name: "lazyfree-lazy-expire", Kind: Choice, Values: yesNo, Since: "4.0", Source: lazyFreeDoc},
	{Name: "lazyfree-lazy-server-del", Kind: Choice, Values: yesNo, Since: "4.0", Source: lazyFreeDoc},
	{Name: "lazyfree-lazy-user-del", Kind: Choice, Values: yesNo, Since: "6.0", Source: lazyFreeDoc},
	{Name: "timeout", Kind: Integer, Unit: "s", Min: 20, OrZero: true, Max: most, Since: "2.6", Source: cacheDoc},
	{Name: "tcp-keepalive", Kind: Integer, Unit: "s", Min: 0, Max: most, Since: "2.6", Source: cacheDoc},
	{Name: "slowlog-log-slower-than", Kind: Integer, Unit: "us", Min: -1, Max: most, Since: "2.6", Source: cacheDoc},
	{Name: "slowlog-max-len", Kind: Integer, Min: 0, Max: most, Since: "2.6", Source: cacheDoc},
	{Name: "latency-tracking", Kind: Choice, Values: yesNo, Since: "7.0", Source: cacheDoc},
	{Name: "lfu-log-factor", Kind: Integer, Min: 1, Max: most, Since: "4.0", Source: evictionDoc},
	{Name: "lfu-decay-time", Kind: Integer, Min: 0, Max: most, Since: "4.0", Source: evictionDoc},
	{Name: "activedefrag", Kind: Choice, Values: yesNo, Since: "4.0", Source: cacheDoc},
	{Name: "repl-backlog-size", Kind: Integer, Unit: "B", Min: 16384, Max: most, Since: "2.8", Source: cacheDoc},
	{Name: "close-on-replica-write", Kind: Choice, Values: yesNo, Since: "2.8", Source: cacheDoc},
})
