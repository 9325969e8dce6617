package diagnose

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
	"github.com/ragscale/ragscale/stacks"
)

// world is a stack that is simulated, request by request: closed users, pods with processors and pools, PgBouncer, a
// database with processors, waits and a lock, a cache, a vector store. What a fault does to the tiers before and behind
// it is not planted: it happens.
type world struct {
	users                 int
	think                 float64 // s
	duration, ramp        float64 // s
	pods, mostPods        int
	podCores              int
	apiMillis             float64 // of a processor, for a request
	speed                 float64 // of a pod's processors: 0.2 of a CPU limit of 200m
	slow                  float64 // times that the first pod's work takes longer
	gc                    float64 // share of the API's processors
	pool                  int     // connections of a pod
	bouncers, serverPool  int
	connections           int     // that the database takes from PgBouncer
	pathMillis            float64 // between PgBouncer and the database
	vcpu                  int
	dbMillis              float64 // of a processor, for a transaction
	waits                 map[string]float64
	lockShare, lockMillis float64 // of transactions, that a lock is held
	replica, gone         bool
	hit                   func(at float64) float64
	cacheMillis           float64
	cacheCPU              float64 // ms of the cache's thread for each lookup
	evicts                bool
	vectorMillis          float64
	vectorServers         int
	edgeMillis            float64
	lagMillis             float64
	wantedMore            int // pods that the autoscaler wants and that are not there
	fitNone               bool
	jobs, workers         float64
	uploadSeconds         float64
	restarts              bool
	nodeCores             float64
	config                []string // of the stack's file: what is said, and what in its place
}

// healthy is a world in which nothing is wrong: 200 users, each tier at some 40 % at most.
func healthy() world {
	return world{
		users: 200, think: 1, duration: 360, ramp: 30, pods: 4, mostPods: 8, podCores: 1, apiMillis: 6, speed: 1, slow: 1, gc: 0.06,
		pool: 8, bouncers: 3, serverPool: 8, connections: 200, pathMillis: 0.5, vcpu: 4, dbMillis: 5,
		waits: map[string]float64{"IO:DataFileRead": 1, "LWLock:BufferContent": 0.2}, hit: func(float64) float64 { return 0.6 },
		cacheMillis: 0.6, cacheCPU: 0.05, vectorMillis: 15, vectorServers: 8, edgeMillis: 2, jobs: 1, workers: 2, uploadSeconds: 4,
		nodeCores: 16, replica: true,
	}
}

