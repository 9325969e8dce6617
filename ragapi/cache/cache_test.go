package cache_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/session"
)

// envURL names the variable with the URL of a Redis whose content may be lost: redis:// or rediss://, with user and
// password; ?ca= names a file with its authority's certificate.
const envURL = "RAGAPI_TEST_REDIS_URL"

var quiet = slog.New(slog.DiscardHandler)

// seen counts what the cache did.
type seen struct {
	mu        sync.Mutex
	requests  map[string]int
	available atomic.Bool
}

func (s *seen) CacheRequest(kind, result string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[kind+" "+result]++
}
func (s *seen) CacheOperation(string, time.Duration) {}
func (s *seen) CacheAvailable(available bool)        { s.available.Store(available) }

func (s *seen) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[what]
}

func settings(t testing.TB) config.Cache {
	t.Helper()
	given := os.Getenv(envURL)
	if given == "" {
		t.Skipf("no Redis to test with: set %s", envURL)
	}
	u, err := url.Parse(given)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password() // absent is empty: none
	return config.Cache{Addr: u.Host, Username: u.User.Username(), Password: password, TLS: u.Scheme == "rediss", CAFile: u.Query().Get("ca")}
}

// open returns a connected cache that is closed at the end of the test.
func open(t testing.TB, s config.Cache) (*cache.Cache, *seen) {
	t.Helper()
	what := &seen{requests: map[string]int{}}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	c, err := cache.Open(ctx, s, "test", what, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return c, what
}

func connected(t testing.TB) (*cache.Cache, *seen) {
	t.Helper()
	c, what := open(t, settings(t))
	eventually(t, "connected", what.available.Load)
	return c, what
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after half a minute: %s", what)
		}
	}
}

// documents is a store that counts its reads, and may answer as a lagging replica does.
type documents struct {
	cache.DocumentStore
	mu    sync.Mutex
	docs  map[uuid.UUID]document.Document
	reads int
	lags  bool // deleted documents are read on
}

func (d *documents) Get(_ context.Context, id uuid.UUID) (document.Document, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	doc, ok := d.docs[id]
	if !ok {
		return document.Document{}, document.ErrNotFound
	}
	return doc, nil
}

func (d *documents) Delete(_ context.Context, id uuid.UUID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.lags {
		delete(d.docs, id)
	}
	return nil
}

func (d *documents) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reads
}

// ready returns a store with one processed document.
func ready() (*documents, document.Document) {
	doc := document.Document{
		ID: uuid.New(), Title: "T", Status: document.Ready, ChunkCount: 3, Metadata: json.RawMessage(`{"a":1}`),
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond), UpdatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	return &documents{docs: map[uuid.UUID]document.Document{doc.ID: doc}}, doc
}

// untilKept reads until the store is not asked. A process hears from Redis of its own writes a moment after they are done.
func untilKept(t *testing.T, asked func() int, read func()) {
	t.Helper()
	eventually(t, "kept", func() bool {
		before := asked()
		read()
		return asked() == before
	})
}

