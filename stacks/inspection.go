package stacks

// DatabaseLimits are from when on an inspection of the database finds fault, as far as that follows from the stack.
type DatabaseLimits struct {
	SlowStatementMillis   int // mean time of a statement, ms
	LongTransactionMillis int // age of a transaction, ms
	ReplicaLagMillis      int // between a commit and its replay, ms
	Replicas              int // that should stream
}

// DatabaseLimits judge by what the parameter group and the alarms are made from: the logged statement, the transaction
// that is ended when it idles, the lag that alarms.
func (c *Config) DatabaseLimits() DatabaseLimits {
	return DatabaseLimits{
		SlowStatementMillis:   c.SlowStatementMillis(),
		LongTransactionMillis: c.IdleTransactionMillis(),
		ReplicaLagMillis:      millis(c.Thresholds().Database.ReplicaLagSeconds.Value),
		Replicas:              c.Database.Replicas,
	}
}

// IdleTransactionMillis is how long a transaction may wait for its client, ms: twice the statement timeout, for no
// client that works has so long a pause between two statements.
func (c *Config) IdleTransactionMillis() int { return 2 * c.StatementTimeoutMillis() }
