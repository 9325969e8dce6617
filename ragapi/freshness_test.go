package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/pgtest"
)

// line is a process' way to Redis, which can be cut.
type line struct {
	net.Listener
	mu   sync.Mutex
	cut  bool
	open []net.Conn
}

func newLine(t *testing.T, target string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{Listener: listener}
	t.Cleanup(func() { listener.Close(); l.set(true) })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			l.join(client, target)
		}
	}()
	return l
}

func (l *line) join(client net.Conn, target string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	server, err := net.Dial("tcp", target)
	if err != nil || l.cut {
		client.Close()
		return
	}
	l.open = append(l.open, client, server)
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1]) // either side may end it
			pair[0].Close()
		}()
	}
}

func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut = cut; cut {
		for _, c := range l.open {
			c.Close()
		}
		l.open = nil
	}
}

// party is an API process with a line of its own.
type party struct {
	*running
	line *line
}

// fresh drives some processes and holds every answer against what docs/api.md says of freshness.
type fresh struct {
	*testing.T
	db      config.Database
	env     []string
	redis   string
	parties []party
	random  *rand.Rand
}

func newFresh(t *testing.T, seed uint64) *fresh {
	f := &fresh{T: t, env: tiers(t), db: pgtest.Database(t), random: rand.New(rand.NewPCG(seed, 0))}
	for _, variable := range f.env {
		if address, found := strings.CutPrefix(variable, "CACHE_ADDR="); found {
			f.redis = address
		}
	}
	start(t, "worker", f.db, f.env...)
	for range 2 {
		f.parties = append(f.parties, f.join())
	}
	return f
}

// join starts a process, and waits until it uses the cache.
func (f *fresh) join() party {
	l := newLine(f.T, f.redis)
	p := party{running: start(f.T, "serve", f.db, append(append([]string{}, f.env...), "CACHE_ADDR="+l.Addr().String())...), line: l}
	f.used(p)
	return p
}

func (f *fresh) used(p party) {
	f.Helper()
	eventually(f.T, "the cache is used", func() bool {
		_, served := ask(f.T, http.MethodGet, p.admin+"/metrics", "")
		return strings.Contains(served, "ragapi_cache_available 1\n")
	})
}

func (f *fresh) any() party { return f.parties[f.random.IntN(len(f.parties))] }

// shows reports what of a document anybody still shows.
func (f *fresh) shows(p party, id, word string) string {
	for _, path := range []string{"/v1/documents/" + id, "/v1/documents/" + id + "/chunks"} {
		if status, answer := ask(f.T, http.MethodGet, p.http+path, ""); status != http.StatusNotFound {
			return fmt.Sprintf("%s answers %d: %s", path, status, answer)
		}
	}
	for _, path := range []string{"/v1/search?q=" + word, "/v1/search?mode=complex&q=" + word, "/v1/documents?limit=100"} {
		if status, answer := ask(f.T, http.MethodGet, p.http+path, ""); status != http.StatusOK || strings.Contains(answer, id) {
			return fmt.Sprintf("%s answers %d: %s", path, status, answer)
		}
	}
	return ""
}

// conversation holds that a message is seen by whoever reads after it was acknowledged.
func (f *fresh) conversation() {
	f.Helper()
	_, answer := ask(f.T, http.MethodPost, f.any().http+"/v1/sessions", `{"user":"u"}`)
	path := "/v1/sessions/" + idIn(answer)
	for said := range 6 {
		for range 2 { // the second from the cache
			if _, got := ask(f.T, http.MethodGet, f.any().http+path, ""); strings.Count(got, `"number"`) != said {
				f.Fatalf("%d messages were acknowledged, a reader sees %s", said, got)
			}
		}
		if status, got := ask(f.T, http.MethodPost, f.any().http+path+"/messages", `{"role":"user","content":"x"}`); status != http.StatusCreated {
			f.Fatalf("a message is answered with %d: %s", status, got)
		}
	}
	if status, got := ask(f.T, http.MethodDelete, f.any().http+path, ""); status != http.StatusNoContent {
		f.Fatalf("the end is answered with %d: %s", status, got)
	}
	for _, p := range f.parties {
		if status, got := ask(f.T, http.MethodGet, p.http+path, ""); status != http.StatusNotFound {
			f.Fatalf("a session that was ended is answered with %d: %s", status, got)
		}
	}
}