func TestADocumentIsReadAndThenKept(t *testing.T) {
	c, what := connected(t)
	settle()
	store, doc := ready()
	kept := cache.NewDocuments(store, c)
	untilKept(t, store.count, func() {
		got, err := kept.Get(t.Context(), doc.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(doc, got); diff != "" {
			t.Errorf("document (-want +got):\n%s", diff)
		}
	})
	if what.count("document hit") != 1 || what.count("document miss") != store.count() {
		t.Errorf("%d reads, %v", store.count(), what.requests)
	}
}

func TestAnotherProcessFindsWhatOneKept(t *testing.T) {
	store, doc := ready()
	settle()
	for range 2 {
		c, _ := connected(t)
		if _, err := cache.NewDocuments(store, c).Get(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	}
	if store.count() != 1 {
		t.Errorf("%d reads, want 1", store.count())
	}
}

func TestADocumentThatWillChangeIsNotKept(t *testing.T) {
	c, _ := connected(t)
	store, doc := ready()
	doc.Status = document.Pending
	store.docs[doc.ID] = doc
	kept := cache.NewDocuments(store, c)
	for range 2 {
		if _, err := kept.Get(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	}
	if store.count() != 2 {
		t.Errorf("%d reads of a pending document, want 2", store.count())
	}
}

func TestADeletedDocumentIsGoneForEverybodyAtOnce(t *testing.T) {
	for name, lags := range map[string]bool{"from the primary": false, "from a replica that lags": true} {
		t.Run(name, func(t *testing.T) {
			here, _ := connected(t)
			there, _ := connected(t)
			store, doc := ready()
			store.lags = lags
			reader := cache.NewDocuments(store, there)
			settle()
			untilKept(t, store.count, func() {
				if _, err := reader.Get(t.Context(), doc.ID); err != nil {
					t.Fatal(err)
				}
			})
			if err := cache.NewDocuments(store, here).Delete(t.Context(), doc.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := reader.Get(t.Context(), doc.ID); !errors.Is(err, document.ErrNotFound) {
				t.Errorf("a deleted document gives %v, want %v", err, document.ErrNotFound)
			}
		})
	}
}

// searcher finds one chunk of each of its documents, and counts.
type searcher struct {
	mu    sync.Mutex
	found []uuid.UUID
	calls int
	hold  chan struct{} // nil, or what a search waits for
}

func (s *searcher) Search(context.Context, search.Query) (search.Result, error) {
	if s.hold != nil {
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	var hits []search.Hit
	for _, id := range s.found {
		hits = append(hits, search.Hit{DocumentID: id, Title: "T", Match: search.MatchTerms, Score: 0.5})
	}
	return search.Result{Hits: hits}, nil
}

func (s *searcher) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// query is one that no other test asks.
func query() search.Query {
	return search.Query{Text: "Lamp " + uuid.NewString()[:8], Mode: search.Simple, Limit: 10}
}

func find(t *testing.T, s *cache.Searches, q search.Query) search.Result {
	t.Helper()
	result, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// prime searches until the answer is kept.
func prime(t *testing.T, s *cache.Searches, q search.Query) {
	t.Helper()
	eventually(t, "kept", func() bool { return find(t, s, q).Cached })
}

// settle waits until what is read is not taken for older than what has just been invalidated.
func settle() { time.Sleep(1200 * time.Millisecond) }

func TestASearchIsAnsweredFromTheCacheAndSaysSo(t *testing.T) {
	c, _ := connected(t)
	engine := &searcher{found: []uuid.UUID{uuid.New()}}
	kept, q := cache.NewSearches(engine, c), query()
	settle() // another test may have invalidated all searches
	first := find(t, kept, q)
	if first.Cached {
		t.Error("the first answer is said to be cached")
	}
	prime(t, kept, q)
	second := find(t, kept, q)
	if diff := cmp.Diff(first.Hits, second.Hits); diff != "" {
		t.Errorf("hits (-found +kept):\n%s", diff)
	}
	q.Limit = 5
	if find(t, kept, q).Cached {
		t.Error("another limit is answered with the same hits")
	}
}

func TestADeletedDocumentIsInNoSearchThatBeginsAfterwards(t *testing.T) {
	c, _ := connected(t)
	store, doc := ready()
	other := uuid.New()
	engine := &searcher{found: []uuid.UUID{doc.ID, other}} // as a replica that lags answers on
	kept, q := cache.NewSearches(engine, c), query()
	settle()
	prime(t, kept, q)
	if err := cache.NewDocuments(store, c).Delete(t.Context(), doc.ID); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if hits := find(t, kept, q).Hits; len(hits) != 1 || hits[0].DocumentID != other {
			t.Fatalf("hits %+v, want only %v", hits, other)
		}
	}
}

func TestInvalidationReachesWhatItNamesAndNothingElse(t *testing.T) {
	c, _ := connected(t)
	doc := uuid.New()
	for name, test := range map[string]struct {
		scope cache.Scope
		hit   bool // it is still kept
	}{
		"a word of the query":      {cache.Scope{Pattern: "lamp"}, false},
		"in capitals":              {cache.Scope{Pattern: "LAMP"}, false},
		"another word":             {cache.Scope{Pattern: "keeper"}, true},
		"all searches":             {cache.Scope{Searches: true}, false},
		"everything":               {cache.Scope{Everything: true}, false},
		"a document that it has":   {cache.Scope{Document: doc}, false},
		"a document that it lacks": {cache.Scope{Document: uuid.New()}, true},
		"a user":                   {cache.Scope{User: "u"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			settle()
			engine := &searcher{found: []uuid.UUID{doc}}
			kept, q := cache.NewSearches(engine, c), query()
			prime(t, kept, q)
			if err := c.Invalidate(t.Context(), test.scope); err != nil {
				t.Fatal(err)
			}
			if got := find(t, kept, q).Cached; got != test.hit {
				t.Errorf("cached %t, want %t", got, test.hit)
			}
		})
	}
}

func TestWhatIsReadWhileItIsInvalidatedIsNotKept(t *testing.T) {
	c, _ := connected(t)
	engine := &searcher{hold: make(chan struct{})}
	kept, q := cache.NewSearches(engine, c), query()
	answered := make(chan search.Result)
	go func() { answered <- find(t, kept, q) }()
	if err := c.Invalidate(t.Context(), cache.Scope{Searches: true}); err != nil {
		t.Fatal(err)
	}
	close(engine.hold)
	<-answered
	if find(t, kept, q).Cached {
		t.Error("an answer from before the invalidation is kept")
	}
}

func TestOfManyEqualSearchesOneIsDone(t *testing.T) {
	c, what := connected(t)
	engine := &searcher{found: []uuid.UUID{uuid.New()}, hold: make(chan struct{})}
	kept, q := cache.NewSearches(engine, c), query()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if result, err := kept.Search(t.Context(), q); err != nil || len(result.Hits) != 1 {
				t.Errorf("%+v (%v)", result, err)
			}
		})
	}
	eventually(t, "all have looked", func() bool { return what.count("search miss") == 50 })
	close(engine.hold)
	wg.Wait()
	if engine.count() != 1 {
		t.Errorf("%d searches, want 1", engine.count())
	}
}

func TestASearchThatItsFirstAskerGaveUpIsAnsweredToTheOthers(t *testing.T) {
	c, what := connected(t)
	engine := &searcher{hold: make(chan struct{})}
	kept, q := cache.NewSearches(engine, c), query()
	ctx, giveUp := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := kept.Search(ctx, q); first <- err }()
	eventually(t, "the first has looked", func() bool { return what.count("search miss") == 1 })
	go func() { _, err := kept.Search(t.Context(), q); second <- err }()
	eventually(t, "the second has looked", func() bool { return what.count("search miss") == 2 })
	giveUp()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first got %v", err)
	}
	close(engine.hold)
	if err := <-second; err != nil {
		t.Errorf("the second got %v", err)
	}
}

