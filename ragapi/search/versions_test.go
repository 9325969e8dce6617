package search_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/search"
)

// between is a database in which something happens before a statement of a search.
type between struct {
	*pgxpool.Pool
	sent   int
	before map[int]func() // by the statement's number, from 1
}

func (b *between) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	b.sent++
	if happens := b.before[b.sent]; happens != nil {
		happens()
	}
	return b.Pool.Query(ctx, sql, args...)
}

func (b *between) Read(ctx context.Context, read func(ctx context.Context, db postgres.Querier) error) error {
	return read(ctx, b)
}

// shelf is a store of documents whose texts are replaced.
type shelf struct {
	*document.Store
	pool *pgxpool.Pool
}

func newShelf(t *testing.T) shelf {
	pool := database(t)
	return shelf{document.NewStore(pool, postgres.NewReader(pool, nil, nil), noQueue{}, nil), pool}
}

func (s shelf) put(t *testing.T, text string) uuid.UUID {
	t.Helper()
	doc, err := s.Create(t.Context(), document.Upload{Title: "T", Text: text})
	if err == nil {
		_, _, err = s.Process(t.Context(), doc.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc.ID
}

func anyDocument(document.Document) bool { return true }

func (s shelf) replace(t *testing.T, id uuid.UUID, text string) {
	t.Helper()
	_, err := s.Replace(t.Context(), id, document.Upload{Title: "T", Text: text}, anyDocument)
	if err == nil {
		_, _, err = s.Process(t.Context(), id)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// stale is a vector store that knows the texts of before.
type stale []search.Piece

func (s stale) Similar(context.Context, string, int) ([]search.Piece, error) { return s, nil }

// firstOf is the first chunk of a document's first text.
func firstOf(id uuid.UUID) search.Piece {
	return search.Piece{Place: search.Place{DocumentID: id}, Version: 1}
}

func TestAHitShowsTheTextThatWasRanked(t *testing.T) {
	for name, mode := range map[string]search.Mode{"simple": search.Simple, "complex": search.Complex, "fused": search.Complex} {
		statements := map[string]int{"simple": 2, "complex": 3, "fused": 4}[name] // of an undisturbed search, which looks for more hits
		for n := 1; n <= statements; n++ {
			s := newShelf(t)
			for range 3 {
				s.put(t, "A lamp that stays.")
			}
			changes, goes := s.put(t, "The lamp of old."), s.put(t, "A lamp that goes.") // of equal hits the newest come first
			b := &between{Pool: s.pool, before: map[int]func(){n: func() {
				s.replace(t, changes, "The bicycle of today.")
				if err := s.Delete(t.Context(), goes, nil); err != nil {
					t.Fatal(err)
				}
			}}}
			engine := search.New(b, nil)
			if name == "fused" {
				engine = search.New(b, stale{firstOf(changes), firstOf(goes)})
			}
			result, err := engine.Search(t.Context(), search.Query{Text: "lamp", Mode: mode, Limit: 9, Content: true})
			if err != nil {
				t.Fatal(err)
			}
			wrong := slices.ContainsFunc(result.Hits, func(h search.Hit) bool { return h.Content != "A lamp that stays." })
			if wrong || len(result.Hits) != 3 {
				t.Errorf("%s, changed before statement %d: %+v, want what stays", name, n, result.Hits)
			}
			if b.sent < n {
				t.Fatalf("%s: nothing happened before statement %d", name, n)
			}
			b.sent, b.before = 0, nil
			if _, err := engine.Search(t.Context(), search.Query{Text: "lamp", Mode: mode, Limit: 9}); err != nil || b.sent != statements {
				t.Errorf("%s: %d statements (%v), want %d", name, b.sent, err, statements)
			}
		}
	}
}

func TestWhatChangedMeanwhileTakesNobodysPlace(t *testing.T) {
	s := newShelf(t)
	for range 3 {
		s.put(t, "A lamp that stays.")
	}
	changes, goes := s.put(t, "The lamp of old."), s.put(t, "A lamp that goes.")
	b := &between{Pool: s.pool, before: map[int]func(){2: func() {
		s.replace(t, changes, "The bicycle of today.")
		if err := s.Delete(t.Context(), goes, nil); err != nil {
			t.Fatal(err)
		}
	}}}
	result, err := search.New(b, nil).Search(t.Context(), search.Query{Text: "lamp", Mode: search.Simple, Limit: 3})
	if err != nil || len(result.Hits) != 3 || result.Next != "" {
		t.Errorf("%+v (%v), want the three that stay, and no others", result, err)
	}
}

func TestATextThatChangesAllTheTimeIsLeftOut(t *testing.T) {
	s := newShelf(t)
	id, before := s.put(t, "The lamp."), map[int]func(){}
	s.put(t, "A lamp that stays.")
	for n := 2; n < 20; n += 2 {
		before[n] = func() { s.replace(t, id, strings.Repeat("The lamp. ", n)) }
	}
	b := &between{Pool: s.pool, before: before}
	result, err := search.New(b, nil).Search(t.Context(), search.Query{Text: "lamp", Mode: search.Simple, Limit: 3, Content: true})
	if err != nil || len(result.Hits) != 1 || result.Hits[0].Content != "A lamp that stays." {
		t.Errorf("%+v (%v), want what stays", result.Hits, err)
	}
	if b.sent > 6 {
		t.Errorf("%d statements, want 6 at most", b.sent)
	}
}

func TestAVectorCountsForItsOwnTextOnly(t *testing.T) {
	s := newShelf(t)
	id := s.put(t, "The lamp.")
	of := func(version int) search.Piece {
		return search.Piece{Place: search.Place{DocumentID: id}, Version: version}
	}
	finds := func(want bool, vectors ...search.Piece) {
		t.Helper()
		engine := search.New(postgres.NewReader(s.pool, nil, nil), stale(vectors))
		result, err := engine.Search(t.Context(), search.Query{Text: "zwieback", Mode: search.Complex, Limit: 5})
		if err != nil || (len(result.Hits) == 1) != want || len(result.Hits) > 1 {
			t.Errorf("vectors %v find %+v (%v), want a hit: %t", vectors, result.Hits, err, want)
		}
	}
	finds(true, of(1))
	finds(false, of(2))
	s.replace(t, id, "The bicycle.")
	finds(false, of(1))
	finds(true, of(1), of(2), of(2))
	if _, err := s.Replace(t.Context(), id, document.Upload{Title: "T", Text: "The boat."}, anyDocument); err != nil {
		t.Fatal(err)
	}
	finds(true, of(2)) // the text before is found while the new one is pending
	finds(false, of(3))
	if _, err := s.pool.Exec(t.Context(), `UPDATE chunks SET version = NULL`); err != nil { // of the release before
		t.Fatal(err)
	}
	finds(true, of(2))
	finds(true, of(1))
}
