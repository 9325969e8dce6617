package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/admission"
	"github.com/ragscale/ragscale/ragapi/circuit"
)

// Querier is what a read needs of a database.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// replicaPause is how long the primary is read after the replicas did not answer.
const replicaPause = 5 * time.Second

// Reader reads from replicas where there are any, and from the primary while they are gone.
type Reader struct {
	primary, replica *pgxpool.Pool
	degraded         func()
	breaker          circuit.Breaker
	watched          atomic.Pointer[presence]
	silent           atomic.Bool // the replicas have not answered just now
}

// presence is that of the replicas, as last seen by who watches them.
type presence struct {
	here context.Context // ends when they are gone
	gone context.CancelFunc
}

// NewReader returns a reader. Without a replica (nil) everything is read from the primary. degraded is called for every
// read that went to the primary because the replicas did not serve it.
func NewReader(primary, replica *pgxpool.Pool, degraded func()) *Reader {
	r := &Reader{primary: primary, replica: replica, degraded: degraded, breaker: circuit.Breaker{Failures: 1, Pause: replicaPause}}
	r.ReplicaSeen(true)
	return r
}

// ReplicaSeen says whether the replicas answer. While they do not, nothing is asked of them, and the reads that they have not
// answered go to the primary. One caller at a time.
func (r *Reader) ReplicaSeen(here bool) {
	r.silent.Store(false)
	was := r.watched.Load()
	switch {
	case here && (was == nil || was.here.Err() != nil):
		var p presence
		p.here, p.gone = context.WithCancel(context.Background())
		r.watched.Store(&p)
	case !here && was != nil:
		was.gone()
	}
}

// ReplicaSilent says that the replicas have answered nothing for a moment. They may be gone, or have much to do: who finds no connection to
// them goes to the primary until they are seen.
func (r *Reader) ReplicaSilent() { r.silent.Store(true) }

// Read calls read with a replica; if that is gone, again with the primary: read must be repeatable. A statement that fails or
// takes its time, and a wait for a connection in use, are no reason: overload of the replicas would become the primary's.
func (r *Reader) Read(ctx context.Context, read func(ctx context.Context, db Querier) error) error {
	if r.replica == nil || Primary(ctx) {
		return Read(ctx, r.primary, read)
	}
	if here := r.watched.Load().here; here.Err() == nil && r.breaker.Allow() {
		err := r.readReplica(ctx, here, read)
		elsewhere := err != nil && ctx.Err() == nil && (here.Err() != nil || r.away(err))
		r.breaker.Done(!elsewhere || conflict(err))
		if !elsewhere {
			return err
		}
	}
	r.degraded()
	return Read(ctx, r.primary, read)
}

// away reports whether err means that the replicas do not serve now.
func (r *Reader) away(err error) bool {
	return Unavailable(err) || noDatabase(err) || r.silent.Load() && shed(err)
}

// shed reports whether a read was sent away because all connections are in use.
func shed(err error) bool {
	var over *admission.Overloaded
	return errors.As(err, &over)
}

// readReplica reads until the replicas are found to be gone.
func (r *Reader) readReplica(ctx, here context.Context, read func(ctx context.Context, db Querier) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(here, cancel)()
	return Read(ctx, r.replica, read)
}

// Look dates a read by what has been committed by now: for what is read elsewhere, such as in a vector store, afterwards.
func (r *Reader) Look(ctx context.Context) error {
	return r.Read(ctx, func(ctx context.Context, db Querier) error {
		var one int
		return db.QueryRow(ctx, `SELECT 1`).Scan(&one) // asked with the snapshot before it
	})
}

// Primary calls read with the primary, for what a replica may not have yet.
func (r *Reader) Primary(ctx context.Context, read func(ctx context.Context, db Querier) error) error {
	return Read(ctx, r.primary, read)
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

// noDatabase is a replica that has not the primary's databases: it is none, or a new one. Of a primary it would be a defect.
func noDatabase(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "3D000"
}
