package dbreport

// Limits say from when on a fact is a finding.
type Limits struct {
	SlowStatementMillis    float64 // mean time of a statement, ms
	LeastCalls             int64   // of a statement, to judge its mean
	LongTransactionSeconds float64 // age of a transaction, s
	ReplicaLagSeconds      float64 // between a commit and its replay, s
	// of log that a replica has not replayed; a replay that stands still reports no time
	ReplicaLagBytes          int64
	Replicas                 int          // that should stream; -1: unknown
	SlotBytes                int64        // of log that a replication slot holds back for nobody
	DeadPercent              float64      // dead rows of a table's
	LeastRows                int64        // of a table, to judge its dead rows and its scans
	LeastScans               int64        // sequential ones of a table, to call them its habit
	LeastIndexBytes          int64        // of an index, to call it unused
	LeastStatisticsSeconds   float64      // that no scan has to be missing for, to call an index unused
	CacheHitPercent          float64      // of block reads that shared_buffers answers
	LeastBlocks              int64        // read, to judge that share
	DailyTables              []DailyTable // partitioned by day
	CandidateCostImprovement float64      // cost of the best plan without an index by that with it, to propose it
}

// DailyTable has a range partition for each day, UTC.
type DailyTable struct {
	Name          string // as in SQL; a table that is not there is no finding
	RetentionDays int    // older partitions are to be dropped
}

// DefaultLimits are for a database nothing else is known of. The figures are judgements, not measurements.
func DefaultLimits() Limits {
	return Limits{
		SlowStatementMillis:      500,
		LeastCalls:               10,
		LongTransactionSeconds:   300,
		ReplicaLagSeconds:        3,
		ReplicaLagBytes:          256 << 20, // 16 segments
		Replicas:                 -1,
		SlotBytes:                1 << 30,
		DeadPercent:              20, // PostgreSQL's own autovacuum_vacuum_scale_factor: beyond it vacuum is late
		LeastRows:                10_000,
		LeastScans:               50,
		LeastIndexBytes:          1 << 20,
		LeastStatisticsSeconds:   7 * 24 * 3600, // a week: what runs at the weekend has run
		CacheHitPercent:          95,
		LeastBlocks:              1_000_000, // 8 GB
		CandidateCostImprovement: 2,
	}
}
