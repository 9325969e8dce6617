package document

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/chunk"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

// Process splits and indexes the document with id, in one transaction. It may be repeated, and be called by several
// workers at once: the document's row is locked, earlier chunks are replaced, and a ready document is left alone.
// A document deleted meanwhile is ErrNotFound.
func (s *Store) Process(ctx context.Context, id uuid.UUID) (Document, error) {
	var doc Document
	err := s.write(ctx, postgres.InTx, func(tx pgx.Tx) (changes []change.Change, err error) {
		var status Status
		var title, body string
		err = tx.QueryRow(ctx, `SELECT status, title, body FROM documents WHERE id = $1 FOR UPDATE`, id).Scan(&status, &title, &body)
		if err != nil {
			return nil, err
		}
		if status != Ready {
			if err := index(ctx, tx, id, title, body); err != nil {
				return nil, err
			}
			if changes, err = s.changes.Tx(ctx, tx, id.String(), change.DocumentReady); err != nil {
				return nil, err
			}
		}
		doc, err = one(ctx, tx, id)
		return changes, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Document{}, ErrNotFound
	}
	if err != nil {
		return Document{}, fmt.Errorf("process document %s: %w", id, err)
	}
	return doc, nil
}

func index(ctx context.Context, tx pgx.Tx, id uuid.UUID, title, body string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM chunks WHERE document_id = $1`, id); err != nil {
		return err
	}
	pieces := chunk.Split(body, chunk.Size, chunk.Overlap)
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"chunks"}, []string{"document_id", "position", "heading", "content"},
		pgx.CopyFromSlice(len(pieces), func(i int) ([]any, error) {
			heading := ""
			if i == 0 {
				heading = title
			}
			return []any{id, int32(i), heading, body[pieces[i].Start:pieces[i].End]}, nil
		}))
	if err != nil {
		return err
	}
	// clock_timestamp, not now: the time at which it became ready, not that at which the transaction began.
	_, err = tx.Exec(ctx, `UPDATE documents SET status = 'ready', failure = NULL, chunk_count = $2, updated_at = clock_timestamp() WHERE id = $1`, id, len(pieces))
	return err
}

// Fail marks a pending document as failed, with the reason shown to its reader. Any other document is left alone.
func (s *Store) Fail(ctx context.Context, id uuid.UUID, reason string) error {
	err := s.write(ctx, postgres.InTx, func(tx pgx.Tx) ([]change.Change, error) {
		tag, err := tx.Exec(ctx, `UPDATE documents SET status = 'failed', failure = $2, updated_at = clock_timestamp() WHERE id = $1 AND status = 'pending'`, id, reason)
		if err != nil || tag.RowsAffected() == 0 {
			return nil, err
		}
		return s.changes.Tx(ctx, tx, id.String(), change.DocumentChanged)
	})
	if err != nil {
		return fmt.Errorf("mark document %s as failed: %w", id, err)
	}
	return nil
}
