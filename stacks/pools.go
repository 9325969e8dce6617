package stacks

import (
	"fmt"
	"math"
)

const (
	// databaseShare is the part of the response objective that the mean request may hold a database connection: a
	// twentieth, so that a 95th percentile of 2 s leaves 100 ms. First assumption, 2026-11; to be replaced by measurement.
	databaseShare = 1.0 / 20

	// readShare is the part of that time spent on what replicas can answer: searches and documents, not uploads and
	// sessions. First assumption, 2026-11; to be replaced by measurement.
	readShare = 0.8

	// burstFactor is the room in an API pod's own pools for uneven arrival: wanted at the busiest moments over the mean.
	burstFactor = 2

	// leastPool keeps a pod useful at low throughput: a slow query, a health check, and room for two more.
	leastPool = 4

	// burstDeviations is the room in a pool that many pods share, in standard deviations of the connections in use. These
	// are near a Poisson distribution, so one deviation is the square root of the mean and two are exceeded in some 2 % of
	// all moments; then a transaction waits in PgBouncer for the next that ends.
	burstDeviations = 2

	// leastServerPool is one server connection at work and one for the next transaction.
	leastServerPool = 2

	// poolerRollout is how many PgBouncer pods there may be beside the most: its Deployment replaces one at a time, so
	// that one starts while one waits for its clients to leave.
	poolerRollout = 2

	// workerPool is one connection for each of two jobs at once, one for the queue's notifications and one for its upkeep.
	workerPool = 4

	// consoleClients are the connections to PgBouncer that are not the API's: metrics, probes, people.
	consoleClients = 10

	// AdminReserve are connections for people, upkeep, monitoring and RDS itself (it keeps up to 5 for its agents).
	AdminReserve = 15
)

// PoolChain is the way from a request to a database connection, link by link, at full throughput and full scale. No
// link is narrower than what the one before it may ask of it.
type PoolChain struct {
	Demand    PoolDemand       `json:"demand"`
	API       ClientPools      `json:"api"`
	PgBouncer ServerPools      `json:"pgbouncer"`
	Primary   ConnectionBudget `json:"primary"`
	Replica   ConnectionBudget `json:"replica"` // of each replica; zero if there are none
}

// PoolDemand is how many connections are in use at once on average.
type PoolDemand struct {
	RequestsPerSecond float64 `json:"requestsPerSecond"`
	HoldSeconds       float64 `json:"holdSeconds"` // that the mean request holds a connection
	Busy              float64 `json:"busy"`        // Little's law: requests per second × seconds
	Write             float64 `json:"write"`       // of them, what only the primary can answer
	Read              float64 `json:"read"`        // of them, what a replica can answer
}

// ClientPools are the pools that the API's pods hold at PgBouncer.
type ClientPools struct {
	Replicas    int `json:"replicas"`    // at full scale
	Pods        int `json:"pods"`        // with the surge of a rolling update
	Write       int `json:"write"`       // connections per pod for the primary
	Read        int `json:"read"`        // connections per pod for the replicas
	Connections int `json:"connections"` // of all pods
}

// ServerPools are the pools that PgBouncer's pods hold at the database.
type ServerPools struct {
	MinPods    int `json:"minPods"`
	Pods       int `json:"pods"`       // at full scale in a rolling update
	MaxClients int `json:"maxClients"` // max_client_conn of each pod: all clients, for the others may be gone
	Write      int `json:"write"`      // pool_size of each pod for the primary
	Read       int `json:"read"`       // pool_size of each pod for the replicas, or for the primary without them
}

// ConnectionBudget says who may hold the connections of one database server.
type ConnectionBudget struct {
	Servers        int `json:"servers"`        // how many such servers there are
	Pooled         int `json:"pooled"`         // PgBouncer's pods
	Worker         int `json:"worker"`         // worker pods: the queue needs sessions, which PgBouncer does not keep
	Migration      int `json:"migration"`      // pods that start and wait for, or hold, the lock around migrations
	Admin          int `json:"admin"`          // people, upkeep, monitoring, RDS
	MaxConnections int `json:"maxConnections"` // max_connections of its parameter group
}

// Total is what may be held at once.
func (b ConnectionBudget) Total() int { return b.Pooled + b.Worker + b.Migration + b.Admin }

// PoolerDrainSeconds is how long a PgBouncer that stops waits for its clients, s. The API's image replaces a connection
// to it after 30 s, some 5 s of jitter and up to 15 s until it looks: within a minute all have left, and no query is
// lost. On one machine, where someone waits, it is the API's own time.
func (c *Config) PoolerDrainSeconds() int {
	if c.Environment == Local {
		return c.API.DrainSeconds
	}
	return 60
}

