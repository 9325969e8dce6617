package document_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/schema"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

type noQueue struct{}

func (noQueue) EnqueueTx(context.Context, pgx.Tx, document.Document) error { return nil }
func (noQueue) ForgetTx(context.Context, pgx.Tx, uuid.UUID) error          { return nil }

// world is a database with a store, and what the tests ask of both.
type world struct {
	*document.Store
	t    *testing.T
	pool *pgxpool.Pool
}

func open(t *testing.T) world {
	t.Helper()
	db := pgtest.Database(t)
	db.PoolSize = 10
	pool := pgtest.Pool(t, db)
	if err := schema.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return world{document.NewStore(pool, postgres.NewReader(pool, nil, nil), noQueue{}, nil), t, pool}
}

func (w world) create(text string) uuid.UUID {
	w.t.Helper()
	doc, err := w.Create(w.t.Context(), document.Upload{Title: "T", Text: text})
	if err != nil {
		w.t.Fatal(err)
	}
	return doc.ID
}

func (w world) process(id uuid.UUID) document.Document {
	w.t.Helper()
	doc, _, err := w.Process(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return doc
}

func (w world) replace(id uuid.UUID, text string) document.Document {
	w.t.Helper()
	doc, err := w.Replace(w.t.Context(), id, document.Upload{Title: "T2", Text: text}, anyDocument)
	if err != nil {
		w.t.Fatal(err)
	}
	return doc
}

func anyDocument(document.Document) bool { return true }

func (w world) get(id uuid.UUID) document.Document {
	w.t.Helper()
	doc, err := w.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return doc
}

// count returns how many chunks have a word.
func (w world) count(word string) (n int) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), `SELECT count(*) FROM chunks WHERE tsv @@ to_tsquery('english', $1)`, word).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// text has as many chunks as are written in two statements, each with the word.
func text(word string) string { return strings.Repeat("A sentence about a "+word+". ", 60_000) }

// halfway holds up whoever writes the chunk at position 1,500 of a document, until the returned function is called.
func (w world) halfway(id uuid.UUID) (release func()) {
	w.t.Helper()
	tx, err := w.pool.Begin(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	release = func() {
		if err := tx.Rollback(context.Background()); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
			w.t.Error(err)
		}
	}
	w.t.Cleanup(release) // else a failed test would wait for its pool for ever
	if _, err := tx.Exec(w.t.Context(), `INSERT INTO chunks (document_id, position, heading, content) VALUES ($1, 1500, '', '')`, id); err != nil {
		w.t.Fatal(err)
	}
	return release
}