func TestNewDocumentsInvalidateTheSearchesOnceForAll(t *testing.T) {
	c, _ := connected(t)
	reset(t)
	corpora := []*cache.Corpus{cache.NewCorpus(t.Context(), c), cache.NewCorpus(t.Context(), c)}
	settle()
	engine := &searcher{}
	kept, q := cache.NewSearches(engine, c), query()
	prime(t, kept, q)
	for _, k := range corpora {
		for range 100 {
			k.Changed()
		}
	}
	eventually(t, "invalidated", func() bool { return !find(t, kept, q).Cached })
	prime(t, kept, q) // else steady uploads would keep every answer from being kept
	// What came within the pause is said when the process ends.
	for _, k := range corpora {
		k.Changed()
		k.Close()
	}
	if find(t, kept, q).Cached {
		t.Error("a search does not hear of what came last")
	}
}

// reset empties the Redis.
func reset(t *testing.T) {
	t.Helper()
	client := raw(t)
	if err := client.Do(context.Background(), client.B().Flushall().Build()).Error(); err != nil {
		t.Fatal(err)
	}
}

// raw is a client of the test's own. It leaves TLS to the cache.
func raw(t testing.TB) rueidis.Client {
	t.Helper()
	s := settings(t)
	if s.TLS {
		t.Skip("looks into a Redis without TLS")
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, Username: s.Username, Password: s.Password, ForceSingleClient: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// sessions is a store of one session.
type sessions struct {
	cache.SessionStore
	mu    sync.Mutex
	one   session.Session
	reads int
}

func (s *sessions) Get(context.Context, uuid.UUID) (session.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.one, nil
}

func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *sessions) Append(_ context.Context, _ uuid.UUID, m session.Message) (session.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.one.Messages = append(s.one.Messages, m)
	return s.one, nil
}

func TestAMessageIsSeenByTheNextReader(t *testing.T) {
	here, _ := connected(t)
	there, _ := connected(t)
	store := &sessions{one: session.Session{ID: uuid.New(), User: uuid.NewString(), ExpiresAt: time.Now().Add(time.Hour)}}
	writer, reader := cache.NewSessions(store, here), cache.NewSessions(store, there)
	for said := range 5 {
		for range 2 {
			got, err := reader.Get(t.Context(), store.one.ID)
			if err != nil || len(got.Messages) != said {
				t.Fatalf("%d messages (%v), want %d", len(got.Messages), err, said)
			}
		}
		if _, err := writer.Append(t.Context(), store.one.ID, session.Message{Role: "user"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAUsersSessionsAreInvalidatedByTheirUser(t *testing.T) {
	c, _ := connected(t)
	settle()
	store := &sessions{one: session.Session{ID: uuid.New(), User: uuid.NewString(), ExpiresAt: time.Now().Add(time.Hour)}}
	kept := cache.NewSessions(store, c)
	read := func() {
		if _, err := kept.Get(t.Context(), store.one.ID); err != nil {
			t.Fatal(err)
		}
	}
	untilKept(t, store.count, read)
	before := store.count()
	for _, test := range []struct {
		user string
		read int
	}{{"another", 0}, {store.one.User, 1}} {
		if err := c.Invalidate(t.Context(), cache.Scope{User: test.user}); err != nil {
			t.Fatal(err)
		}
		if read(); store.count() != before+test.read {
			t.Errorf("%d reads after an invalidation of %s, want %d", store.count()-before, test.user, test.read)
		}
	}
}

func TestAKeptSessionExpires(t *testing.T) {
	c, _ := connected(t)
	store := &sessions{one: session.Session{ID: uuid.New(), User: "u", ExpiresAt: time.Now().Add(50 * time.Millisecond)}}
	kept := cache.NewSessions(store, c)
	eventually(t, "expired", func() bool {
		_, err := kept.Get(t.Context(), store.one.ID)
		return errors.Is(err, session.ErrNotFound)
	})
}

func TestTheSummaryIsKept(t *testing.T) {
	c, _ := connected(t)
	if err := c.Invalidate(t.Context(), cache.Scope{Everything: true}); err != nil {
		t.Fatal(err)
	}
	settle()
	calls := 0
	want := querylog.Summary{Documents: querylog.Count{Rows: 3, Exact: true}, Modes: map[string]querylog.Span{"simple": {Searches: 1, P95: time.Millisecond}}}
	summary := cache.Summary(func(context.Context) (querylog.Summary, error) { calls++; return want, nil }, c)
	untilKept(t, func() int { return calls }, func() {
		got, err := summary(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("summary (%v) (-want +got):\n%s", err, diff)
		}
	})
}

// proxy stands between the cache and its Redis, and can be cut.
type proxy struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	cut      bool
	open     []net.Conn
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target}
	go p.serve()
	t.Cleanup(func() { l.Close(); p.set(true) })
	return p
}

func (p *proxy) serve() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		to, err := net.Dial("tcp", p.target)
		if p.cut || err != nil {
			from.Close()
			p.mu.Unlock()
			continue
		}
		p.open = append(p.open, from, to)
		p.mu.Unlock()
		go pipe(from, to)
		go pipe(to, from)
	}
}

func pipe(to, from net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err == nil {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			to.Close()
			return
		}
	}
}

