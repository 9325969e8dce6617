package diagnose

import "fmt"

// dominating is the share of a database's load above which a kind of waiting is what its sessions do: half, so that
// it is more than all else together.
const dominating = 0.5

// beyondHold are signs that a request holds connections for longer than the pools are made for.
func (x *situation) slowDatabase() Evidence {
	f, made := x.hold()
	return above(f, "a request holds a connection for long", made, holdSource)
}

// roomyDatabase holds where connections are not held for longer than they should, and where they are and the database
// was measured: what holds it up is told by causes of its own then, from which full pools follow.
func (x *situation) roomyDatabase() Evidence {
	f, made := x.hold()
	e := below(f, "a connection is not held for long", made, holdSource)
	e.Holds = e.Holds || f.known && x.inside().known && x.busiest().CPU.known
	return e
}

// waitsLong are signs that requests wait for a connection longer than the alert allows.
func (x *situation) waitsLong(wait, rate Fact, where string) Evidence {
	return above(wait.per(rate, seconds), "mean wait for a connection "+where, x.cfg.Pools().Demand.HoldSeconds,
		"a twentieth of slo.responseSeconds, as alert ApiPoolWait has it")
}

var poolCauses = []cause{
	{
		id: "api-pool", tier: "API's pools", says: text("the pools of the API's pods are too small: all their connections " +
			"are in use"),
		signs: func(x *situation) []Evidence {
			return []Evidence{
				x.waitsLong(x.PoolWait, x.PoolRate, "of the pod's pool"), x.roomyDatabase(),
				below(x.BouncerWait.per(x.PoolWait, share), "of it the connections' own wait in PgBouncer", dominating,
					"half: else the wait is PgBouncer's")}
		},
		share: func(x *situation) float64 { return x.portion(partPool) }, bears: served, section: "API pool wait",
	},
	{
		id: "pgbouncer-pool", tier: "PgBouncer", says: text("PgBouncer's pools are too small: clients wait while its " +
			"connections to the database are all in use"),
		signs: func(x *situation) []Evidence {
			return []Evidence{
				x.waitsLong(x.BouncerWait, x.BouncerRate, "of a server"), x.roomyDatabase(),
				below(x.connectionsUsed(), "connections of the primary", 1, "max_connections without the reserve")}
		},
		share: func(x *situation) float64 { return x.portion(partBouncer, partPool) }, bears: served,
		leads: []string{"api-pool"}, section: "PgBouncer clients waiting",
	},
	{
		id: "max-connections", tier: "database", says: text("the database takes no more connections"),
		signs: func(x *situation) []Evidence {
			return []Evidence{
				above(x.connectionsUsed(), "connections of the primary", 1, "max_connections without the reserve"),
				lasting(x.Clients, "clients wait in PgBouncer")}
		},
		share: func(x *situation) float64 { return x.portion(partBouncer, partPool) }, bears: served,
		leads: []string{"api-pool", "pgbouncer-pool"}, section: "Database connections",
	},
}

// connectionsUsed is which part of what the primary may give to clients is in use.
func (x *situation) connectionsUsed() Fact {
	for _, d := range x.Databases {
		if d.Name == primary {
			return d.Connections.scaled(x.cfg.Thresholds().Database.Connections.Value, share,
				"max_connections without the reserve")
		}
	}
	return lacking("database-connections primary", "the run kept no panel database-connections")
}

// busiest is the instance whose processors are busiest.
func (x *situation) busiest() Database {
	best := Database{CPU: lacking("database-cpu", "the run kept no panel database-cpu")}
	for _, d := range x.Databases {
		if d.CPU.known && (!best.CPU.known || d.CPU.Value > best.CPU.Value) {
			best = d
		}
	}
	return best
}

// saturated are signs of a database's processors.
func (x *situation) saturated() Evidence {
	return above(x.busiest().CPU, "CPU of the busiest database", x.cfg.SLO.CPUPercent/100, "slo.cpuPercent")
}

// waiting is a cause by a kind of wait events.
func waiting(id, says, section string, events ...string) cause {
	return cause{
		id: id, tier: "database", says: text(says),
		signs: func(x *situation) []Evidence {
			return []Evidence{x.slowDatabase(),
				above(x.group(events...), "of the load of the databases", dominating, "half: more than all else together")}
		},
		share: func(x *situation) float64 { return x.chain() * x.group(events...).Value }, bears: append(served, LateReady),
		leads: []string{"api-pool", "pgbouncer-pool", "max-connections", "database-cpu", "slow-pod"}, section: section,
	}
}

