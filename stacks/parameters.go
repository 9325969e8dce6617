package stacks

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
)

// When AWS applies a changed parameter.
const (
	Immediate     = "immediate"      // dynamic parameters
	PendingReboot = "pending-reboot" // static parameters: at the next restart
)

// Parameter is one entry of a parameter group, in AWS's name and unit.
type Parameter struct {
	Name string
	// no unit suffix; PostgreSQL's booleans are 1 and 0; may be a formula such as {DBInstanceClassMemory/32768}
	Value       string
	ApplyMethod string // Immediate or PendingReboot
	Reason      string
}

// parameterGroup collects the entries of a group in order; what a stack's own parameters say goes first.
type parameterGroup struct {
	said   map[string]string
	lookup func(name string) (parameter.Setting, error)
	list   []Parameter
}

const saidByStack = "the stack's configuration says so"

func (g *parameterGroup) set(name, value, reason string) {
	if said, isSaid := g.said[name]; isSaid {
		value, reason = said, saidByStack
	}
	method := Immediate
	if s, err := g.lookup(name); err == nil && s.Static {
		method = PendingReboot
	}
	g.list = append(g.list, Parameter{Name: name, Value: value, ApplyMethod: method, Reason: reason})
}

// finish adds what the stack says beyond the derived entries, and not what fits no primary.
func (g *parameterGroup) finish(standby bool) []Parameter {
	for _, name := range slices.Sorted(maps.Keys(g.said)) {
		s, err := g.lookup(name)
		if err != nil || s.Standby == parameter.OnReplicaOnly && !standby {
			continue
		}
		if !slices.ContainsFunc(g.list, func(p Parameter) bool { return p.Name == name }) {
			g.set(name, g.said[name], saidByStack)
		}
	}
	return g.list
}

// server is a database server as its parameter group sees it.
type server struct {
	class       rds.Class
	connections int // max_connections
	standby     bool
}

// primary and standby are the stack's servers. A Config that Parse returned has known classes.
func (c *Config) primary() server {
	return server{class: classOf(c.Database.InstanceClass), connections: c.Pools().Primary.MaxConnections}
}

func (c *Config) standby() server {
	return server{class: classOf(c.ReplicaClass()), connections: c.Pools().Replica.MaxConnections, standby: true}
}

// ReplicaClass is the instance class of the replicas.
func (c *Config) ReplicaClass() string {
	if c.Database.ReplicaClass == "" {
		return c.Database.InstanceClass
	}
	return c.Database.ReplicaClass
}

func classOf(name string) rds.Class {
	class, err := rds.Lookup(name)
	if err != nil {
		return rds.Class{}
	}
	return class
}

// DatabaseParameters is the parameter group of the primary, derived from the instance class, the storage, the pool
// chain and the objectives. What each parameter is: postgres.Lookup.
func (c *Config) DatabaseParameters() []Parameter { return c.parametersOf(c.primary()) }

// ReplicaParameters is the parameter group of the replicas, nil if there are none: the primary's, so that a promoted
// replica is one, with the memory of their own class and what concerns replay. What must not be below the primary's is
// a number and no formula: a formula gives less on a smaller class, and replay stops.
func (c *Config) ReplicaParameters() []Parameter {
	if c.Database.Replicas == 0 {
		return nil
	}
	return c.parametersOf(c.standby())
}

func (c *Config) parametersOf(s server) []Parameter {
	g := &parameterGroup{said: c.Database.Parameters, lookup: postgres.Lookup}
	c.setMemory(g, s)
	c.setConnections(g, s)
	c.setPlanner(g)
	c.setReplication(g, s)
	c.setObservation(g)
	g.set("rds.force_ssl", "1", "TLS for every client")
	setVacuum(g)
	return g.finish(s.standby)
}

func (c *Config) setMemory(g *parameterGroup, s server) {
	memory := divideMemory(s.class, s.connections)
	g.set("shared_buffers", "{DBInstanceClassMemory/32768}", "25 % of the memory, in 8 kB pages")
	g.set("effective_cache_size", "{DBInstanceClassMemory/10922}",
		"75 % of the memory, in 8 kB pages: shared buffers and the kernel's cache, as the planner sees them")
	g.set("work_mem", kilobytes(memory.WorkMem),
		"kB per sort or hash; what remains when every connection and parallel worker uses it twice")
	g.set("maintenance_work_mem", kilobytes(memory.MaintenanceWorkMem),
		"kB for each vacuum worker and index build; a 32nd of the memory, at most 1 GiB")
	g.set("autovacuum_work_mem", "-1", "as maintenance_work_mem: RDS's own formula has no upper bound, and the division "+
		"of memory counts with one")
}

