package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/admission"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

// requestTime is what a request of the load has; its statement takes a twentieth of it.
const requestTime = 2 * time.Second

// offered is what clients of a priority got.
type offered struct{ answered, shed, other atomic.Int64 }

// clients ask pool all the time for a while, n of them.
func clients(t *testing.T, pool *pgxpool.Pool, n int, p admission.Priority, got *offered) {
	t.Helper()
	var wg sync.WaitGroup
	end := time.Now().Add(3 * requestTime)
	for range n {
		wg.Go(func() {
			for time.Now().Before(end) {
				ctx, cancel := context.WithTimeout(admission.With(t.Context(), p), requestTime)
				_, err := pool.Exec(ctx, `SELECT pg_sleep(0.1)`)
				cancel()
				var over *admission.Overloaded
				switch {
				case err == nil:
					got.answered.Add(1)
				case errors.As(err, &over) && over.Priority == p:
					got.shed.Add(1)
					time.Sleep(requestTime / 10)
				default:
					got.other.Add(1)
				}
			}
		})
	}
	wg.Wait()
}

// warm opens all connections of pool.
func warm(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	var held []*pgxpool.Conn
	for range pool.Config().MaxConns {
		eventually(t, "connected", func() bool {
			conn, err := pool.Acquire(t.Context())
			if err == nil {
				held = append(held, conn)
			}
			return err == nil
		})
	}
	for _, conn := range held {
		conn.Release()
	}
}

func TestSeventyFiveTimesTheClientsAreAnsweredAsManyRequests(t *testing.T) {
	db := pgtest.Database(t)
	db.LongestWait = requestTime / 4
	pool := pgtest.Pool(t, db)
	warm(t, pool)
	var best, got offered
	clients(t, pool, int(db.PoolSize), admission.Normal, &best)
	opened := pool.Stat().NewConnsCount()
	clients(t, pool, 75*int(db.PoolSize), admission.Normal, &got)
	t.Logf("of as many clients as connections %d requests were answered, of 75 times as many %d, %d were shed", best.answered.Load(), got.answered.Load(), got.shed.Load())
	if got.answered.Load() < best.answered.Load()*2/3 {
		t.Errorf("%d requests were answered, want two thirds of %d at least: a busy machine takes some", got.answered.Load(), best.answered.Load())
	}
	if got.shed.Load() == 0 || got.other.Load() > 0 || best.shed.Load()+best.other.Load() > 0 {
		t.Errorf("%d were shed, %d failed; of few clients %d and %d: want some, none, none, none", got.shed.Load(), got.other.Load(), best.shed.Load(), best.other.Load())
	}
	if more := pool.Stat().NewConnsCount() - opened; more > 0 {
		t.Errorf("%d connections were made anew under overload", more)
	}
}

func TestLowPriorityWaitsLessForAConnection(t *testing.T) {
	db := pgtest.Database(t)
	db.LongestWait = requestTime / 4
	pool := pgtest.Pool(t, db)
	warm(t, pool)
	var normal, low offered
	var wg sync.WaitGroup
	wg.Go(func() { clients(t, pool, 10, admission.Normal, &normal) }) // all together would wait 500 ms
	wg.Go(func() { clients(t, pool, 10, admission.Low, &low) })
	wg.Wait()
	if normal.answered.Load() < 2*low.answered.Load() || low.shed.Load() == 0 {
		t.Errorf("of normal priority %d were answered and %d shed, of low %d and %d: want low shed first", normal.answered.Load(), normal.shed.Load(), low.answered.Load(), low.shed.Load())
	}
}

func TestAPoolWithoutABoundExpectsNoWait(t *testing.T) {
	if wait := postgres.ExpectedWait(pgtest.Pool(t, pgtest.Database(t))); wait != 0 {
		t.Errorf("expected %v", wait)
	}
}