var databaseCauses = []cause{
	{
		id: "database-cpu", tier: "database",
		says: func(x *situation) string {
			d := x.busiest()
			says := fmt.Sprintf("the processors of database %s are taken", d.Name)
			if d.Load.known && d.Load.Value > 0 && d.Statements.Value/d.Load.Value >= dominating {
				says += fmt.Sprintf(", %s of its load by one statement: %s", percentOf(d.Statements.Value/d.Load.Value),
					d.Statement)
			}
			return says
		},
		signs: func(x *situation) []Evidence { return []Evidence{x.saturated()} },
		share: (*situation).chain, bears: append(served, LateReady),
		leads: []string{"api-pool", "pgbouncer-pool", "max-connections", "slow-pod"}, section: "Database CPU",
	},
	waiting("database-locks", "transactions wait for each other's locks", "Tuning the database", "Lock:"),
	waiting("database-spill", "sorts and hashes do not fit work_mem, and go to disk", "Tuning the database", "IO:BufFile"),
	waiting("database-reads", "what is read is not in the database's memory", "Database read latency", "IO:DataFileRead",
		"IO:DataFilePrefetch"),
	waiting("database-writes", "writing holds the database up: its log, or checkpoints", "Database write latency",
		"IO:WAL",
		"IO:Wal", "LWLock:WAL", "IO:DataFileWrite", "IO:DataFileFlush", "IO:DataFileSync", "IO:DataFileExtend"),
	{
		id: "database-path", tier: "network", says: text("connections to the database are held while it does nothing: the " +
			"way there is slow, or transactions idle"),
		signs: func(x *situation) []Evidence {
			return []Evidence{x.slowDatabase(),
				above(x.held().less(x.inside()).per(x.held(), share), "of the time that connections are held no session works",
					dominating, "half: more than all else together")}
		},
		share: func(x *situation) float64 { return x.portion(partPath, partBouncer, partPool) }, bears: served,
		leads: []string{"api-pool", "pgbouncer-pool", "max-connections"}, section: "Database connections",
	},
	{
		id: "database-slow", tier: "database", says: text("connections to the database are held for long; what its " +
			"sessions wait for was not kept"),
		signs: func(x *situation) []Evidence {
			inside, cpu := x.inside(), x.busiest().CPU
			return []Evidence{x.slowDatabase(),
				{Fact: inside, Sign: "its load was not kept", Holds: !inside.known},
				unless(above(cpu, "", x.cfg.SLO.CPUPercent/100, "slo.cpuPercent"),
					"its processors are not taken, or were not measured")}
		},
		share: (*situation).chain, bears: served, leads: []string{"api-pool", "pgbouncer-pool"},
		section: "Tuning the database",
	},
	{
		id: "replica-gone", apart: true, tier: "database",
		says:  text("reads did without a replica: the primary answered them too"),
		signs: func(x *situation) []Evidence { return []Evidence{lasting(x.NoReplica, "reads without a replica")} },
		share: func(x *situation) float64 { return x.without(x.chain()) }, bears: append([]Effect{Degraded}, served...),
		leads:   []string{"database-cpu", "database-reads", "api-pool", "pgbouncer-pool", "max-connections"},
		section: "Reads degraded",
	},
}

// missed is which part of lookups no cache answered, and how that would be with as many hits as it should have.
func (x *situation) avoidable(want float64) float64 {
	misses := 1 - x.Hits.or(1)
	if misses <= 0 {
		return 0
	}
	return x.chain() * max(0, 1-(1-want)/misses)
}

// behindCache are causes that follow from a cache that answers too little.
var behindCache = []string{"database-cpu", "database-reads", "api-pool", "pgbouncer-pool", "max-connections", "vectors"}

var cacheCauses = []cause{
	{
		id: "cache-full", tier: "cache", says: text("the cache is full and evicts what is asked for again"),
		signs: func(x *situation) []Evidence {
			t := x.cfg.Thresholds().Cache
			return []Evidence{
				lasting(x.Evictions, "keys are evicted"),
				above(x.CacheMemory, "memory of the cache", t.MemoryPercent.Value/100, "slo.memoryPercent"),
				below(x.Hits, "answered from a cache", t.HitPercent.Value/100, t.HitPercent.Reason)}
		},
		share: func(x *situation) float64 { return x.avoidable(x.cfg.Thresholds().Cache.HitPercent.Value / 100) },
		bears: served, leads: behindCache, section: "Cache evictions",
	},
	{
		id: "cache-cold", apart: true, tier: "cache", says: text("the cache was empty when the load began, and filled " +
			"while it lasted"),
		signs: func(x *situation) []Evidence {
			t := x.cfg.Thresholds().Cache
			rise := x.HitsLast
			rise.Value = (1 - x.HitsFirst.Value) / max(1e-9, 1-x.HitsLast.Value)
			rise.Series = "misses, " + x.HitsFirst.Series + " over " + x.HitsLast.Series
			return []Evidence{
				above(rise, "there were more misses at first", 2, "twice: a choice of our own"),
				above(x.Fall, "responses took longer at first", 2, "twice: a choice of our own"),
				below(x.HitsFirst, "answered from a cache at first", t.HitPercent.Value/100, t.HitPercent.Reason),
				unless(lasting(x.Evictions, ""), "nothing is evicted, as far as is known")}
		},
		share: func(x *situation) float64 { return 1 - 1/x.Fall.or(1) }, bears: served, leads: behindCache,
		section: "Cache hit rate",
	},
	{
		id: "cache-gone", tier: "cache", says: text("the API did without its cache"),
		signs: func(x *situation) []Evidence {
			return []Evidence{below(x.CacheInUse, "the cache is in use", dominating, "half of the time")}
		},
		share: (*situation).chain, bears: served, leads: behindCache, section: "Cache gone",
	},
	{
		id: "cache-cpu", tier: "cache", says: text("the thread of the cache that answers is taken: keys that all ask for, " +
			"or costly commands"),
		signs: func(x *situation) []Evidence {
			return []Evidence{above(x.CacheCPU, "CPU of the cache's engine", x.cfg.Thresholds().Cache.CPUPercent.Value/100,
				"slo.cpuPercent")}
		},
		share: func(x *situation) float64 { return x.portion(partCache, partRelay) }, bears: served, section: "Cache CPU",
	},
	{
		id: "cache-slow", tier: "cache", says: text("the cache answers slowly, and its thread is not taken: the way there"),
		signs: func(x *situation) []Evidence {
			return []Evidence{
				above(x.Cache.per(x.Rate, seconds), "a request's time at the cache", x.cfg.SLO.ResponseSeconds/tail,
					"slo.responseSeconds over 3"+tailSource),
				below(x.CacheCPU, "CPU of the cache's engine", x.cfg.Thresholds().Cache.CPUPercent.Value/100, "slo.cpuPercent")}
		},
		share: func(x *situation) float64 { return x.portion(partCache, partRelay) }, bears: served, section: "Cache CPU",
	},
}
