package document

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// rereadBatch is how many chunks of a document are read anew at once: some tenths of a second.
const rereadBatch = 200

const (
	// Another process that is at it keeps the row.
	rereadingSQL = `SELECT document_id, position FROM chunk_rereading FOR UPDATE SKIP LOCKED`
	nextSQL      = `SELECT document_id FROM chunks WHERE (document_id, position) > ($1, $2) ORDER BY document_id, position LIMIT 1`
	rereadSQL    = `WITH next AS MATERIALIZED (
		SELECT document_id, position, chunk_vector(heading, content) AS tsv FROM chunks
		WHERE document_id = $1 AND position > $2 ORDER BY position LIMIT $3
	), written AS (
		UPDATE chunks c SET tsv = n.tsv FROM next n WHERE c.document_id = n.document_id AND c.position = n.position AND c.tsv <> n.tsv
	)
	UPDATE chunk_rereading SET document_id = $1, position = coalesce((SELECT max(position) FROM next), $4)`
	lastPosition = 1<<31 - 1
)

// Reread reads the words of some chunks anew that an earlier release has read in another way, and reports whether there are others
// left, for this process to read. A chunk whose words are the same is not written.
func (s *Store) Reread(ctx context.Context) (left bool, err error) {
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		left, err = reread(ctx, tx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read chunks anew: %w", err)
	}
	return left, nil
}

func reread(ctx context.Context, tx pgx.Tx) (left bool, err error) {
	var last, id uuid.UUID
	var position int
	if err := tx.QueryRow(ctx, rereadingSQL).Scan(&last, &position); err != nil {
		return false, none(err)
	}
	err = tx.QueryRow(ctx, nextSQL, last, position).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		_, err = tx.Exec(ctx, `DELETE FROM chunk_rereading`)
		return false, err
	}
	if err != nil {
		return false, err
	}
	if id != last {
		position = -1
	}
	// Who processes the document writes its chunks in another order: each would wait for the other. It may take minutes.
	var free bool
	if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))`, turnOf(id)).Scan(&free); err != nil || !free {
		return false, err
	}
	_, err = tx.Exec(ctx, rereadSQL, id, position, rereadBatch, lastPosition)
	return err == nil, err
}

// none is err unless it says that there is no row.
func none(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}
