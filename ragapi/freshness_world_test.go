package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/pgtest"
)

// world is some processes of the API, what they stand on, and what was acknowledged by them.
type world struct {
	*testing.T
	random  *rand.Rand // of what befalls the world
	sweeps  bool       // clients also ask for everything to be invalidated
	begun   time.Time
	pair    *pgtest.Pair
	redis   *pgtest.Redis
	through config.Database // the way to the primary: PgBouncer's, where there is one
	reads   config.Database
	primary *pgxpool.Pool // past it
	worker  *running
	stopped chan struct{}
	finding sync.WaitGroup // who looks what came of a request

	mu       sync.Mutex
	parties  []*party // that live
	known    []*party // that ever did
	docs     []*doc
	talks    []*talk
	befallen []string
	position positions
	answers  map[string]int // by what was asked and the status
}

// interval is open while it has no end.
type interval struct{ from, to time.Time }

// party is a process of the API with lines of its own.
type party struct {
	*running
	name                    string
	cache, primary, replica *line
	since, died             time.Time
	doubts                  []interval // when it may have been without a cache
	broken                  bool       // its way to Redis, now
	mended                  time.Time  // when that was so last
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		T: t, random: rand.New(rand.NewPCG(seed, 0)), sweeps: seed%2 == 0,
		begun: time.Now(), stopped: make(chan struct{}), answers: map[string]int{},
	}
	w.pair, w.redis = pgtest.StartPair(t), pgtest.StartRedis(t)
	w.through, w.reads, w.primary = w.pair.Primary, w.pair.Standby, pgtest.Pool(t, w.pair.Primary)
	if os.Getenv(pgtest.EnvPooler) != "" {
		w.through = pgtest.PairPooler(t, w.pair, 12).Database
		w.reads = w.through
		w.reads.Name = pgtest.ReadName
	}
	w.startWorker()
	for range 3 {
		w.join()
	}
	return w
}

// clock is how far another process' is ahead, in whole seconds.
func (w *world) clock() time.Duration {
	const most = int(clocksApart / time.Second)
	return time.Duration(w.random.IntN(2*most+1)-most) * time.Second
}

func (w *world) env() []string {
	env := append(pgtest.Env(w.through), "DATABASE_DIRECT_HOST="+w.pair.Primary.Host, "DATABASE_DIRECT_PORT="+port(w.pair.Primary), "DATABASE_DIRECT_SSLMODE=disable",
		"CACHE_ADDR="+w.redis.Address(), "CACHE_TLS=off", "DATABASE_STATEMENT_TIMEOUT=0s", "DRAIN_TIMEOUT=1s", "DRAIN_DELAY=200ms")
	if chroma := os.Getenv(envChroma); chroma != "" {
		env = append(env, "VECTOR_URL="+chroma)
	}
	return env
}

func port(db config.Database) string { return strconv.Itoa(int(db.Port)) }

func (w *world) startWorker() {
	w.worker = startHeard(w.T, "worker", w.clock(), nil, w.env()...)
}

// join starts a process with another clock.
func (w *world) join() *party {
	w.Helper()
	to := func(db config.Database) *line { return newLine(w.T, net.JoinHostPort(db.Host, port(db))) }
	p := &party{name: fmt.Sprintf("p%d", len(w.known)), cache: newLine(w.T, w.redis.Address()), primary: to(w.through), replica: to(w.reads), since: time.Now()}
	p.doubts = []interval{{from: p.since}}
	at := func(l *line) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }
	env := append(w.env(), "CACHE_ADDR="+p.cache.Addr().String(), "POD_NAME="+p.name, "DATABASE_HOST=127.0.0.1", "DATABASE_PORT="+at(p.primary),
		"DATABASE_READ_HOST=127.0.0.1", "DATABASE_READ_PORT="+at(p.replica), "DATABASE_READ_NAME="+w.reads.Name)
	ahead := w.clock()
	p.running = startHeard(w.T, "serve", ahead, func(line map[string]any) { w.listen(p, ahead, line) }, env...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parties, w.known = append(w.parties, p), append(w.known, p)
	w.note("%s joins, its clock %v ahead", p.name, ahead)
	return p
}

