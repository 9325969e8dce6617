package redis

import (
	"time"

	"github.com/ragscale/ragscale/catalogue"
)

// The last Redis that ElastiCache has, and its family of parameter groups; what comes after it is Valkey. AWS writes it
// so: "7" and "7.1.0" are refused.
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/engine-versions.html ; read 2026-11-23.
const (
	LastVersion = "7.1"
	Family      = "redis7"
)

// MostReplicas of a primary without shards; with it there are six nodes.
// Source: CreateReplicationGroup of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/elasticache@v1.64.5 ; read
// 2026-11-23.
const MostReplicas = 5

// MostSnapshotDays that snapshots are kept.
// Source: CreateReplicationGroup (SnapshotRetentionLimit), as MostReplicas; read 2026-11-23.
const MostSnapshotDays = 35

// LeastWindow is how long snapshot and maintenance windows are at least. They lie apart, in AWS's words: "The snapshot
// window and maintenance window must not overlap".
// Source: CreateReplicationGroup, as MostReplicas, and https://github.com/hashicorp/terraform/issues/17247 ; read
// 2026-11-23.
const LeastWindow = time.Hour

// Password of a user. Of which characters is said of ElastiCache's other password (AuthToken) only, so the stricter
// reading holds. A user has at most two, so that clients can change over.
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html ; read 2026-11-23.
var Password = catalogue.Password{Service: "ElastiCache", Least: 16, Most: 128, Refused: `/"@ `}

// MostPasswords of a user. Source: as Password; read 2026-11-23.
const MostPasswords = 2

// TieredPolicies are the eviction policies that data tiering takes.
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/data-tiering.html ; read 2026-11-23.
var TieredPolicies = []string{"volatile-lru", "allkeys-lru", "noeviction"}
