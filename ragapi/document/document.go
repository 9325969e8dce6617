// Package document keeps documents: what was uploaded, and what became of it.
//
// Owns: the tables documents and chunks, a document's life from pending to ready or failed. Does not own: the queue
// that says when a document is processed, searching.
package document

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

// ErrNotFound means that no document has the given id.
var ErrNotFound = errors.New("no such document")

// Status is how far a document has come.
type Status string

// A document is Pending until a worker has split and indexed it.
const (
	Pending Status = "pending"
	Ready   Status = "ready"
	Failed  Status = "failed"
)

// Document is a document without its text.
type Document struct {
	ID         uuid.UUID
	Title      string
	Bytes      int64 // of the text, in UTF-8
	Metadata   json.RawMessage
	Status     Status
	Failure    string // why Status is Failed, else empty
	ChunkCount int
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Upload is a document as it arrives.
type Upload struct {
	Title    string
	Text     string
	Metadata json.RawMessage // a JSON object; nil for none
}

// Enqueuer asks for work on a document in the transaction that stores or deletes it: either both happen or none.
type Enqueuer interface {
	EnqueueTx(ctx context.Context, tx pgx.Tx, id uuid.UUID) error // to be processed
	ForgetTx(ctx context.Context, tx pgx.Tx, id uuid.UUID) error  // to be removed from where else it is
}

// Store keeps documents in the primary database, and reads them from its replicas.
type Store struct {
	pool    *pgxpool.Pool
	reads   *postgres.Reader
	queue   Enqueuer
	changes *change.Log
}

// NewStore returns a store that writes to pool. reads and queue may be nil in a process that only processes documents,
// changes where nobody keeps copies.
func NewStore(pool *pgxpool.Pool, reads *postgres.Reader, queue Enqueuer, changes *change.Log) *Store {
	return &Store{pool: pool, reads: reads, queue: queue, changes: changes}
}

// transact runs a transaction; postgres.InTx and InTxOnce do.
type transact func(ctx context.Context, pool *pgxpool.Pool, change func(tx pgx.Tx) error) error

// write runs a transaction and tells of what it has changed.
func (s *Store) write(ctx context.Context, in transact, run func(tx pgx.Tx) ([]change.Change, error)) error {
	var changes []change.Change
	err := in(ctx, s.pool, func(tx pgx.Tx) (err error) {
		changes, err = run(tx)
		return err
	})
	if err == nil {
		s.changes.Committed(ctx, changes)
	}
	return err
}

const columns = `id, title, bytes, metadata, status, coalesce(failure, ''), chunk_count, created_at, updated_at`

// Create stores an upload as a pending document and asks for it to be processed.
func (s *Store) Create(ctx context.Context, up Upload) (Document, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Document{}, fmt.Errorf("document id: %w", err)
	}
	if up.Metadata == nil {
		up.Metadata = json.RawMessage(`{}`)
	}
	var doc Document
	err = s.write(ctx, postgres.InTxOnce, func(tx pgx.Tx) ([]change.Change, error) {
		rows, err := tx.Query(ctx, `INSERT INTO documents (id, title, body, bytes, metadata) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING RETURNING `+columns,
			id, up.Title, up.Text, len(up.Text), up.Metadata)
		if err != nil {
			return nil, err
		}
		doc, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Document])
		if errors.Is(err, pgx.ErrNoRows) { // committed before, but the answer was lost
			doc, err = one(ctx, tx, id)
			return nil, err
		}
		if err != nil {
			return nil, err
		}
		if err := s.queue.EnqueueTx(ctx, tx, id); err != nil {
			return nil, err
		}
		return s.changes.Tx(ctx, tx, id.String(), change.DocumentAdded)
	})
	if err != nil {
		return Document{}, fmt.Errorf("store document: %w", err)
	}
	return doc, nil
}

// Get returns the document with id, or ErrNotFound. What a replica does not have is asked of the primary: it may have just been uploaded.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (doc Document, err error) {
	get := func(ctx context.Context, db postgres.Querier) (err error) {
		doc, err = one(ctx, db, id)
		return err
	}
	err = s.reads.Read(ctx, get)
	if errors.Is(err, pgx.ErrNoRows) && s.reads.HasReplica() {
		err = s.reads.Primary(ctx, get)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return Document{}, ErrNotFound
	}
	if err != nil {
		return Document{}, fmt.Errorf("read document %s: %w", id, err)
	}
	return doc, nil
}

func one(ctx context.Context, db postgres.Querier, id uuid.UUID) (Document, error) {
	rows, err := db.Query(ctx, `SELECT `+columns+` FROM documents WHERE id = $1`, id)
	if err != nil {
		return Document{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Document])
}

const listSQL = `SELECT ` + columns + ` FROM documents WHERE id < $1 ORDER BY id DESC LIMIT $2`

// List returns at most limit documents, the newest first, beginning after the one with id before; uuid.Max begins at the newest.
func (s *Store) List(ctx context.Context, limit int, before uuid.UUID) (docs []Document, err error) {
	err = s.reads.Read(ctx, func(ctx context.Context, db postgres.Querier) error {
		rows, err := db.Query(ctx, listSQL, before, limit)
		if err != nil {
			return err
		}
		docs, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Document])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	return docs, nil
}

// Delete removes the document with id and its chunks, or returns ErrNotFound.
func (s *Store) Delete(ctx context.Context, id uuid.UUID) error {
	err := s.write(ctx, postgres.InTx, func(tx pgx.Tx) ([]change.Change, error) {
		tag, err := tx.Exec(ctx, `DELETE FROM documents WHERE id = $1`, id)
		if err != nil {
			return nil, err
		}
		if tag.RowsAffected() == 0 {
			return nil, ErrNotFound
		}
		if err := s.queue.ForgetTx(ctx, tx, id); err != nil {
			return nil, err
		}
		return s.changes.Tx(ctx, tx, id.String(), change.DocumentDeleted)
	})
	if errors.Is(err, ErrNotFound) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("delete document %s: %w", id, err)
	}
	return nil
}

// Existing returns which of ids there are, as the primary knows it.
func (s *Store) Existing(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	existing := map[uuid.UUID]bool{}
	err := s.reads.Primary(ctx, func(ctx context.Context, db postgres.Querier) error {
		rows, err := db.Query(ctx, `SELECT id FROM documents WHERE id = ANY($1)`, ids)
		if err != nil {
			return err
		}
		var id uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error { existing[id] = true; return nil })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("documents that exist: %w", err)
	}
	return existing, nil
}
