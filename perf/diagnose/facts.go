package diagnose

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/perf/load"
)

// Units of facts.
const (
	seconds   = "s"
	perSecond = "/s"
	atOnce    = "at once" // seconds in each second
	share     = "share"
	cores     = "cores"
)

// Facts are what was measured of a run, read once. Each says whether it was.
type Facts struct {
	Rate   Fact `json:"rate"`   // requests that the API answers
	Busy   Fact `json:"busy"`   // requests at the API at once
	Flight Fact `json:"flight"` // the same, by the API's gauge
	Client Fact `json:"client"` // mean time of a request, as the generators see it
	Asked  Fact `json:"asked"`  // requests that the generators had answered

	PoolWait    Fact `json:"poolWait"` // requests at once that wait for a connection of their pod's pool
	PoolRate    Fact `json:"poolRate"`
	PoolUse     Fact `json:"poolUse"`
	PoolMost    Fact `json:"poolMost"`
	BouncerWait Fact `json:"bouncerWait"` // transactions at once that wait in PgBouncer
	BouncerUse  Fact `json:"bouncerUse"`  // those that have a connection of a server
	BouncerRate Fact `json:"bouncerRate"`
	Clients     Fact `json:"clientsWaiting"`
	Servers     Fact `json:"serversActive"`
	ServersIdle Fact `json:"serversIdle"`

	Cache       Fact `json:"cache"`   // requests at once that the cache answers
	Relay       Fact `json:"relay"`   // those that wait for what another request is reading
	Vectors     Fact `json:"vectors"` // those that wait for the vector store
	Complex     Fact `json:"complex"` // complex searches at once
	ComplexRate Fact `json:"complexRate"`
	VectorRate  Fact `json:"vectorRate"` // questions to the vector store
	CPU         Fact `json:"cpu"`
	GC          Fact `json:"gc"`
	PodCPU      Fact `json:"podCPU"` // of the pod that takes most

	Ready      Fact `json:"ready"`
	Wanted     Fact `json:"wanted"`
	Most       Fact `json:"most"`
	Workers    Fact `json:"workers"`
	WorkerMost Fact `json:"workersAtMost"`
	WorkerCPU  Fact `json:"workerCPU"`
	FitNone    Fact `json:"fitNone"`
	NodeCPU    Fact `json:"nodeCPU"`
	Memory     Fact `json:"memory"` // of the API's largest pod, MiB
	Restarts   Fact `json:"restarts"`

	Databases []Database `json:"databases"`

	CacheCPU    Fact `json:"cacheCPU"`
	CacheMemory Fact `json:"cacheMemory"`
	Evictions   Fact `json:"evictions"`
	Hits        Fact `json:"hits"` // share of lookups that a cache answered
	HitsFirst   Fact `json:"hitsFirst"`
	HitsLast    Fact `json:"hitsLast"`
	CacheInUse  Fact `json:"cacheInUse"`

	NoReplica Fact `json:"noReplica"` // reads that did without
	NoVectors Fact `json:"noVectors"`
	ShedPlace Fact `json:"shedRequests"`
	ShedPool  Fact `json:"shedConnections"`
	ShedRAM   Fact `json:"shedMemory"`

	Jobs       Fact `json:"jobs"` // uploads that wait to be processed
	VectorJobs Fact `json:"vectorJobs"`

	Stretch Fact `json:"stretch"`
	Dropped Fact `json:"dropped"`

	SlowPod    Fact `json:"slowPod"`    // mean time of the slowest pod over the middle of the others'
	SlowPodIs  Fact `json:"slowPodIs"`  // that time, s
	Fall       Fact `json:"fall"`       // response times at first over those at last
	OthersTake Fact `json:"othersTake"` // the middle of the others', s
}

// Database is one instance.
type Database struct {
	Name        string          `json:"name"` // primary, or the end of its name
	CPU         Fact            `json:"cpu"`
	Load        Fact            `json:"load"`  // sessions active at once
	Waits       map[string]Fact `json:"waits"` // by wait event; CPU is none
	Connections Fact            `json:"connections"`
	Lag         Fact            `json:"lag"`
	Statement   string          `json:"statement"` // with the largest part of the load
	Statements  Fact            `json:"statements"`
}

// read reads all facts of a run.
func read(run *load.Run, r reading) *Facts {
	f := &Facts{}
	f.readLoad(run, r)
	f.readAPI(r)
	f.readPools(r)
	f.readScaling(r)
	f.readCache(r)
	f.readPods(r)
	f.readFall(run, r)
	for _, name := range r.instances() {
		f.Databases = append(f.Databases, r.database(name))
	}
	return f
}