type event struct {
	at float64
	do func()
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(v any)        { *e = append(*e, v.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// station has servers that work, and a queue before them, first come first served.
type station struct {
	s             *simulation
	servers, busy int
	queue         []func()
	worked, stood float64 // integrals of busy and of the queue, s
	since         float64
}

func (q *station) note() {
	q.worked += float64(q.busy) * (q.s.now - q.since)
	q.stood += float64(len(q.queue)) * (q.s.now - q.since)
	q.since = q.s.now
}

func (q *station) take(then func()) {
	q.note()
	if q.busy < q.servers {
		q.busy++
		then()
		return
	}
	q.queue = append(q.queue, then)
}

func (q *station) give() {
	q.note()
	if len(q.queue) == 0 {
		q.busy--
		return
	}
	next := q.queue[0]
	q.queue = q.queue[1:]
	next()
}

// simulation runs a world.
type simulation struct {
	w                     world
	now                   float64
	next                  events
	random                *rand.Rand
	cpu, pools            []*station
	servers               []*station
	primary, second, lock *station
	cache, vectors, all   *station // all: every server connection that the database takes
	counters              map[string]float64
	flight                int
	podBusy               []float64
	podCount              []float64
	took                  map[string][]float64
	sliced                map[int][]float64
	lookups, hits         float64
	kept                  []map[string]float64 // counters every 30 s
	gauges                []map[string]float64
	pauses, lags          float64
	waiting               map[string]float64 // sessions by wait event, integrals
}

func (s *simulation) after(delay float64, do func()) { heap.Push(&s.next, event{s.now + delay, do}) }

// span is a time of some ms on average.
func (s *simulation) span(millis float64) float64 { return s.random.ExpFloat64() * millis / 1000 }

func (s *simulation) station(servers int) *station { return &station{s: s, servers: servers} }

func simulate(w world, seed uint64) *simulation {
	s := &simulation{w: w, random: rand.New(rand.NewPCG(seed, 7)), counters: map[string]float64{}, took: map[string][]float64{},
		waiting: map[string]float64{}, sliced: map[int][]float64{}}
	for range w.pods {
		s.cpu, s.pools = append(s.cpu, s.station(w.podCores)), append(s.pools, s.station(w.pool))
	}
	s.podBusy, s.podCount = make([]float64, w.pods), make([]float64, w.pods)
	for range w.bouncers {
		s.servers = append(s.servers, s.station(w.serverPool))
	}
	s.primary, s.second, s.lock = s.station(w.vcpu), s.station(w.vcpu), s.station(1)
	s.cache, s.vectors, s.all = s.station(1), s.station(w.vectorServers), s.station(w.connections)
	for i := range w.users {
		s.after(w.ramp*float64(i)/float64(w.users)+s.random.Float64(), s.request)
	}
	for at := 30.0; at <= w.duration; at += 30 {
		heap.Push(&s.next, event{at, s.keep})
	}
	for len(s.next) > 0 {
		e := heap.Pop(&s.next).(event)
		if e.at > w.duration+0.001 {
			break
		}
		s.now = e.at
		e.do()
	}
	return s
}

var mix = []struct {
	kind string
	part float64
}{{"search-simple", 0.45}, {"search-complex", 0.15}, {"document", 0.25}, {"session", 0.15}}

func (s *simulation) request() {
	kind, left := mix[len(mix)-1].kind, s.random.Float64()
	for _, m := range mix {
		if left -= m.part; left < 0 {
			kind = m.kind
			break
		}
	}
	began := s.now
	s.after(s.span(s.w.edgeMillis/2), func() { s.atAPI(kind, began) })
}

func (s *simulation) atAPI(kind string, began float64) {
	pod, arrived := s.random.IntN(s.w.pods), s.now
	s.flight++
	finish := func() {
		s.flight--
		at := s.now - arrived
		s.counters["requests"]++
		s.counters["requests s"] += at
		if mode, searches := modes[kind]; searches {
			s.counters["search "+mode]++
			s.counters["search s "+mode] += at
		}
		s.podBusy[pod] += at
		s.podCount[pod]++
		s.after(s.span(s.w.edgeMillis/2), func() {
			s.took[kind] = append(s.took[kind], 1000*(s.now-began))
			if kind != "search-complex" {
				part := int(s.now / 10)
				s.sliced[part] = append(s.sliced[part], 1000*(s.now-began))
			}
			pause := s.random.ExpFloat64() * s.w.think
			s.pauses += pause
			s.lags += s.w.lagMillis / 1000
			s.after(pause+s.w.lagMillis/1000, s.request)
		})
	}
	work := s.w.apiMillis / (1 - s.w.gc) / s.w.speed
	if pod == 0 {
		work *= s.w.slow
	}
	s.cpu[pod].take(func() {
		s.after(s.span(work), func() {
			s.cpu[pod].give()
			s.look(kind, pod, finish)
		})
	})
}

// look asks the cache, then what is behind it.
func (s *simulation) look(kind string, pod int, finish func()) {
	began := s.now
	s.cache.take(func() {
		s.after(s.span(s.w.cacheCPU), func() {
			s.cache.give()
			s.after(s.span(s.w.cacheMillis), func() {
				s.counters["cache s"] += s.now - began
				s.lookups++
				if kind != "session" && s.random.Float64() < s.w.hit(s.now) {
					s.hits++
					finish()
					return
				}
				s.meaning(kind, pod, finish)
			})
		})
	})
}

func (s *simulation) meaning(kind string, pod int, finish func()) {
	if kind != "search-complex" {
		s.transaction(kind, pod, finish)
		return
	}
	began := s.now
	s.vectors.take(func() {
		s.after(s.span(s.w.vectorMillis), func() {
			s.vectors.give()
			s.counters["vectors s"] += s.now - began
			s.counters["vectors"]++
			s.transaction(kind, pod, finish)
		})
	})
}

func (s *simulation) transaction(kind string, pod int, finish func()) {
	began, bouncer := s.now, s.servers[s.random.IntN(len(s.servers))]
	s.pools[pod].take(func() {
		s.counters["pool wait s"] += s.now - began
		s.counters["pool"]++
		queued := s.now
		bouncer.take(func() {
			s.all.take(func() {
				s.counters["bouncer wait s"] += s.now - queued
				held := s.now
				s.after(s.span(s.w.pathMillis), func() {
					s.inDatabase(kind, func() {
						s.counters["bouncer s"] += s.now - held
						s.counters["bouncer"]++
						s.all.give()
						bouncer.give()
						s.pools[pod].give()
						finish()
					})
				})
			})
		})
	})
}

func (s *simulation) inDatabase(kind string, done func()) {
	server, times := s.primary, 1.0
	if kind == "search-complex" {
		times = 3
	}
	if kind != "session" && s.w.replica {
		if s.w.gone {
			s.counters["degraded"]++
		} else {
			server = s.second
		}
	}
	after := func() {
		var rest float64
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for n := range s.w.waits {
				if !yield(n) {
					return
				}
			}
		}) {
			part := s.span(s.w.waits[name] * times)
			s.waiting[name] += part
			rest += part
		}
		s.after(rest, done)
	}
	run := func() {
		server.take(func() {
			s.after(s.span(s.w.dbMillis*times), func() { server.give(); after() })
		})
	}
	if s.random.Float64() >= s.w.lockShare {
		run()
		return
	}
	asked := s.now
	s.lock.take(func() {
		s.waiting["Lock:transactionid"] += s.now - asked
		s.after(s.span(s.w.lockMillis), func() { s.lock.give(); run() })
	})
}

// keep notes counters and gauges, as scraping does.
func (s *simulation) keep() {
	c := map[string]float64{"lookups": s.lookups, "hits": s.hits}
	for name, v := range s.counters {
		c[name] = v
	}
	gauge := map[string]float64{"flight": float64(s.flight)}
	sum := func(all []*station) (worked, stood, busy, queue float64) {
		for _, q := range all {
			q.note()
			worked, stood = worked+q.worked, stood+q.stood
			busy, queue = busy+float64(q.busy), queue+float64(len(q.queue))
		}
		return worked, stood, busy, queue
	}
	c["cpu"], _, _, _ = sum(s.cpu)
	c["cpu"] *= s.w.speed
	_, _, gauge["pool in use"], _ = sum(s.pools)
	_, _, gauge["servers"], gauge["clients"] = sum(s.servers)
	gauge["connections"] = float64(s.all.busy + len(s.all.queue))
	gauge["clients"] += float64(len(s.all.queue))
	gauge["servers"] -= float64(len(s.all.queue))
	gauge["connections"] = min(gauge["connections"], float64(s.w.connections))
	c["primary"], c["primary queue"], _, _ = sum([]*station{s.primary})
	c["second"], c["second queue"], _, _ = sum([]*station{s.second})
	c["cache cpu"], _, _, _ = sum([]*station{s.cache})
	for name, v := range s.waiting {
		c["wait "+name] = v
	}
	for i := range s.podBusy {
		c[fmt.Sprint("pod s ", i)], c[fmt.Sprint("pod ", i)] = s.podBusy[i], s.podCount[i]
		c[fmt.Sprint("pod cpu ", i)] = s.cpu[i].worked * s.w.speed
	}
	s.kept, s.gauges = append(s.kept, c), append(s.gauges, gauge)
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// noise is what a measured value differs by: 3 %, log-normal.
func (s *simulation) noise(v float64) float64 { return v * math.Exp(0.03*s.random.NormFloat64()) }

// rate is how fast a counter rose over the last so many steps.
func (s *simulation) rate(name string, i, steps int) float64 {
	then := 0.0
	if j := i - steps; j >= 0 {
		then = s.kept[j][name]
	}
	return (s.kept[i][name] - then) / (30 * float64(steps))
}

// told is what the stack tells: the panels of perf/telemetry.
func (s *simulation) told() *telemetry.Telemetry {
	t := &telemetry.Telemetry{Version: telemetry.Version, From: noon.Add(30 * time.Second), StepSeconds: 30,
		Missing: []telemetry.Missing{}}
	put := func(panel, series string, value func(i int) float64) {
		k := slices.IndexFunc(t.Panels, func(p telemetry.Panel) bool { return p.Name == panel })
		rated := slices.Contains([]string{"busy", "rates", "cpu", "degraded", "cache", "pod-time", "pod-cpu"}, panel)
		if k < 0 {
			p := telemetry.Panel{Name: panel}
			if rated { // over the two minutes around each value
				p.From, p.StepSeconds = t.From.Add(-time.Minute), 30
			}
			t.Panels, k = append(t.Panels, p), len(t.Panels)
		}
		line := telemetry.Series{Name: series}
		for i := range s.kept {
			v := value(i)
			if rated && i < 3 { // it would reach to before the run
				v = math.NaN()
			}
			line.Values = append(line.Values, v)
		}
		t.Panels[k].Series = append(t.Panels[k].Series, line)
	}
	rate := func(counter string) func(int) float64 {
		return func(i int) float64 { return s.noise(s.rate(counter, i, 4)) }
	}
	ratio := func(a, b string, times float64) func(int) float64 {
		return func(i int) float64 { return s.noise(times * s.rate(a, i, 4) / s.rate(b, i, 4)) }
	}
	gauge := func(name string) func(int) float64 { return func(i int) float64 { return s.gauges[i][name] } }
	fixed := func(v float64) func(int) float64 { return func(int) float64 { return v } }
	for _, b := range [][3]string{{"busy", "requests", "requests s"}, {"busy", "pool replica waiting", "pool wait s"},
		{"busy", "pgbouncer rag waiting", "bouncer wait s"}, {"busy", "pgbouncer rag in transaction", "bouncer s"},
		{"busy", "cache get", "cache s"}, {"busy", "vectors query", "vectors s"}, {"busy", "search complex", "search s complex"},
		{"busy", "search simple", "search s simple"}, {"rates", "requests", "requests"}, {"rates", "pool replica", "pool"},
		{"rates", "pgbouncer rag", "bouncer"}, {"rates", "search complex", "search complex"}, {"rates", "search simple", "search simple"}, {"rates", "vectors query", "vectors"},
		{"cpu", "api", "cpu"}, {"degraded", "replica", "degraded"}} {
		put(b[0], b[1], rate(b[2]))
	}
	put("busy", "garbage collection", func(i int) float64 { return s.noise(s.w.gc * s.rate("cpu", i, 4)) })
	put("busy", "cache relay", fixed(0))
	put("degraded", "vector", fixed(0))
	put("api-in-flight", "in flight", gauge("flight"))
	put("pool", "replica in use", gauge("pool in use"))
	put("pool", "replica at most", fixed(float64(s.w.pool*s.w.pods)))
	put("pgbouncer", "rag waiting", gauge("clients"))
	put("database-sessions", "rag active", gauge("servers"))
	put("replicas", apiName+" ready", fixed(float64(s.w.pods)))
	put("replicas", apiName+" wanted", func(i int) float64 {
		over := s.rate("cpu", i, 4)/float64(s.w.pods) > 0.35 // 70 % of 500m
		if over && s.w.wantedMore == 0 {
			return float64(min(s.w.mostPods, s.w.pods))
		}
		return float64(s.w.pods + s.w.wantedMore)
	})
	put("replicas", workerName+" ready", fixed(s.w.workers))
	put("hpa", apiName+" at most", fixed(float64(s.w.mostPods)))
	put("hpa", workerName+" at most", fixed(2))
	put("nodes", "pods that fit none", fixed(map[bool]float64{true: 2}[s.w.fitNone]))
	put("node-cpu", "mean", func(i int) float64 { return s.noise((s.rate("cpu", i, 2) + 0.6) / s.w.nodeCores) })
	put("cache", "redis", ratio("hits", "lookups", 1))
	put("cache-cpu", "001", rate("cache cpu"))
	put("cache-in-use", "in use", fixed(1))
	put("cache-evictions", "001", func(int) float64 { return s.noise(map[bool]float64{true: 40}[s.w.evicts]) })
	put("cache-memory", "001", func(int) float64 { return map[bool]float64{true: 0.99, false: 0.55}[s.w.evicts] })
	put("jobs", "available", func(int) float64 { return s.noise(s.w.jobs) })
	put("restarts", "agentic-rag/api", fixed(map[bool]float64{true: 1}[s.w.restarts]))
	for i := range s.w.pods {
		put("pod-time", fmt.Sprintf("agentic-rag-api-%d", i), ratio(fmt.Sprint("pod s ", i), fmt.Sprint("pod ", i), 1000))
		put("pod-cpu", fmt.Sprintf("agentic-rag-api-%d", i), rate(fmt.Sprint("pod cpu ", i)))
	}
	s.databases(put)
	return t
}

func (s *simulation) databases(put func(panel, series string, value func(i int) float64)) {
	names := map[string]string{"primary": "primary"}
	if s.w.replica && !s.w.gone {
		names["second"] = "replica-0"
	}
	for _, counter := range []string{"primary", "second"} {
		name, there := names[counter]
		if !there {
			continue
		}
		put("database-cpu", name, func(i int) float64 { return s.noise(s.rate(counter, i, 2) / float64(s.w.vcpu)) })
		panel := "database-load"
		if name != "primary" {
			panel += "-" + name
		}
		// A session that waits for a processor counts as CPU.
		put(panel, "CPU", func(i int) float64 { return s.noise(s.rate(counter, i, 1) + s.rate(counter+" queue", i, 1)) })
		part := 1.0
		if len(names) == 2 {
			part = map[string]float64{"primary": 0.2, "second": 0.8}[counter]
		}
		for _, wait := range slices.Sorted(func(yield func(string) bool) {
			for n := range s.waiting {
				if !yield(n) {
					return
				}
			}
		}) {
			put(panel, wait, func(i int) float64 { return s.noise(part * s.rate("wait "+wait, i, 1)) })
		}
	}
	put("database-connections", "primary", func(i int) float64 {
		at := 20 + s.gauges[i]["connections"]
		if s.w.connections < 200 && s.gauges[i]["connections"] >= float64(s.w.connections) {
			return 260 // as many as it takes
		}
		return at
	})
}

// trend is k6's summary of samples.
func trend(samples []float64) load.Metric {
	v := map[string]float64{"count": float64(len(samples))}
	if len(samples) == 0 {
		return load.Metric{Values: v}
	}
	slices.Sort(samples)
	v["min"], v["max"], v["avg"] = samples[0], samples[len(samples)-1], mean(samples)
	for i := range 199 {
		p := float64(i+1) / 2
		v[fmt.Sprintf("p(%v)", p)] = samples[min(len(samples)-1, int(p/100*float64(len(samples))))]
	}
	return load.Metric{Values: v}
}

// slices are the parts of the time, with enough percentiles for a p95.
func (s *simulation) slices() *load.Slices {
	all := &load.Slices{Seconds: 10, Shares: []float64{0, 0.5, 0.95, 1}, Took: map[string][][]float64{}}
	for part := range int(s.w.duration / 10) {
		of := s.sliced[part]
		if len(of) == 0 {
			continue
		}
		slices.Sort(of)
		at := func(share float64) float64 { return of[min(len(of)-1, int(share*float64(len(of))))] }
		all.Took["document"] = append(all.Took["document"], []float64{float64(part), float64(len(of)), at(0), at(0.5), at(0.95), at(1)})
	}
	return all
}

// result is what the generators left.
func (s *simulation) result(cfg *stacks.Config) load.Result {
	began := noon
	ended := noon.Add(time.Duration(s.w.duration * float64(time.Second)))
	t := cfg.LoadThresholds()
	var response []float64
	metrics := map[string]load.Metric{}
	for _, m := range mix {
		metrics["http_req_duration{kind:"+m.kind+"}"] = trend(s.took[m.kind])
		if m.kind != "search-complex" {
			response = append(response, s.took[m.kind]...)
		}
	}
	n := s.counters["requests"]
	metrics["http_req_duration{objective:response}"] = trend(response)
	metrics["http_req_duration{objective:complex-search}"] = trend(s.took["search-complex"])
	metrics["iterations"] = load.Metric{Values: map[string]float64{"count": n}}
	metrics["faults"] = load.Metric{Values: map[string]float64{"passes": map[bool]float64{true: 0.05 * n}[s.w.restarts], "fails": n}}
	metrics["user_pause_ms"] = load.Metric{Values: map[string]float64{"count": 1000 * s.pauses}}
	metrics["user_lag_ms"] = load.Metric{Values: map[string]float64{"count": n, "avg": 1000 * s.lags / n}}
	uploads := make([]float64, 60)
	for i := range uploads {
		uploads[i] = s.w.uploadSeconds * (0.7 + 0.6*s.random.Float64())
	}
	metrics["upload_seconds_per_mb"] = trend(uploads)
	return load.Result{
		Scenario: load.Scenario{Name: "normal", Users: s.w.users, RampUpSeconds: s.w.ramp, DurationSeconds: s.w.duration,
			ThinkSeconds: s.w.think, Generators: 1},
		Environment: map[string]string{"stack": cfg.Stack, "configuration": cfg.Digest()}, BeganAt: &began, LoadEndedAt: &ended,
		EndedAt: ended, Metrics: metrics, Slices: s.slices(),
		Thresholds: []load.Threshold{
			{Metric: "http_req_duration{objective:response}", Threshold: fmt.Sprintf("p(95)<%d", t.ResponseMillis)},
			{Metric: "http_req_duration{objective:complex-search}", Threshold: fmt.Sprintf("p(95)<%d", t.ComplexSearchMillis)},
			{Metric: "upload_seconds_per_mb", Threshold: fmt.Sprintf("p(95)<%v", t.UploadSecondsPerMB)},
			{Metric: "faults", Threshold: fmt.Sprintf("rate<=%v", t.FailedRatio)},
		},
	}
}

// file is the stack's file that a world runs under: that of stack prod with tighter objectives, so that a fault is felt
// by 200 users.
func (w world) file(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../Pulumi.prod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changes := []string{"responseSeconds: 2 ", "responseSeconds: 0.3 ", "complexSearchSeconds: 5 ", "complexSearchSeconds: 0.6 ",
		"minReplicas: 3", "minReplicas: 2", "maxReplicas: 20", fmt.Sprintf("maxReplicas: %d", max(2, w.mostPods))}
	return strings.NewReplacer(append(changes, w.config...)...).Replace(string(text))
}

// stackOf is the configuration of a world's file.
func (w world) stackOf(t *testing.T) *stacks.Config {
	t.Helper()
	values, err := stacks.ParseFile([]byte(w.file(t)))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := stacks.Parse("prod", values)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// diagnosed runs a world and diagnoses it.
func (w world) diagnosed(t *testing.T, seed uint64) *Diagnosis {
	t.Helper()
	cfg, s := w.stackOf(t), simulate(w, seed)
	run, err := load.Merge("normal-1", []load.Result{s.result(cfg)})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Of(run, s.told(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