// listen hears of a process that had to do without the cache, for a reason of its own: Redis has a second to answer.
func (w *world) listen(p *party, ahead time.Duration, line map[string]any) {
	stamp, _ := line["time"].(string)
	at, err := time.Parse(time.RFC3339Nano, stamp)
	at = at.Add(-ahead)
	if err != nil || at.Before(p.since.Round(0)) || at.After(time.Now().Round(0)) { // its time has no monotonic part
		w.Errorf("the clock of %s is not %v ahead: %v (%v)", p.name, ahead, line, err)
		return
	}
	message, _ := line["msg"].(string)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case message == "cache", strings.HasPrefix(message, "the cache is not used"):
		w.doubt(p, at.Add(-1500*time.Millisecond))
	case strings.HasPrefix(message, "the cache is used") && !p.broken && at.After(p.mended):
		p.trust(at)
	}
}

// doubt says that a process may be without a cache from then on. Under the lock.
func (w *world) doubt(p *party, from time.Time) {
	if last := &p.doubts[len(p.doubts)-1]; last.to.IsZero() || last.to.After(from) {
		last.to = time.Time{}
		return
	}
	p.doubts = append(p.doubts, interval{from: from})
}

// disturb says that processes may be without a cache until it is mended.
func (w *world) disturb(broken bool, parties ...*party) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range parties {
		w.doubt(p, time.Now())
		p.broken, p.mended = broken, time.Now()
	}
}

// watch looks who uses the cache again, and where the databases are, until the world ends.
func (w *world) watch() {
	used := map[*party]time.Time{} // since when it says so
	for {
		select {
		case <-w.stopped:
			return
		case <-time.After(50 * time.Millisecond):
		}
		w.look()
		w.mu.Lock()
		parties := append([]*party(nil), w.parties...)
		w.mu.Unlock()
		for _, p := range parties {
			w.reassure(p, used)
		}
	}
}

// settles is how long a process that did not doubt must have said that it uses the cache: it looks five times a second, and then
// may be busy.
const settles = 6 * time.Second

func (w *world) reassure(p *party, used map[*party]time.Time) {
	w.mu.Lock()
	last := p.doubts[len(p.doubts)-1]
	wanted := last.to.IsZero() && !p.broken
	w.mu.Unlock()
	if !wanted {
		delete(used, p)
		return
	}
	if _, served := request(w.Context(), "GET", p.admin+"/metrics", ""); !strings.Contains(served, "ragapi_cache_available 1\n") {
		delete(used, p)
		return
	}
	since, before := used[p]
	if !before {
		used[p] = time.Now()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(since) > settles && !p.broken {
		p.trust(time.Now())
		delete(used, p)
	}
}

// trust says that a process has the cache from then on. Under the lock.
func (p *party) trust(from time.Time) {
	if last := &p.doubts[len(p.doubts)-1]; last.to.IsZero() {
		last.to = from
	}
}

// sure reports whether a process had the cache all the time.
func (p *party) sure(s interval) bool {
	for _, d := range p.doubts {
		if d.from.Before(s.to) && (d.to.IsZero() || d.to.After(s.from)) {
			return false
		}
	}
	return true
}

// note remembers what befell the world. Under the lock.
func (w *world) note(format string, args ...any) {
	w.befallen = append(w.befallen, fmt.Sprintf("%7.3f ", time.Since(w.begun).Seconds())+fmt.Sprintf(format, args...))
}

func (w *world) befalls(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(format, args...)
}

// any is a process that lives.
func (w *world) any(random *rand.Rand) *party {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.parties[random.IntN(len(w.parties))]
}
