package cache_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
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
	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/postgres"
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
	requests  map[string]int // by kind and result, by these and level, and questions to Redis by operation
	available atomic.Bool
}

func (s *seen) CacheRequest(kind, result, level string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[kind+" "+result]++
	s.requests[kind+" "+result+" "+level]++
}
func newSeen() *seen { return &seen{requests: map[string]int{}} }

func (s *seen) CacheOperation(operation string, _ time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[operation]++
}

func (s *seen) CacheAvailable(available bool) { s.available.Store(available) }

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

// world is a database that counts its transactions, and remembers their changes.
type world struct {
	mu      sync.Mutex
	next    uint64
	running uint64 // one that has not ended, or 0
	changes []change.Change
	deleted map[uuid.UUID]bool
	down    bool
}

// newWorld returns one, and empties Redis of another's.
func newWorld(t testing.TB) *world {
	t.Helper()
	reset(t)
	return &world{next: 100, deleted: map[uuid.UUID]bool{}}
}

func at(t uint64) postgres.Snapshot {
	s, err := postgres.ParseSnapshot(fmt.Sprintf("%d:%d:", t, t), false)
	if err != nil {
		panic(err)
	}
	return s
}

func (w *world) now() postgres.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snapshot()
}

func (w *world) snapshot() postgres.Snapshot {
	if w.running == 0 {
		return at(w.next)
	}
	s, err := postgres.ParseSnapshot(fmt.Sprintf("%d:%d:%d", w.running, w.next, w.running), false)
	if err != nil {
		panic(err)
	}
	return s
}

// commit makes a change and tells c of it, unless that is nil.
func (w *world) commit(c *cache.Cache, what change.What, subject string) {
	w.mu.Lock()
	made := change.Change{What: what, Subject: subject, Transaction: w.next}
	w.next++
	w.changes = append(w.changes, made)
	w.mu.Unlock()
	if c != nil {
		c.Changed(context.Background(), made)
	}
}

func (w *world) Since(_ context.Context, seen postgres.Snapshot) (change.News, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return change.News{}, errors.New("down")
	}
	n := change.News{All: true, Seen: w.snapshot(), At: time.Now()}
	for _, c := range w.changes {
		if !seen.Sees(c.Transaction) {
			n.Changes = append(n.Changes, c)
		}
	}
	return n, nil
}

func (w *world) Mark(context.Context) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return 0, errors.New("down")
	}
	w.next++
	return w.next - 1, nil
}

func (w *world) Forget(context.Context) error { return nil }

func (w *world) existing(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	existing := map[uuid.UUID]bool{}
	for _, id := range ids {
		existing[id] = !w.deleted[id]
	}
	return existing, nil
}

// open returns a cache that is closed at the end of the test.
func (w *world) open(t testing.TB, s config.Cache) (*cache.Cache, *seen) {
	t.Helper()
	what := newSeen()
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	c, err := cache.Open(s, "test", what, quiet)
	if err != nil {
		t.Fatal(err)
	}
	c.Follow(ctx, w, w.existing)
	return c, what
}

func (w *world) connected(t testing.TB) (*cache.Cache, *seen) {
	t.Helper()
	c, what := w.open(t, settings(t))
	eventually(t, "connected", what.available.Load)
	return c, what
}

func connected(t testing.TB) (*world, *cache.Cache, *seen) {
	t.Helper()
	w := newWorld(t)
	c, what := w.connected(t)
	return w, c, what
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
	world *world
	tells *cache.Cache
	mu    sync.Mutex
	docs  map[uuid.UUID]document.Document
	reads int
	lags  *replica // nil for none
}

// replica is a database as it was.
type replica struct {
	seen postgres.Snapshot
	docs map[uuid.UUID]document.Document
}

func (d *documents) Get(ctx context.Context, id uuid.UUID) (document.Document, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	docs, seen := d.docs, d.world.now()
	if d.lags != nil && !postgres.Primary(ctx) {
		docs, seen = d.lags.docs, d.lags.seen
	}
	postgres.Seen(ctx, seen)
	doc, ok := docs[id]
	if !ok {
		return document.Document{}, document.ErrNotFound
	}
	return doc, nil
}

