package collect

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/usage"
	"github.com/ragscale/ragscale/sandbox/inside/postgres"
)

const gib = 1 << 30

// databaseSQL is what PostgreSQL says of itself. Connections leave out RDS's own, as DatabaseConnections does. Times of
// reads and writes are the engine's own, in ms; without track_io_timing they are not known.
const databaseSQL = `SELECT
 (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'rdsadmin'),
 (SELECT max(age(datfrozenxid)) FROM pg_database),
 (SELECT coalesce(sum(size), 0)::float8 FROM pg_ls_waldir()),
 (SELECT max(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn))::float8
    FROM pg_replication_slots),
 current_setting('track_io_timing')::bool, io.reads, io.read_time, io.writes, io.write_time,
 CASE WHEN NOT pg_is_in_recovery() THEN NULL
  WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND (SELECT status FROM pg_stat_wal_receiver) = 'streaming' THEN 0
  ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END::float8
FROM (SELECT coalesce(sum(reads), 0)::float8 reads, coalesce(sum(read_time), 0)::float8 read_time,
  coalesce(sum(writes) + sum(extends), 0)::float8 writes, coalesce(sum(write_time) + sum(extend_time), 0)::float8 write_time
  FROM pg_stat_io WHERE object = 'relation') io`

// databaseSays are the columns of databaseSQL.
type databaseSays struct {
	connections, age                   int64
	wal                                float64
	slotLag                            *float64
	timed                              bool
	reads, readTime, writes, writeTime float64
	lag                                *float64
}

func (m measurement) databases() (faults []error) {
	if m.cfg.Databases == nil {
		return nil
	}
	for _, w := range m.cfg.Databases() {
		r, known := m.owner("aws:rds/instance:Instance", w.ID())
		if !known {
			continue
		}
		s := subject{m, r.Region, "AWS/RDS", [][]string{{"DBInstanceIdentifier", w.ID()}}, &faults}
		s.databaseMachine(w, r)
		var says databaseSays
		err := w.Ask(m.ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, databaseSQL).Scan(&says.connections, &says.age, &says.wal, &says.slotLag, &says.timed,
				&says.reads, &says.readTime, &says.writes, &says.writeTime, &says.lag)
		})
		if err != nil {
			faults = append(faults, err)
			continue
		}
		s.database(w.ID(), says)
	}
	return faults
}

func (s subject) database(id string, says databaseSays) {
	s.put("DatabaseConnections", float64(says.connections))
	s.put("MaximumUsedTransactionIDs", float64(says.age))
	s.put("TransactionLogsDiskUsage", says.wal)
	if says.slotLag != nil {
		s.put("OldestReplicationSlotLag", max(*says.slotLag, 0))
	}
	if says.lag != nil {
		s.put("ReplicaLag", max(*says.lag, 0))
	}
	if says.timed {
		s.latency("ReadLatency", id, says.reads, says.readTime)
		s.latency("WriteLatency", id, says.writes, says.writeTime)
	}
}

// latency is the mean time of the operations since before, 0 without any, as RDS has it.
func (s subject) latency(name, id string, operations, millis float64) {
	n, _, ok := s.m.since(id+" "+name, operations)
	took, _, also := s.m.since(id+" "+name+" ms", millis)
	switch {
	case !ok || !also:
	case n == 0:
		s.put(name, 0)
	default:
		s.put(name, took/1000/n)
	}
}

// databaseMachine measures the processes and files of a database against what its class and volume have.
func (s subject) databaseMachine(w *postgres.Watch, r awsapi.Resource) {
	used := s.m.table.Engine(w.PID())
	name, _ := r.State["instanceClass"].(string)
	if class, err := rds.Lookup(name); err == nil {
		s.cpu("CPUUtilization", w.ID(), used.CPU, class.VCPU)
		if s.m.firstOfMinute() {
			s.put("FreeableMemory", float64(max(class.MemoryBytes-used.Memory, 0)))
		}
	}
	if size := int64(w.Spec().StorageGiB) * gib; size > 0 && s.m.firstOfMinute() {
		s.put("FreeStorageSpace", float64(max(size-usage.Folder(w.Folder()), 0)))
	}
}

// cpu is the share of some processors' time that was used since before, in percent.
func (s subject) cpu(name, id string, used time.Duration, processors int) {
	if grown, in, ok := s.m.since(id+" "+name, used.Seconds()); ok && processors > 0 {
		s.put(name, min(100*grown/in.Seconds()/float64(processors), 100))
	}
}
