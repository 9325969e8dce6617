package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// envSeed and envSeconds name the variables that try another course, or a longer one.
const envSeed, envSeconds = "RAGAPI_TEST_SEED", "RAGAPI_TEST_SECONDS"

func number(t *testing.T, variable string, fallback uint64) uint64 {
	t.Helper()
	given := os.Getenv(variable)
	if given == "" {
		return fallback
	}
	n, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// TestWhatIsAcknowledgedIsSeenByEverybody holds every answer of some processes against what docs/api.md promises of freshness,
// while all that they stand on lags, breaks, forgets and fills up, their clocks are apart, and they die.
func TestWhatIsAcknowledgedIsSeenByEverybody(t *testing.T) {
	seed, seconds := number(t, envSeed, 7), number(t, envSeconds, 30)
	t.Logf("%s=%d %s=%d", envSeed, seed, envSeconds, seconds)
	w := newWorld(t, seed)
	var background sync.WaitGroup
	end := sync.OnceFunc(func() { close(w.stopped); background.Wait(); w.finding.Wait() })
	t.Cleanup(end)
	background.Go(w.watch)
	for i := range 5 {
		c := &client{world: w, random: rand.New(rand.NewPCG(seed, uint64(i+1))), number: i}
		background.Go(c.run)
	}
	w.suffer(time.Duration(seconds) * time.Second)
	end()
	if !t.Failed() {
		w.heal()
	}
	w.account()
}

// suffer has one fault after the other befall the world, each of them before any comes again.
func (w *world) suffer(long time.Duration) {
	faults := w.faults()
	names := slices.Sorted(maps.Keys(faults))
	var next []string
	for end := time.Now().Add(long); time.Now().Before(end) && !w.Failed(); {
		if len(next) == 0 {
			next = slices.Clone(names)
			w.random.Shuffle(len(next), func(i, j int) { next[i], next[j] = next[j], next[i] })
		}
		faults[next[0]]()
		next = next[1:]
		time.Sleep(w.between(100, 700))
	}
}

// account holds that the run has tried something.
func (w *world) account() {
	var hits, replica int
	for _, p := range w.parties {
		_, served := request(context.Background(), http.MethodGet, p.admin+"/metrics", "")
		for line := range strings.Lines(served) {
			var n int
			_, count, _ := strings.Cut(strings.TrimSpace(line), "} ")
			if _, err := fmt.Sscan(count, &n); err != nil {
				continue
			}
			switch {
			case strings.HasPrefix(line, `ragapi_cache_requests_total{`) && strings.Contains(line, `result="hit"`):
				hits += n
			case strings.HasPrefix(line, `ragapi_db_pool_acquires_total{pool="replica"}`):
				replica += n
			}
		}
	}
	if hits == 0 || replica == 0 {
		for _, p := range w.parties {
			w.Logf("%s: %s", p.name, p.doubtsTold())
		}
		w.Logf("before:\n%s", strings.Join(w.befallen, "\n"))
		w.Errorf("%d answers came from the cache, %d from the replica: this has tried nothing", hits, replica)
	}
	for _, what := range slices.Sorted(maps.Keys(w.answers)) {
		w.Logf("%6d %s", w.answers[what], what)
	}
	w.Logf("%d documents, %d sessions, %d faults; of the last processes: %d answers from the cache, %d reads of the replica", len(w.docs), len(w.talks), len(w.befallen), hits, replica)
}
