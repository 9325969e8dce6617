package diagnose

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// plant changes a world.
type plant func(w *world)

// faults are those that are planted, by the cause that has to be named first.
var faults = map[string]plant{
	"too few replicas: hpa-maximum":           func(w *world) { w.pods, w.mostPods = 2, 2; w.users, w.apiMillis = 320, 8 },
	"HPA maximum too low: hpa-maximum":        func(w *world) { w.pods, w.mostPods = 4, 4; w.users = 900 },
	"CPU limit: cpu-limit":                    func(w *world) { w.limit(0.2) },
	"pods fit no node: unschedulable":         func(w *world) { w.pods, w.wantedMore, w.fitNone = 1, 3, true },
	"pods never ready: replicas-lacking":      func(w *world) { w.pods, w.wantedMore = 1, 3 },
	"one slow pod: slow-pod":                  func(w *world) { w.slow = 5 },
	"garbage collection: garbage":             func(w *world) { w.gc = 0.75; w.mostPods = 4 },
	"small API pool: api-pool":                func(w *world) { w.busier(); w.pool = 1 },
	"small PgBouncer pool: pgbouncer-pool":    func(w *world) { w.busier(); w.bouncers, w.serverPool = 2, 1 },
	"max_connections: max-connections":        func(w *world) { w.busier(); w.connections = 2 },
	"missing index: database-cpu":             func(w *world) { w.dbMillis = 60 },
	"lock contention: database-locks":         func(w *world) { w.lockShare, w.lockMillis = 0.3, 60 },
	"small work_mem: database-spill":          func(w *world) { w.waits["IO:BufFileWrite"], w.waits["IO:BufFileRead"] = 250, 250 },
	"small shared_buffers: database-reads":    func(w *world) { w.waits["IO:DataFileRead"] = 400 },
	"checkpoint storm: database-writes":       func(w *world) { w.waits["IO:WALSync"], w.waits["LWLock:WALWrite"] = 200, 200 },
	"slow network: database-path":             func(w *world) { w.pathMillis = 500 },
	"replica gone: replica-gone":              func(w *world) { w.gone = true; w.dbMillis = 35 },
	"tiny cache: cache-full":                  func(w *world) { w.evicts = true; w.hit = constant(0.1); w.dbMillis = 26 },
	"cold cache: cache-cold":                  func(w *world) { w.hit = warming(120); w.dbMillis = 40; w.duration = 420 },
	"hot key: cache-cpu":                      func(w *world) { w.cacheCPU = 7 },
	"slow Chroma: vectors":                    func(w *world) { w.vectorMillis = 900 },
	"slow way in: outside":                    func(w *world) { w.edgeMillis = 700 },
	"generators: generator":                   func(w *world) { w.lagMillis = 150 },
	"few workers: workers":                    func(w *world) { w.jobs, w.uploadSeconds = 60, 70 },
	"killed for memory: api-memory":           func(w *world) { w.restarts = true },
	"nodes taken: nodes":                      func(w *world) { w.nodeCores = 5; w.users, w.apiMillis = 500, 8 },
	"slow way to the cache: cache-slow":       func(w *world) { w.cacheMillis = 300 },
	"slow database, small pool: database-cpu": func(w *world) { w.dbMillis, w.pool = 60, 3 },
}

// healthyOnes are worlds in which nothing is wrong, at different loads.
var healthyOnes = map[string]plant{
	"20 users":            func(w *world) { w.users = 20 },
	"100 users":           func(w *world) { w.users = 100 },
	"200 users":           func(*world) {},
	"300 users":           func(w *world) { w.users = 300 },
	"360 users, at 60 %":  func(w *world) { w.users = 360 },
	"without cache hits":  func(w *world) { w.hit = constant(0.1) },
	"warm-up of a cache":  func(w *world) { w.hit = warming(60) },
	"burdened database":   func(w *world) { w.dbMillis = 12 },
	"no replica declared": func(w *world) { w.replica = false },
	"at most of its pods": func(w *world) { w.mostPods = 4 },
	"a full cache":        func(w *world) { w.evicts = true },
}

