// Package change remembers what was changed in the database, for those who keep copies of it.
//
// Owns: the table changes, to which a transaction adds what it changes, and reading it. Does not own: who keeps copies, and
// what becomes of them (package cache).
//
// A change is known by the transaction that made it, and a copy by the snapshot that it was read under: whether one has
// seen the other needs no clock. Since the change is written with what it tells of, it outlives the process that made it.
package change

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// What happened to something. The words are kept in the database: they stay as they are.
type What string

// What can happen, and what the subject is.
const (
	DocumentAdded   What = "document-added"   // the id of a document
	DocumentChanged What = "document-changed" // its id: anything that its reader sees
	DocumentReady   What = "document-ready"   // its id: searches find it, or its new text, from now on
	DocumentDeleted What = "document-deleted" // its id
	VectorsAdded    What = "vectors-added"    // the collection of vectors that searches find by from now on
	SessionAdded    What = "session-added"    // its user
	SessionChanged  What = "session-changed"  // the id of a session: a message, or its end
)

// Change is something that happened to a subject.
type Change struct {
	What        What
	Subject     string
	Transaction uint64 // that made it
}

// Listener is told of changes once they are committed; cache.Cache is one.
type Listener interface {
	Changed(ctx context.Context, changes ...Change)
}

// Log is where transactions write their changes. A nil Log remembers nothing: nobody keeps copies.
type Log struct {
	pool     *pgxpool.Pool    // leads to the primary
	reads    *postgres.Reader // of it
	listener Listener
}

// NewLog returns the log of the database of pool. listener is told of this process' changes at once, unless it is nil; all
// others hear of them by Since.
func NewLog(pool *pgxpool.Pool, listener Listener) *Log {
	return &Log{pool: pool, reads: postgres.NewReader(pool, nil, nil), listener: listener}
}

const insertSQL = `INSERT INTO changes (what, subject) SELECT unnest($1::text[]), $2 RETURNING what, subject, transaction::text::bigint`

// Queue adds to a batch, which is one transaction, that it changes subject. Answer reads what came of it.
func (l *Log) Queue(batch *pgx.Batch, subject string, what ...What) {
	if l != nil {
		batch.Queue(insertSQL, what, subject)
	}
}

// Answer returns the changes that Queue asked for, for Write.
func (l *Log) Answer(results pgx.BatchResults) ([]Change, error) {
	if l == nil {
		return nil, nil
	}
	rows, err := results.Query()
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	return collect(rows)
}

// Tx writes what tx changes, and returns it for Write.
func (l *Log) Tx(ctx context.Context, tx pgx.Tx, subject string, what ...What) (changes []Change, err error) {
	batch := &pgx.Batch{}
	l.Queue(batch, subject, what...)
	results := tx.SendBatch(ctx, batch)
	changes, err = l.Answer(results)
	return changes, errors.Join(err, results.Close())
}

// Write runs a transaction by in, which postgres.InTx and InTxOnce are, and tells of what it has changed. It returns when the
// listener knows.
func (l *Log) Write(ctx context.Context, pool *pgxpool.Pool, in Transact, run func(tx pgx.Tx) ([]Change, error)) error {
	var changes []Change
	err := in(ctx, pool, func(tx pgx.Tx) (err error) {
		changes, err = run(tx)
		return err
	})
	if err == nil {
		l.Committed(ctx, changes)
	}
	return err
}

// Transact runs a transaction, again if it has to.
type Transact func(ctx context.Context, pool *pgxpool.Pool, run func(tx pgx.Tx) error) error

// Committed tells of changes whose transaction is committed. It returns when the listener knows.
func (l *Log) Committed(ctx context.Context, changes []Change) {
	if l != nil && l.listener != nil && len(changes) > 0 {
		l.listener.Changed(ctx, changes...)
	}
}

// most bounds one answer of Since.
const most = 20_000

// sinceSQL takes a snapshot's lower end, which the index serves, and the snapshot.
const sinceSQL = `SELECT what, subject, transaction::text::bigint FROM changes
	WHERE transaction >= $1::text::xid8 AND NOT pg_visible_in_snapshot(transaction, $2::text::pg_snapshot) LIMIT $3`

// News are the changes that somebody has not seen.
type News struct {
	Changes []Change
	All     bool              // false if there are too many to tell
	Seen    postgres.Snapshot // what has been seen with them
	At      time.Time         // on the database's clock, the same for all processes
}

// Since returns the changes that seen has not seen.
func (l *Log) Since(ctx context.Context, seen postgres.Snapshot) (n News, err error) {
	ctx, dated := postgres.Date(ctx)
	err = l.reads.Read(ctx, func(ctx context.Context, db postgres.Querier) error {
		rows, err := db.Query(ctx, sinceSQL, strconv.FormatUint(seen.Floor()+1, 10), seen.String(), most+1)
		if err != nil {
			return err
		}
		if n.Changes, err = collect(rows); err != nil {
			return err
		}
		return db.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&n.At)
	})
	if err != nil {
		return News{}, fmt.Errorf("changes since %s: %w", seen, err)
	}
	n.Seen, n.All = dated.Snapshot(), len(n.Changes) <= most
	return n, nil
}

// Mark makes a transaction that changes nothing, and returns it: what has seen it was read from now on.
func (l *Log) Mark(ctx context.Context) (transaction uint64, err error) {
	if err := l.pool.QueryRow(ctx, `SELECT pg_current_xact_id()::text::bigint`).Scan(&transaction); err != nil {
		return 0, fmt.Errorf("mark: %w", err)
	}
	return transaction, nil
}

// Retention is how long changes are remembered: a copy store that loses its last moments, as a failover of Redis may, is
// told again. It is longer than any copy is kept.
const Retention = 30 * time.Minute

const forgetAtOnce = 10_000

// forgetSQL looks at the oldest alone: what is younger is left unread.
const forgetSQL = `DELETE FROM changes WHERE ctid = ANY (ARRAY(
	SELECT ctid FROM (SELECT ctid, at FROM changes ORDER BY transaction LIMIT $2) oldest WHERE at < now() - $1::interval))`

// Forget removes what is older than Retention. Several may do so at once.
func (l *Log) Forget(ctx context.Context) error {
	for {
		done, err := l.pool.Exec(ctx, forgetSQL, Retention, forgetAtOnce)
		if err != nil {
			return fmt.Errorf("forget changes: %w", err)
		}
		if done.RowsAffected() == 0 {
			return nil
		}
	}
}

func collect(rows pgx.Rows) ([]Change, error) {
	changes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Change, err error) {
		var id int64
		err = row.Scan(&c.What, &c.Subject, &id)
		c.Transaction = uint64(id)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	return changes, nil
}