func (c *Config) setConnections(g *parameterGroup, s server) {
	reason := "the pools of PgBouncer and the workers at full scale, rolling updates and the reserve"
	if s.standby {
		reason = "PgBouncer's read pools at full scale and the reserve, and no less than the primary's, or replay stops"
	}
	primary := classOf(c.Database.InstanceClass)
	g.set("max_connections", strconv.Itoa(s.connections), reason)
	g.set("max_worker_processes", strconv.Itoa(max(leastWorkerProcesses, 2*primary.VCPU)),
		"twice the primary's vCPU; the same number everywhere, for RDS's formula gives less on a smaller replica and its "+
			"replay stops")
	g.set("max_parallel_workers", strconv.Itoa(parallelWorkers(s.class)),
		"one for each vCPU: more wait for the processor while they hold work_mem")
	g.set("max_parallel_workers_per_gather", strconv.Itoa(min(2, s.class.VCPU/2)),
		"half the vCPU, at most PostgreSQL's 2: one complex search must not take the processors from all others")
	g.set("idle_in_transaction_session_timeout", strconv.Itoa(c.IdleTransactionMillis()),
		"ms; a client that forgot its transaction must not hold back vacuum")
	g.set("statement_timeout", strconv.Itoa(c.StatementTimeoutMillis()),
		"ms; a runaway query ends before it takes the pool with it; migrations set their own")
}

func (c *Config) setPlanner(g *parameterGroup) {
	g.set("random_page_cost", "1.1", "gp3 reads at random as fast as in sequence")
	g.set("effective_io_concurrency", "200", "requests in flight that gp3 serves at once")
	g.set("jit", "0", "compiling pays for itself in queries of seconds; the API's are of milliseconds, and PgBouncer "+
		"spreads them over sessions that would each compile")
	g.set("max_wal_size", strconv.FormatInt(c.maxWALSize()/catalogue.MiB, 10),
		"MB; a 20th of the storage, so that checkpoints come by time and not by volume")
	g.set("checkpoint_completion_target", "0.9", "spread the writes of a checkpoint")
}

func (c *Config) setReplication(g *parameterGroup, s server) {
	g.set("max_wal_senders", replicationSlots,
		"RDS's 15 replicas and room for backups and logical readers; fixed, so that adding a replica restarts nothing")
	g.set("max_replication_slots", replicationSlots, "as max_wal_senders")
	if s.standby {
		g.set("hot_standby_feedback", "1", "the primary's vacuum spares what a replica's query still reads, which would "+
			"else be cancelled")
		g.set("max_standby_streaming_delay", strconv.Itoa(millis(c.SLO.ComplexSearchSeconds)),
			"ms; a search within its objective is not cancelled, and no reader is further behind than this for its sake")
	}
}

func (c *Config) setObservation(g *parameterGroup) {
	g.set("shared_preload_libraries", "pg_stat_statements,auto_explain", "what the two settings below need")
	g.set("pg_stat_statements.max", "10000", "distinct statements kept")
	g.set("pg_stat_statements.track", "all", "statements inside functions too")
	g.set("auto_explain.log_min_duration", strconv.Itoa(millis(c.SLO.ComplexSearchSeconds)),
		"ms; the plan of whatever misses the objective for complex searches")
	g.set("log_min_duration_statement", strconv.Itoa(c.SlowStatementMillis()), "ms; a quarter of the response objective")
	g.set("log_lock_waits", "1", "tells waiting for a lock from working; once per wait longer than deadlock_timeout")
	g.set("track_io_timing", "1", "tells waiting for storage from computing")
	g.set("track_activity_query_size", "4096",
		"bytes; PostgreSQL's 1024 cut a search's text, so that reports cannot tell statements apart")
}

func setVacuum(g *parameterGroup) {
	g.set("autovacuum_max_workers", strconv.Itoa(vacuumWorkers),
		"PostgreSQL's own; RDS's formula gives more on large classes, and the division of memory counts with this many")
	g.set("autovacuum_vacuum_scale_factor", "0.05", "vacuum at 5 % dead rows: 20 % of a large chunk table is too late")
	g.set("autovacuum_vacuum_insert_scale_factor", "0.05",
		"chunks are mostly inserted; keeps the visibility map and the index's pending list fresh")
	g.set("autovacuum_analyze_scale_factor", "0.02", "fresh statistics while documents stream in")
}

const (
	// leastWorkerProcesses is PostgreSQL's default.
	leastWorkerProcesses = 8

	// replicationSlots is 15 replicas, which is RDS's limit, and 5.
	replicationSlots = "20"
)

// maxWALSize is the write-ahead log between checkpoints, bytes: a 20th of the storage, 1 to 8 GiB. More would lengthen
// crash recovery, which replays it.
func (c *Config) maxWALSize() int64 {
	return min(max(int64(c.Database.StorageGiB)*catalogue.GiB/20, catalogue.GiB), 8*catalogue.GiB)
}

func kilobytes(bytes int64) string { return strconv.FormatInt(bytes/1024, 10) }

func wholeNumber(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number: %w", text, err)
	}
	return int(n), nil
}