// begin processes a document and returns when it is held up; the channel has its end.
func (w world) begin(id uuid.UUID) <-chan error {
	w.t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, _, err := w.Process(w.t.Context(), id)
		ended <- err
	}()
	for waiting := 0; waiting == 0; time.Sleep(10 * time.Millisecond) {
		err := w.pool.QueryRow(w.t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return ended
}

func TestADeletionDoesNotWaitForProcessing(t *testing.T) {
	for name, prepare := range map[string]func(w world) uuid.UUID{
		"of a new document": func(w world) uuid.UUID { return w.create(text("lamp")) },
		"of a replacement": func(w world) uuid.UUID {
			id := w.create("A saddle.")
			w.process(id)
			w.replace(id, text("lamp"))
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			id := prepare(w)
			release := w.halfway(id)
			ended := w.begin(id)
			// Processing stands still until this test lets it go on: a deletion that waited for it would wait for ever.
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if err := w.Delete(ctx, id, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Get(t.Context(), id); !errors.Is(err, document.ErrNotFound) {
				t.Errorf("a deleted document: %v", err)
			}
			release()
			if err := <-ended; !errors.Is(err, document.ErrNotFound) {
				t.Errorf("processing a deleted document: %v", err)
			}
			if err := w.DeleteRest(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			var left int
			if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM chunks`).Scan(&left); err != nil || left != 0 {
				t.Errorf("%d chunks are left (%v)", left, err)
			}
		})
	}
}

func TestNothingOfADocumentIsFoundBeforeItIsReady(t *testing.T) {
	w := open(t)
	id := w.create(text("lamp"))
	release := w.halfway(id)
	ended := w.begin(id)
	if n := w.count("lamp"); n != 0 {
		t.Errorf("%d chunks of a pending document are found", n)
	}
	if doc := w.get(id); doc.Status != document.Pending || doc.ChunksDone == 0 || doc.ChunksTotal < 1500 {
		t.Errorf("the document is %s with %d of %d chunks done, want pending, some, all", doc.Status, doc.ChunksDone, doc.ChunksTotal)
	}
	release()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	doc := w.get(id)
	if n := w.count("lamp"); n != doc.ChunkCount || n < 1500 || doc.Status != document.Ready {
		t.Errorf("%d chunks of a %s document are found, want all %d", n, doc.Status, doc.ChunkCount)
	}
	if doc.Progress != (document.Progress{}) {
		t.Errorf("a ready document has progress %+v", doc.Progress)
	}
}

func TestTheTextBeforeIsFoundUntilTheNextIsReady(t *testing.T) {
	w := open(t)
	id := w.create("A saddle.")
	first := w.process(id)
	second := w.replace(id, text("lamp"))
	if second.Version != 2 || second.Status != document.Pending || second.Title != "T2" || second.CreatedAt != first.CreatedAt || !second.AcceptedAt.After(first.AcceptedAt) {
		t.Errorf("replaced by %+v", second)
	}
	release := w.halfway(id)
	ended := w.begin(id)
	if old, new := w.count("saddle"), w.count("lamp"); old != first.ChunkCount || new != 0 {
		t.Errorf("halfway %d old and %d new chunks are found, want %d and none", old, new, first.ChunkCount)
	}
	release()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if old, new := w.count("saddle"), w.count("lamp"); old != 0 || new != w.get(id).ChunkCount {
		t.Errorf("afterwards %d old and %d new chunks are found, want none and all", old, new)
	}
}

func TestATextThatIsReplacedWhileItIsProcessedIsNotIndexed(t *testing.T) {
	w := open(t)
	id := w.create(text("saddle"))
	release := w.halfway(id)
	ended := w.begin(id)
	w.replace(id, "A lamp.")
	release()
	if err := <-ended; !errors.Is(err, document.ErrNotFound) {
		t.Errorf("processing the text before: %v", err)
	}
	if doc := w.process(id); doc.Version != 2 || w.count("saddle") != 0 || w.count("lamp") != 1 {
		t.Errorf("version %d; %d chunks of the text before, %d of the present one", doc.Version, w.count("saddle"), w.count("lamp"))
	}
}

func TestAFailedDocumentIsInNoSearchAndCanBeTriedAgain(t *testing.T) {
	w := open(t)
	id := w.create("A saddle.")
	w.process(id)
	if _, err := w.Retry(t.Context(), id, nil); !errors.Is(err, document.ErrNotFailed) {
		t.Errorf("trying a ready document again: %v", err)
	}
	w.replace(id, "A lamp.")
	for attempt := range 4 {
		if err := w.AttemptFailed(t.Context(), id, 2, attempt+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Fail(t.Context(), id, 1, "of the version before"); err != nil || w.get(id).Status != document.Pending || w.get(id).FailedAttempts != 4 {
		t.Errorf("after the end of the version before: %+v (%v)", w.get(id), err)
	}
	if err := w.Fail(t.Context(), id, 2, "no luck"); err != nil {
		t.Fatal(err)
	}
	if doc := w.get(id); doc.Status != document.Failed || doc.Failure != "no luck" || doc.ChunkCount != 0 || w.count("saddle") != 0 {
		t.Errorf("failed as %+v, %d chunks of the text before", doc, w.count("saddle"))
	}
	doc, err := w.Retry(t.Context(), id, nil)
	if err != nil || doc.Status != document.Pending || doc.Failure != "" || doc.FailedAttempts != 0 || doc.Version != 2 {
		t.Errorf("tried again as %+v (%v)", doc, err)
	}
	if w.process(id); w.count("lamp") != 1 {
		t.Error("a document that was tried again is not found")
	}
	if _, err := w.Retry(t.Context(), uuid.Max, nil); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("trying an absent document again: %v", err)
	}
}

func TestOnlyTheDocumentThatWasMeantIsReplaced(t *testing.T) {
	w := open(t)
	id := w.create("A saddle.")
	none := func(document.Document) bool { return false }
	if _, err := w.Replace(t.Context(), id, document.Upload{Title: "T", Text: "A lamp."}, none); !errors.Is(err, document.ErrChanged) {
		t.Errorf("a changed document: %v", err)
	}
	if doc := w.get(id); doc.Version != 1 {
		t.Errorf("version %d, want 1", doc.Version)
	}
	if _, err := w.Replace(t.Context(), uuid.Max, document.Upload{Title: "T", Text: "A lamp."}, anyDocument); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("an absent document: %v", err)
	}
}

func TestOnlyTheDocumentThatWasMeantIsDeletedOrTriedAgain(t *testing.T) {
	w := open(t)
	id := w.create("A saddle.")
	first := func(d document.Document) bool { return d.Version == 1 }
	second := func(d document.Document) bool { return d.Version == 2 }
	if _, err := w.Retry(t.Context(), id, second); !errors.Is(err, document.ErrNotFailed) {
		t.Errorf("trying another document again, which has not failed: %v", err)
	}
	if err := w.Fail(t.Context(), id, 1, "no luck"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Retry(t.Context(), id, second); !errors.Is(err, document.ErrChanged) || w.get(id).Status != document.Failed {
		t.Errorf("trying another document again: %v, %+v", err, w.get(id))
	}
	if doc, err := w.Retry(t.Context(), id, first); err != nil || doc.Status != document.Pending {
		t.Errorf("trying it again: %+v (%v)", doc, err)
	}
	if err := w.Delete(t.Context(), id, second); !errors.Is(err, document.ErrChanged) || w.get(id).ID != id {
		t.Errorf("deleting another document: %v", err)
	}
	if err := w.Delete(t.Context(), id, first); err != nil {
		t.Error(err)
	}
	if err := w.Delete(t.Context(), id, first); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("deleting an absent document: %v", err)
	}
}

// TestOfThoseWhoMeanOneVersionOneChangesIt: the condition is held in the transaction that makes the change.
func TestOfThoseWhoMeanOneVersionOneChangesIt(t *testing.T) {
	w := open(t)
	for range 10 {
		id := w.create("A saddle.")
		first := func(d document.Document) bool { return d.Version == 1 }
		ends := make(chan error)
		for i := range 8 {
			go func() {
				if i%2 == 0 {
					ends <- w.Delete(t.Context(), id, first)
					return
				}
				_, err := w.Replace(t.Context(), id, document.Upload{Title: "T", Text: "A lamp."}, first)
				ends <- err
			}()
		}
		done := 0
		for range 8 {
			switch err := <-ends; {
			case err == nil:
				done++
			case !errors.Is(err, document.ErrChanged) && !errors.Is(err, document.ErrNotFound):
				t.Error(err)
			}
		}
		if done != 1 {
			t.Fatalf("%d have changed it, want 1", done)
		}
	}
}

func TestListsOfAStatusHaveNoOthers(t *testing.T) {
	w := open(t)
	ready, failed, pending := w.create("a"), w.create("b"), w.create("c")
	w.process(ready)
	if err := w.Fail(t.Context(), failed, 1, "x"); err != nil {
		t.Fatal(err)
	}
	for status, want := range map[document.Status]uuid.UUID{document.Ready: ready, document.Failed: failed, document.Pending: pending} {
		docs, err := w.ListStatus(t.Context(), status, 10, uuid.Max)
		if err != nil || len(docs) != 1 || docs[0].ID != want {
			t.Errorf("%s: %+v (%v), want %s", status, docs, err, want)
		}
		if docs, err := w.ListStatus(t.Context(), status, 10, want); err != nil || len(docs) != 0 {
			t.Errorf("%s, second page: %+v (%v), want none", status, docs, err)
		}
	}
}

func TestAnUploadThatIsSentAgainIsOneDocument(t *testing.T) {
	w := open(t)
	up := document.Upload{Title: "T", Text: "A lamp.", Key: idempotency.Key{Owner: "u", Value: "k", Request: [32]byte{1}}}
	type result struct {
		doc document.Document
		err error
	}
	results := make(chan result, 8)
	for range cap(results) {
		go func() {
			doc, err := w.Create(t.Context(), up)
			results <- result{doc, err}
		}()
	}
	first := <-results
	for range cap(results) - 1 {
		if r := <-results; r.err != nil || cmp.Diff(first, r, cmp.AllowUnexported(result{})) != "" {
			t.Errorf("answered %+v, want %+v", r, first)
		}
	}
	if docs, err := w.List(t.Context(), 10, uuid.Max); err != nil || len(docs) != 1 {
		t.Errorf("%d documents (%v), want 1", len(docs), err)
	}
}
