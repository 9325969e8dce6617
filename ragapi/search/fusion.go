package search

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// Place is where a chunk is.
type Place struct {
	DocumentID uuid.UUID
	Position   int
}

func (h Hit) place() Place { return Place{h.DocumentID, h.Position} }

// Similar finds the chunks whose vectors are closest to a text's, the closest first. It answers none rather than an error: a
// search goes on without it. vector.Index is one.
type Similar interface {
	Similar(ctx context.Context, text string, limit int) []Place
}

// fusionConstant keeps one list's first places from outweighing agreement of both. 60 is the value of the paper: Cormack,
// Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009.
const fusionConstant = 60

// fused searches by words and by vectors at once, and ranks by the sum of the reciprocal ranks in both.
func (e *Engine) fused(ctx context.Context, q Query) ([]Hit, error) {
	close := make(chan []Place, 1)
	go func() { close <- e.similar.Similar(ctx, q.Text, q.Limit) }()
	hits, err := e.text(ctx, q)
	places := <-close
	if err != nil || len(places) == 0 {
		return hits, err
	}
	more, err := e.show(ctx, missing(places, hits))
	if err != nil {
		return nil, err
	}
	return fuse(hits, more, places, q.Limit), nil
}

// missing returns the places that hits have not.
func missing(places []Place, hits []Hit) []Place {
	return slices.DeleteFunc(slices.Clone(places), func(p Place) bool {
		return slices.ContainsFunc(hits, func(h Hit) bool { return h.place() == p })
	})
}

// show reads what chunks found by their vectors look like. Those of deleted documents are absent.
func (e *Engine) show(ctx context.Context, places []Place) (hits []Hit, err error) {
	if len(places) == 0 {
		return nil, nil
	}
	ids, positions := make([]uuid.UUID, len(places)), make([]int32, len(places))
	for i, p := range places {
		ids[i], positions[i] = p.DocumentID, int32(p.Position)
	}
	err = e.db.Read(ctx, func(ctx context.Context, db postgres.Querier) (err error) {
		hits, err = run(ctx, db, showSQL, ids, positions)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return hits, nil
}

// fuse ranks the hits by words and the further ones by vectors.
func fuse(hits, more []Hit, places []Place, limit int) []Hit {
	scores := map[Place]float64{}
	for rank, h := range hits {
		scores[h.place()] += 1 / float64(fusionConstant+rank+1)
	}
	for rank, p := range places {
		scores[p] += 1 / float64(fusionConstant+rank+1)
	}
	best := 2 / float64(fusionConstant+1) // first in both
	all := append(slices.Clone(hits), more...)
	for i := range all {
		all[i].Score = scores[all[i].place()] / best
	}
	// Stable: of two that are equal, the one found by words comes first.
	slices.SortStableFunc(all, func(a, b Hit) int { return cmp.Compare(b.Score, a.Score) })
	return all[:min(limit, len(all))]
}
