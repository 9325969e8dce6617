package vector_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/embedding"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/schema"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/vector"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// envURL names the variable with the URL of a Chroma server in which collections may be made.
const envURL = "RAGAPI_TEST_CHROMA_URL"

var quiet = slog.New(slog.DiscardHandler)

type noQueue struct{}

func (noQueue) EnqueueTx(context.Context, pgx.Tx, document.Document) error { return nil }
func (noQueue) ForgetTx(context.Context, pgx.Tx, uuid.UUID) error          { return nil }

type unobserved struct{}

func (unobserved) VectorOperation(string, bool, time.Duration) {}

// named is the built-in embedding under a name of the test's own, so that its collection is too.
type named struct {
	embedding.Hashing
	name string
}

func (n named) Model() string { return n.name }

// world is a database, a vector store, and what brings them together.
type world struct {
	pool     *pgxpool.Pool
	store    *document.Store
	index    *vector.Index
	degraded atomic.Int64
}

func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t, pgtest.Database(t))
	if err := schema.Migrate(t.Context(), pool, quiet); err != nil {
		t.Fatal(err)
	}
	return pool
}

func open(t *testing.T, url string) *world {
	t.Helper()
	w := &world{pool: database(t)}
	w.store = document.NewStore(w.pool, postgres.NewReader(w.pool, nil, nil), noQueue{}, nil)
	w.index = vector.New(url, named{name: "test " + uuid.NewString()[:8]}, w.pool, nil, unobserved{}, func() { w.degraded.Add(1) }, quiet)
	return w
}

func withChroma(t *testing.T) *world {
	t.Helper()
	url := os.Getenv(envURL)
	if url == "" {
		t.Skipf("no Chroma to test with: set %s", envURL)
	}
	return open(t, strings.TrimSuffix(url, "/"))
}

// add stores, processes and embeds a document.
func (w *world) add(t *testing.T, title, text string) uuid.UUID {
	t.Helper()
	id := w.process(t, title, text)
	if err := w.index.Embed(t.Context(), id)[0]; err != nil {
		t.Fatal(err)
	}
	return id
}

// process stores and processes a document.
func (w *world) process(t *testing.T, title, text string) uuid.UUID {
	t.Helper()
	doc, err := w.store.Create(t.Context(), document.Upload{Title: title, Text: text})
	if err == nil {
		_, _, err = w.store.Process(t.Context(), doc.ID)
	}
	if err != nil {
		t.Error(err) // and not Fatal: it may be called by others than the test's own goroutine
	}
	return doc.ID
}

// similar asks a store that answers.
func (w *world) similar(t *testing.T, text string, limit int) []search.Piece {
	t.Helper()
	pieces, err := w.index.Similar(t.Context(), text, limit)
	if err != nil {
		t.Fatal(err)
	}
	return pieces
}

func TestTheClosestChunkComesFirst(t *testing.T) {
	w := withChroma(t)
	lamp := w.add(t, "Lighthouses", "The keeper trims the lamp at dusk.")
	bicycle := w.add(t, "Bicycles", "Two wheels and a saddle.")
	for text, want := range map[string]uuid.UUID{"lamps and keepers": lamp, "saddles on wheels": bicycle} {
		got := w.similar(t, text, 2)
		if len(got) == 0 || got[0].Place != (search.Place{DocumentID: want}) {
			t.Errorf("%q finds %v, want %v first", text, got, want)
		}
	}
	if got := w.similar(t, "quantum chromodynamics", 2); len(got) != 0 || w.degraded.Load() != 0 {
		t.Errorf("a text about something else finds %v (%d degraded)", got, w.degraded.Load())
	}
}

// vectors counts those of a collection.
func vectors(t *testing.T, collection string) (n int) {
	t.Helper()
	base := strings.TrimSuffix(os.Getenv(envURL), "/") + "/api/v2/tenants/default_tenant/databases/default_database/collections/"
	var found struct{ ID string }
	get(t, base+collection, &found)
	get(t, base+found.ID+"/count", &n)
	return n
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

func TestEmbeddingAgainLeavesNoDuplicates(t *testing.T) {
	w := withChroma(t)
	id := w.add(t, "Long", strings.Repeat("A sentence about a lamp. ", 5000)) // more than one request's chunks
	if err := w.index.Embed(t.Context(), id)[0]; err != nil {
		t.Fatal(err)
	}
	var recorded, chunks int
	var collection string
	err := w.pool.QueryRow(t.Context(), `SELECT e.chunks, d.chunk_count, e.collection FROM document_embeddings e JOIN documents d ON d.id = e.document_id JOIN vector_collections c ON c.name = e.collection WHERE d.id = $1 AND c.dimensions = 384`, id).Scan(&recorded, &chunks, &collection)
	if err != nil {
		t.Fatal(err)
	}
	if kept := vectors(t, collection); recorded != chunks || kept != chunks || chunks < 101 {
		t.Errorf("%d chunks recorded, %d vectors, want %d of each", recorded, kept, chunks)
	}
}

func TestAForgottenDocumentIsNotSimilarToAnything(t *testing.T) {
	w := withChroma(t)
	gone, stays := w.add(t, "a", "A lamp at dusk."), w.add(t, "b", "A lamp at dawn.")
	if err := w.index.Forget(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]search.Piece{{Place: search.Place{DocumentID: stays}, Version: 1}}, w.similar(t, "lamp", 5)); diff != "" {
		t.Errorf("pieces (-want +got):\n%s", diff)
	}
	if err := w.index.Forget(t.Context(), gone); err != nil {
		t.Errorf("forgetting again: %v", err)
	}
}

