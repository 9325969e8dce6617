package postgres

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/admission"
)

// gate bounds how long is waited for a connection of a pool, whatever asks for one. It is the pool's tracer, which pgxpool
// calls around every wait. Who would wait too long is sent away at once: by then many others have been served.
type gate struct {
	size    time.Duration // connections; a duration, so that it divides one
	longest time.Duration // wait
	waiting atomic.Int64
	answers atomic.Int64 // to statements

	mu   sync.Mutex
	held time.Duration // for how long a connection is used, smoothed
}

// smoothing is the weight of one use of a connection: some twenty of them make the mean.
const smoothing = 20

// acquiredAt is the key under which a connection remembers since when it is used.
const acquiredAt = "ragapi acquired at"

// expected is how long who comes now waits.
func (g *gate) expected(ahead int64) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Duration(ahead) * g.held / g.size
}

// TraceAcquireStart returns the context that ends the wait.
func (g *gate) TraceAcquireStart(ctx context.Context, pool *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	priority := admission.Of(ctx)
	longest := time.Duration(float64(g.longest) * priority.Share())
	w := &wait{caller: ctx, pool: pool, priority: priority}
	if g.expected(g.waiting.Add(1)-1) > longest {
		w.refused, longest = true, 0
	}
	w.Context, w.cancel = context.WithTimeout(ctx, longest)
	return w
}

// TraceAcquireEnd ends the wait, and begins the use of the connection.
func (g *gate) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	g.waiting.Add(-1)
	if w, ok := ctx.(*wait); ok {
		w.cancel()
	}
	if data.Conn != nil {
		data.Conn.PgConn().CustomData()[acquiredAt] = time.Now()
	}
}

// TraceRelease learns how long a connection was used.
func (g *gate) TraceRelease(_ *pgxpool.Pool, data pgxpool.TraceReleaseData) {
	began, ok := data.Conn.PgConn().CustomData()[acquiredAt].(time.Time)
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held += (time.Since(began) - g.held) / smoothing
}

// TraceQueryStart is asked of every tracer.
func (g *gate) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd counts what was answered.
func (g *gate) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if data.Err == nil {
		g.answers.Add(1)
	}
}

// wait is the context of one wait. The pool returns its Err, which says why it ended.
type wait struct {
	context.Context
	cancel   context.CancelFunc
	caller   context.Context
	pool     *pgxpool.Pool
	priority admission.Priority
	refused  bool // before it began
}

// Err is the caller's own, or that the wait was too long: for connections in use, or for one to be made.
func (w *wait) Err() error {
	if w.Context.Err() == nil {
		return nil
	}
	if err := w.caller.Err(); err != nil {
		return err
	}
	if s := w.pool.Stat(); !w.refused && s.ConstructingConns() > s.AcquiredConns() {
		return errNotConnected
	}
	return &admission.Overloaded{Reason: admission.Connections, Priority: w.priority}
}

// Answered is how many statements a pool with a bound on waits has had answered.
func Answered(pool *pgxpool.Pool) func() int64 {
	g, ok := pool.Config().ConnConfig.Tracer.(*gate)
	if !ok {
		return nil
	}
	return g.answers.Load
}

// ExpectedWait is how long who asks pool for a connection now waits for it; 0 for a pool without a bound on that.
func ExpectedWait(pool *pgxpool.Pool) time.Duration {
	g, ok := pool.Config().ConnConfig.Tracer.(*gate)
	if !ok {
		return 0
	}
	return g.expected(g.waiting.Load())
}
