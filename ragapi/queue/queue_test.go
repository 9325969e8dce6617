package queue_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/queue"
	"github.com/ragscale/ragscale/ragapi/schema"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var quiet = slog.New(slog.DiscardHandler)

// patience bounds every wait. Nothing is asserted about how long it takes.
const patience = 60 * time.Second

// world is a database, a store, and what its workers do their jobs with.
type world struct {
	*document.Store
	t    *testing.T
	pool *pgxpool.Pool
	jobs *queue.Client
}

func open(t *testing.T) *world {
	t.Helper()
	db := pgtest.Database(t)
	db.PoolSize = 10
	pool := pgtest.Pool(t, db)
	if err := schema.Migrate(t.Context(), pool, quiet); err != nil {
		t.Fatal(err)
	}
	jobs, err := queue.NewClient(pool, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return &world{document.NewStore(pool, postgres.NewReader(pool, nil, nil), jobs, nil), t, pool, jobs}
}

func (w *world) create(text string) uuid.UUID {
	w.t.Helper()
	doc, err := w.Create(w.t.Context(), document.Upload{Title: "T", Text: text})
	if err != nil {
		w.t.Fatal(err)
	}
	return doc.ID
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(id uuid.UUID) document.Document {
	w.t.Helper()
	doc, err := w.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return doc
}

func (w *world) await(what string, holds func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("after %v: not %s", patience, what)
		}
	}
}

// work runs a worker until the end of the test.
func (w *world) work(documents queue.Processor, vectors queue.Embedder) *observer {
	w.t.Helper()
	seen := &observer{}
	worker, err := queue.NewWorker(w.pool, queue.Duties{Concurrency: 4, Documents: documents, Vectors: vectors, Jobs: w.jobs, Seen: seen, Chunks: w.Store}, quiet)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx, context.Background(), time.Second) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	return seen
}

type observer struct {
	mu                     sync.Mutex
	ready, failed, retried int
}

func (o *observer) Processed(document.Document) { o.mu.Lock(); o.ready++; o.mu.Unlock() }
func (o *observer) ProcessingFailed(final bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if final {
		o.failed++
	} else {
		o.retried++
	}
}

// broken is a store whose processing ends badly.
type broken struct {
	*document.Store
	end func() error
}

func (b broken) Process(context.Context, uuid.UUID) (document.Document, bool, error) {
	return document.Document{}, false, b.end()
}

// TestWhatBecomesReadyOnceCountsOnce: of a document that was replaced often, all jobs but one find it done.
func TestWhatBecomesReadyOnceCountsOnce(t *testing.T) {
	w := open(t)
	id := w.create("A saddle.")
	for range 7 {
		if _, err := w.Replace(t.Context(), id, document.Upload{Title: "T", Text: "A lamp."}, nil); err != nil {
			t.Fatal(err)
		}
	}
	seen := w.work(w.Store, nil)
	w.await("every job done", func() (done bool) {
		if err := w.pool.QueryRow(t.Context(), `SELECT count(*) = 8 FROM river_job WHERE kind = 'process_document' AND state = 'completed'`).Scan(&done); err != nil {
			t.Fatal(err)
		}
		return done
	})
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if doc := w.get(id); doc.Version != 8 || doc.Status != document.Ready || seen.ready != 1 {
		t.Errorf("version %d is %s, and %d counted as ready, want 1", doc.Version, doc.Status, seen.ready)
	}
}

func TestADocumentWhoseLastAttemptEndsBadlyFails(t *testing.T) {
	for name, end := range map[string]func() error{
		"an error": func() error { return errors.New("no luck") },
		"a panic":  func() error { panic("no luck") },
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			id := w.create("A lamp.")
			w.exec(`UPDATE river_job SET attempt = 4 WHERE kind = 'process_document'`)
			seen := w.work(broken{w.Store, end}, nil)
			w.await("failed", func() bool { return w.get(id).Status == document.Failed })
			if doc := w.get(id); doc.Failure != "processing failed 5 times" {
				t.Errorf("failure %q", doc.Failure)
			}
			seen.mu.Lock()
			defer seen.mu.Unlock()
			if seen.failed != 1 || seen.retried != 0 {
				t.Errorf("%d failures and %d retries were counted, want 1 and none", seen.failed, seen.retried)
			}
		})
	}
}

func TestAFailedAttemptShows(t *testing.T) {
	w := open(t)
	id := w.create("A lamp.")
	w.work(broken{w.Store, func() error { panic("no luck") }}, nil)
	w.await("tried", func() bool { return w.get(id).FailedAttempts == 1 })
	if doc := w.get(id); doc.Status != document.Pending {
		t.Errorf("the document is %s", doc.Status)
	}
}

