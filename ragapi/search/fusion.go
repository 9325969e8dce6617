package search

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// Place is where a chunk is.
type Place struct {
	DocumentID uuid.UUID
	Position   int
}

// Piece is the chunk of one of a document's texts at a place.
type Piece struct {
	Place
	Version int // of the text; 0 for not known
}

// Similar finds the chunks whose vectors are closest to a text's, the closest first. A search goes on without it: whoever
// answers an error has logged it. vector.Index is one.
type Similar interface {
	Similar(ctx context.Context, text string, limit int) ([]Piece, error)
}

const (
	// fusionConstant keeps one list's first places from outweighing agreement of both. 60 is the value of the paper: Cormack,
	// Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009.
	fusionConstant = 60
	// neighbours are asked of the vector store, whatever the limit: a rank must not depend on how many are shown.
	neighbours = 100
)

// closest asks for the pieces found by vectors while the words are looked up; the function that it returns waits for them, and
// reports whether there was an answer. It is nil where there is nothing to ask. What is excluded is not part of the text that the vector is of.
func (e *Engine) closest(ctx context.Context, r reading) func() ([]Piece, bool) {
	if r.Mode != Complex || e.similar == nil {
		return nil
	}
	pieces := make(chan []Piece, 1)
	go func() {
		defer close(pieces)
		defer func() {
			// What a store answers is not ours: if it is more than the index bears, the search goes on without vectors.
			if p := recover(); p != nil {
				slog.ErrorContext(ctx, "search without vectors", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		if found, err := e.similar.Similar(ctx, strings.ToLower(plain(r.wanted)), neighbours); err == nil {
			pieces <- found
		}
	}()
	return sync.OnceValues(func() ([]Piece, bool) {
		found, ok := <-pieces
		return found, ok
	})
}

// allowed returns those of the pieces that are still there and that the search may show, in their order, each place once.
func (r reading) allowed(ctx context.Context, db postgres.Querier, pieces []Piece) ([]Piece, error) {
	if len(pieces) == 0 {
		return nil, nil
	}
	ids, positions, versions := columns(pieces)
	rows, err := db.Query(ctx, allowedSQL(len(r.filter)), r.conditions(ids, positions, versions, r.without)...)
	if err != nil {
		return nil, err
	}
	var left []Piece
	seen := map[Place]bool{}
	var number, version int
	_, err = pgx.ForEachRow(rows, []any{&number, &version}, func() error {
		if place := pieces[number-1].Place; !seen[place] {
			seen[place] = true
			left = append(left, Piece{place, version})
		}
		return nil
	})
	return left, err
}

// fuse ranks by the sum of the reciprocal ranks in both lists, after the documents with the very title.
func fuse(byWords []found, pieces []Piece, perDocument int) []found {
	scores := map[Place]float64{}
	var all []found
	add := func(p Piece, rank, tier int) {
		if _, known := scores[p.Place]; !known {
			all = append(all, found{Piece: p, Tier: tier / tierName})
		}
		scores[p.Place] += 1 / float64(fusionConstant+rank+1)
	}
	for rank, f := range byWords {
		add(f.Piece, rank, f.Tier)
	}
	for rank, p := range pieces {
		add(p, rank, 0)
	}
	best := 2 / float64(fusionConstant+1) // first in both
	for i := range all {
		all[i].Score = scores[all[i].Place] / best
	}
	slices.SortFunc(all, order)
	return appendNew(nil, all, perDocument)
}
