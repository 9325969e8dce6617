package queue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/queue"
)

// unlucky is a store whose processing ends in any way.
type unlucky struct {
	*document.Store
	w      *world
	mu     sync.Mutex
	random *rand.Rand
	ended  map[string]int // how often, in which way
	over   bool           // luck is back
	cursed uuid.UUID      // the document whose attempts all end by an error
}

// ways of an attempt's end, of which most are bad.
var ways = []string{"well", "well", "by an error", "by a panic", "untold", "with its connection", "late"}

func (u *unlucky) way(id uuid.UUID) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if id == u.cursed {
		return "by an error"
	}
	if u.over {
		return "well"
	}
	way := ways[u.random.IntN(len(ways))]
	u.ended[way]++
	return way
}

func (u *unlucky) Process(ctx context.Context, id uuid.UUID) (document.Document, bool, error) {
	way := u.way(id)
	switch way {
	case "by an error":
		return document.Document{}, false, errors.New("no luck")
	case "by a panic":
		panic("no luck")
	case "with its connection":
		go u.cut()
	case "late":
		time.Sleep(20 * time.Millisecond)
	}
	doc, done, err := u.Store.Process(ctx, id)
	if err == nil && way == "untold" {
		return document.Document{}, false, errors.New("the answer was lost")
	}
	return doc, done, err
}

// cut ends connections that are in a transaction.
func (u *unlucky) cut() {
	_, _ = u.w.pool.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`) // it may hit itself
}

// book is what was last asked for of a document.
type book struct {
	text string
	gone bool
}

// hurry lets what is to be tried again be tried at once.
const hurry = `UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state = 'retryable'`

// befall does something to the library, or to the queue behind its back. What got no answer may have been done or not: it is asked
// for again.
func (w *world) befall(random *rand.Rand, books map[uuid.UUID]*book, ids []uuid.UUID) {
	ctx, id := context.Background(), ids[random.IntN(len(ids))]
	b := books[id]
	try := func(change func() error) {
		w.await("answered", func() bool {
			err := change()
			return err == nil || errors.Is(err, document.ErrNotFound) || errors.Is(err, document.ErrNotFailed)
		})
	}
	switch n := random.IntN(20); {
	case b.gone:
	case n < 4:
		b.text = fmt.Sprintf("Text %d. ", random.Int()) + strings.Repeat("The keeper trims the lamp. ", random.IntN(200))
		try(func() error {
			_, err := w.Replace(ctx, id, document.Upload{Title: "T", Text: b.text}, func(document.Document) bool { return true })
			return err
		})
	case n < 5:
		b.gone = true
		try(func() error { return w.Delete(ctx, id, nil) })
	case n < 9:
		try(func() error { _, err := w.Retry(ctx, id, nil); return err })
	case n < 11:
		try(func() error {
			_, err := w.pool.Exec(ctx, `DELETE FROM river_job WHERE args->>'document_id' = $1 AND state <> 'running'`, id.String())
			return err
		})
	case n < 13:
		try(func() error {
			_, err := w.pool.Exec(ctx, discard+` AND state <> 'running' AND args->>'document_id' = $1`, id.String())
			return err
		})
	default:
		try(func() error { _, err := w.pool.Exec(ctx, hurry); return err })
	}
}

// tried reports whether attempts have ended in each way.
func (u *unlucky) tried() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !slices.ContainsFunc(ways, func(way string) bool { return u.ended[way] == 0 })
}

func TestWhateverBecomesOfItsAttemptsEveryDocumentEnds(t *testing.T) {
	w, random := open(t), rand.New(rand.NewPCG(3, 4))
	u := &unlucky{Store: w.Store, w: w, random: rand.New(rand.NewPCG(5, 6)), ended: map[string]int{}}
	books, ids := map[uuid.UUID]*book{}, []uuid.UUID{}
	for n := range 60 {
		text := fmt.Sprintf("Text %d.", n)
		id := w.create(text)
		books[id], ids = &book{text: text}, append(ids, id)
	}
	const text = "A text that fails."
	u.cursed = w.create(text)
	books[u.cursed] = &book{text: text}
	w.work(u, &vectors{embed: func(_ context.Context, ids []uuid.UUID) []error { return make([]error, len(ids)) }})
	// On a busy machine few attempts are made in this time: it goes on until each way was tried.
	for n := 0; n < 600 || n < 6000 && !u.tried(); n++ {
		w.befall(random, books, ids)
		time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond)
	}
	u.mu.Lock()
	u.over = true
	t.Log("attempts ended:", u.ended)
	for _, way := range ways {
		if u.ended[way] == 0 {
			t.Errorf("no attempt ended %s: this has tried nothing", way)
		}
	}
	u.mu.Unlock()
	w.settle()
	failed := w.hold(books)
	if !slices.Contains(failed, u.cursed) {
		t.Error("a document whose attempts all fail has not failed")
	}
	u.mu.Lock()
	u.cursed = uuid.Nil
	u.mu.Unlock()
	for _, id := range failed {
		if _, err := w.Retry(t.Context(), id, nil); err != nil {
			t.Error(err)
		}
	}
	w.settle()
	if failed = w.hold(books); len(failed) > 0 {
		t.Errorf("%d documents failed again", len(failed))
	}
}

const leftSQL = `SELECT (SELECT count(*) FROM documents WHERE status = 'pending')
	+ (SELECT count(*) FROM chunks WHERE document_id NOT IN (SELECT id FROM documents))`

// settle waits until no document is pending, and nothing is left of those that were deleted.
func (w *world) settle() {
	w.t.Helper()
	w.await("ended", func() bool {
		if _, err := queue.Recover(context.Background(), w.pool, w.Store); err != nil {
			return false // a connection that was cut
		}
		var left int
		_, err := w.pool.Exec(w.t.Context(), hurry)
		if err == nil {
			err = w.pool.QueryRow(w.t.Context(), leftSQL).Scan(&left)
		}
		return err == nil && left == 0
	})
}

// ofAnotherSQL counts a document's chunks, and those that are of another text.
const ofAnotherSQL = `SELECT count(*), count(*) FILTER (WHERE strpos($2, content) = 0) FROM chunks WHERE document_id = $1`

// hold fails the test unless every document is ready with its last text alone, or failed with a reason and in no search; it returns
// those that failed.
func (w *world) hold(books map[uuid.UUID]*book) (failed []uuid.UUID) {
	w.t.Helper()
	for id, b := range books {
		var chunks, wrong int
		err := w.pool.QueryRow(w.t.Context(), ofAnotherSQL, id, b.text).Scan(&chunks, &wrong)
		if err != nil {
			w.t.Fatal(err)
		}
		doc, err := w.Get(w.t.Context(), id)
		switch {
		case b.gone:
			if !errors.Is(err, document.ErrNotFound) {
				w.t.Errorf("document %s was deleted and is %s (%v)", id, doc.Status, err)
			}
		case err != nil:
			w.t.Errorf("document %s is lost: %v", id, err)
		case doc.Status == document.Failed:
			if failed = append(failed, id); doc.Failure == "" || chunks > 0 {
				w.t.Errorf("document %s failed for %q, and has %d chunks", id, doc.Failure, chunks)
			}
		case doc.Status != document.Ready || doc.ChunkCount != chunks || chunks == 0 || wrong > 0:
			w.t.Errorf("document %s is %s, and has %d chunks of %d, %d of them of another text", id, doc.Status, chunks, doc.ChunkCount, wrong)
		}
	}
	return failed
}
