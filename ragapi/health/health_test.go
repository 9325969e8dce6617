package health_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/health"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/schema"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var quiet = slog.New(slog.DiscardHandler)

func migrated(t *testing.T) config.Database {
	t.Helper()
	db := pgtest.Database(t)
	if err := schema.Migrate(t.Context(), pgtest.Pool(t, db), quiet); err != nil {
		t.Fatal(err)
	}
	return db
}

func gone(db config.Database) config.Database {
	db.Port = 1
	return db
}

// watch watches until the end of the test, before the databases go.
func watch(t *testing.T, primary config.Database, replica *config.Database, seen func(bool)) *health.Watch {
	t.Helper()
	var second *health.Database
	if replica != nil {
		second = &health.Database{Database: *replica, Seen: seen}
	}
	w, err := health.New(health.Database{Database: primary}, second, "watch", quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return w
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not %s", what)
		}
	}
}

func TestEitherDatabaseIsEnough(t *testing.T) {
	good := migrated(t)
	empty := pgtest.Database(t)
	bad := gone(good)
	for name, c := range map[string]struct {
		primary config.Database
		replica *config.Database
		missing []string // none: ready
	}{
		"both":                                 {good, &good, nil},
		"the primary alone":                    {good, nil, nil},
		"the replica is gone":                  {good, &bad, nil},
		"the primary is gone":                  {bad, &good, nil},
		"both are gone":                        {bad, &bad, []string{"the primary does not answer", "the replica does not answer"}},
		"the primary is gone, no replica":      {bad, nil, []string{"the primary does not answer"}},
		"the schema is not there":              {empty, nil, []string{"the primary has not the schema of this build: schema is at version 0"}},
		"the primary is yet to be migrated":    {empty, &good, []string{"the primary has not the schema of this build"}},
		"nothing but a replica without schema": {bad, &empty, []string{"the primary does not answer", "the replica has not the schema"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t, c.primary, c.replica, nil)
			eventually(t, "seen", func() bool {
				err := w.Check(t.Context())
				if c.missing == nil {
					return err == nil
				}
				for _, part := range c.missing {
					if err == nil || !strings.Contains(err.Error(), part) {
						return false
					}
				}
				return true
			})
			if err := w.Check(t.Context()); err != nil && strings.Contains(err.Error(), good.User+"@") {
				t.Errorf("the probe tells secrets: %v", err)
			}
		})
	}
}

func TestAPrimaryThatGoesAndComesBackIsNoticed(t *testing.T) {
	db := migrated(t)
	admin := pgtest.Pool(t, pgtest.Database(t))
	w := watch(t, db, nil, nil)
	eventually(t, "ready", func() bool { return w.Check(t.Context()) == nil })
	<-w.Serves()
	allow(t, admin, db, false)
	eventually(t, "not ready", func() bool { return w.Check(t.Context()) != nil })
	allow(t, admin, db, true)
	eventually(t, "ready again", func() bool { return w.Check(t.Context()) == nil })
}

// allow says whether db takes connections, and ends those it has if not.
func allow(t *testing.T, admin *pgxpool.Pool, db config.Database, connections bool) {
	t.Helper()
	if _, err := admin.Exec(t.Context(), `ALTER DATABASE `+pgx.Identifier{db.Name}.Sanitize()+` ALLOW_CONNECTIONS `+strconv.FormatBool(connections)); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND NOT $2`, db.Name, connections); err != nil {
		t.Fatal(err)
	}
}

func TestProbesCostNoStatement(t *testing.T) {
	db := migrated(t)
	w := watch(t, db, nil, nil)
	eventually(t, "ready", func() bool { return w.Check(t.Context()) == nil })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 1000 {
		if err := w.Check(ended); err != nil {
			t.Fatal(err) // whoever asks a database with this context gets its end
		}
	}
	var connections int
	err := pgtest.Pool(t, db).QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'watch'`).Scan(&connections)
	if err != nil || connections != 1 {
		t.Errorf("%d connections (%v), want the watch's own", connections, err)
	}
}

func TestWhoAsksIsToldOfTheReplica(t *testing.T) {
	db := migrated(t)
	bad := gone(db)
	for name, c := range map[string]struct {
		replica *config.Database
		here    bool
	}{"here": {&db, true}, "gone": {&bad, false}} {
		t.Run(name, func(t *testing.T) {
			var told, wrong atomic.Int64
			watch(t, db, c.replica, func(here bool) {
				told.Add(1)
				if here != c.here {
					wrong.Add(1)
				}
			})
			eventually(t, "told twice", func() bool { return told.Load() >= 2 })
			if wrong.Load() > 0 {
				t.Errorf("told wrongly %d times of %d", wrong.Load(), told.Load())
			}
		})
	}
}

func TestADatabaseInFullUseIsThereAndOneThatHangsIsNot(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	db := migrated(t)
	slow := db
	slow.Host, slow.Port = "127.0.0.1", uint16(silent.Addr().(*net.TCPAddr).Port)
	var answers, looks atomic.Int64
	answered := func() int64 { looks.Add(1); return answers.Add(1) } // others get answers all the time
	used := make(chan bool, 100)
	w, err := health.New(health.Database{Database: db}, &health.Database{
		Database: slow, Answered: answered, Seen: func(here bool) { used <- here }, Silent: func() { t.Error("a database in full use is said to be silent") },
	}, "watch", quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	eventually(t, "looked at some times", func() bool { return looks.Load() > 4 })
	cancel()
	<-ended
	if len(used) > 0 {
		t.Errorf("a database in full use is said to be here: %v", <-used)
	}
	hangs := make(chan bool, 100)
	watch(t, db, &slow, func(here bool) { hangs <- here })
	if <-hangs {
		t.Error("a database that hangs is said to be here")
	}
}

func TestADatabaseIsSaidToBeSilentBeforeItIsSaidToBeGone(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	db := migrated(t)
	hangs := db
	hangs.Host, hangs.Port = "127.0.0.1", uint16(silent.Addr().(*net.TCPAddr).Port)
	told := make(chan string, 100)
	w, err := health.New(health.Database{Database: db}, &health.Database{
		Database: hangs, Answered: func() int64 { return 0 }, Seen: func(here bool) { told <- fmt.Sprint("here: ", here) }, Silent: func() { told <- "silent" },
	}, "watch", quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	for _, want := range []string{"silent", "silent", "here: false"} {
		if got := <-told; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	cancel()
	<-ended
}