// pairs are two faults at once.
var pairs = []struct {
	name string
	plant
	first, second string
}{
	{"small API pool and slow way in", func(w *world) { w.busier(); w.pool, w.edgeMillis, w.users = 1, 400, 560 }, "api-pool", "outside"},
	{"missing index and slow way in", func(w *world) { w.dbMillis, w.edgeMillis, w.users = 60, 500, 400 }, "database-cpu", "outside"},
	{"few workers and a CPU limit", func(w *world) { w.jobs, w.uploadSeconds = 60, 70; w.limit(0.2) }, "workers", "cpu-limit"},
	{"locks and slow Chroma", func(w *world) { w.lockShare, w.lockMillis, w.vectorMillis, w.vectorServers = 0.3, 40, 900, 40 }, "database-locks", "vectors"},
	{"hot key and slow way in", func(w *world) { w.cacheCPU, w.edgeMillis, w.users = 7, 500, 300 }, "cache-cpu", "outside"},
	{"slow way in and few workers", func(w *world) { w.edgeMillis, w.jobs, w.uploadSeconds = 700, 60, 70 }, "outside", "workers"},
	{"spills and slow Chroma", func(w *world) { w.waits["IO:BufFileWrite"], w.vectorMillis = 300, 1500 }, "database-spill", "vectors"},
	{"one slow pod and slow Chroma", func(w *world) { w.slow, w.vectorMillis, w.vectorServers = 6, 900, 40 }, "slow-pod", "vectors"},
}

// busier asks more of the database, which answers fast.
func (w *world) busier() { w.hit, w.users, w.apiMillis = constant(0.1), 480, 4 }

// limit gives pods a CPU limit.
func (w *world) limit(cores float64) {
	w.speed = cores
	w.config = append(w.config, "  ragscale:api:\n", fmt.Sprintf(
		"  ragscale:api:\n    requests: {cpu: %dm}\n    limits: {cpu: %dm}\n", int(500*cores), int(1000*cores)))
}

func constant(v float64) func(float64) float64 { return func(float64) float64 { return v } }

// warming is a cache that begins empty and has nine tenths after some time.
func warming(s float64) func(float64) float64 {
	return func(at float64) float64 { return min(0.9, 0.9*at/s) }
}

const seeds = 2

func names(d *Diagnosis) []string {
	all := []string{}
	for _, f := range d.Findings {
		all = append(all, f.Cause)
	}
	return all
}

// The confusion table: what was planted, what was named first.
func TestPlantedFaultsAreNamedFirst(t *testing.T) {
	right, all := 0, 0
	table := []string{}
	for _, fault := range slices.Sorted(maps.Keys(faults)) {
		_, want, _ := strings.Cut(fault, ": ")
		row := []string{}
		for seed := range uint64(seeds) {
			w := healthy()
			faults[fault](&w)
			d := w.diagnosed(t, seed+1)
			got := names(d)
			all++
			if len(got) > 0 && got[0] == want {
				right++
			} else {
				t.Logf("%s, seed %d: %v %s\n%s", fault, seed+1, got, d.Says, d.debug())
			}
			row = append(row, strings.Join(append(got, string(d.Outcome))[:1], "")+confidence(d))
		}
		table = append(table, fmt.Sprintf("%-42s %s", fault, strings.Join(row, ", ")))
	}
	t.Logf("planted: named first (confidence), %d seeds\n%s\n%d of %d right", seeds, strings.Join(table, "\n"), right, all)
	if float64(right) < 0.95*float64(all) {
		t.Errorf("%d of %d named first, want 95 %%", right, all)
	}
}

func confidence(d *Diagnosis) string {
	if len(d.Findings) == 0 {
		return ""
	}
	return " (" + d.Findings[0].Confidence + ")"
}

func TestNothingIsClaimedOnHealthyRuns(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(healthyOnes)) {
		for seed := range uint64(seeds) {
			w := healthy()
			healthyOnes[name](&w)
			d := w.diagnosed(t, seed+1)
			if d.Outcome != None || len(d.Findings) > 0 {
				t.Errorf("%s, seed %d: %s, %v\n%s", name, seed+1, d.Outcome, names(d), d.debug())
			}
			if len(d.Seen) > 0 {
				t.Logf("%s: seen without an effect: %s", name, d.Seen[0].Cause)
			}
		}
	}
}

func TestBothOfTwoFaultsAreNamed(t *testing.T) {
	right, all := 0, 0
	for _, p := range pairs {
		for seed := range uint64(seeds) {
			w := healthy()
			p.plant(&w)
			d := w.diagnosed(t, seed+1)
			got := names(d)
			all++
			if len(got) >= 2 && slices.Contains(got[:2], p.first) && slices.Contains(got[:2], p.second) {
				right++
				continue
			}
			t.Logf("%s, seed %d: %v, want %s and %s\n%s", p.name, seed+1, got, p.first, p.second, d.debug())
		}
	}
	t.Logf("both named in %d of %d", right, all)
	if float64(right) < 0.8*float64(all) {
		t.Errorf("both named in %d of %d, want 80 %%", right, all)
	}
}

