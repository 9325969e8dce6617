package stacks

// Rotation changes the database's password regularly. The function does it; the stack only says which and how often.
type Rotation struct {
	LambdaARN string `json:"lambdaArn" rule:"match=lambdaArn" doc:"Lambda function that rotates the secret, in the stack's region; empty = the password changes only with the configuration."`
	Days      int    `json:"days" rule:"min=1 max=1000" doc:"Days between rotations."`
}

// PgBouncer is the connection pooler between the API and the database. Its pool sizes are derived: see Pools.
type PgBouncer struct {
	Min      int      `json:"min" rule:"min=2 max=50" doc:"Fewest PgBouncer pods; these alone carry the whole throughput."`
	Max      int      `json:"max" rule:"min=2 max=50" doc:"Most PgBouncer pods. Each more holds server connections of its own."`
	Requests Requests `json:"requests" doc:"What the scheduler reserves for a PgBouncer pod."`
	Limits   Limits   `json:"limits" doc:"What a PgBouncer pod may use at most. One process uses one core."`
}

// SnapshotStorageGiB is the volume that holds the vector store's snapshots, GiB. A snapshot is compressed text of about
// half what the server holds of a vector (5 bytes per dimension of 9.3; 2026-11-23), and of a volume at most
// slo.storagePercent is in use, so half the volume each is enough for the ones kept and the one being written.
func (c *Config) SnapshotStorageGiB() int {
	return (c.VectorStore.StorageGiB*(c.VectorStore.SnapshotRetention+1) + 1) / 2
}

// Cache is the ElastiCache replication group: Redis, cluster mode disabled.
type Cache struct {
	NodeType              string            `json:"nodeType" rule:"match=cacheNode" doc:"ElastiCache node type, of the primary and of every replica."`
	Replicas              int               `json:"replicas" rule:"min=0 max=redis.MostReplicas" doc:"Replicas of the primary; from 1 on they stand in other zones, and one takes over when the primary fails."`
	WorkingSetMiB         int               `json:"workingSetMiB" rule:"min=16 max=1048576" doc:"Memory of the keys that are asked for again, MiB: what the node must hold within slo.memoryPercent."`
	Workload              string            `json:"workload" rule:"one=recent|expiring|durable" doc:"What is asked for again, which chooses the eviction policy: recent = what was asked for last (volatile-lru), expiring = what has longest to live (volatile-ttl), durable = everything: when memory is full, writes fail (noeviction). The reference API needs recent or expiring, and policy cache-eviction stops production otherwise: durable is for an image of your own, with an exemption."`
	SnapshotRetentionDays int               `json:"snapshotRetentionDays" rule:"min=0 max=redis.MostSnapshotDays" doc:"Days that daily snapshots are kept; 0 = no snapshots."`
	SnapshotWindow        string            `json:"snapshotWindow" rule:"match=backupWindow" doc:"Daily snapshot, UTC, at least an hour."`
	MaintenanceWindow     string            `json:"maintenanceWindow" rule:"match=maintenanceWindow" doc:"Weekly maintenance, UTC, at least an hour."`
	Parameters            map[string]string `json:"parameters" rule:"keys=redisParameter match=parameterValue maxItems=40" doc:"Parameters of Redis to set otherwise than derived below."`
}

// VectorStore is the Chroma server and its volume.
type VectorStore struct {
	StorageGiB        int      `json:"storageGiB" rule:"min=1 max=16384" doc:"Size of the volume (encrypted gp3), GiB. It grows, and never shrinks."`
	Requests          Requests `json:"requests" doc:"What the scheduler reserves for the pod."`
	Limits            Limits   `json:"limits" doc:"What the pod may use at most. Chroma holds its index in memory."`
	SnapshotSchedule  string   `json:"snapshotSchedule" rule:"match=schedule" doc:"When the volume's content is copied, UTC, as a cron schedule; empty = never."`
	SnapshotRetention int      `json:"snapshotRetention" rule:"min=1 max=100" doc:"Snapshots kept."`
}