// discard makes the jobs of documents look as if their workers had died in every attempt.
const discard = `UPDATE river_job SET state = 'discarded', finalized_at = now(), attempt = 5,
	errors = ARRAY[jsonb_build_object('error', 'Stuck job rescued by JobRescuer', 'attempt', 5)] WHERE kind = 'process_document'`

func TestADocumentWhoseJobWasGivenUpFailsWithItsReason(t *testing.T) {
	w := open(t)
	id := w.create("A lamp.")
	w.exec(discard)
	done, err := queue.Recover(t.Context(), w.pool, w.Store)
	if err != nil || done != (queue.Recovered{Failed: 1}) {
		t.Errorf("%+v (%v), want one failed", done, err)
	}
	if doc := w.get(id); doc.Status != document.Failed || !strings.Contains(doc.Failure, "5 times") || !strings.Contains(doc.Failure, "memory") {
		t.Errorf("the document is %s: %q", doc.Status, doc.Failure)
	}
	// Tried again, its new job counts, not the one that was given up; nor does that of a text before.
	if _, err := w.Retry(t.Context(), id, nil); err != nil {
		t.Fatal(err)
	}
	w.exec(`DELETE FROM river_job WHERE state = 'available'`)
	if done, err := queue.Recover(t.Context(), w.pool, w.Store); err != nil || done != (queue.Recovered{Requeued: 1}) {
		t.Errorf("%+v (%v), want one enqueued again", done, err)
	}
}

func TestADocumentWithoutAJobGetsAnotherThreeTimes(t *testing.T) {
	w := open(t)
	id, other := w.create("A lamp."), w.create("A saddle.")
	for range 3 {
		w.exec(`DELETE FROM river_job WHERE args->>'document_id' = $1`, id.String())
		if done, err := queue.Recover(t.Context(), w.pool, w.Store); err != nil || done != (queue.Recovered{Requeued: 1}) {
			t.Fatalf("%+v (%v), want one enqueued again", done, err)
		}
		if done, err := queue.Recover(t.Context(), w.pool, w.Store); err != nil || done != (queue.Recovered{}) {
			t.Fatalf("%+v (%v), want nothing to do while its job is there", done, err)
		}
	}
	w.exec(`UPDATE river_job SET state = 'cancelled', finalized_at = now() WHERE args->>'document_id' = $1`, id.String())
	if done, err := queue.Recover(t.Context(), w.pool, w.Store); err != nil || done != (queue.Recovered{Failed: 1}) {
		t.Errorf("%+v (%v), want one failed", done, err)
	}
	if doc := w.get(id); doc.Status != document.Failed || doc.Failure == "" {
		t.Errorf("the document is %s: %q", doc.Status, doc.Failure)
	}
	if doc := w.get(other); doc.Status != document.Pending {
		t.Errorf("a document with a job is %s", doc.Status)
	}
}

func TestAWorkerRecoversWhatWasLost(t *testing.T) {
	w := open(t)
	given, lost := w.create("A lamp."), w.create("A saddle.")
	w.exec(discard)
	w.exec(`DELETE FROM river_job WHERE args->>'document_id' = $1`, lost.String())
	w.work(w.Store, nil)
	w.await("recovered", func() bool {
		return w.get(given).Status == document.Failed && w.get(lost).Status == document.Ready
	})
}

// vectors is a vector store that does what it is told to.
type vectors struct {
	embed   func(ctx context.Context, ids []uuid.UUID) []error
	mu      sync.Mutex
	forgot  []string
	lost    bool        // until it is checked
	missing []uuid.UUID // in their order
}

func (v *vectors) Check(context.Context) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	lost := v.lost
	v.lost = false
	return lost, nil
}
func (v *vectors) Missing(_ context.Context, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	var page []uuid.UUID
	for _, id := range v.missing {
		if bytes.Compare(id[:], after[:]) > 0 && len(page) < limit {
			page = append(page, id)
		}
	}
	return page, nil
}

func (v *vectors) Embed(ctx context.Context, ids ...uuid.UUID) []error { return v.embed(ctx, ids) }
func (v *vectors) Forget(_ context.Context, id uuid.UUID, collections ...string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forgot = append(v.forgot, id.String()+" "+strings.Join(collections, ","))
	return nil
}