// QueryWaitSeconds is how long a query may wait for a connection in PgBouncer, s: the objective for complex searches,
// at least 2. Whoever waits longer has missed every objective, and is told so instead of piling up.
func (c *Config) QueryWaitSeconds() int { return max(2, ceil(c.SLO.ComplexSearchSeconds)) }

// Pools is the stack's pool chain.
func (c *Config) Pools() PoolChain { return Pools(c.SLO, c.API, c.PgBouncer, c.Database) }

// Pools is the pool chain of an API with such objectives, pooler and database.
func Pools(objectives SLO, api API, pooler PgBouncer, database Database) PoolChain {
	p := PoolChain{Demand: demandOf(objectives), API: clientPools(objectives)}
	p.PgBouncer = serverPools(p.Demand, p.API, pooler, database.Replicas)
	p.Primary, p.Replica = connections(p.PgBouncer, objectives.HPA.MaxReplicas, api.Worker.Max, database)
	return p
}

// Usable is how many connections of two pools are busy when the first of them is full: reads and writes have a pool
// each, and neither lends the other what it does not need.
func (d PoolDemand) Usable(write, read int) int {
	least := math.Inf(1)
	if d.Write > 0 {
		least = min(least, float64(write)*d.Busy/d.Write)
	}
	if d.Read > 0 {
		least = min(least, float64(read)*d.Busy/d.Read)
	}
	if math.IsInf(least, 1) {
		return max(1, write+read)
	}
	return max(1, int(least+1e-9))
}

// demandOf is Little's law: connections in use = requests per second × seconds that one holds a connection.
func demandOf(objectives SLO) PoolDemand {
	hold := objectives.ResponseSeconds * databaseShare
	busy := objectives.ThroughputRPS * hold
	read := busy * readShare
	return PoolDemand{RequestsPerSecond: objectives.ThroughputRPS, HoldSeconds: hold, Busy: busy,
		Write: busy - read, Read: read}
}

// clientPools shares twice the demand among the API's pods at full scale:
//
//	⌈busy × 2 / maxReplicas⌉, at least 4
func clientPools(objectives SLO) ClientPools {
	demand, most := demandOf(objectives), objectives.HPA.MaxReplicas
	each := func(busy float64) int { return max(leastPool, ceil(busy*burstFactor/float64(most))) }
	p := ClientPools{
		Replicas: most, Pods: withSurge(most), Write: each(demand.Write), Read: each(demand.Read),
	}
	p.Connections = p.Pods * (p.Write + p.Read)
	return p
}

// serverPools sizes each PgBouncer pod so that the fewest pods carry the demand, with the room that burstDeviations
// says:
//
//	busy per pod = busy / min;  pool_size = ⌈busy per pod + 2√(busy per pod)⌉, at least 2 and one for each replica
func serverPools(demand PoolDemand, api ClientPools, pooler PgBouncer, replicas int) ServerPools {
	size := func(busy float64) int {
		share := busy / float64(pooler.Min)
		return max(leastServerPool, ceil(share+burstDeviations*math.Sqrt(share)))
	}
	return ServerPools{
		MinPods: pooler.Min, Pods: pooler.Max + poolerRollout, MaxClients: api.Connections + consoleClients,
		Write: size(demand.Write), Read: max(size(demand.Read), replicas),
	}
}

// connections is what the servers must offer. Reads go to the replicas evenly; when one of several is lost, the others
// take its part. A replica's max_connections is never below the primary's: it would stop replaying.
func connections(pooler ServerPools, mostAPI, mostWorkers int, database Database) (primary, replica ConnectionBudget) {
	reads := pooler.Pods * pooler.Read
	primary = ConnectionBudget{
		Servers: 1, Pooled: pooler.Pods * pooler.Write, Worker: withSurge(mostWorkers) * workerPool,
		Migration: surge(mostAPI) + surge(mostWorkers) + 1, Admin: AdminReserve,
	}
	if n := database.Replicas; n == 0 {
		primary.Pooled += reads
	} else {
		left := max(1, n-1)
		replica = ConnectionBudget{Servers: n, Pooled: (reads + left - 1) / left, Admin: AdminReserve}
	}
	primary.MaxConnections = database.maxConnections(primary.Total())
	if replica.Servers > 0 {
		replica.MaxConnections = database.maxConnections(max(replica.Total(), primary.Total()))
	}
	return primary, replica
}

