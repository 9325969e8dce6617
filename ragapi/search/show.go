package search

import (
	"cmp"
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// show makes hits of a page. Chunks that are gone meanwhile are absent, whatever took their places.
func (r reading) show(ctx context.Context, db postgres.Querier, page []found, match map[Place]Match) ([]Hit, error) {
	if len(page) == 0 {
		return nil, nil
	}
	pieces := make([]Piece, len(page))
	for i, f := range page {
		pieces[i] = f.Piece
	}
	ids, positions, versions := columns(pieces)
	rows, err := db.Query(ctx, showSQL, ids, positions, versions, plain(r.wanted), r.Neighbours)
	if err != nil {
		return nil, err
	}
	shown := map[Place]Hit{}
	var h Hit
	var content string
	var lexemes []string
	_, err = pgx.ForEachRow(rows, []any{&h.DocumentID, &h.Position, &h.Title, &content, &lexemes, &h.Before, &h.After}, func() error {
		place := Place{h.DocumentID, h.Position}
		h.Snippet = snippet(content, lexemes, match[place] == MatchPrefix)
		if r.Content {
			h.Content = content
		}
		shown[place] = h
		h.Before, h.After = nil, nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	var hits []Hit
	for _, f := range page {
		if h, found := shown[f.Place]; found {
			h.Score, h.Match = f.Score, cmp.Or(match[f.Place], MatchSimilar)
			hits = append(hits, h)
		}
	}
	return hits, nil
}

// columns takes pieces apart, as statements take them.
func columns(pieces []Piece) (ids []uuid.UUID, positions, versions []int32) {
	for _, p := range pieces {
		ids, positions, versions = append(ids, p.DocumentID), append(positions, int32(p.Position)), append(versions, int32(p.Version))
	}
	return ids, positions, versions
}