func idIn(answer string) string {
	_, rest, _ := strings.Cut(answer, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// document holds that an upload is there at once, and a deleted document nowhere.
func (f *fresh) document(round int) {
	f.Helper()
	word := fmt.Sprintf("zy%dq%d", os.Getpid(), round)
	id := post(f.T, f.any().running, `{"title":"Lighthouses","text":"The keeper of `+word+` trims the lamp at dusk."}`)
	for _, p := range f.parties {
		if status, answer := ask(f.T, http.MethodGet, p.http+"/v1/documents/"+id, ""); status != http.StatusOK {
			f.Fatalf("an upload is answered with %d: %s", status, answer)
		}
		if _, answer := ask(f.T, http.MethodGet, p.http+"/v1/documents?limit=100", ""); !strings.Contains(answer, id) {
			f.Fatalf("an upload is in no list: %s", answer)
		}
	}
	awaitReady(f.T, f.any().running, id)
	for range 3 { // until all of it is kept
		for _, p := range f.parties {
			if _, answer := ask(f.T, http.MethodGet, p.http+"/v1/search?q="+word, ""); !strings.Contains(answer, id) {
				f.Fatalf("a search that was never asked does not find what is ready: %s", answer)
			}
			ask(f.T, http.MethodGet, p.http+"/v1/search?mode=complex&q="+word, "")
			ask(f.T, http.MethodGet, p.http+"/v1/documents/"+id, "")
		}
	}
	i := f.random.IntN(len(f.parties))
	writer := f.parties[i]
	cut, dies := f.random.IntN(3) == 0, f.random.IntN(2) == 0
	writer.line.set(cut)
	if status, answer := ask(f.T, http.MethodDelete, writer.http+"/v1/documents/"+id, ""); status != http.StatusNoContent {
		f.Fatalf("a deletion is answered with %d: %s", status, answer)
	}
	if cut && dies { // between the commit and telling Redis
		writer.kill()
		f.parties[i] = f.join()
	}
	for _, p := range f.parties {
		if cut { // it is told by somebody else
			eventually(f.T, "the deletion is told", func() bool { return f.shows(p, id, word) == "" })
		}
		if still := f.shows(p, id, word); still != "" {
			f.Fatalf("round %d (cut %t, dies %t): deleted, and %s", round, cut, dies, still)
		}
	}
	if writer.line.set(false); cut && !dies {
		f.used(writer)
	}
	for _, p := range f.parties {
		if still := f.shows(p, id, word); still != "" {
			f.Fatalf("round %d (cut %t, dies %t): deleted, and later %s", round, cut, dies, still)
		}
	}
}

// envSeed and envRounds name the variables that try another course, or a longer one.
const envSeed, envRounds = "RAGAPI_TEST_SEED", "RAGAPI_TEST_ROUNDS"

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

func TestWhatIsAcknowledgedIsSeenByEverybody(t *testing.T) {
	seed := number(t, envSeed, 7)
	f := newFresh(t, seed)
	for round := range number(t, envRounds, 8) {
		f.document(int(round))
		f.conversation()
	}
	var hits int
	for _, p := range f.parties {
		_, served := ask(t, http.MethodGet, p.admin+"/metrics", "")
		for text := range strings.Lines(served) {
			if strings.HasPrefix(text, `ragapi_cache_requests_total{`) && strings.Contains(text, `result="hit"`) && !strings.HasSuffix(text, " 0\n") {
				hits++
			}
		}
	}
	if hits == 0 {
		t.Errorf("seed %d: nothing came from the cache: this has tried nothing", seed)
	}
}
