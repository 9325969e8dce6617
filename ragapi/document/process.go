package document

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/chunk"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

const (
	// writeBatch is how many chunks one statement writes: a megabyte, well below a second.
	writeBatch = 1000
	// progressWithin bounds telling how far a document is; when all connections are at work, nobody is told.
	progressWithin = 200 * time.Millisecond
)

// Process splits and indexes the text of a pending document, in one transaction, so that its chunks, and those of the text
// before, change hands at once. It may be repeated, and be called by several workers at once: one waits for the other, and a
// document that is not pending is left alone: done is false. It locks the document's row for the last statement only: who deletes or
// replaces the document meanwhile does not wait, and the work is thrown away. ErrNotFound: deleted or replaced meanwhile.
func (s *Store) Process(ctx context.Context, id uuid.UUID) (doc Document, done bool, err error) {
	err = s.write(ctx, postgres.InTx, func(tx pgx.Tx) ([]change.Change, error) {
		text, err := claim(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if done = text.status == Pending; !done {
			doc, err = one(ctx, tx, id)
			return nil, err
		}
		if doc, err = s.index(ctx, tx, text); err != nil {
			return nil, err
		}
		return s.changes.Tx(ctx, tx, id.String(), change.DocumentReady)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Document{}, false, ErrNotFound
	}
	if err != nil {
		return Document{}, false, fmt.Errorf("process document %s: %w", id, err)
	}
	return doc, done, nil
}

// source is what a document's chunks are made of.
type source struct {
	id          uuid.UUID
	status      Status
	version     int
	title, body string
}

// claim reads the document that this transaction is to process. Others that process it wait for the transaction's end.
func claim(ctx context.Context, tx pgx.Tx, id uuid.UUID) (source, error) {
	text := source{id: id}
	var batch pgx.Batch
	batch.Queue(turnSQL, turnOf(id))
	batch.Queue(`SELECT status, version, title, body FROM documents WHERE id = $1`, id).QueryRow(func(row pgx.Row) error {
		return row.Scan(&text.status, &text.version, &text.title, &text.body)
	})
	return text, tx.SendBatch(ctx, &batch).Close()
}

// turnSQL waits until no other transaction writes a document's chunks.
const turnSQL = `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`

func turnOf(id uuid.UUID) string { return "document " + id.String() }

const (
	writeSQL = `INSERT INTO chunks (document_id, version, position, heading, content)
		SELECT $1, $5, $2 + t.n - 1, CASE WHEN $2 + t.n = 1 THEN $3 ELSE '' END, t.content
		FROM unnest($4::text[]) WITH ORDINALITY AS t (content, n)`
	// clock_timestamp, not now: the time at which it became ready, not that at which the transaction began.
	readySQL = `UPDATE documents SET status = 'ready', failure = NULL, chunk_count = $3, chunks_done = 0, chunks_total = 0, updated_at = clock_timestamp()
		WHERE id = $1 AND version = $2 AND status = 'pending' RETURNING ` + columns
)

// index puts the chunks of text in the place of those the document has, and makes it ready.
func (s *Store) index(ctx context.Context, tx pgx.Tx, text source) (doc Document, err error) {
	contents := split(text.body)
	for first := 0; first+writeBatch < len(contents); first += writeBatch {
		s.report(ctx, text, first, len(contents))
		if err := write(ctx, tx, text, first, contents[first:first+writeBatch], nil); err != nil {
			return Document{}, err
		}
	}
	last := max(0, (len(contents)-1)/writeBatch*writeBatch)
	if last > 0 {
		s.report(ctx, text, last, len(contents))
	}
	err = write(ctx, tx, text, last, contents[last:], func(batch *pgx.Batch) {
		batch.Queue(readySQL, text.id, text.version, len(contents)).Query(func(rows pgx.Rows) (err error) {
			doc, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Document])
			return err
		})
	})
	return doc, err
}

// write writes the chunks from position first on, the first of them in place of all there were, and then what else is queued.
func write(ctx context.Context, tx pgx.Tx, text source, first int, contents []string, then func(*pgx.Batch)) error {
	var batch pgx.Batch
	if first == 0 {
		batch.Queue(`DELETE FROM chunks WHERE document_id = $1`, text.id)
	}
	batch.Queue(writeSQL, text.id, first, text.title, contents, text.version)
	if then != nil {
		then(&batch)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

func split(body string) []string {
	pieces := chunk.Split(body, chunk.Size, chunk.Overlap)
	contents := make([]string, len(pieces))
	for i, p := range pieces {
		contents[i] = body[p.Start:p.End]
	}
	return contents
}

// report tells readers how far a large document is, on another connection: this transaction's work shows at its end. It is a
// courtesy, and fails without a word.
func (s *Store) report(ctx context.Context, text source, done, total int) {
	ctx, cancel := context.WithTimeout(ctx, progressWithin)
	defer cancel()
	_, _ = s.pool.Exec(ctx, `UPDATE documents SET chunks_done = $3, chunks_total = $4, updated_at = clock_timestamp()
		WHERE id = $1 AND version = $2 AND status = 'pending'`, text.id, text.version, done, total)
}
