package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// envSeed, envSeconds and envFaults name the variables that try another course, a longer one, or only faults whose names a regular
// expression finds.
const envSeed, envSeconds, envFaults = "RAGAPI_TEST_SEED", "RAGAPI_TEST_SECONDS", "RAGAPI_TEST_FAULTS"

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

// calm is how long nothing befalls the world after every fault has once: what is to be known by then must be.
const calm = relay + slack + 4*time.Second

// suffer has one fault after the other befall the world, each of them before any comes again.
func (w *world) suffer(long time.Duration) {
	faults := w.faults()
	chosen, err := regexp.Compile(os.Getenv(envFaults))
	if err != nil {
		w.Fatalf("%s: %v", envFaults, err)
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(faults)), func(name string) bool { return !chosen.MatchString(name) })
	if len(names) == 0 {
		w.Fatalf("%s: %s finds no fault of %v", envFaults, chosen, slices.Sorted(maps.Keys(faults)))
	}
	for end := time.Now().Add(long); time.Now().Before(end) && !w.Failed(); time.Sleep(min(calm, time.Until(end))) {
		w.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			if time.Now().After(end) || w.Failed() {
				return
			}
			faults[name]()
			time.Sleep(w.between(100, 700))
		}
		w.befalls("calm")
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