func (f *Facts) readLoad(run *load.Run, r reading) {
	var n, spent float64
	for _, m := range run.Means() {
		n, spent = n+m.Requests, spent+m.Requests*m.Millis/1000
	}
	const means = "results http_req_duration{kind}"
	f.Client, f.Asked = lacking(means, "the results have no means"), lacking(means, "the results have no means")
	if n > 0 && r.to.After(r.began) {
		f.Client = r.told(spent/n, seconds, means+" avg")
		f.Asked = r.told(n/r.to.Sub(r.began).Seconds(), perSecond, means+" count")
	}
	f.Stretch = lacking("results user_lag_ms", "users do not pause")
	if run.Stretch != nil {
		f.Stretch = r.told(*run.Stretch, share, "results user_lag_ms over user_pause_ms")
	}
	f.Dropped = lacking("results dropped_iterations", "the results do not tell")
	if dropped, kept := run.Dropped(); kept {
		f.Dropped = r.told(dropped, "", "results dropped_iterations")
	}
}

func (f *Facts) readAPI(r reading) {
	f.Busy, f.Rate = r.mean("busy", "requests", atOnce), r.mean("rates", "requests", perSecond)
	f.Flight = r.mean("api-in-flight", "in flight", "")
	f.Relay = r.sum("busy", "cache lease, relay", atOnce,
		func(s string) bool { return s == "cache lease" || s == "cache relay" })
	f.Cache = r.sum("busy", "cache get, set, marks, invalidate", atOnce, func(s string) bool {
		return strings.HasPrefix(s, "cache ") && s != "cache lease" && s != "cache relay"
	})
	f.Vectors = r.sum("busy", "vectors query", atOnce, is("vectors query"))
	f.Complex = r.mean("busy", "search complex", atOnce)
	f.VectorRate = r.mean("rates", "vectors query", perSecond)
	f.ComplexRate = r.mean("rates", "search complex", perSecond)
	f.CPU, f.GC = r.mean("cpu", "api", cores), r.mean("busy", "garbage collection", cores)
	f.PodCPU = r.most("pod-cpu", "the most of a pod", cores, anything)
	f.NoReplica, f.NoVectors = r.mean("degraded", "replica", perSecond), r.mean("degraded", "vector", perSecond)
	f.ShedPlace, f.ShedPool = r.mean("shed", "requests", perSecond), r.mean("shed", "connections", perSecond)
	f.ShedRAM = r.mean("shed", "memory", perSecond)
	f.Memory = r.mean("memory", "api", "MiB")
	f.Jobs = r.sum("jobs", "all states", "", anything)
	f.VectorJobs = r.sum("vector-jobs", "all states", "", anything)
}

func (f *Facts) readPools(r reading) {
	f.PoolWait = r.sum("busy", "pools waiting", atOnce,
		func(s string) bool { return strings.HasPrefix(s, "pool ") && strings.HasSuffix(s, " waiting") })
	f.PoolRate = r.sum("rates", "pools", perSecond, starts("pool "))
	f.PoolUse, f.PoolMost = r.sum("pool", "in use", "", ends(" in use")), r.sum("pool", "at most", "", ends(" at most"))
	ours := func(s string) bool {
		return strings.HasPrefix(s, "pgbouncer ") && !strings.HasPrefix(s, "pgbouncer pgbouncer")
	}
	f.BouncerWait = r.sum("busy", "pgbouncer waiting", atOnce,
		func(s string) bool { return ours(s) && strings.HasSuffix(s, " waiting") })
	f.BouncerUse = r.sum("busy", "pgbouncer in transaction", atOnce,
		func(s string) bool { return ours(s) && strings.HasSuffix(s, " in transaction") })
	f.BouncerRate = r.sum("rates", "pgbouncer", perSecond, ours)
	// PgBouncer's own console is a database of the same panels.
	notOwn := func(end string) func(string) bool {
		return func(s string) bool { return strings.HasSuffix(s, end) && !strings.HasPrefix(s, "pgbouncer ") }
	}
	f.Clients = r.sum("pgbouncer", "waiting", "", notOwn(" waiting"))
	f.Servers = r.sum("database-sessions", "active", "", notOwn(" active"))
	f.ServersIdle = r.sum("database-sessions", "idle", "", notOwn(" idle"))
}

const (
	apiName    = "agentic-rag-api"
	workerName = "agentic-rag-worker"
)

func (f *Facts) readScaling(r reading) {
	f.Ready, f.Wanted = r.mean("replicas", apiName+" ready", "pods"), r.mean("replicas", apiName+" wanted", "pods")
	f.Most = r.mean("hpa", apiName+" at most", "pods")
	f.Workers = r.mean("replicas", workerName+" ready", "pods")
	f.WorkerMost = r.mean("hpa", workerName+" at most", "pods")
	f.WorkerCPU = r.mean("cpu", "worker", cores)
	f.FitNone = r.mean("nodes", "pods that fit none", "pods")
	f.NodeCPU = r.mean("node-cpu", "mean", share)
	f.Restarts = r.sum("restarts", "agentic-rag", "", starts("agentic-rag/"))
}

