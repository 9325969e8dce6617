package document

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

var (
	// ErrChanged means that a document is not the one that was to be replaced.
	ErrChanged = errors.New("the document has changed")
	// ErrNotFailed means that there is nothing to try again.
	ErrNotFailed = errors.New("the document has not failed")
)

const replaceSQL = `UPDATE documents SET title = $2, body = $3, bytes = $4, metadata = $5, version = version + 1,
	` + acceptedSQL + ` WHERE id = $1 RETURNING ` + columns

const retrySQL = `UPDATE documents SET ` + acceptedSQL + ` WHERE id = $1 RETURNING ` + columns

// acceptedSQL makes a document pending, as if it had just arrived.
const acceptedSQL = `status = 'pending', failure = NULL, failed_attempts = 0, chunks_done = 0, chunks_total = 0, requeued = 0,
	accepted_at = now(), updated_at = clock_timestamp()`

// Replace puts another text, title and metadata in the place of a document's, if the document matches, else it returns
// ErrChanged. The text before is found by searches until the new one is ready.
func (s *Store) Replace(ctx context.Context, id uuid.UUID, up Upload, matches func(Document) bool) (Document, error) {
	if up.Metadata == nil {
		up.Metadata = json.RawMessage(`{}`)
	}
	return s.acceptAgain(ctx, id, func(doc Document) error {
		if !matches(doc) {
			return ErrChanged
		}
		return nil
	}, replaceSQL, id, up.Title, up.Text, len(up.Text), up.Metadata)
}

// Retry asks for a failed document to be processed again; ErrNotFailed means that it is ready, or that this was asked for already.
func (s *Store) Retry(ctx context.Context, id uuid.UUID) (Document, error) {
	return s.acceptAgain(ctx, id, func(doc Document) error {
		if doc.Status != Failed {
			return ErrNotFailed
		}
		return nil
	}, retrySQL, id)
}

// acceptAgain writes a document anew with a statement, unless check refuses it as it is.
func (s *Store) acceptAgain(ctx context.Context, id uuid.UUID, check func(Document) error, sql string, args ...any) (doc Document, err error) {
	err = s.write(ctx, postgres.InTx, func(tx pgx.Tx) ([]change.Change, error) {
		present, err := exactlyOne(ctx, tx, `SELECT `+columns+` FROM documents WHERE id = $1 FOR NO KEY UPDATE`, id)
		if err == nil {
			err = check(present)
		}
		if err == nil {
			doc, err = s.accept(ctx, tx, sql, args...)
		}
		if err != nil {
			return nil, err
		}
		return s.changes.Tx(ctx, tx, id.String(), change.DocumentChanged)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Document{}, ErrNotFound
	case err != nil:
		return Document{}, fmt.Errorf("document %s: %w", id, err)
	}
	return doc, nil
}
