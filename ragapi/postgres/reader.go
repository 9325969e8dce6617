package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/circuit"
)

// Querier is what a read needs of a database.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// replicaPause is how long the primary is read after a failure of the replicas.
const replicaPause = 5 * time.Second

// Reader reads from replicas where there are any, and from the primary while they fail.
type Reader struct {
	primary, replica *pgxpool.Pool
	degraded         func()
	breaker          circuit.Breaker
}

// NewReader returns a reader. Without a replica (nil) everything is read from the primary. degraded is called for every
// read that went to the primary because the replicas did not serve it.
func NewReader(primary, replica *pgxpool.Pool, degraded func()) *Reader {
	return &Reader{primary: primary, replica: replica, degraded: degraded, breaker: circuit.Breaker{Failures: 1, Pause: replicaPause}}
}

// Read calls read with a replica; if that cannot serve it, again with the primary: read must be repeatable. A replica
// that does not answer has half of the time that is left.
func (r *Reader) Read(ctx context.Context, read func(ctx context.Context, db Querier) error) error {
	if r.replica == nil || Primary(ctx) {
		return r.Primary(ctx, read)
	}
	if r.breaker.Allow() {
		err := r.tryReplica(ctx, read)
		spared := replicaFault(ctx, err)
		r.breaker.Done(!spared)
		if !spared {
			return err
		}
	}
	r.degraded()
	return r.Primary(ctx, read)
}

func (r *Reader) tryReplica(ctx context.Context, read func(ctx context.Context, db Querier) error) error {
	if end, ok := ctx.Deadline(); ok {
		half, cancel := context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
		ctx = half
	}
	return read(ctx, dated(ctx, r.replica))
}

// Primary calls read with the primary, for what a replica may not have yet.
func (r *Reader) Primary(ctx context.Context, read func(ctx context.Context, db Querier) error) error {
	return read(ctx, dated(ctx, r.primary))
}

type primaryKey struct{}

// FromPrimary returns a context in which Read reads from the primary.
func FromPrimary(ctx context.Context) context.Context {
	return context.WithValue(ctx, primaryKey{}, true)
}

// Primary reports whether Read reads from the primary: FromPrimary has asked for that.
func Primary(ctx context.Context) bool { return ctx.Value(primaryKey{}) != nil }

// HasReplica reports whether an answer may be behind the primary.
func (r *Reader) HasReplica() bool { return r.replica != nil }
