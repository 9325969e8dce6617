package postgres_test

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// pair returns a reader on two databases, which stand for a primary and its replica, and the count of degraded reads.
func pair(t *testing.T, change func(replica *config.Database)) (*postgres.Reader, *atomic.Int64) {
	t.Helper()
	primary, replica := pgtest.Database(t), pgtest.Database(t)
	for _, db := range []struct {
		config.Database
		name string
	}{{primary, "primary"}, {replica, "replica"}} {
		if _, err := pgtest.Pool(t, db.Database).Exec(t.Context(), `CREATE TABLE who AS SELECT '`+db.name+`' AS name`); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&replica)
	}
	var degraded atomic.Int64
	return postgres.NewReader(pgtest.Pool(t, primary), pgtest.Pool(t, replica), func() { degraded.Add(1) }), &degraded
}

// who reads which database answered.
func who(ctx context.Context, r *postgres.Reader, sql string) (name string, err error) {
	err = r.Read(ctx, func(ctx context.Context, db postgres.Querier) error {
		return db.QueryRow(ctx, sql).Scan(&name)
	})
	return name, err
}

const whoSQL = `SELECT name FROM who`

func TestReadsGoToTheReplica(t *testing.T) {
	r, degraded := pair(t, nil)
	if name, err := who(t.Context(), r, whoSQL); name != "replica" || err != nil || degraded.Load() != 0 {
		t.Errorf("%q answered (%v), %d degraded", name, err, degraded.Load())
	}
}

func TestWithoutAReplicaThePrimaryIsReadAndNothingIsDegraded(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	r := postgres.NewReader(pool, nil, func() { t.Error("counted as degraded") })
	if name, err := who(t.Context(), r, `SELECT 'primary'`); name != "primary" || err != nil {
		t.Errorf("%q answered (%v)", name, err)
	}
}

func TestAReplicaThatIsGoneIsReplacedByThePrimary(t *testing.T) {
	for name, change := range map[string]func(*config.Database){
		"nothing listens":  func(db *config.Database) { db.Port = 1 },
		"no such database": func(db *config.Database) { db.Name = "absent" },
	} {
		t.Run(name, func(t *testing.T) {
			r, degraded := pair(t, change)
			for range 3 {
				if name, err := who(t.Context(), r, whoSQL); name != "primary" || err != nil {
					t.Errorf("%q answered (%v)", name, err)
				}
			}
			if degraded.Load() != 3 {
				t.Errorf("%d reads counted as degraded, want 3", degraded.Load())
			}
		})
	}
}

func TestAReplicaThatHangsCostsHalfOfTheTime(t *testing.T) {
	r, degraded := pair(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	name, err := who(ctx, r, `SELECT name FROM who, pg_sleep(CASE name WHEN 'replica' THEN 60 ELSE 0 END)`)
	if name != "primary" || err != nil || degraded.Load() != 1 {
		t.Errorf("%q answered (%v), %d degraded", name, err, degraded.Load())
	}
}

func TestAFaultyStatementIsNotAskedTwice(t *testing.T) {
	r, degraded := pair(t, nil)
	_, err := who(t.Context(), r, `SELECT name FROM nobody`)
	var server *pgconn.PgError
	if !errors.As(err, &server) || server.Code != "42P01" || degraded.Load() != 0 {
		t.Errorf("error %v, %d degraded, want the replica's own error", err, degraded.Load())
	}
}

func TestAReadCancelledByRecoveryIsReadFromThePrimary(t *testing.T) {
	r, degraded := pair(t, nil)
	var answered string
	err := r.Read(t.Context(), func(ctx context.Context, db postgres.Querier) error {
		if err := db.QueryRow(ctx, whoSQL).Scan(&answered); err != nil {
			return err
		}
		if answered == "replica" {
			return &pgconn.PgError{Code: "40001"} // as a standby reports it
		}
		return nil
	})
	if answered != "primary" || err != nil || degraded.Load() != 1 {
		t.Errorf("%q answered (%v), %d degraded", answered, err, degraded.Load())
	}
}

func TestACallerThatIsGoneIsNotAnsweredByThePrimary(t *testing.T) {
	r, degraded := pair(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	err := r.Read(ctx, func(ctx context.Context, _ postgres.Querier) error { cancel(); <-ctx.Done(); return ctx.Err() })
	if !errors.Is(err, context.Canceled) || degraded.Load() != 0 {
		t.Errorf("error %v, %d degraded", err, degraded.Load())
	}
}

func TestNoTimeoutLiftsTheRolesOwn(t *testing.T) {
	db := pgtest.Database(t)
	admin := pgtest.Pool(t, db)
	if _, err := admin.Exec(t.Context(), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = ''7s''', current_database()); END $$`); err != nil {
		t.Fatal(err)
	}
	for timeout, want := range map[time.Duration]string{0: "7s", 3 * time.Second: "3s", config.NoTimeout: "0"} {
		db.StatementTimeout = timeout
		if got := show(t, pgtest.Pool(t, db)); got != want {
			t.Errorf("timeout %v becomes %s, want %s", timeout, got, want)
		}
	}
}

func show(t *testing.T, pool *pgxpool.Pool) (v string) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `SHOW statement_timeout`).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
