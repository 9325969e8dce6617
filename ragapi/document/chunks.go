package document

import (
	"context"
	"errors"
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

// Passage is some of a document's chunks, all of one text.
type Passage struct {
	Chunks  []Chunk
	Of      int // so many, of a document that is ready; else 0
	Version int // of the text
	Status  Status
}

// passageSQL reads the document and its chunks as of one moment: a row for each chunk, and one without if there is none. While a
// replacement is pending the chunks are those of the text before, which is the document's no more.
const passageSQL = `SELECT CASE WHEN d.status = 'ready' THEN d.chunk_count ELSE 0 END, d.version, d.status, c.position, c.content
	FROM documents d LEFT JOIN chunks c ON c.document_id = d.id AND c.position >= $2 AND c.position < $3 AND d.status = 'ready'
	WHERE d.id = $1 ORDER BY c.position`

// Chunks returns at most limit chunks of the document with id, from a position on, or ErrNotFound. What a replica does not have is
// asked of the primary.
func (s *Store) Chunks(ctx context.Context, id uuid.UUID, from, limit int) (p Passage, err error) {
	err = s.find(ctx, func(ctx context.Context, db postgres.Querier) (err error) {
		p, err = passage(ctx, db, id, from, limit)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Passage{}, fmt.Errorf("read chunks of document %s: %w", id, err)
	}
	return p, err
}

func passage(ctx context.Context, db postgres.Querier, id uuid.UUID, from, limit int) (p Passage, err error) {
	rows, err := db.Query(ctx, passageSQL, id, from, from+limit)
	if err != nil {
		return p, err
	}
	var position *int
	var content *string
	found := false
	_, err = pgx.ForEachRow(rows, []any{&p.Of, &p.Version, &p.Status, &position, &content}, func() error {
		if found = true; position != nil {
			p.Chunks = append(p.Chunks, Chunk{Position: *position, Content: *content})
		}
		return nil
	})
	if err == nil && !found {
		err = pgx.ErrNoRows
	}
	return p, err
}