func (d *Diagnosis) debug() string {
	var b strings.Builder
	fmt.Fprintf(&b, "effects %v, X %.4g, client %.4g ms\n", d.Effects, d.Facts.Rate.Value, 1000*d.Facts.Client.Value)
	for _, p := range d.Split.Parts {
		fmt.Fprintf(&b, "  %-40s %8.2f ms %5.1f %% %s\n", p.Name, p.Millis, 100*p.Share, p.Lacking)
	}
	fmt.Fprintf(&b, "  %-40s %8.2f ms\n", "unexplained", d.Split.Unexplained)
	for _, f := range d.Findings {
		fmt.Fprintf(&b, "  found %s %.2f leads %v\n", f.Cause, f.Share, f.Leads)
	}
	for _, f := range d.Seen {
		fmt.Fprintf(&b, "  seen %s %.2f\n", f.Cause, f.Share)
	}
	for _, o := range d.Open {
		fmt.Fprintf(&b, "  open %s %v\n", o.Cause, o.Lacking)
	}
	return b.String()
}

// strengths are faults with a strength and a load that are drawn, so that none was chosen for what the causes say.
var strengths = map[string]func(w *world, strength float64){
	"hpa-maximum":     func(w *world, k float64) { w.pods, w.mostPods = 2, 2; w.apiMillis *= k },
	"cpu-limit":       func(w *world, k float64) { w.limit(float64(int(40/k)) / 100) },
	"slow-pod":        func(w *world, k float64) { w.slow = 3 * k },
	"api-pool":        func(w *world, k float64) { w.hit = constant(0.1); w.pool = 1; w.dbMillis *= k },
	"pgbouncer-pool":  func(w *world, k float64) { w.hit = constant(0.1); w.bouncers, w.serverPool = 2, 1; w.dbMillis *= k },
	"database-cpu":    func(w *world, k float64) { w.dbMillis = 30 * k },
	"database-locks":  func(w *world, k float64) { w.lockShare, w.lockMillis = 0.2*k, 40 },
	"database-spill":  func(w *world, k float64) { w.waits["IO:BufFileWrite"] = 200 * k },
	"database-reads":  func(w *world, k float64) { w.waits["IO:DataFileRead"] = 200 * k },
	"database-writes": func(w *world, k float64) { w.waits["IO:WALSync"] = 200 * k },
	"database-path":   func(w *world, k float64) { w.pathMillis = 200 * k },
	"replica-gone":    func(w *world, k float64) { w.gone = true; w.dbMillis = 20 * k },
	"cache-full":      func(w *world, k float64) { w.evicts = true; w.hit = constant(0.1); w.dbMillis = 18 * k },
	"cache-cpu":       func(w *world, k float64) { w.cacheCPU = 4 * k },
	"vectors":         func(w *world, k float64) { w.vectorMillis = 400 * k },
	"outside":         func(w *world, k float64) { w.edgeMillis = 300 * k },
}

// Of faults whose strength and load are drawn, those that have an effect are named; what has none is not claimed.
func TestFaultsOfAnyStrength(t *testing.T) {
	const each = 2
	right, first, effects := 0, 0, 0
	for i, cause := range slices.Sorted(maps.Keys(strengths)) {
		random := rand.New(rand.NewPCG(uint64(i), 99))
		for range each {
			w := healthy()
			strength := 0.7 + 1.8*random.Float64()
			strengths[cause](&w, strength)
			w.users = 120 + random.IntN(240)
			d := w.diagnosed(t, random.Uint64())
			got := names(d)
			switch {
			case len(d.Effects) == 0 && d.Outcome == None:
				continue
			case len(got) > 0 && got[0] == cause:
				first++
			default:
				t.Logf("%s of strength %.2f, %d users: %s %v\n%s", cause, strength, w.users, d.Outcome, got, d.debug())
			}
			effects++
			if slices.Contains(got, cause) {
				right++
			}
		}
	}
	t.Logf("with an effect %d: first %d, named %d", effects, first, right)
	if float64(first) < 0.8*float64(effects) {
		t.Errorf("%d of %d named first, want 80 %%", first, effects)
	}
}