// maxConnections is what the stack says, else what is needed.
func (d Database) maxConnections(needed int) int {
	if said, isSaid := d.Parameters["max_connections"]; isSaid {
		if n, err := wholeNumber(said); err == nil {
			return n
		}
	}
	return needed
}

// surge is how many pods a rolling update of n starts above n; Kubernetes rounds up.
func surge(n int) int { return (n*SurgePercent + 99) / 100 }

// withSurge is the number of pods during a rolling update of n.
func withSurge(n int) int { return n + surge(n) }

func ceil(f float64) int { return int(math.Ceil(f)) }

// PgBouncerHPA is the autoscaler of PgBouncer: its own bounds, the API's targets.
func (c *Config) PgBouncerHPA() HPA {
	hpa := c.SLO.HPA
	hpa.MinReplicas, hpa.MaxReplicas = c.PgBouncer.Min, c.PgBouncer.Max
	return hpa
}

// Connections is the connection budget of the primary.
func (c *Config) Connections() ConnectionBudget { return c.Pools().Primary }

// APIPoolSize is the number of connections per API pod to what the primary answers.
func (c *Config) APIPoolSize() int { return clientPools(c.SLO).Write }

// APIReadPoolSize is the number of connections per API pod to what replicas answer.
func (c *Config) APIReadPoolSize() int { return clientPools(c.SLO).Read }

// WorkerPoolSize is the number of database connections per worker pod.
func (c *Config) WorkerPoolSize() int { return workerPool }

// Lines explain the chain: one link a line, with its arithmetic.
func (p PoolChain) Lines() []string {
	d, a, b := p.Demand, p.API, p.PgBouncer
	lines := []string{
		fmt.Sprintf("demand     %s requests/s × %s ms with a connection = %s in use (Little's law): %s write, %s read",
			short(d.RequestsPerSecond), short(d.HoldSeconds*1000), short(d.Busy), short(d.Write), short(d.Read)),
		fmt.Sprintf("API        a pool of max(%d, ⌈in use × %d / %d pods⌉): %d write, %d read", leastPool, burstFactor,
			a.Replicas, a.Write, a.Read),
		fmt.Sprintf("           %d pods in a rolling update × (%d + %d) = %d connections to PgBouncer", a.Pods, a.Write,
			a.Read, a.Connections),
		fmt.Sprintf("PgBouncer  max_client_conn %d + %d for metrics and people = %d: any one pod may have to take them all",
			a.Connections, consoleClients, b.MaxClients),
		p.poolLine("write", d.Write, b.Write, leastServerPool),
		p.poolLine("read", d.Read, b.Read, max(leastServerPool, p.Replica.Servers)),
		p.serverLine("primary", p.Primary, p.Replica.Servers == 0),
	}
	if p.Replica.Servers > 0 {
		lines = append(lines, p.serverLine("replica", p.Replica, true))
	}
	return lines
}

func (p PoolChain) poolLine(name string, busy float64, size, least int) string {
	b := p.PgBouncer
	share := busy / float64(b.MinPods)
	return fmt.Sprintf("  %-8s %s in use / %d pods at least = %s each; pool_size max(%d, ⌈%s + %d√%s⌉) = %d; × %d pods "+
		"in a rolling update = %d",
		name, short(busy), b.MinPods, short(share), least, short(share), burstDeviations, short(share), size, b.Pods,
		size*b.Pods)
}

func (p PoolChain) serverLine(name string, s ConnectionBudget, reads bool) string {
	pooled := fmt.Sprintf("%d pooled", s.Pooled)
	switch {
	case s.Servers > 1:
		pooled += fmt.Sprintf(" (each of %d, one of %d lost)", s.Servers-1, s.Servers)
	case reads && name == "primary":
		pooled += " (reads too: no replica)"
	}
	text := fmt.Sprintf("%-10s %s", name, pooled)
	if s.Worker > 0 {
		text += fmt.Sprintf(" + %d worker + %d migrations", s.Worker, s.Migration)
	}
	text += fmt.Sprintf(" + %d reserve = %d; max_connections %d", s.Admin, s.Total(), s.MaxConnections)
	if name == "replica" && s.MaxConnections > s.Total() && s.MaxConnections == p.Primary.MaxConnections {
		text += ", the primary's"
	}
	return text
}

// short writes a number with one decimal at most.
func short(f float64) string {
	return fmt.Sprint(math.Round(f*10) / 10)
}
