package rules

import (
	"slices"
	"strings"
)

const (
	replicationGroup = "aws:elasticache/replicationGroup:ReplicationGroup"
	cacheParameters  = "aws:elasticache/parameterGroup:ParameterGroup"
	cacheUser        = "aws:elasticache/user:User"

	// leastReservedPercent of a node's memory is what AWS recommends for snapshots, replication and buffers.
	// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/redis-memory-management.html ; read 2026-11-23.
	leastReservedPercent = 25
)

// cachePolicies are the eviction policies that hold the contract of docs/caching.md.
var cachePolicies = []string{"volatile-lru", "volatile-ttl", "allkeys-lru"}

var cache = []Rule{
	{
		Name: "cache-failover", Area: Cache, Levels: production,
		Says:   "A replica in another zone takes over when the cache's primary fails.",
		Fix:    "Set ragscale:cache.replicas to 1 or more.",
		Origin: "availabilityPercent; responseSeconds: with an empty cache every search is the database's",
		Types:  []string{replicationGroup}, Check: cacheFailover,
	},
	{
		Name: "cache-encrypted", Area: Cache, Levels: everywhere,
		Says:   "The cache is encrypted at rest, and takes clients with TLS alone.",
		Fix:    "atRestEncryptionEnabled and transitEncryptionEnabled true, transitEncryptionMode required.",
		Origin: "encryption at rest and in transit; at rest it cannot be turned on later",
		Types:  []string{replicationGroup}, Check: cacheEncrypted,
	},
	{
		Name: "cache-users", Area: Cache, Levels: everywhere,
		Says:   "Whoever uses the cache is a user of its group, not whoever holds a shared token.",
		Fix:    "Set userGroupIds of the replication group and remove authToken.",
		Origin: "least privilege: a token may do everything, and cannot be taken from one alone",
		Types:  []string{replicationGroup}, Check: cacheUsers,
	},
	{
		Name: "cache-user-authenticated", Area: Cache, Levels: everywhere,
		Says:   "A user of the cache without a password, as the one named default, is off.",
		Fix:    "accessString of the user: begin with off; or give it authenticationMode password or iam.",
		Origin: "a client that does not say who it is, is default",
		Types:  []string{cacheUser}, Check: cacheUserAuthenticated,
	},
	{
		Name: "cache-password-secret", Area: Cache, Levels: everywhere,
		Says:   "Passwords of the cache's users are secrets.",
		Fix:    "pulumi config set --secret ragscale:cachePassword",
		Origin: "the state file and every preview show what is not secret",
		Types:  []string{cacheUser}, Check: cachePassword,
	},
	{
		Name: "cache-eviction", Area: Cache, Levels: production,
		Says: "A full cache drops what was not asked for lately or ends soon; it neither refuses writes nor counts how " +
			"often.",
		Fix:    "Set ragscale:cache.workload to recent or expiring.",
		Origin: "docs/caching.md: noeviction turns a full cache into errors, LFU drops fresh marks of invalidation first",
		Types:  []string{cacheParameters}, Check: cacheEviction,
	},
	{
		Name: "cache-snapshots", Area: Cache, Levels: productions,
		Says:   "The cache has a snapshot of the last day, so that it need not be filled from nothing.",
		Fix:    "Set ragscale:cache.snapshotRetentionDays to 1 or more.",
		Origin: "responseSeconds: with an empty cache every search is the database's",
		Types:  []string{replicationGroup}, Check: func(r Resource, _ Thresholds, p *Report) {
			p.isAtLeast(r, r.At("snapshotRetentionLimit"), 1, " day")
		},
	},
	{
		Name: "cache-reserved-memory", Area: Cache, Levels: onAWS,
		Says:   "A quarter of the cache's memory is left for snapshots, replication and buffers.",
		Fix:    "Set the parameter reserved-memory-percent under ragscale:cache.parameters to 25 or more, or leave it out.",
		Origin: "a snapshot of a node without room swaps, and every request waits",
		Types:  []string{cacheParameters}, Check: cacheReservedMemory,
	},
}

func cacheFailover(r Resource, _ Thresholds, p *Report) {
	p.isTrue(r, r.At("automaticFailoverEnabled"))
	p.isTrue(r, r.At("multiAzEnabled"))
}

func cacheEncrypted(r Resource, _ Thresholds, p *Report) {
	p.isTrue(r, r.At("atRestEncryptionEnabled"))
	p.isTrue(r, r.At("transitEncryptionEnabled"))
	if mode := r.At("transitEncryptionMode"); !mode.Absent() { // required unless said
		p.isOneOf(r, mode, "required")
	}
}

func cacheUsers(r Resource, _ Thresholds, p *Report) {
	if groups := r.At("userGroupIds"); !groups.Unknown() && len(groups.Each()) == 0 {
		p.fault(r, groups, "a user group")
	}
	if token := r.At("authToken"); !token.Absent() && !token.Unknown() {
		p.about(r, token.Path, "set", "users instead")
	}
}

func cacheUserAuthenticated(r Resource, _ Thresholds, p *Report) {
	access, mode := r.At("accessString"), r.At("authenticationMode", "type")
	if access.Unknown() || mode.Unknown() || r.At("noPasswordRequired").Unknown() || r.At("userName").Unknown() {
		return
	}
	open := mode.Text() == "no-password-required" || r.At("noPasswordRequired").True() ||
		r.At("userName").Text() == "default"
	if open && !slices.Contains(strings.Fields(access.Text()), "off") {
		p.fault(r, access, "off: anybody may be "+r.At("userName").Text())
	}
}

func cachePassword(r Resource, _ Thresholds, p *Report) {
	for _, passwords := range []Property{r.At("passwords"), r.At("authenticationMode", "passwords")} {
		for _, password := range passwords.Each() {
			if !password.Secret() && !password.Unknown() && !password.Absent() {
				p.about(r, password.Path, "in clear", "a secret")
			}
		}
	}
}

// cacheEviction counts ElastiCache's default, volatile-lru.
func cacheEviction(r Resource, _ Thresholds, p *Report) {
	if policy := parameter(r, "maxmemory-policy"); !policy.Absent() {
		p.isOneOf(r, policy, cachePolicies...)
	}
}

// cacheReservedMemory counts ElastiCache's default, 25 %.
func cacheReservedMemory(r Resource, _ Thresholds, p *Report) {
	if reserved := parameter(r, "reserved-memory-percent"); !reserved.Absent() {
		p.isAtLeast(r, reserved, leastReservedPercent, " %")
	}
}
