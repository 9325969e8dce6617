package stacks

import (
	"strconv"

	"github.com/ragscale/ragscale/stacks/catalogue"
)

// When RDS applies a changed parameter.
const (
	Immediate     = "immediate"      // dynamic parameters
	PendingReboot = "pending-reboot" // static parameters: at the next restart
)

// Parameter is one entry of the database's parameter group, in RDS's name and unit.
type Parameter struct {
	Name        string
	Value       string // no unit suffix; booleans are 1 and 0; may be a formula such as {DBInstanceClassMemory/32768}
	ApplyMethod string // Immediate or PendingReboot
	Reason      string
}

// DatabaseParameters is the parameter group of the database, derived from the instance class, the storage, the connection
// budget and the objectives; sorted as the table is. Which parameters are static and in which unit RDS takes them:
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html ; read 2026-11-23.
func (c *Config) DatabaseParameters() []Parameter {
	memory := c.databaseMemory()
	kB := func(bytes int64) string { return strconv.FormatInt(bytes/1024, 10) }
	return []Parameter{
		// memory
		{"shared_buffers", "{DBInstanceClassMemory/32768}", PendingReboot, "25 % of the memory, in 8 kB pages"},
		{"effective_cache_size", "{DBInstanceClassMemory/10922}", Immediate, "75 % of the memory, in 8 kB pages: shared buffers and the kernel's cache, as the planner sees them"},
		{"work_mem", kB(memory.WorkMem), Immediate, "kB per sort or hash; what remains when every connection of the budget uses it twice"},
		{"maintenance_work_mem", kB(memory.MaintenanceWorkMem), Immediate, "kB for each vacuum worker and index build; a 32nd of the memory"},
		// connections
		{"max_connections", strconv.Itoa(c.Connections().Total()), PendingReboot, "the pools of all pods at full scale, a rolling update and the reserve"},
		{"idle_in_transaction_session_timeout", strconv.Itoa(2 * c.StatementTimeoutMillis()), Immediate, "ms; a client that forgot its transaction must not hold back vacuum"},
		{"statement_timeout", strconv.Itoa(c.StatementTimeoutMillis()), Immediate, "ms; a runaway query ends before it takes the pool with it; migrations set their own"},
		// storage
		{"random_page_cost", "1.1", Immediate, "gp3 reads at random as fast as in sequence"},
		{"effective_io_concurrency", "200", Immediate, "requests in flight that gp3 serves at once"},
		{"max_wal_size", strconv.FormatInt(c.maxWALSize()/catalogue.MiB, 10), Immediate, "MB; a 20th of the storage, so that checkpoints come by time and not by volume"},
		{"checkpoint_completion_target", "0.9", Immediate, "spread the writes of a checkpoint"},
		// observation
		{"shared_preload_libraries", "pg_stat_statements,auto_explain", PendingReboot, "what the two settings below need"},
		{"pg_stat_statements.max", "10000", PendingReboot, "distinct statements kept"},
		{"pg_stat_statements.track", "all", Immediate, "statements inside functions too"},
		{"auto_explain.log_min_duration", strconv.Itoa(millis(c.SLO.ComplexSearchSeconds)), Immediate, "ms; the plan of whatever misses the objective for complex searches"},
		{"log_min_duration_statement", strconv.Itoa(c.SlowStatementMillis()), Immediate, "ms; a quarter of the response objective"},
		{"track_io_timing", "1", Immediate, "tells waiting for storage from computing"},
		// security
		{"rds.force_ssl", "1", Immediate, "TLS for every client"},
		// vacuum
		{"autovacuum_vacuum_scale_factor", "0.05", Immediate, "vacuum at 5 % dead rows: 20 % of a large chunk table is too late"},
		{"autovacuum_vacuum_insert_scale_factor", "0.05", Immediate, "chunks are mostly inserted; keeps the visibility map and the index's pending list fresh"},
		{"autovacuum_analyze_scale_factor", "0.02", Immediate, "fresh statistics while documents stream in"},
	}
}

// maxWALSize is the write-ahead log between checkpoints, bytes: a 20th of the storage, 1 to 8 GiB. More would lengthen
// crash recovery, which replays it.
func (c *Config) maxWALSize() int64 {
	return min(max(int64(c.Database.StorageGiB)*catalogue.GiB/20, catalogue.GiB), 8*catalogue.GiB)
}

// databaseMemory is how the memory of an instance class is divided, bytes.
type databaseMemory struct {
	WorkMem            int64 // per sort or hash
	MaintenanceWorkMem int64 // per vacuum worker or index build
}

const (
	// connectionOverhead is the private memory of one PostgreSQL backend beside work_mem. With huge pages, as RDS uses
	// them, below 2 MiB was measured (A. Freund, "Measuring the memory overhead of a Postgres connection", 2020-10); 2 MiB
	// for its caches of plans and catalogue is what remains on the safe side.
	connectionOverhead = 2 * catalogue.MiB

	// workMemPerConnection is how many sorts or hashes each connection is counted with, all at the same time.
	workMemPerConnection = 2

	// maintenanceWorkers is PostgreSQL's autovacuum_max_workers (3) and one index build.
	maintenanceWorkers = 4

	// leastWorkMem is below what no connection budget is accepted: sorts of a search's result would go to disk.
	leastWorkMem = catalogue.MiB

	mostWorkMem            = 64 * catalogue.MiB
	leastMaintenanceMemory = 16 * catalogue.MiB
	mostMaintenanceMemory  = catalogue.GiB
)

func (c *Config) databaseMemory() databaseMemory {
	class, err := catalogue.RDS(c.Database.InstanceClass)
	if err != nil {
		return databaseMemory{} // a Config that Parse returned has a known class
	}
	return divideMemory(class, c.Connections().Total())
}

// divideMemory divides the memory of a class among connections. A quarter is shared_buffers, a quarter stays with the
// kernel as page cache, and in the other half must fit at once: the maintenance workers, every connection's overhead and
// twice its work_mem. work_mem is what remains, in steps of 64 kB and at most 64 MiB; it may come out too small or
// negative, which validation refuses.
func divideMemory(class catalogue.DBClass, connections int) databaseMemory {
	const step = 64 * 1024
	memory := class.ParameterMemory()
	maintenance := min(max(memory/32/catalogue.MiB*catalogue.MiB, leastMaintenanceMemory), mostMaintenanceMemory)
	left := memory/2 - maintenanceWorkers*maintenance - int64(connections)*connectionOverhead
	work := left / (int64(connections) * workMemPerConnection)
	return databaseMemory{WorkMem: min(work/step*step, mostWorkMem), MaintenanceWorkMem: maintenance}
}
