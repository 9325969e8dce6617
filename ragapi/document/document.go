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
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/idempotency"
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

// Statuses are all there are.
var Statuses = []Status{Pending, Ready, Failed}

// Document is a document without its text.
type Document struct {
	ID         uuid.UUID
	Title      string
	Bytes      int64 // of the text, in UTF-8
	Metadata   json.RawMessage
	Status     Status
	Failure    string // why Status is Failed, else empty
	ChunkCount int    // that searches find; while a replacement is Pending, of the text before
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Version    int       // of the text, from 1
	AcceptedAt time.Time // when this version was
	Progress
}

// Progress is how far the processing of a Pending document has come.
type Progress struct {
	FailedAttempts int
	ChunksDone     int // of a large document
	ChunksTotal    int // 0 until it is known
}

// Upload is a document as it arrives.
type Upload struct {
	Title    string
	Text     string
	Metadata json.RawMessage // a JSON object; nil for none
	Key      idempotency.Key // of Create: what its sender calls it
}

// Enqueuer asks for work on a document in the transaction that stores or deletes it: either both happen or none.
type Enqueuer interface {
	EnqueueTx(ctx context.Context, tx pgx.Tx, doc Document) error // to be processed
	ForgetTx(ctx context.Context, tx pgx.Tx, id uuid.UUID) error  // to be removed from where else it is; called before it is deleted
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

// write runs a transaction and tells of what it has changed.
func (s *Store) write(ctx context.Context, in change.Transact, run func(tx pgx.Tx) ([]change.Change, error)) error {
	return s.changes.Write(ctx, s.pool, in, run)
}

const columns = `id, title, bytes, metadata, status, coalesce(failure, ''), chunk_count, created_at, updated_at,
	version, coalesce(accepted_at, created_at), failed_attempts, chunks_done, chunks_total`

// Create stores an upload as a pending document and asks for it to be processed. An upload that was stored under the same key
// is answered as it was then; ErrOtherRequest and ErrInFlight of package idempotency say why it is not.
func (s *Store) Create(ctx context.Context, up Upload) (Document, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Document{}, fmt.Errorf("document id: %w", err)
	}
	if up.Metadata == nil {
		up.Metadata = json.RawMessage(`{}`)
	}
	var doc Document
	err = s.write(ctx, postgres.InTxOnce, func(tx pgx.Tx) (changes []change.Change, err error) {
		doc, err = idempotency.Once(ctx, tx, up.Key, func() (Document, error) {
			made, err := s.accept(ctx, tx, `INSERT INTO documents (id, title, body, bytes, metadata) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING RETURNING `+columns,
				id, up.Title, up.Text, len(up.Text), up.Metadata)
			if errors.Is(err, pgx.ErrNoRows) {
				return one(ctx, tx, id) // committed before, but the answer was lost
			}
			return made, err
		})
		if err != nil {
			return nil, err
		}
		// Also of what was stored before: who stored it may have died before anybody was told.
		return s.changes.Tx(ctx, tx, doc.ID.String(), change.DocumentAdded)
	})
	if err != nil {
		return Document{}, fmt.Errorf("store document: %w", err)
	}
	return doc, nil
}

// accept writes a pending document with a statement that returns it, and asks for it to be processed.
func (s *Store) accept(ctx context.Context, tx pgx.Tx, sql string, args ...any) (Document, error) {
	doc, err := exactlyOne(ctx, tx, sql, args...)
	if err != nil {
		return Document{}, err
	}
	return doc, s.queue.EnqueueTx(ctx, tx, doc)
}

// Get returns the document with id, or ErrNotFound. What a replica does not have is asked of the primary: it may have just been uploaded.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (doc Document, err error) {
	err = s.find(ctx, func(ctx context.Context, db postgres.Querier) (err error) {
		doc, err = one(ctx, db, id)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Document{}, fmt.Errorf("read document %s: %w", id, err)
	}
	return doc, err
}

// find reads what a replica has, or else the primary; ErrNotFound if neither has it.
func (s *Store) find(ctx context.Context, read func(ctx context.Context, db postgres.Querier) error) error {
	err := s.reads.Read(ctx, read)
	if errors.Is(err, pgx.ErrNoRows) && s.reads.HasReplica() {
		err = s.reads.Primary(ctx, read)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

func one(ctx context.Context, db postgres.Querier, id uuid.UUID) (Document, error) {
	return exactlyOne(ctx, db, `SELECT `+columns+` FROM documents WHERE id = $1`, id)
}

func exactlyOne(ctx context.Context, db postgres.Querier, sql string, args ...any) (Document, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return Document{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Document])
}

const (
	listSQL = `SELECT ` + columns + ` FROM documents WHERE id < $1 ORDER BY id DESC LIMIT $2`
	// The status is part of the text, so that its index serves a plan for any arguments.
	listStatusSQL = `SELECT ` + columns + ` FROM documents WHERE status = '{status}' AND id < $1 ORDER BY id DESC LIMIT $2`
)

// MostMetadata is how many bytes the metadata of a page have together, unless there is one document alone.
const MostMetadata = 192 << 10

// List returns at most limit documents, the newest first, beginning after the one with id before; uuid.Max begins at the newest. It
// ends with the one whose metadata is beyond MostMetadata.
func (s *Store) List(ctx context.Context, limit int, before uuid.UUID) ([]Document, error) {
	return s.list(ctx, listSQL, limit, before)
}

// ListStatus is List of the documents with a status, which must be one of the three.
func (s *Store) ListStatus(ctx context.Context, status Status, limit int, before uuid.UUID) ([]Document, error) {
	return s.list(ctx, strings.Replace(listStatusSQL, "{status}", string(status), 1), limit, before)
}

func (s *Store) list(ctx context.Context, sql string, limit int, before uuid.UUID) (docs []Document, err error) {
	err = s.reads.Read(ctx, func(ctx context.Context, db postgres.Querier) error {
		rows, err := db.Query(ctx, sql, before, limit)
		if err != nil {
			return err
		}
		docs, err = collect(rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	return docs, nil
}

// collect reads documents, and none after the one that is too much for a page.
func collect(rows pgx.Rows) (docs []Document, err error) {
	defer rows.Close()
	for size := 0; size <= MostMetadata && rows.Next(); {
		d, err := pgx.RowToStructByPos[Document](rows)
		if err != nil {
			return nil, err
		}
		size += len(d.Metadata)
		docs = append(docs, d)
	}
	rows.Close()
	return docs, rows.Err()
}

// Delete removes the document with id and its chunks, or returns ErrNotFound, or ErrChanged. It does not wait for who processes it:
// chunks that are being written go later, and are in no search meanwhile.
func (s *Store) Delete(ctx context.Context, id uuid.UUID, meant Condition) error {
	err := s.write(ctx, postgres.InTx, func(tx pgx.Tx) ([]change.Change, error) {
		if meant != nil {
			if _, err := locked(ctx, tx, id, meant); err != nil {
				return nil, err
			}
		}
		if err := s.queue.ForgetTx(ctx, tx, id); err != nil {
			return nil, err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM documents WHERE id = $1`, id)
		if err != nil {
			return nil, err
		}
		if tag.RowsAffected() == 0 {
			return nil, ErrNotFound
		}
		return s.changes.Tx(ctx, tx, id.String(), change.DocumentDeleted)
	})
	if errors.Is(err, ErrNotFound) || errors.Is(err, pgx.ErrNoRows) {
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
