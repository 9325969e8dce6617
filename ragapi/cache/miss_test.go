package cache_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/document"
)

// trips are the questions of a process to Redis, by operation, without those that no request waits for.
func (s *seen) trips() [5]int {
	var all [5]int
	for i, operation := range []string{"get", "lease", "marks", "keep", "set"} {
		all[i] = s.count(operation)
	}
	return all
}

func TestAMissAsksRedisBeforeAndAfterTheDatabase(t *testing.T) {
	w, c, what := connected(t)
	kept := cache.NewSearches(&searcher{world: w, found: []uuid.UUID{uuid.New()}}, c)
	before := what.trips()
	find(t, kept, query())
	after := what.trips()
	if want := [5]int{before[0] + 1, before[1] + 1, before[2], before[3] + 1, before[4]}; after != want {
		t.Errorf("a search that is not kept: get, lease, marks, keep, set %d, want %d", after, want)
	}
	store, doc := w.ready(c)
	before = what.trips()
	if _, err := cache.NewDocuments(store, c).Get(t.Context(), doc.ID); err != nil {
		t.Fatal(err)
	}
	after = what.trips()
	if want := [5]int{before[0] + 1, before[1], before[2], before[3] + 1, before[4]}; after != want {
		t.Errorf("a document that is not kept: get, lease, marks, keep, set %d, want %d", after, want)
	}
}

// lists are one page of documents.
type lists struct {
	*documents
	page []document.Document
	read atomic.Int64
}

func (l *lists) List(ctx context.Context, _ int, _ uuid.UUID) ([]document.Document, error) {
	l.read.Add(1)
	_, err := l.Get(ctx, l.page[0].ID) // dates the read
	return slices.Clone(l.page), err
}

func TestAPageWithDocumentsUnderWayShowsTheirProgress(t *testing.T) {
	w, c, _ := connected(t)
	store, doc := w.ready(c)
	pages := &lists{documents: store, page: []document.Document{doc}}
	pages.page[0].Status = document.Pending
	kept := cache.NewDocuments(pages, c)
	untilKept(t, func() int { return int(pages.read.Load()) }, func() {
		if _, err := kept.List(t.Context(), 10, uuid.Nil); err != nil {
			t.Fatal(err)
		}
	})
	before := pages.read.Load()
	eventually(t, "read again", func() bool {
		if _, err := kept.List(t.Context(), 10, uuid.Nil); err != nil {
			t.Fatal(err)
		}
		return pages.read.Load() > before
	})
}
