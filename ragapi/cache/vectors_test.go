package cache_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/search"
)

// composed finds what a vector store does.
type composed struct {
	*searcher
	similar *cache.Similar
}

func (s composed) Search(ctx context.Context, q search.Query) (search.Result, error) {
	pieces, err := s.similar.Similar(ctx, q.Text, 100)
	if err != nil {
		return search.Result{}, err
	}
	postgres.Seen(ctx, s.world.now())
	var hits []search.Hit
	for _, p := range pieces {
		hits = append(hits, search.Hit{DocumentID: p.DocumentID})
	}
	return search.Result{Hits: hits}, nil
}

func TestASearchIsAsOldAsTheVectorsItIsMadeOf(t *testing.T) {
	w, c, _ := connected(t)
	vectors, q := &store{}, query()
	engine := composed{&searcher{world: w}, cache.NewSimilar(vectors, "m", w.look, c)}
	kept := cache.NewSearches(engine, c)
	untilKept(t, vectors.count, func() {
		if _, err := engine.similar.Similar(t.Context(), q.Text, 100); err != nil {
			t.Fatal(err)
		}
	})
	added := uuid.New()
	vectors.mu.Lock()
	vectors.found = []uuid.UUID{added}
	vectors.mu.Unlock()
	w.commit(nil, change.VectorsAdded, "m")
	find(t, kept, q) // of the vectors before, with words that have seen the transaction
	eventually(t, "found", func() bool { return slices.Equal(shows(t, find(t, kept, q)), []uuid.UUID{added}) })
}

func TestASearchWithoutItsVectorsIsNotKeptForLong(t *testing.T) {
	w, c, _ := connected(t)
	engine := &degraded{searcher{world: w}}
	kept, q := cache.NewSearches(engine, c), query()
	prime(t, kept, q)
	if found := find(t, kept, q); !found.Degraded {
		t.Error("what is kept does not say that it was found without vectors")
	}
	before := engine.count()
	eventually(t, "asked again", func() bool { find(t, kept, q); return engine.count() > before })
}

// degraded searches without a vector store.
type degraded struct{ searcher }

func (d *degraded) Search(ctx context.Context, q search.Query) (search.Result, error) {
	result, err := d.searcher.Search(ctx, q)
	result.Degraded = true
	return result, err
}
