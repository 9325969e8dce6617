package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pauses before what failed is tried again. Where one connection is lost, others are: to the same PgBouncer, which ends.
var pauses = []time.Duration{20 * time.Millisecond, 100 * time.Millisecond}

// Read calls read with pool, and again if the answer was lost with its connection, or its statement was prepared before a
// migration: read must be repeatable.
func Read(ctx context.Context, pool *pgxpool.Pool, read func(ctx context.Context, db Querier) error) error {
	err := read(ctx, dated(ctx, pool))
	for _, pause := range pauses {
		switch {
		case stale(err):
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				return anew(ctx, tx, func(tx pgx.Tx) error { return read(ctx, dated(ctx, tx)) })
			})
		case err == nil || !Unavailable(err) || !rest(ctx, pause):
			return err
		}
		err = read(ctx, dated(ctx, pool))
	}
	return err
}

// InTx calls change in a transaction, and in another if that cannot have been committed: its connection was lost before,
// others were in its way, or it was prepared before a migration. change must be repeatable.
func InTx(ctx context.Context, pool *pgxpool.Pool, change func(tx pgx.Tx) error) error {
	committing := false
	return inTx(ctx, pool, func() bool { return committing }, func(tx pgx.Tx) error {
		err := change(tx)
		committing = err == nil
		return err
	})
}

// InTxOnce is InTx for a change that notices if it was committed before: it is repeated also if the answer to COMMIT was lost.
func InTxOnce(ctx context.Context, pool *pgxpool.Pool, change func(tx pgx.Tx) error) error {
	return inTx(ctx, pool, func() bool { return false }, change)
}

// inTx repeats change while that may mend what became of it, unless it is final.
func inTx(ctx context.Context, pool *pgxpool.Pool, final func() bool, change func(tx pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, pool, change)
	for _, pause := range pauses {
		switch {
		case err == nil || final():
			return err
		case stale(err):
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return anew(ctx, tx, change) })
		case !Unavailable(err) || !rest(ctx, pause):
			return err
		}
		err = pgx.BeginFunc(ctx, pool, change)
	}
	return err
}

// rest pauses for as long as given, or some more, and reports whether ctx has not ended.
func rest(ctx context.Context, pause time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause + rand.N(pause)):
		return true
	}
}

// anew calls work after everything that its connection had prepared is forgotten, by the driver, by PgBouncer (1.22 or newer)
// and by the server. The transaction keeps PgBouncer from taking another connection meanwhile.
func anew(ctx context.Context, tx pgx.Tx, work func(tx pgx.Tx) error) error {
	if err := tx.Conn().DeallocateAll(ctx); err != nil {
		return err
	}
	return work(tx)
}

// quiet is how long an idle connection is trusted without a question to the server.
const quiet = time.Second

// doubtful reports whether a connection is to be tried before it is used: it idled, or something came that nobody asked
// for, which is how a server says farewell. What is sent into a closed connection may have been done or not.
func doubtful(_ context.Context, p pgxpool.ShouldPingParams) bool {
	return p.IdleDuration > quiet || spoken(p.Conn.PgConn().Conn())
}

// spoken reports whether there is something to read from conn, or its end.
func spoken(conn net.Conn) bool {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	var peeked error
	// Not Read: that waits for another reader, and pgx has one after a write that took long.
	err = raw.Control(func(fd uintptr) {
		_, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err != nil || !errors.Is(peeked, syscall.EAGAIN)
}