func TestADocumentDeletedWhileItIsEmbeddedLeavesNoVectors(t *testing.T) {
	w := withChroma(t)
	doc, err := w.store.Create(t.Context(), document.Upload{Title: "a", Text: "A lamp at dusk."})
	if err == nil {
		_, _, err = w.store.Process(t.Context(), doc.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The deletion waits until the chunks are read: it holds the row that recording needs.
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `DELETE FROM documents WHERE id = $1`, doc.ID); err != nil {
		t.Fatal(err)
	}
	embedded := make(chan error, 1)
	go func() { embedded <- w.index.Embed(t.Context(), doc.ID)[0] }()
	for waiting := 0; waiting == 0; time.Sleep(10 * time.Millisecond) {
		if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-embedded; err != nil {
		t.Fatal(err)
	}
	if got := w.similar(t, "lamp", 5); len(got) != 0 {
		t.Errorf("vectors were left behind: %v", got)
	}
}

func TestAComplexSearchFindsByWordsAndByVectors(t *testing.T) {
	w := withChroma(t)
	w.add(t, "Streets", "Lamplighters kept the streetlamps.")
	w.add(t, "Bicycles", "Two wheels and a saddle.")
	w.add(t, "Tea", "Leaves in hot water.")
	// Two words are misspelt: no index of words has them.
	result, err := search.New(postgres.NewReader(w.pool, nil, nil), w.index).Search(t.Context(), search.Query{Text: "saddle lamplihters streetlmps", Mode: search.Complex, Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]search.Match{}
	for _, h := range result.Hits {
		if h.Score <= 0 || h.Score > 1 {
			t.Errorf("score %v, want 0 to 1", h.Score)
		}
		found[h.Title] = h.Match
	}
	if diff := cmp.Diff(map[string]search.Match{"Bicycles": search.MatchPrefix, "Streets": search.MatchSimilar}, found); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func TestAStoreThatIsGoneLeavesTheSearchToTheWords(t *testing.T) {
	end := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	t.Cleanup(func() { close(end); hanging.Close() })
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	t.Cleanup(broken.Close)
	for name, url := range map[string]string{"nothing listens": "http://127.0.0.1:1", "hangs": hanging.URL, "broken": broken.URL} {
		t.Run(name, func(t *testing.T) {
			w := open(t, url)
			doc, err := w.store.Create(t.Context(), document.Upload{Title: "a", Text: "A lamp at dusk."})
			if err == nil {
				_, _, err = w.store.Process(t.Context(), doc.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
			engine := search.New(postgres.NewReader(w.pool, nil, nil), w.index)
			for range 4 {
				result, err := engine.Search(t.Context(), search.Query{Text: "lamp", Mode: search.Complex, Limit: 5})
				if err != nil || len(result.Hits) != 1 {
					t.Fatalf("%+v (%v), want the hit by words", result, err)
				}
			}
			if w.degraded.Load() != 4 {
				t.Errorf("%d searches counted as degraded, want 4", w.degraded.Load())
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if w.index.Embed(ctx, doc.ID)[0] == nil {
				t.Error("embedding into nothing succeeded: its job would not be repeated")
			}
		})
	}
}

func TestDocumentsWithoutVectorsAreMissing(t *testing.T) {
	w := open(t, "http://127.0.0.1:1")
	doc, err := w.store.Create(t.Context(), document.Upload{Title: "a", Text: "A lamp at dusk."})
	if err != nil {
		t.Fatal(err)
	}
	if missing, err := w.index.Missing(t.Context(), uuid.Nil, 10); err != nil || len(missing) != 0 {
		t.Errorf("missing %v (%v), want none: it is not processed", missing, err)
	}
	if _, _, err := w.store.Process(t.Context(), doc.ID); err != nil {
		t.Fatal(err)
	}
	if missing, err := w.index.Missing(t.Context(), uuid.Nil, 10); err != nil || len(missing) != 1 || missing[0] != doc.ID {
		t.Errorf("missing %v (%v), want %v", missing, err, doc.ID)
	}
}

func TestThatVectorsAreThereIsAChange(t *testing.T) {
	w, store := stand(t)
	changes := change.NewLog(w.pool, nil)
	w.index = vector.New(store.url, named{name: "m"}, w.pool, changes, unobserved{}, func() {}, quiet)
	w.add(t, "a", "A lamp at dusk.")
	news, err := changes.Since(t.Context(), postgres.Snapshot{})
	if err != nil || len(news.Changes) != 1 || news.Changes[0].What != change.VectorsAdded || news.Changes[0].Subject != w.index.Collection() {
		t.Errorf("changes %+v (%v), want that there are vectors in %s", news.Changes, err, w.index.Collection())
	}
}
