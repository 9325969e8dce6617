package document

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

// AttemptFailed says how many attempts to process a version of a document have failed.
func (s *Store) AttemptFailed(ctx context.Context, id uuid.UUID, version, attempts int) error {
	_, err := s.pool.Exec(ctx, `UPDATE documents SET failed_attempts = $3, chunks_done = 0, updated_at = clock_timestamp()
		WHERE id = $1 AND version = $2 AND status = 'pending' AND failed_attempts < $3`, id, version, attempts)
	if err != nil {
		return fmt.Errorf("attempt %d at document %s: %w", attempts, id, err)
	}
	return nil
}

// Fail marks a version of a pending document as failed, with the reason shown to its reader, and takes the text before out of
// searches. Any other document is left alone.
func (s *Store) Fail(ctx context.Context, id uuid.UUID, version int, reason string) error {
	err := s.inTurn(ctx, id, func(tx pgx.Tx) ([]change.Change, error) {
		tag, err := tx.Exec(ctx, `UPDATE documents SET status = 'failed', failure = $3, chunk_count = 0, chunks_done = 0, chunks_total = 0, updated_at = clock_timestamp()
			WHERE id = $1 AND version = $2 AND status = 'pending'`, id, version, reason)
		if err != nil || tag.RowsAffected() == 0 {
			return nil, err
		}
		if _, err = tx.Exec(ctx, `DELETE FROM chunks WHERE document_id = $1`, id); err != nil {
			return nil, err
		}
		return s.changes.Tx(ctx, tx, id.String(), change.DocumentChanged)
	})
	if err != nil {
		return fmt.Errorf("mark document %s as failed: %w", id, err)
	}
	return nil
}

// DeleteRest deletes the chunks that a deletion left because they were being written.
func (s *Store) DeleteRest(ctx context.Context, id uuid.UUID) error {
	err := s.inTurn(ctx, id, func(tx pgx.Tx) ([]change.Change, error) {
		_, err := tx.Exec(ctx, `DELETE FROM chunks WHERE document_id = $1 AND NOT EXISTS (SELECT FROM documents WHERE id = $1)`, id)
		return nil, err // nobody has seen them
	})
	if err != nil {
		return fmt.Errorf("delete the chunks of document %s: %w", id, err)
	}
	return nil
}

// inTurn calls do in a transaction, when no other one writes the document's chunks.
func (s *Store) inTurn(ctx context.Context, id uuid.UUID, do func(tx pgx.Tx) ([]change.Change, error)) error {
	return s.write(ctx, postgres.InTx, func(tx pgx.Tx) ([]change.Change, error) {
		if _, err := tx.Exec(ctx, turnSQL, turnOf(id)); err != nil {
			return nil, err
		}
		return do(tx)
	})
}

const requeueSQL = `UPDATE documents SET requeued = requeued + 1, updated_at = clock_timestamp()
	WHERE id = $1 AND version = $2 AND status = 'pending' AND requeued < $3 RETURNING ` + columns

// Requeue asks again for a version of a pending document to be processed, unless that was done most times before.
func (s *Store) Requeue(ctx context.Context, id uuid.UUID, version, most int) (done bool, err error) {
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := s.accept(ctx, tx, requeueSQL, id, version, most)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("enqueue document %s again: %w", id, err)
	}
	return true, nil
}