// TestWhatAStoreHasLostIsEmbeddedAnew: all of it, once.
func TestWhatAStoreHasLostIsEmbeddedAnew(t *testing.T) {
	w := open(t)
	var embedded []uuid.UUID
	empty := &vectors{lost: true}
	empty.embed = func(_ context.Context, ids []uuid.UUID) []error {
		empty.mu.Lock()
		defer empty.mu.Unlock()
		embedded = append(embedded, ids...)
		return make([]error, len(ids))
	}
	for range 1500 { // more than are asked for at once
		id, err := uuid.NewV7()
		if err != nil {
			t.Fatal(err)
		}
		empty.missing = append(empty.missing, id)
	}
	slices.SortFunc(empty.missing, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	w.work(w.Store, empty)
	w.await("all embedded", func() bool {
		empty.mu.Lock()
		defer empty.mu.Unlock()
		return len(embedded) >= len(empty.missing)
	})
	empty.mu.Lock()
	defer empty.mu.Unlock()
	slices.SortFunc(embedded, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	if !slices.Equal(embedded, empty.missing) {
		t.Errorf("%d were embedded, want %d", len(embedded), len(empty.missing))
	}
}

func TestAHangingVectorStoreDelaysNoDocument(t *testing.T) {
	w := open(t)
	hangs := &vectors{embed: func(ctx context.Context, ids []uuid.UUID) []error {
		<-ctx.Done()
		return make([]error, len(ids))
	}}
	w.work(w.Store, hangs)
	for range 3 {
		var ids []uuid.UUID
		for range 60 { // more than a worker processes or embeds at once
			ids = append(ids, w.create("A lamp."))
		}
		w.await("ready", func() bool { return w.get(ids[0]).Status == document.Ready && w.get(ids[59]).Status == document.Ready })
	}
}

func TestDocumentsAreEmbeddedTogetherAndEachHasItsOwnEnd(t *testing.T) {
	w := open(t)
	var bad uuid.UUID
	var mu sync.Mutex
	calls := 0
	store := &vectors{embed: func(_ context.Context, ids []uuid.UUID) []error {
		mu.Lock()
		defer mu.Unlock()
		calls++
		faults := make([]error, len(ids))
		for i, id := range ids {
			if id == bad {
				faults[i] = errors.New("refused")
			}
		}
		return faults
	}}
	var ids []uuid.UUID
	for range 50 {
		id := w.create("A lamp.")
		if _, _, err := w.Process(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	bad = ids[7]
	w.exec(`DELETE FROM river_job`)
	if err := w.jobs.Embed(t.Context(), ids...); err != nil {
		t.Fatal(err)
	}
	if err := w.jobs.Embed(t.Context(), ids...); err != nil { // they are asked for already
		t.Fatal(err)
	}
	w.work(w.Store, store)
	count := func(state string) (n int) {
		if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'embed_document' AND state::text = $1`, state).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	w.await("all but one embedded", func() bool { return count("completed") == 49 && count("retryable") == 1 })
	mu.Lock()
	defer mu.Unlock()
	if calls > 10 {
		t.Errorf("50 documents took %d calls", calls)
	}
}

func TestVectorsOfADeletedDocumentAreForgottenInEveryCollection(t *testing.T) {
	w := open(t)
	id := w.create("A lamp.")
	if _, _, err := w.Process(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.exec(`INSERT INTO vector_collections (name, model, dimensions, version) VALUES ('a', 'm', 2, 1), ('b', 'n', 2, 1)`)
	w.exec(`INSERT INTO document_embeddings (document_id, collection, chunks) VALUES ($1, 'a', 1), ($1, 'b', 1)`, id)
	if err := w.Delete(t.Context(), id, nil); err != nil {
		t.Fatal(err)
	}
	store := &vectors{}
	w.work(w.Store, store)
	w.await("forgotten", func() bool {
		store.mu.Lock()
		defer store.mu.Unlock()
		return len(store.forgot) == 1 && store.forgot[0] == id.String()+" a,b"
	})
}

func TestWhatAnEarlierReleaseReadIsReadAnew(t *testing.T) {
	w := open(t)
	id := w.create("Write to ann@mail.example.")
	if _, _, err := w.Process(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE chunks SET tsv = to_tsvector('english', content)`)
	w.exec(`INSERT INTO chunk_rereading VALUES ('00000000-0000-0000-0000-000000000000', 0)`)
	w.work(w.Store, nil)
	w.await("read anew", func() (there bool) {
		err := w.pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM chunks WHERE tsv @@ 'mail'::tsquery) AND NOT EXISTS (SELECT FROM chunk_rereading)`).Scan(&there)
		return err == nil && there
	})
}
