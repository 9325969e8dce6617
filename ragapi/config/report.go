package config

import (
	"time"

	"github.com/ragscale/ragscale/perf/dbreport"
)

// reportLimits are the inspection's own where nothing is said.
func (r *reader) reportLimits() dbreport.Limits {
	l := dbreport.DefaultLimits()
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	slow := r.duration("REPORT_SLOW_STATEMENT", seconds(l.SlowStatementMillis/1000), time.Millisecond, time.Hour)
	l.SlowStatementMillis = 1000 * slow.Seconds()
	l.LongTransactionSeconds = r.duration("REPORT_LONG_TRANSACTION", seconds(l.LongTransactionSeconds), time.Second, day).Seconds()
	l.ReplicaLagSeconds = r.duration("REPORT_REPLICA_LAG", seconds(l.ReplicaLagSeconds), time.Millisecond, time.Hour).Seconds()
	l.Replicas = r.integer("REPORT_REPLICAS", l.Replicas, -1, 15)
	return l
}