func (p *proxy) set(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for _, c := range p.open {
			c.Close()
		}
		p.open = nil
	}
}

func TestWithoutRedisEverythingIsReadAndNothingFails(t *testing.T) {
	c, what := open(t, config.Cache{Addr: "127.0.0.1:1"})
	store, doc := ready()
	kept := cache.NewDocuments(store, c)
	for range 3 {
		if _, err := kept.Get(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := kept.Delete(t.Context(), doc.ID); err != nil {
		t.Error(err)
	}
	if store.count() != 3 || what.count("document error") != 3 || what.available.Load() {
		t.Errorf("%d reads, %v, available %t", store.count(), what.requests, what.available.Load())
	}
	if c.Invalidate(t.Context(), cache.Scope{Everything: true}) == nil {
		t.Error("an invalidation by hand that could not be done was not refused")
	}
}

func TestADeletionThatRedisDidNotHearOfIsMadeGoodForWhenItIsBack(t *testing.T) {
	s := settings(t)
	there, _ := connected(t)
	line := newProxy(t, s.Addr)
	s.Addr = line.listener.Addr().String()
	if s.TLS {
		t.Skip("its certificate is for another address")
	}
	here, what := open(t, s)
	eventually(t, "connected", what.available.Load)
	store, doc := ready()
	reader, writer := cache.NewDocuments(store, there), cache.NewDocuments(store, here)
	settle()
	untilKept(t, store.count, func() {
		if _, err := reader.Get(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	})
	line.set(true)
	if err := writer.Delete(t.Context(), doc.ID); err != nil {
		t.Fatalf("a deletion without Redis: %v", err)
	}
	if _, err := writer.Get(t.Context(), doc.ID); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("who deleted it still reads it: %v", err)
	}
	line.set(false)
	eventually(t, "gone for the other process too", func() bool {
		_, err := reader.Get(t.Context(), doc.ID)
		return errors.Is(err, document.ErrNotFound)
	})
	eventually(t, "in use again", what.available.Load)
}

func TestAFileWithoutCertificatesIsRefused(t *testing.T) {
	file := t.TempDir() + "/ca.pem"
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := cache.Open(t.Context(), config.Cache{Addr: "cache:6379", TLS: true, CAFile: file}, "test", &seen{}, quiet)
	if want := "cache certificates: " + file + " has none, want PEM"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestInvalidatingLooksAtNoOtherKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("fills Redis with a million keys")
	}
	c, _ := connected(t)
	client := raw(t)
	reset(t)
	script := `for i = 1, 1000000 do redis.call('SET', 'ragapi:1:document:filler-' .. i, 'x') end return 1`
	if err := client.Do(t.Context(), client.B().Eval().Script(script).Numkeys(0).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reset(t) })
	if err := client.Do(t.Context(), client.B().ConfigResetstat().Build()).Error(); err != nil {
		t.Fatal(err)
	}
	store, doc := ready()
	if err := cache.NewDocuments(store, c).Delete(t.Context(), doc.ID); err != nil {
		t.Fatal(err)
	}
	if err := c.Invalidate(t.Context(), cache.Scope{Searches: true, Pattern: "lamp", User: "u"}); err != nil {
		t.Fatal(err)
	}
	done, err := client.Do(t.Context(), client.B().Info().Section("commandstats").Build()).ToString()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(done, "cmdstat_set:calls=4,") {
		t.Errorf("want one SET for each of four invalidations:\n%s", done)
	}
	for _, command := range []string{"keys", "scan", "del", "unlink", "eval"} {
		if strings.Contains(done, "cmdstat_"+command+":") {
			t.Errorf("an invalidation took %s:\n%s", command, done)
		}
	}
}
