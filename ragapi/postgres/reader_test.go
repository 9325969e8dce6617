package postgres_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/admission"
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

// hangs takes its time on the replica.
const hangs = `SELECT name FROM who, pg_sleep(CASE name WHEN 'replica' THEN 600 ELSE 0 END)`

func TestAStatementThatTakesItsTimeMovesNoReadToThePrimary(t *testing.T) {
	r, degraded := pair(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if name, err := who(ctx, r, hangs); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%q answered (%v), want the end of its time", name, err)
	}
	// As the server's own limit of a statement's time ends it.
	if _, err := who(t.Context(), r, `SELECT set_config('statement_timeout', '100', false)`); err != nil {
		t.Fatal(err)
	}
	_, err := who(t.Context(), r, hangs)
	var server *pgconn.PgError
	if !errors.As(err, &server) || server.Code != "57014" {
		t.Errorf("error %v, want the statement's timeout", err)
	}
	if name, err := who(t.Context(), r, whoSQL); name != "replica" || err != nil || degraded.Load() != 0 {
		t.Errorf("%q answers the next read (%v), %d degraded", name, err, degraded.Load())
	}
}

// inFullUse holds the only connection to the replica until the returned function is called.
func inFullUse(t *testing.T) (r *postgres.Reader, degraded *atomic.Int64, release func()) {
	t.Helper()
	r, degraded = pair(t, func(replica *config.Database) { replica.PoolSize, replica.LongestWait = 1, 100*time.Millisecond })
	holding, free := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := r.Read(t.Context(), func(ctx context.Context, db postgres.Querier) error {
			rows, err := db.Query(ctx, whoSQL)
			close(holding)
			<-free
			rows.Close()
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-holding
	return r, degraded, func() { close(free); wg.Wait() }
}

func TestAReplicaInFullUseShedsAndMovesNoReadToThePrimary(t *testing.T) {
	r, degraded, release := inFullUse(t)
	var over *admission.Overloaded
	if name, err := who(t.Context(), r, whoSQL); !errors.As(err, &over) || over.Reason != admission.Connections {
		t.Errorf("%q answered (%v), want it shed", name, err)
	}
	r.ReplicaSilent()
	r.ReplicaSeen(true)
	if name, err := who(t.Context(), r, whoSQL); !errors.As(err, &over) {
		t.Errorf("%q answered (%v) after the replica was seen, want it shed", name, err)
	}
	release()
	if name, err := who(t.Context(), r, whoSQL); name != "replica" || err != nil || degraded.Load() != 0 {
		t.Errorf("%q answers the next read (%v), %d degraded", name, err, degraded.Load())
	}
}

// TestWhoFindsNoConnectionToASilentReplicaIsAnsweredByThePrimary: all of them hang, until the replica is known to be gone.
func TestWhoFindsNoConnectionToASilentReplicaIsAnsweredByThePrimary(t *testing.T) {
	r, degraded, release := inFullUse(t)
	defer release()
	r.ReplicaSilent()
	for range 2 {
		if name, err := who(t.Context(), r, whoSQL); name != "primary" || err != nil {
			t.Errorf("%q answered (%v), want the primary", name, err)
		}
	}
	if degraded.Load() != 2 {
		t.Errorf("%d degraded, want 2", degraded.Load())
	}
}

func TestReadsOfAReplicaThatIsFoundGoneGoToThePrimary(t *testing.T) {
	r, degraded := pair(t, nil)
	time.AfterFunc(200*time.Millisecond, func() { r.ReplicaSeen(false) })
	for range 2 { // one that waits for the replica's answer, one that comes later
		if name, err := who(t.Context(), r, hangs); name != "primary" || err != nil {
			t.Errorf("%q answered (%v)", name, err)
		}
	}
	r.ReplicaSeen(false)
	r.ReplicaSeen(true)
	r.ReplicaSeen(true)
	eventually(t, "read from the replica again", func() bool { name, err := who(t.Context(), r, whoSQL); return name == "replica" && err == nil })
	if degraded.Load() < 2 {
		t.Errorf("%d degraded, want 2 at least", degraded.Load())
	}
}

func TestAReplicaThatSwallowsConnectionsIsReplacedByThePrimary(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r, degraded := pair(t, func(replica *config.Database) {
		replica.Host, replica.Port = "127.0.0.1", uint16(silent.Addr().(*net.TCPAddr).Port)
		replica.LongestWait = 200 * time.Millisecond
	})
	if name, err := who(t.Context(), r, whoSQL); name != "primary" || err != nil || degraded.Load() != 1 {
		t.Errorf("%q answered (%v), %d degraded", name, err, degraded.Load())
	}
}

func TestAReadThatReplayCancelledOpensNoBreaker(t *testing.T) {
	r, _ := pair(t, nil)
	asked := 0
	for range 3 {
		err := r.Read(t.Context(), func(ctx context.Context, db postgres.Querier) error {
			var name string
			if err := db.QueryRow(ctx, whoSQL).Scan(&name); err != nil {
				return err
			}
			if name == "replica" {
				asked++
				return &pgconn.PgError{Code: "40001"}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if asked != 9 { // each time twice more, for a conflict passes
		t.Errorf("the replica was asked %d times, want 9", asked)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not %s", what)
		}
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