func (d *documents) Delete(_ context.Context, id uuid.UUID, _ document.Condition) error {
	d.mu.Lock()
	delete(d.docs, id)
	d.world.deleted[id] = true
	d.mu.Unlock()
	d.world.commit(d.tells, change.DocumentDeleted, id.String())
	return nil
}

// lag makes reads go to a replica that stays as the database is now.
func (d *documents) lag() {
	d.lags = &replica{seen: d.world.now(), docs: maps.Clone(d.docs)}
}

func (d *documents) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reads
}

// ready returns a store with one processed document.
func (w *world) ready(tells *cache.Cache) (*documents, document.Document) {
	doc := document.Document{
		ID: uuid.New(), Title: "T", Status: document.Ready, ChunkCount: 3, Metadata: json.RawMessage(`{"a":1}`),
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond), UpdatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	return &documents{world: w, tells: tells, docs: map[uuid.UUID]document.Document{doc.ID: doc}}, doc
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
	w, c, what := connected(t)
	store, doc := w.ready(c)
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
	w := newWorld(t)
	store, doc := w.ready(nil)
	for range 2 {
		c, _ := w.connected(t)
		if _, err := cache.NewDocuments(store, c).Get(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	}
	if store.count() != 1 {
		t.Errorf("%d reads, want 1", store.count())
	}
}

func TestThatThereIsNothingIsKept(t *testing.T) {
	w, c, _ := connected(t)
	store, _ := w.ready(c)
	kept, id := cache.NewDocuments(store, c), uuid.New()
	untilKept(t, store.count, func() {
		if _, err := kept.Get(t.Context(), id); !errors.Is(err, document.ErrNotFound) {
			t.Fatalf("%v, want %v", err, document.ErrNotFound)
		}
	})
}

func TestADocumentThatWillChangeIsNotKept(t *testing.T) {
	w, c, _ := connected(t)
	store, doc := w.ready(c)
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

func TestADeletedDocumentIsGoneForEverybodyAtOnceAndForGood(t *testing.T) {
	for name, lags := range map[string]bool{"from the primary": false, "from a replica that lags": true} {
		t.Run(name, func(t *testing.T) {
			w, here, _ := connected(t)
			there, _ := w.connected(t)
			store, doc := w.ready(here)
			reader := cache.NewDocuments(store, there)
			untilKept(t, store.count, func() {
				if _, err := reader.Get(t.Context(), doc.ID); err != nil {
					t.Fatal(err)
				}
			})
			if lags {
				store.lag()
			}
			if err := cache.NewDocuments(store, here).Delete(t.Context(), doc.ID, nil); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				if _, err := reader.Get(t.Context(), doc.ID); !errors.Is(err, document.ErrNotFound) {
					t.Errorf("a deleted document gives %v, want %v", err, document.ErrNotFound)
				}
			}
		})
	}
}

// searcher finds one chunk of each of its documents, and counts.
type searcher struct {
	world *world
	mu    sync.Mutex
	seen  *postgres.Snapshot // nil for what there is
	found []uuid.UUID
	calls int
	hold  chan struct{} // nil, or what a search waits for
	begun atomic.Int64
}

func (s *searcher) Search(ctx context.Context, _ search.Query) (search.Result, error) {
	seen := s.world.now()
	s.begun.Add(1)
	if s.hold != nil {
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.seen != nil {
		seen = *s.seen
	}
	postgres.Seen(ctx, seen)
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

func TestASearchIsAnsweredFromTheCacheAndSaysSo(t *testing.T) {
	w, c, _ := connected(t)
	engine := &searcher{world: w, found: []uuid.UUID{uuid.New()}}
	kept, q := cache.NewSearches(engine, c), query()
	first := find(t, kept, q)
	if first.Cached {
		t.Error("the first answer is said to be cached")
	}
	prime(t, kept, q)
	second := find(t, kept, q)
	if diff := cmp.Diff(string(first.Encoded), string(second.Encoded)); diff != "" || second.Count != 1 {
		t.Errorf("%d hits (-found +kept):\n%s", second.Count, diff)
	}
	q.Limit = 5
	if find(t, kept, q).Cached {
		t.Error("another limit is answered with the same hits")
	}
}

// shows are the documents of an answer.
func shows(t *testing.T, r search.Result) (ids []uuid.UUID) {
	t.Helper()
	var hits []search.Hit
	if err := json.Unmarshal(r.Encoded, &hits); err != nil {
		t.Fatal(err)
	}
	for _, h := range hits {
		ids = append(ids, h.DocumentID)
	}
	if len(ids) != r.Count {
		t.Errorf("%d hits are said to be %d", len(ids), r.Count)
	}
	return ids
}

func TestADeletedDocumentIsInNoSearchThatBeginsAfterwards(t *testing.T) {
	w, c, _ := connected(t)
	store, doc := w.ready(c)
	other := uuid.New()
	engine := &searcher{world: w, found: []uuid.UUID{doc.ID, other}}
	kept, q := cache.NewSearches(engine, c), query()
	prime(t, kept, q)
	late := w.now()
	engine.seen = &late // as a replica that lags answers on
	if err := cache.NewDocuments(store, c).Delete(t.Context(), doc.ID, nil); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if ids := shows(t, find(t, kept, q)); len(ids) != 1 || ids[0] != other {
			t.Fatalf("shows %v, want only %v", ids, other)
		}
	}
}

func TestAReplicaOlderThanWhatRedisKnowsShowsNothingThatIsDeleted(t *testing.T) {
	w, c, what := connected(t)
	store, doc := w.ready(c)
	late := w.now()
	if err := cache.NewDocuments(store, c).Delete(t.Context(), doc.ID, nil); err != nil {
		t.Fatal(err)
	}
	reset(t) // Redis is replaced by an empty one: it has not heard of the deletion
	engine := &searcher{world: w, found: []uuid.UUID{doc.ID}, seen: &late}
	kept := cache.NewSearches(engine, c)
	find(t, kept, query())
	eventually(t, "used again", func() bool { return marked(t, "all") && what.available.Load() })
	for range 3 {
		if ids := shows(t, find(t, kept, query())); len(ids) != 0 {
			t.Fatalf("shows %v, which is deleted", ids)
		}
	}
}

func TestInvalidationReachesWhatItNamesAndNothingElse(t *testing.T) {
	w, c, _ := connected(t)
	doc := uuid.New()
	for name, test := range map[string]struct {
		scope cache.Scope
		hit   bool // it is still kept
	}{
		"a word of the query":      {cache.Scope{Words: cache.Pattern("lamp")}, false},
		"in capitals":              {cache.Scope{Words: cache.Pattern("LAMP")}, false},
		"another form":             {cache.Scope{Words: cache.Pattern("lamps")}, false},
		"a beginning":              {cache.Scope{Words: cache.Pattern("la*")}, false},
		"one of two words":         {cache.Scope{Words: cache.Pattern("keeper lamp")}, false},
		"another word":             {cache.Scope{Words: cache.Pattern("keeper")}, true},
		"another beginning":        {cache.Scope{Words: cache.Pattern("amp*")}, true},
		"all searches":             {cache.Scope{Searches: true}, false},
		"everything":               {cache.Scope{Everything: true}, false},
		"a document that it has":   {cache.Scope{Document: doc}, false},
		"a document that it lacks": {cache.Scope{Document: uuid.New()}, true},
		"a user":                   {cache.Scope{User: "u"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			engine := &searcher{world: w, found: []uuid.UUID{doc}}
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
	w, c, _ := connected(t)
	engine := &searcher{world: w, hold: make(chan struct{})}
	kept, q := cache.NewSearches(engine, c), query()
	answered := make(chan search.Result)
	go func() { answered <- find(t, kept, q) }()
	eventually(t, "begun", func() bool { return engine.begun.Load() == 1 })
	if err := c.Invalidate(t.Context(), cache.Scope{Searches: true}); err != nil {
		t.Fatal(err)
	}
	close(engine.hold)
	<-answered
	if find(t, kept, q).Cached {
		t.Error("an answer from before the invalidation is kept")
	}
}

func TestOfManyEqualSearchesTwoAreDone(t *testing.T) {
	w, c, what := connected(t)
	engine := &searcher{world: w, found: []uuid.UUID{uuid.New()}, hold: make(chan struct{})}
	kept, q := cache.NewSearches(engine, c), query()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if result, err := kept.Search(t.Context(), q); err != nil || len(shows(t, result)) != 1 {
				t.Errorf("%+v (%v)", result, err)
			}
		})
	}
	eventually(t, "all have looked", func() bool { return what.count("search miss") == 50 })
	close(engine.hold)
	wg.Wait()
	// The first, and one for all that came while that was under way: it may have read what has changed since.
	if engine.count() > 2 {
		t.Errorf("%d searches, want 2 at most", engine.count())
	}
}

func TestAnAnswerIsNotOlderThanItsQuestion(t *testing.T) {
	w, c, what := connected(t)
	engine := &searcher{world: w, hold: make(chan struct{})}
	kept, q := cache.NewSearches(engine, c), query()
	first := make(chan search.Result, 1)
	go func() { first <- find(t, kept, q) }()
	eventually(t, "the first has looked", func() bool { return what.count("search miss") == 1 })
	second := make(chan search.Result, 1)
	go func() { second <- find(t, kept, q) }()
	eventually(t, "the second has looked", func() bool { return what.count("search miss") == 2 })
	engine.hold <- struct{}{}
	<-first
	engine.mu.Lock()
	engine.found = []uuid.UUID{uuid.New()} // what the second may expect to see
	engine.mu.Unlock()
	close(engine.hold)
	if ids := shows(t, <-second); len(ids) != 1 {
		t.Errorf("the second shows %v, what was read before it asked", ids)
	}
}

func TestASearchThatItsFirstAskerGaveUpIsAnsweredToTheOthers(t *testing.T) {
	w, c, what := connected(t)
	engine := &searcher{world: w, hold: make(chan struct{})}
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

// patient searches until it is cancelled.
type patient struct{ cancelled chan struct{} }

func (p patient) Search(ctx context.Context, _ search.Query) (search.Result, error) {
	<-ctx.Done()
	close(p.cancelled)
	return search.Result{}, ctx.Err()
}

func TestASearchThatNobodyWaitsForIsCancelled(t *testing.T) {
	_, c, what := connected(t)
	engine := patient{cancelled: make(chan struct{})}
	ctx, giveUp := context.WithCancel(t.Context())
	go func() {
		if _, err := cache.NewSearches(engine, c).Search(ctx, query()); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}()
	eventually(t, "it has looked", func() bool { return what.count("search miss") == 1 })
	giveUp()
	<-engine.cancelled
}

func TestNewDocumentsMakeSearchesSoftAndThenHard(t *testing.T) {
	w, c, what := connected(t)
	engine := &searcher{world: w}
	kept, hot, rare := cache.NewSearches(engine, c), query(), query()
	prime(t, kept, hot)
	prime(t, kept, rare)
	w.commit(nil, change.DocumentReady, uuid.NewString()) // by a process that dies at once: it is in the database
	for what.count("search stale") == 0 {
		if !find(t, kept, hot).Cached {
			t.Fatal("a search that is asked all the time was read while somebody waited")
		}
	}
	if !find(t, kept, hot).Cached {
		t.Error("a search that was read anew is not kept")
	}
	// One that nobody asks meanwhile is not shown any more, when the time is up.
	eventually(t, "hard", func() bool {
		before := what.count("search miss")
		q := query()
		prime(t, kept, q)
		return marked(t, "searches") && what.count("search miss") > before
	})
	if find(t, kept, rare).Cached {
		t.Error("a search does not hear of what came long ago")
	}
}

// marked reports whether there is a mark.
func marked(t *testing.T, name string) bool {
	t.Helper()
	client := raw(t)
	defer client.Close()
	return client.Do(context.Background(), client.B().Zscore().Key("ragapi:2:marks").Member(name).Build()).Error() == nil
}

// reset empties the Redis.
func reset(t testing.TB) {
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
	world *world
	tells *cache.Cache
	mu    sync.Mutex
	one   session.Session
	reads int
}

func (w *world) session(tells *cache.Cache, ends time.Duration) *sessions {
	return &sessions{world: w, tells: tells, one: session.Session{ID: uuid.New(), User: uuid.NewString(), ExpiresAt: time.Now().Add(ends)}}
}

func (s *sessions) Get(ctx context.Context, _ uuid.UUID, _ session.Span) (session.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	postgres.Seen(ctx, s.world.now())
	return s.one, nil
}

func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *sessions) Append(_ context.Context, _ uuid.UUID, m session.Message, _ idempotency.Key, _ session.Condition) (session.Message, error) {
	s.say(m)
	s.world.commit(s.tells, change.SessionChanged, s.one.ID.String())
	return m, nil
}

func (s *sessions) say(m session.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.one.Messages = append(s.one.Messages, m)
}

func TestAMessageIsSeenByTheNextReader(t *testing.T) {
	w, here, _ := connected(t)
	there, _ := w.connected(t)
	store := w.session(here, time.Hour)
	writer, reader := cache.NewSessions(store, here), cache.NewSessions(store, there)
	for said := range 5 {
		for range 2 {
			got, err := reader.Get(t.Context(), store.one.ID, session.Span{})
			if err != nil || len(got.Messages) != said {
				t.Fatalf("%d messages (%v), want %d", len(got.Messages), err, said)
			}
		}
		if _, err := writer.Append(t.Context(), store.one.ID, session.Message{Role: "user"}, idempotency.Key{}, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAUsersSessionsAreInvalidatedByTheirUser(t *testing.T) {
	w, c, _ := connected(t)
	store := w.session(c, time.Hour)
	kept := cache.NewSessions(store, c)
	read := func() {
		if _, err := kept.Get(t.Context(), store.one.ID, session.Span{}); err != nil {
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
	w, c, _ := connected(t)
	store := w.session(c, 50*time.Millisecond)
	kept := cache.NewSessions(store, c)
	eventually(t, "expired", func() bool {
		_, err := kept.Get(t.Context(), store.one.ID, session.Span{})
		return errors.Is(err, session.ErrNotFound)
	})
}

func TestTheSummaryIsKept(t *testing.T) {
	w, c, _ := connected(t)
	calls := 0
	want := querylog.Summary{Documents: querylog.Count{Rows: 3, Exact: true}, Modes: map[string]querylog.Span{"simple": {Searches: 1, P95: time.Millisecond}}}
	summary := cache.Summary(func(ctx context.Context) (querylog.Summary, error) {
		calls++
		postgres.Seen(ctx, w.now())
		return want, nil
	}, c)
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
	w := newWorld(t)
	c, what := w.open(t, config.Cache{Addr: "127.0.0.1:1"})
	store, doc := w.ready(c)
	kept := cache.NewDocuments(store, c)
	for range 3 {
		if _, err := kept.Get(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := kept.Delete(t.Context(), doc.ID, nil); err != nil {
		t.Error(err)
	}
	if store.count() != 3 || what.count("document error") != 3 || what.available.Load() {
		t.Errorf("%d reads, %v, available %t", store.count(), what.requests, what.available.Load())
	}
	if c.Invalidate(t.Context(), cache.Scope{Everything: true}) == nil {
		t.Error("an invalidation by hand that could not be done was not refused")
	}
}

// apart gives two processes a line to Redis each, of which the first can be cut.
func apart(t *testing.T) (w *world, here, there *cache.Cache, line *proxy, what *seen, end func()) {
	t.Helper()
	s := settings(t)
	if s.TLS {
		t.Skip("its certificate is for another address")
	}
	w = newWorld(t)
	there, _ = w.connected(t)
	line = newProxy(t, s.Addr)
	s.Addr = line.listener.Addr().String()
	what = newSeen()
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	here, err := cache.Open(s, "test", what, quiet)
	if err != nil {
		t.Fatal(err)
	}
	here.Follow(ctx, w, w.existing)
	eventually(t, "connected", what.available.Load)
	return w, here, there, line, what, end
}

func TestADeletionThatRedisDidNotHearOfIsToldByWhoeverCan(t *testing.T) {
	for name, dies := range map[string]bool{"the process lives": false, "the process dies": true} {
		t.Run(name, func(t *testing.T) {
			w, here, there, line, what, end := apart(t)
			store, doc := w.ready(here)
			reader, writer := cache.NewDocuments(store, there), cache.NewDocuments(store, here)
			untilKept(t, store.count, func() {
				if _, err := reader.Get(t.Context(), doc.ID); err != nil {
					t.Fatal(err)
				}
			})
			line.set(true)
			if err := writer.Delete(t.Context(), doc.ID, nil); err != nil {
				t.Fatalf("a deletion without Redis: %v", err)
			}
			if _, err := writer.Get(t.Context(), doc.ID); !errors.Is(err, document.ErrNotFound) {
				t.Errorf("who deleted it still reads it: %v", err)
			}
			if dies {
				end()
			}
			eventually(t, "gone for the other process too", func() bool {
				_, err := reader.Get(t.Context(), doc.ID)
				return errors.Is(err, document.ErrNotFound)
			})
			if line.set(false); !dies {
				eventually(t, "in use again", what.available.Load)
			}
		})
	}
}

func TestWithoutTheDatabaseACacheInDoubtIsNotUsed(t *testing.T) {
	w, here, _, line, what, _ := apart(t)
	store, doc := w.ready(here)
	kept := cache.NewDocuments(store, here)
	untilKept(t, store.count, func() {
		if _, err := kept.Get(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	})
	w.mu.Lock()
	w.down = true
	w.mu.Unlock()
	line.set(true)
	if _, err := kept.Get(t.Context(), doc.ID); err != nil {
		t.Fatal(err)
	}
	line.set(false)
	// It is connected, and could have missed something.
	reads := store.count()
	for range 3 {
		if _, err := kept.Get(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	}
	if store.count() != reads+3 {
		t.Errorf("%d reads, want 3", store.count()-reads)
	}
	eventually(t, "said not to be available", func() bool { return !what.available.Load() })
}

func TestAFileWithoutCertificatesIsRefused(t *testing.T) {
	file := t.TempDir() + "/ca.pem"
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := cache.Open(config.Cache{Addr: "cache:6379", TLS: true, CAFile: file}, "test", &seen{}, quiet)
	if want := "cache certificates: " + file + " has none, want PEM"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestInvalidatingLooksAtNoOtherKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("fills Redis with a million keys")
	}
	w, c, what := connected(t)
	client := raw(t)
	reset(t)
	for part := range 50 { // each script blocks the others
		script := fmt.Sprintf(`for i = 1, 20000 do redis.call('SET', 'ragapi:2:document:filler-%d-' .. i, 'x') end return 1`, part)
		if err := client.Do(t.Context(), client.B().Eval().Script(script).Numkeys(0).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { reset(t) })
	eventually(t, "used again", func() bool { return marked(t, "all") && what.available.Load() })
	if err := client.Do(t.Context(), client.B().ConfigResetstat().Build()).Error(); err != nil {
		t.Fatal(err)
	}
	store, doc := w.ready(c)
	if err := cache.NewDocuments(store, c).Delete(t.Context(), doc.ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Invalidate(t.Context(), cache.Scope{Searches: true, Words: cache.Pattern("lamp"), User: "u"}); err != nil {
		t.Fatal(err)
	}
	done, err := client.Do(t.Context(), client.B().Info().Section("commandstats").Build()).ToString()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"keys", "scan", "del", "unlink", "eval", "flushall"} {
		if strings.Contains(done, "cmdstat_"+command+":") {
			t.Errorf("an invalidation took %s:\n%s", command, done)
		}
	}
}
