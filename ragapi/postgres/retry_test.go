package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// load reads and writes with pool from several goroutines until the returned function is called, which returns how often.
func load(t *testing.T, pool *pgxpool.Pool) (end func() int64) {
	t.Helper()
	var done atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := readAndWrite(t.Context(), pool); err != nil {
					t.Errorf("after %d: %v", done.Load(), err)
					return
				}
				done.Add(1)
			}
		})
	}
	return func() int64 { cancel(); wg.Wait(); return done.Load() }
}

func readAndWrite(ctx context.Context, pool *pgxpool.Pool) error {
	err := postgres.Read(ctx, pool, func(ctx context.Context, db postgres.Querier) error {
		var n int64
		return db.QueryRow(ctx, `SELECT n FROM counts WHERE id = $1`, 1).Scan(&n)
	})
	if err != nil {
		return err
	}
	return postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		var n int64
		return tx.QueryRow(ctx, `UPDATE counts SET n = n + $2 WHERE id = $1 RETURNING n`, 1, 1).Scan(&n)
	})
}

func counts(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	exec(t, pool, `CREATE TABLE counts (id bigint PRIMARY KEY, n integer NOT NULL DEFAULT 0)`)
	exec(t, pool, `INSERT INTO counts (id) VALUES (1)`)
}

func testMigrationUnderLoad(t *testing.T, admin *pgxpool.Pool, served ...*pgxpool.Pool) {
	t.Helper()
	counts(t, admin)
	var ends []func() int64
	for _, pool := range served {
		ends = append(ends, load(t, pool))
	}
	var before int64
	more := func() {
		t.Helper()
		for end := before + 50; before < end; {
			if err := admin.QueryRow(t.Context(), `SELECT n FROM counts`, pgx.QueryExecModeExec).Scan(&before); err != nil {
				t.Fatal(err)
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	for _, change := range []string{
		`ALTER TABLE counts ALTER COLUMN n TYPE bigint`, `ALTER TABLE counts ADD COLUMN extra text`,
		`ALTER TABLE counts ALTER COLUMN id TYPE integer`, `ALTER TABLE counts ALTER COLUMN n TYPE integer`,
		`ALTER TABLE counts ALTER COLUMN id TYPE bigint`,
	} {
		more()
		exec(t, admin, change)
	}
	more()
	var total int64
	for _, end := range ends {
		total += end()
	}
	var written int64
	if err := admin.QueryRow(t.Context(), `SELECT n FROM counts`, pgx.QueryExecModeExec).Scan(&written); err != nil || written != total {
		t.Errorf("%d written (%v), want each of %d once", written, err, total)
	}
}

func TestAMigrationBreaksNoStatement(t *testing.T) {
	db := pgtest.Database(t)
	testMigrationUnderLoad(t, pgtest.Pool(t, db), pgtest.Pool(t, db))
}

func TestAMigrationBreaksNoStatementBehindPgBouncer(t *testing.T) {
	db := pgtest.Database(t)
	pooled := pgtest.StartPooler(t, db, 3).Database
	// Two processes: what one of them prepares anew, the other has prepared before.
	testMigrationUnderLoad(t, pgtest.Pool(t, db), pgtest.Pool(t, pooled), pgtest.Pool(t, pooled))
}

func TestAReadWhoseConnectionIsLostIsReadAgain(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	attempts := 0
	err := postgres.Read(t.Context(), pool, func(ctx context.Context, db postgres.Querier) error {
		attempts++
		var n int
		if attempts > 1 {
			return db.QueryRow(ctx, `SELECT 1`).Scan(&n)
		}
		return db.QueryRow(ctx, `SELECT 1 FROM pg_terminate_backend(pg_backend_pid())`).Scan(&n)
	})
	if err != nil || attempts != 2 {
		t.Errorf("%d attempts: %v", attempts, err)
	}
}

func TestATransactionIsRepeatedOnlyIfItCannotHaveBeenCommitted(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	counts(t, pool)
	attempts := 0
	err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		attempts++
		if _, err := tx.Exec(t.Context(), `UPDATE counts SET n = n + 1`); err != nil || attempts > 1 {
			return err
		}
		_, err := tx.Exec(t.Context(), `SELECT pg_terminate_backend(pg_backend_pid())`)
		return err
	})
	var n int
	if scanned := pool.QueryRow(t.Context(), `SELECT n FROM counts`).Scan(&n); err != nil || scanned != nil || attempts != 2 || n != 1 {
		t.Errorf("%d attempts wrote %d: %v", attempts, n, errors.Join(err, scanned))
	}
	// A constraint that is checked at COMMIT ends the connection's trust in nothing: the server said no.
	exec(t, pool, `CREATE TABLE parents (id int PRIMARY KEY); CREATE TABLE children (id int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)`)
	attempts = 0
	err = postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		attempts++
		_, err := tx.Exec(t.Context(), `INSERT INTO children VALUES (1)`)
		return err
	})
	if err == nil || attempts != 1 {
		t.Errorf("%d attempts: %v", attempts, err)
	}
}

func TestConnectionsThatEndedWhileIdleAreNotUsed(t *testing.T) {
	db := pgtest.Database(t)
	admin, pool := pgtest.Pool(t, db), pgtest.Pool(t, db)
	counts(t, admin)
	for range 20 {
		exec(t, pool, `UPDATE counts SET n = n + 1`)
		// It waits until they have ended, as long as that takes on a busy machine.
		exec(t, admin, `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	}
}