func (f *Facts) readCache(r reading) {
	f.CacheCPU = r.most("cache-cpu", "the busiest node", share, anything)
	f.CacheMemory = r.most("cache-memory", "the fullest node", share, anything)
	f.Evictions = r.sum("cache-evictions", "all nodes", perSecond, anything)
	f.Hits = r.sum("cache", "process, redis", share, anything)
	f.CacheInUse = r.mean("cache-in-use", "in use", "")
	f.HitsFirst, f.HitsLast = f.Hits, f.Hits
	if first, last, ok := r.whole().ends("cache", anything); ok {
		f.HitsFirst.Value, f.HitsLast.Value = first, last
		f.HitsFirst.Series, f.HitsLast.Series = f.Hits.Series+", first sixth", f.Hits.Series+", last third"
		return
	}
	f.HitsFirst, f.HitsLast = lacking(f.Hits.Series, "too few values"), lacking(f.Hits.Series, "too few values")
}

// readPods finds the slowest pod by the mean of its requests' times, against the middle of the others'.
func (f *Facts) readPods(r reading) {
	const panel = "pod-time"
	lines, why := r.lines(panel, anything)
	if why == "" && len(lines) < 2 {
		why = "there was one pod"
	}
	if why != "" {
		f.SlowPod, f.SlowPodIs, f.OthersTake = lacking(panel, why), lacking(panel, why), lacking(panel, why)
		return
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(mean(a.values), mean(b.values)) })
	slow := lines[len(lines)-1]
	var others []float64
	for _, l := range lines[:len(lines)-1] {
		others = append(others, mean(l.values))
	}
	middle := others[len(others)/2]
	f.SlowPodIs = r.mean(panel, slow.name, "ms")
	f.SlowPodIs.Value, f.SlowPodIs.Unit = f.SlowPodIs.Value/1000, seconds
	f.OthersTake = f.SlowPodIs
	f.OthersTake.Value, f.OthersTake.Series = middle/1000, panel+", the middle of the others"
	f.SlowPod = f.SlowPodIs.per(f.OthersTake, "times")
}

// readFall finds by how much response times were longer at first, after the ramp-up: the largest 95th percentile of the
// slices of the first half over the middle of the last third's.
func (f *Facts) readFall(run *load.Run, r reading) {
	const series = "results slices, response p95 at first over last"
	f.Fall = lacking(series, "the results have too few slices")
	var first, last []float64
	lasted := loadSeconds(run)
	for _, s := range run.Slices() {
		switch {
		case s.Response == nil || s.Response.P95 == nil:
		case s.AtSeconds < lasted/2:
			first = append(first, *s.Response.P95)
		case s.AtSeconds >= lasted*2/3:
			last = append(last, *s.Response.P95)
		}
	}
	if len(first) > 0 && len(last) > 0 {
		slices.Sort(last)
		f.Fall = r.told(slices.Max(first)/max(1e-9, last[len(last)/2]), "times", series)
	}
}

// instances are the databases that telemetry names, the primary first.
func (r reading) instances() []string {
	names := []string{}
	for _, panel := range []string{"database-cpu", "database-connections"} {
		lines, _ := r.lines(panel, anything)
		for _, l := range lines {
			if !slices.Contains(names, l.name) {
				names = append(names, l.name)
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == primary) != (b == primary) {
			return map[bool]int{true: -1, false: 1}[a == primary]
		}
		return strings.Compare(a, b)
	})
	return names
}

const primary = "primary"

func (r reading) database(name string) Database {
	ofLoad, ofStatements := "database-load", "database-statements"
	if name != primary {
		ofLoad, ofStatements = ofLoad+"-"+name, ofStatements+"-"+name
	}
	d := Database{
		Name: name, CPU: r.mean("database-cpu", name, share), Waits: map[string]Fact{},
		Load:        r.sum(ofLoad, "all", "sessions", anything),
		Connections: r.mean("database-connections", name, ""),
		Lag:         r.mean("database-lag", name, seconds),
	}
	waits, _ := r.lines(ofLoad, anything)
	for _, l := range waits {
		d.Waits[l.name] = r.mean(ofLoad, l.name, "sessions")
	}
	statements, why := r.lines(ofStatements, func(s string) bool { return s != "other" })
	d.Statements = lacking(ofStatements, why)
	for _, l := range statements {
		if f := r.mean(ofStatements, l.name, "sessions"); f.Value > d.Statements.Value || d.Statement == "" {
			d.Statement, d.Statements = l.name, f
		}
	}
	return d
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}
