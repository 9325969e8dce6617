package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Snapshot says which transactions a read has seen. It dates an answer by what its source knew: no clock takes part, and
// a replica that lags says so by itself.
type Snapshot struct {
	min, max uint64   // every transaction below min had ended; none from max on was seen
	running  []uint64 // those between them that had not ended, in order
}

// ParseSnapshot reads what PostgreSQL writes for a pg_snapshot. A standby's lacks the list of what is running there
// (PostgreSQL 15 to 17: seen with a transaction held open on the primary), so that only what is below min is known.
func ParseSnapshot(text string, standby bool) (Snapshot, error) {
	var s Snapshot
	fields := strings.Split(text, ":")
	if len(fields) != 3 {
		return s, fmt.Errorf("snapshot %q, want xmin:xmax:running", text)
	}
	ids := fields[:2]
	if fields[2] != "" {
		ids = append(ids, strings.Split(fields[2], ",")...)
	}
	numbers := make([]uint64, len(ids))
	for i, id := range ids {
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return s, fmt.Errorf("snapshot %q: %w", text, err)
		}
		numbers[i] = n
	}
	if standby {
		return Snapshot{min: numbers[0], max: numbers[0]}, nil
	}
	return snapshotOf(numbers[0], numbers[1], numbers[2:]), nil
}

// snapshotOf leaves out what is not between the two ends, which PostgreSQL refuses.
func snapshotOf(least, end uint64, running []uint64) Snapshot {
	between := slices.DeleteFunc(slices.Clone(running), func(id uint64) bool { return id < least || id >= end })
	slices.Sort(between)
	return Snapshot{min: least, max: end, running: slices.Compact(between)}
}

// String is what ParseSnapshot reads, of a primary, and PostgreSQL takes for a pg_snapshot, whose numbers begin with 1.
func (s Snapshot) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d:", max(s.min, 1), max(s.max, 1))
	for i, id := range s.running {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(id, 10))
	}
	return b.String()
}

// Sees reports whether what transaction id did is in what was read. The zero Snapshot has seen nothing.
func (s Snapshot) Sees(id uint64) bool {
	if id < s.min {
		return true
	}
	_, running := slices.BinarySearch(s.running, id)
	return id < s.max && !running
}

// SeesUpTo reports whether what transaction id did is in what was read, and all that any before it has done or will do: one that
// began earlier may end later.
func (s Snapshot) SeesUpTo(id uint64) bool { return id < s.min }

// Floor is a transaction that had ended, as every one before it.
func (s Snapshot) Floor() uint64 { return max(s.min, 1) - 1 }

// oldest sees what both see.
func oldest(a, b Snapshot) Snapshot {
	return snapshotOf(min(a.min, b.min), min(a.max, b.max), append(slices.Clone(a.running), b.running...))
}

// Dated is a read that says what it saw. Reader.Read fills it in.
type Dated struct {
	mu       sync.Mutex // a read may have parts that are under way at once
	snapshot Snapshot
	reads    int
}

// Snapshot is what every statement of the read has seen; of a read without statements, nothing.
func (d *Dated) Snapshot() Snapshot {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.snapshot
}

func (d *Dated) add(s Snapshot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reads++; d.reads > 1 {
		s = oldest(d.snapshot, s)
	}
	d.snapshot = s
}

type datedKey struct{}

// Date returns a context in which reads say what they saw.
func Date(ctx context.Context) (context.Context, *Dated) {
	d := &Dated{}
	return context.WithValue(ctx, datedKey{}, d), d
}

// batcher sends several statements at once; pools, connections and transactions do.
type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// SnapshotSQL is asked before a statement, in one round trip and one transaction: what follows sees no less. Behind a pool
// over several replicas both go to the same one.
const SnapshotSQL = `SELECT pg_current_snapshot()::text, pg_is_in_recovery()`

// dating asks for the snapshot with every statement. Statements of one read may go to different replicas, of which the
// oldest counts.
type dating struct {
	db    batcher
	dated *Dated
}

// dated returns db, dating what is read if ctx asks for it.
func dated(ctx context.Context, db interface {
	Querier
	batcher
}) Querier {
	if d, ok := ctx.Value(datedKey{}).(*Dated); ok {
		return dating{db: db, dated: d}
	}
	return db
}

func (d dating) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	batch := &pgx.Batch{}
	batch.Queue(SnapshotSQL)
	batch.Queue(sql, args...)
	results := d.db.SendBatch(ctx, batch)
	snapshot, err := ReadSnapshot(results.QueryRow())
	var rows pgx.Rows
	if err == nil {
		rows, err = results.Query()
	}
	if err != nil {
		_ = results.Close() // says the same again
		return nil, err
	}
	d.dated.add(snapshot)
	return &batchRows{Rows: rows, results: results}, nil
}

// ReadSnapshot reads the answer to SnapshotSQL.
func ReadSnapshot(row pgx.Row) (Snapshot, error) {
	var text string
	var standby bool
	if err := row.Scan(&text, &standby); err != nil {
		return Snapshot{}, err
	}
	return ParseSnapshot(text, standby)
}

func (d dating) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := d.Query(ctx, sql, args...)
	return batchRow{rows: rows, err: err}
}

// batchRows end their batch when they are closed, which gives its connection back.
type batchRows struct {
	pgx.Rows
	results pgx.BatchResults
	failed  error
}

// Close ends the batch.
func (r *batchRows) Close() {
	r.Rows.Close()
	if err := r.results.Close(); err != nil && r.failed == nil {
		r.failed = err
	}
}

// Next ends the batch after the last row, as rows of a pool do.
func (r *batchRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Err is the first fault of rows and batch.
func (r *batchRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.failed
}

// batchRow is the first of some rows.
type batchRow struct {
	rows pgx.Rows
	err  error
}

// Scan reads the row, or returns pgx.ErrNoRows.
func (r batchRow) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(into...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

// Seen dates a read that goes past Reader: s is what it has seen.
func Seen(ctx context.Context, s Snapshot) {
	if d, ok := ctx.Value(datedKey{}).(*Dated); ok {
		d.add(s)
	}
}
