package schema

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// lockKey is the key of the advisory lock around migrations; any constant that nothing else in this database uses.
	lockKey = 0x72616761_7069 // "ragapi"
	// lockInterval is polled rather than waited for: a session blocked in pg_advisory_lock holds a snapshot,
	// which a concurrent CREATE INDEX CONCURRENTLY would wait for, forever.
	lockInterval = 250 * time.Millisecond
	unlockWithin = 5 * time.Second
)

// lock takes the lock around migrations, or reports done if meanwhile the schema is as wanted and there is nothing
// to lock for. Ending the session releases the lock too, so a killed process blocks nobody.
func lock(ctx context.Context, pool *pgxpool.Pool, want Version) (release func() error, done bool, err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("migration lock: %w", err)
	}
	tick := time.NewTicker(lockInterval)
	defer tick.Stop()
	for {
		locked, done, err := tryLock(ctx, conn, want)
		switch {
		case err != nil || done:
			conn.Release()
			return nil, done, err
		case locked:
			return func() error { return unlock(ctx, conn) }, false, nil
		}
		select {
		case <-ctx.Done():
			conn.Release()
			return nil, false, fmt.Errorf("migration lock, held by another process: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func tryLock(ctx context.Context, conn *pgxpool.Conn, want Version) (locked, done bool, err error) {
	got, err := Current(ctx, conn)
	if err != nil {
		return false, false, err
	}
	if got.atLeast(want) {
		return false, true, nil
	}
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(lockKey)).Scan(&locked); err != nil {
		return false, false, fmt.Errorf("migration lock: %w", err)
	}
	return locked, false, nil
}

// unlock must work when ctx has ended, else the pooled connection would keep the lock.
func unlock(ctx context.Context, conn *pgxpool.Conn) error {
	defer conn.Release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockWithin)
	defer cancel()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, int64(lockKey)); err != nil {
		return fmt.Errorf("migration unlock: %w", err)
	}
	return nil
}
