package stacks

// Rotation changes the database's password regularly. The function does it; the stack only says which and how often.
type Rotation struct {
	// Lambda function that rotates the secret, in the stack's region; empty = the password changes only with the
	// configuration.
	LambdaARN string `json:"lambdaArn" rule:"match=lambdaArn"`
	// Days between rotations.
	Days int `json:"days" rule:"min=1 max=1000"`
}

// PgBouncer is the connection pooler between the API and the database. Its pool sizes are derived: see Pools.
type PgBouncer struct {
	// Fewest PgBouncer pods; these alone carry the whole throughput.
	Min int `json:"min" rule:"min=2 max=50"`
	// Most PgBouncer pods. Each more holds server connections of its own.
	Max int `json:"max" rule:"min=2 max=50"`
	// What the scheduler reserves for a PgBouncer pod.
	Requests Requests `json:"requests"`
	// What a PgBouncer pod may use at most. One process uses one core.
	Limits Limits `json:"limits"`
}

// SnapshotStorageGiB is the volume that holds the vector store's snapshots, GiB. A snapshot is compressed text of about
// half what the server holds of a vector (5 bytes per dimension of 9.3; 2026-11-23), and of a volume at most
// slo.storagePercent is in use, so half the volume each is enough for the ones kept and the one being written.
func (c *Config) SnapshotStorageGiB() int {
	return (c.VectorStore.StorageGiB*(c.VectorStore.SnapshotRetention+1) + 1) / 2
}

// Cache is the ElastiCache replication group: Redis, cluster mode disabled.
type Cache struct {
	// ElastiCache node type, of the primary and of every replica.
	NodeType string `json:"nodeType" rule:"match=cacheNode"`
	// Replicas of the primary; from 1 on they stand in other zones, and one takes over when the primary fails.
	Replicas int `json:"replicas" rule:"min=0 max=redis.MostReplicas"`
	// Memory of the keys that are asked for again, MiB: what the node must hold within slo.memoryPercent.
	WorkingSetMiB int `json:"workingSetMiB" rule:"min=16 max=1048576"`
	// What is asked for again, which chooses the eviction policy: recent = what was asked for last (volatile-lru),
	// expiring = what has longest to live (volatile-ttl), durable = everything: when memory is full, writes fail
	// (noeviction). The reference API needs recent or expiring, and policy cache-eviction stops production otherwise:
	// durable is for an image of your own, with an exemption.
	Workload string `json:"workload" rule:"one=recent|expiring|durable"`
	// Days that daily snapshots are kept; 0 = no snapshots.
	SnapshotRetentionDays int `json:"snapshotRetentionDays" rule:"min=0 max=redis.MostSnapshotDays"`
	// Daily snapshot, UTC, at least an hour.
	SnapshotWindow string `json:"snapshotWindow" rule:"match=backupWindow"`
	// Weekly maintenance, UTC, at least an hour.
	MaintenanceWindow string `json:"maintenanceWindow" rule:"match=maintenanceWindow"`
	// Parameters of Redis to set otherwise than derived below.
	Parameters map[string]string `json:"parameters" rule:"keys=redisParameter match=parameterValue maxItems=40"`
}

// VectorStore is the Chroma server and its volume.
type VectorStore struct {
	// Size of the volume (encrypted gp3), GiB. It grows, and never shrinks.
	StorageGiB int `json:"storageGiB" rule:"min=1 max=16384"`
	// What the scheduler reserves for the pod.
	Requests Requests `json:"requests"`
	// What the pod may use at most. Chroma holds its index in memory.
	Limits Limits `json:"limits"`
	// When the volume's content is copied, UTC, as a cron schedule; empty = never.
	SnapshotSchedule string `json:"snapshotSchedule" rule:"match=schedule"`
	// Snapshots kept.
	SnapshotRetention int `json:"snapshotRetention" rule:"min=1 max=100"`
}
