package document

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// Chunk is a piece of a document's text. It begins with the end of the one before it, up to chunk.Overlap bytes of it.
type Chunk struct {
	Position int    `json:"position" jsonschema:"from 0"`
	Content  string `json:"content"`
}

const chunksSQL = `SELECT position, content FROM chunks WHERE document_id = $1 AND position >= $2 AND position < $3 ORDER BY position`

// Chunks returns at most limit chunks of doc, from a position on. Where a replica has fewer than doc has, the primary is asked: doc may
// have just been processed.
func (s *Store) Chunks(ctx context.Context, doc Document, from, limit int) (chunks []Chunk, err error) {
	read := func(ctx context.Context, db postgres.Querier) (err error) {
		chunks, err = chunksOf(ctx, db, doc.ID, from, limit)
		return err
	}
	err = s.reads.Read(ctx, read)
	if err == nil && s.reads.HasReplica() && len(chunks) < min(limit, doc.ChunkCount-from) {
		err = s.reads.Primary(ctx, read)
	}
	if err != nil {
		return nil, fmt.Errorf("read chunks of document %s: %w", doc.ID, err)
	}
	return chunks, nil
}

func chunksOf(ctx context.Context, db postgres.Querier, id uuid.UUID, from, limit int) ([]Chunk, error) {
	rows, err := db.Query(ctx, chunksSQL, id, from, from+limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Chunk])
}
