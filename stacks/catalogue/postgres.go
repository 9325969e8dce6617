package catalogue

// PostgreSQL returns the setting of RDS for PostgreSQL of that name. An unknown name is an error that lists near ones.
func PostgreSQL(name string) (Setting, error) {
	return lookup(postgresSettings, "PostgreSQL parameter", name)
}

// PostgreSQLNames lists the known settings, sorted.
func PostgreSQLNames() []string { return names(postgresSettings) }

const (
	most    = 2147483647 // of an integer, where PostgreSQL sets no bound of its own
	backend = 262143     // of anything that counts processes
)

// The chapters of PostgreSQL's documentation that describe the settings.
const (
	resourceDoc    = "https://www.postgresql.org/docs/17/runtime-config-resource.html"
	plannerDoc     = "https://www.postgresql.org/docs/17/runtime-config-query.html"
	connectionDoc  = "https://www.postgresql.org/docs/17/runtime-config-connection.html"
	clientDoc      = "https://www.postgresql.org/docs/17/runtime-config-client.html"
	walDoc         = "https://www.postgresql.org/docs/17/runtime-config-wal.html"
	replicationDoc = "https://www.postgresql.org/docs/17/runtime-config-replication.html"
	standbyDoc     = "https://www.postgresql.org/docs/17/hot-standby.html#HOT-STANDBY-ADMIN"
	logDoc         = "https://www.postgresql.org/docs/17/runtime-config-logging.html"
	statisticsDoc  = "https://www.postgresql.org/docs/17/runtime-config-statistics.html"
	locksDoc       = "https://www.postgresql.org/docs/17/runtime-config-locks.html"
	vacuumDoc      = "https://www.postgresql.org/docs/17/runtime-config-autovacuum.html"
	statementsDoc  = "https://www.postgresql.org/docs/17/pgstatstatements.html"
	explainDoc     = "https://www.postgresql.org/docs/17/auto-explain.html"
	rdsDoc         = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html"
)

// postgresSettings are the settings that a stack's parameter group uses, and those that a team is likely to tune.
// Ranges and units: `postgres --describe-config` of PostgreSQL 17.12. When a change takes effect:
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html ; both read
// 2026-11-23. Which values a replica must match: standbyDoc.
var postgresSettings = settings([]Setting{
	// memory
	{Name: "shared_buffers", Kind: Integer, Unit: "8kB", Min: 16, Max: 1073741823, Since: "7", Static: true, Formula: true, Source: resourceDoc},
	{Name: "effective_cache_size", Kind: Integer, Unit: "8kB", Min: 1, Max: most, Since: "7", Formula: true, Source: plannerDoc},
	{Name: "work_mem", Kind: Integer, Unit: "kB", Min: 64, Max: most, Since: "8.0", Source: resourceDoc},
	{Name: "maintenance_work_mem", Kind: Integer, Unit: "kB", Min: 1024, Max: most, Since: "8.0", Source: resourceDoc},
	{Name: "autovacuum_work_mem", Kind: Integer, Unit: "kB", Min: -1, Max: most, Since: "9.4", Source: resourceDoc},
	{Name: "hash_mem_multiplier", Kind: Real, Min: 1, Max: 1000, Since: "13", Source: resourceDoc},
	// connections and processes
	{Name: "max_connections", Kind: Integer, Min: 6, Max: backend, Since: "7", Static: true, Standby: AtLeastOf, Source: connectionDoc},
	{Name: "max_worker_processes", Kind: Integer, Min: 1, Max: backend, Since: "9.4", Static: true, Standby: AtLeastOf, Source: resourceDoc},
	{Name: "max_parallel_workers", Kind: Integer, Min: 0, Max: 1024, Since: "10", Source: resourceDoc},
	{Name: "max_parallel_workers_per_gather", Kind: Integer, Min: 0, Max: 1024, Since: "9.6", Source: resourceDoc},
	{Name: "max_locks_per_transaction", Kind: Integer, Min: 10, Max: most, Since: "8.0", Static: true, Standby: AtLeastOf, Source: locksDoc},
	{Name: "max_prepared_transactions", Kind: Integer, Min: 0, Max: backend, Since: "8.1", Static: true, Standby: AtLeastOf, Source: resourceDoc},
	{Name: "idle_in_transaction_session_timeout", Kind: Integer, Unit: "ms", Min: 0, Max: most, Since: "9.6", Source: clientDoc},
	{Name: "statement_timeout", Kind: Integer, Unit: "ms", Min: 0, Max: most, Since: "7.3", Source: clientDoc},
	// planner
	{Name: "random_page_cost", Kind: Real, Min: 0, Max: 1e9, Since: "7", Source: plannerDoc},
	{Name: "effective_io_concurrency", Kind: Integer, Min: 0, Max: 1000, Since: "8.4", Source: resourceDoc},
	{Name: "jit", Kind: Choice, Values: boolean, Since: "11", Source: plannerDoc},
	{Name: "default_statistics_target", Kind: Integer, Min: 1, Max: 10000, Since: "7", Source: plannerDoc},
	// write-ahead log and replication
	{Name: "max_wal_size", Kind: Integer, Unit: "MB", Min: 128, Max: most, Since: "9.5", Source: walDoc},
	{Name: "min_wal_size", Kind: Integer, Unit: "MB", Min: 128, Max: most, Since: "9.5", Source: walDoc},
	{Name: "checkpoint_timeout", Kind: Integer, Unit: "s", Min: 30, Max: 86400, Since: "7", Source: walDoc},
	{Name: "checkpoint_completion_target", Kind: Real, Min: 0, Max: 1, Since: "8.3", Source: walDoc},
	{Name: "max_wal_senders", Kind: Integer, Min: 5, Max: backend, Since: "9.0", Static: true, Standby: AtLeastOf, Source: replicationDoc},
	{Name: "max_replication_slots", Kind: Integer, Min: 5, Max: backend, Since: "9.4", Static: true, Source: replicationDoc},
	{Name: "hot_standby_feedback", Kind: Choice, Values: boolean, Since: "9.1", Standby: OnReplicaOnly, Source: replicationDoc},
	{Name: "max_standby_streaming_delay", Kind: Integer, Unit: "ms", Min: -1, Max: most, Since: "9.0", Standby: OnReplicaOnly, Source: replicationDoc},
}, postgresObservation, postgresVacuum)

