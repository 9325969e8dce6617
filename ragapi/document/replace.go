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
	// ErrChanged means that a document is not the one that was meant.
	ErrChanged = errors.New("the document has changed")
	// ErrNotFailed means that there is nothing to try again.
	ErrNotFailed = errors.New("the document has not failed")
)

// Condition says whether a document, as it is, is the one that was meant; nil is any. It is held in the transaction that changes
// the document.
type Condition func(Document) bool

const replaceSQL = `UPDATE documents SET title = $2, body = $3, bytes = $4, metadata = $5, version = version + 1,
	` + acceptedSQL + ` WHERE id = $1 RETURNING ` + columns

const retrySQL = `UPDATE documents SET ` + acceptedSQL + ` WHERE id = $1 RETURNING ` + columns

// acceptedSQL makes a document pending, as if it had just arrived.
const acceptedSQL = `status = 'pending', failure = NULL, failed_attempts = 0, chunks_done = 0, chunks_total = 0, requeued = 0,
	accepted_at = now(), updated_at = clock_timestamp()`

// Replace puts another text, title and metadata in the place of a document's, if it is the one that was meant, else it returns
// ErrChanged. The text before is found by searches until the new one is ready.
func (s *Store) Replace(ctx context.Context, id uuid.UUID, up Upload, meant Condition) (Document, error) {
	if up.Metadata == nil {
		up.Metadata = json.RawMessage(`{}`)
	}
	return s.acceptAgain(ctx, id, func(tx pgx.Tx) error {
		_, err := locked(ctx, tx, id, meant)
		return err
	}, replaceSQL, id, up.Title, up.Text, len(up.Text), up.Metadata)
}

// Retry asks for a failed document to be processed again, if it is the one that was meant, else it returns ErrChanged.
// ErrNotFailed means that it is ready, or that this was asked for already: whichever was meant.
func (s *Store) Retry(ctx context.Context, id uuid.UUID, meant Condition) (Document, error) {
	return s.acceptAgain(ctx, id, func(tx pgx.Tx) error {
		doc, err := locked(ctx, tx, id, meant)
		if (err == nil || errors.Is(err, ErrChanged)) && doc.Status != Failed {
			return ErrNotFailed
		}
		return err
	}, retrySQL, id)
}

// locked returns a document, which nobody else changes before the transaction ends; with ErrChanged if it is not the one that was meant.
func locked(ctx context.Context, tx pgx.Tx, id uuid.UUID, meant Condition) (Document, error) {
	doc, err := exactlyOne(ctx, tx, `SELECT `+columns+` FROM documents WHERE id = $1 FOR NO KEY UPDATE`, id)
	if err == nil && meant != nil && !meant(doc) {
		err = ErrChanged
	}
	return doc, err
}

// acceptAgain writes a document anew with a statement, unless check, which locks it, refuses it as it is.
func (s *Store) acceptAgain(ctx context.Context, id uuid.UUID, check func(pgx.Tx) error, sql string, args ...any) (doc Document, err error) {
	err = s.write(ctx, postgres.InTx, func(tx pgx.Tx) ([]change.Change, error) {
		err := check(tx)
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