var boolean = []string{"0", "1"}

var postgresObservation = []Setting{
	{Name: "shared_preload_libraries", Kind: Text, Since: "8.2", Static: true, Source: clientDoc},
	{Name: "pg_stat_statements.max", Kind: Integer, Min: 100, Max: most, Since: "8.4", Static: true, Library: "pg_stat_statements", Source: statementsDoc},
	{Name: "pg_stat_statements.track", Kind: Choice, Values: []string{"none", "top", "all"}, Since: "8.4", Library: "pg_stat_statements", Source: statementsDoc},
	{Name: "auto_explain.log_min_duration", Kind: Integer, Unit: "ms", Min: -1, Max: most, Since: "8.4", Library: "auto_explain", Source: explainDoc},
	{Name: "log_min_duration_statement", Kind: Integer, Unit: "ms", Min: -1, Max: most, Since: "7.4", Source: logDoc},
	{Name: "log_lock_waits", Kind: Choice, Values: boolean, Since: "8.3", Source: logDoc},
	{Name: "log_temp_files", Kind: Integer, Unit: "kB", Min: -1, Max: most, Since: "8.3", Source: logDoc},
	{Name: "deadlock_timeout", Kind: Integer, Unit: "ms", Min: 1, Max: most, Since: "7", Source: locksDoc},
	{Name: "track_io_timing", Kind: Choice, Values: boolean, Since: "9.2", Source: statisticsDoc},
	{Name: "track_activity_query_size", Kind: Integer, Unit: "B", Min: 100, Max: 1048576, Since: "8.4", Static: true, Source: statisticsDoc},
	{Name: "rds.force_ssl", Kind: Choice, Values: boolean, Since: "9.3", Source: rdsDoc},
}

var postgresVacuum = []Setting{
	{Name: "autovacuum_max_workers", Kind: Integer, Min: 1, Max: backend, Since: "8.3", Static: true, Source: vacuumDoc},
	{Name: "autovacuum_naptime", Kind: Integer, Unit: "s", Min: 1, Max: 2147483, Since: "8.1", Source: vacuumDoc},
	{Name: "autovacuum_vacuum_cost_limit", Kind: Integer, Min: -1, Max: 10000, Since: "8.1", Source: vacuumDoc},
	{Name: "autovacuum_vacuum_cost_delay", Kind: Real, Unit: "ms", Min: -1, Max: 100, Since: "8.1", Source: vacuumDoc},
	{Name: "autovacuum_vacuum_scale_factor", Kind: Real, Min: 0, Max: 100, Since: "8.1", Source: vacuumDoc},
	{Name: "autovacuum_vacuum_insert_scale_factor", Kind: Real, Min: 0, Max: 100, Since: "13", Source: vacuumDoc},
	{Name: "autovacuum_analyze_scale_factor", Kind: Real, Min: 0, Max: 100, Since: "8.1", Source: vacuumDoc},
}
