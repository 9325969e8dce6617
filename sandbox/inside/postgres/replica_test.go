package postgres

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/sandbox/control"
)

// pair is a primary, "db", and the declaration of its replica, "db-ro".
type pair struct {
	*testing.T
	s       *Server
	primary control.Database
	replica control.Database
}

// livePair starts the primary.
func livePair(t *testing.T) *pair {
	t.Helper()
	if testing.Short() {
		t.Skip("the tests of replicas take minutes together")
	}
	s, d := live(t)
	r := control.Database{Engine: "postgres", EngineVersion: "17.6", SourceID: "db", Port: freePort(t),
		Hostname: "db-ro.abc.eu-central-1.rds.amazonaws.com", Parameters: maps.Clone(d.Parameters)}
	ensure(t, s, d)
	return &pair{T: t, s: s, primary: d, replica: r}
}

func (p *pair) ensurePrimary() {
	p.Helper()
	ensure(p.T, p.s, p.primary)
}

func (p *pair) try() error {
	_, err := p.s.Ensure(p.Context(), "db-ro", p.replica, loopback)
	return err
}

func (p *pair) ensureReplica() {
	p.Helper()
	if err := p.try(); err != nil {
		p.Fatal(err)
	}
}

// replicated starts the replica, too.
func replicated(t *testing.T) *pair {
	t.Helper()
	p := livePair(t)
	p.ensureReplica()
	return p
}

func (p *pair) url(d control.Database) string {
	return hostURL(listenAddr(d, loopback), control.Database{Username: p.primary.Username, Password: p.primary.Password, DBName: p.primary.DBName})
}

func (p *pair) onPrimary(sql string) string {
	p.Helper()
	return query(p.T, control.DatabaseInfo{HostURL: p.url(p.primary)}, sql)
}

func (p *pair) onReplica(sql string) string {
	p.Helper()
	return query(p.T, control.DatabaseInfo{HostURL: p.url(p.replica)}, sql)
}

// eventually repeats a question to the replica; the wait is bounded, and its length is nowhere asserted.
func (p *pair) eventually(sql, want string) {
	p.Helper()
	err := until(p.Context(), streamLimit, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, p.url(p.replica))
		if err != nil {
			return err
		}
		defer conn.Close(ctx) //nolint:errcheck // the query told
		var got string
		if err := conn.QueryRow(ctx, sql).Scan(&got); err != nil {
			return err
		}
		if got != want {
			return errors.New("got " + got)
		}
		return nil
	})
	if err != nil {
		p.Fatalf("%s: %v, want %s", sql, err, want)
	}
}

func (p *pair) status() control.DatabaseStatus {
	for _, st := range p.s.Databases(p.Context()) {
		if st.ID == "db-ro" {
			return st
		}
	}
	p.Fatal("the replica has no status")
	return control.DatabaseStatus{}
}

func (p *pair) streams() {
	p.Helper()
	p.onPrimary("CREATE TABLE IF NOT EXISTS streamed (x int)")
	n := p.onPrimary("WITH new AS (INSERT INTO streamed VALUES (1) RETURNING x) SELECT (count(*)+1)::text FROM streamed")
	p.eventually("SELECT count(*)::text FROM streamed", n)
}

const maxConnections = "SHOW max_connections"

func TestAReplicaStreamsWhatItsSourceWrites(t *testing.T) {
	p := livePair(t)
	p.onPrimary("CREATE TABLE before AS SELECT 'copied' AS x")
	p.ensureReplica()
	if got := p.onReplica("SELECT x || ' ' || pg_is_in_recovery() FROM before"); got != "copied true" {
		t.Errorf("got %s", got)
	}
	p.streams()
	if d := cmp.Diff(control.DatabaseStatus{ID: "db-ro", SourceID: "db", Healthy: true}, p.status(), cmp.FilterPath(
		func(p cmp.Path) bool { return p.String() == "LagSeconds" }, cmp.Ignore())); d != "" {
		t.Error(d)
	}
}

func TestAReplicaRunsUnderItsOwnParameters(t *testing.T) {
	p := livePair(t)
	maps.Copy(p.replica.Parameters, map[string]string{"work_mem": "8192", "shared_buffers": "2048"})
	p.ensureReplica()
	const sql = "SELECT current_setting('work_mem')||' '||current_setting('shared_buffers')||' '||pg_postmaster_start_time()"
	before := p.onReplica(sql)
	if !strings.HasPrefix(before, "8MB 16MB ") {
		t.Errorf("got %s", before)
	}
	p.replica.Parameters["work_mem"] = "16384"
	p.ensureReplica()
	if got := p.onReplica(sql); got != strings.Replace(before, "8MB 16MB", "16MB 16MB", 1) {
		t.Errorf("got %s after %s, want work_mem changed without a restart", got, before)
	}
	p.replica.Parameters["shared_buffers"] = "4096"
	p.ensureReplica()
	p.streams()
	if got := p.onReplica(sql); !strings.HasPrefix(got, "16MB 32MB ") {
		t.Errorf("got %s", got)
	}
}

func TestAReplicaBelowItsSourceIsRefused(t *testing.T) {
	p := livePair(t)
	maps.Copy(p.replica.Parameters, map[string]string{"max_connections": "20", "max_worker_processes": "4"})
	err := p.try()
	want := "database db-ro: parameter max_connections is 20, want 30 or more: its source db has 30, and PostgreSQL runs no replica with less\n" +
		"parameter max_worker_processes is 4, want 8 or more: its source db has 8, and PostgreSQL runs no replica with less"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if got := p.onPrimary("SELECT count(*)::text FROM pg_replication_slots"); got != "0" {
		t.Errorf("%s slots, want none", got)
	}
	p.replica.Parameters = p.primary.Parameters
	p.ensureReplica()
}

func TestAFaultOfAReplicasParametersIsNamedBeforeTheSourceIsCopied(t *testing.T) {
	p := livePair(t)
	p.replica.Parameters["no_such"] = "1"
	err := p.try()
	if want := "parameter no_such: PostgreSQL says: unrecognized configuration parameter"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := os.Stat(filepath.Join(p.s.cfg.StateDir, "db-ro", "data")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its data folder: %v, want none", err)
	}
}

func TestRaisedParametersReachSourceAndReplicaInEitherOrder(t *testing.T) {
	p := replicated(t)
	for n, order := range [][]func(){{p.ensurePrimary, p.ensureReplica}, {p.ensureReplica, p.ensurePrimary}} {
		want := []string{"40", "50"}[n]
		p.primary.Parameters["max_connections"], p.replica.Parameters["max_connections"] = want, want
		for _, step := range order {
			step()
		}
		if got := p.onPrimary(maxConnections) + " " + p.onReplica(maxConnections); got != want+" "+want {
			t.Errorf("got %s, want %s on both", got, want)
		}
		p.streams()
	}
}

func TestStaticParametersReachSourceAndReplicaAtOnce(t *testing.T) {
	p := replicated(t)
	for n, want := range []string{"2048", "4096", "8192", "1024", "16384"} {
		p.primary.Parameters["track_activity_query_size"], p.replica.Parameters["track_activity_query_size"] = want, want
		var replica, primary error
		var both sync.WaitGroup
		both.Go(func() {
			time.Sleep(time.Duration(n) * 60 * time.Millisecond) // so that one of them meets the source while it restarts
			replica = p.try()
		})
		both.Go(func() { _, primary = p.s.Ensure(p.Context(), "db", p.primary, loopback) })
		both.Wait()
		if replica != nil || primary != nil {
			t.Fatalf("with %s: the replica %v, the source %v, want neither to mind that the other changes", want, replica, primary)
		}
		const size = "SELECT setting FROM pg_settings WHERE name = 'track_activity_query_size'"
		if got := p.onPrimary(size) + " " + p.onReplica(size); got != want+" "+want {
			t.Errorf("got %s, want %s on both", got, want)
		}
		p.streams()
	}
}

func TestLoweredParametersReachSourceAndReplicaInEitherOrder(t *testing.T) {
	p := replicated(t)
	for n, order := range [][]func(){{p.ensurePrimary, p.ensureReplica}, {p.ensureReplica, p.ensurePrimary}} {
		want := []string{"25", "20"}[n]
		p.primary.Parameters["max_connections"], p.replica.Parameters["max_connections"] = want, want
		for _, step := range order {
			step()
		}
		if got := p.onPrimary(maxConnections) + " " + p.onReplica(maxConnections); got != want+" "+want {
			t.Errorf("got %s, want %s on both", got, want)
		}
		p.streams()
	}
}

func TestALoweredReplicaKeepsItsParametersAndSaysWhatItWaitsFor(t *testing.T) {
	p := replicated(t)
	p.replica.Parameters["max_connections"] = "20"
	p.ensureReplica()
	p.streams()
	if got := p.onReplica(maxConnections); got != "30" {
		t.Errorf("max_connections is %s, want the source's 30", got)
	}
	want := "waits for its source: parameter max_connections is 20, want 30 or more: its source db has 30, and PostgreSQL runs no replica with less"
	if st := p.status(); !st.Healthy || st.Problem != want {
		t.Errorf("got %+v\nwant %s", st, want)
	}
}

func TestAReplicaThatItsSourceHasOutgrownIsNamed(t *testing.T) {
	p := replicated(t)
	p.primary.Parameters["max_connections"] = "40"
	p.ensurePrimary()
	const want = "parameter max_connections is 30, want 40 or more: its source db has 40, and PostgreSQL runs no replica with less"
	err := until(t.Context(), streamLimit, func(context.Context) error {
		if st := p.status(); st.Healthy || !strings.HasSuffix(st.Problem, want) {
			return errors.New(st.Problem)
		}
		return nil
	})
	if err != nil {
		t.Errorf("status is %v, want %s", err, want)
	}
	if err := p.try(); err == nil || err.Error() != "database db-ro: "+want {
		t.Errorf("got %v", err)
	}
	p.replica.Parameters["max_connections"] = "40"
	p.ensureReplica()
	p.streams()
}

func TestAKilledReplicaComesBackAndCatchesUp(t *testing.T) {
	p := replicated(t)
	i := p.s.instances["db-ro"]
	proc := i.life.Running()
	if !proc.Signal(t.Context(), syscall.SIGKILL, time.Minute) {
		t.Fatal("it does not end")
	}
	p.streams()
	if got := i.life.Process(); got.Restarts != 1 {
		t.Errorf("%d restarts, want 1", got.Restarts)
	}
}

func TestSourceAndReplicaComeBackWithTheSandbox(t *testing.T) {
	p := replicated(t)
	p.streams()
	kept := p.onReplica("SELECT system_identifier::text FROM pg_control_system()")
	if err := p.s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.s = New(p.s.cfg)
	t.Cleanup(func() {
		if err := p.s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := p.try(); err == nil || !strings.Contains(err.Error(), `sourceId is "db", want the id of a primary that runs in this sandbox`) {
		t.Errorf("a replica before its source: %v", err)
	}
	p.ensurePrimary()
	p.ensureReplica()
	p.streams()
	if got := p.onReplica("SELECT system_identifier::text FROM pg_control_system()"); got != kept {
		t.Errorf("it is a copy of %s, want %s", got, kept)
	}
}

func TestAReplicaThatCannotCatchUpIsCopiedAgain(t *testing.T) {
	for name, breakIt := range map[string]func(*pair){
		"its slot at db is gone": func(p *pair) {
			if err := p.s.instances["db"].dropSlot(p.Context(), slotName("db-ro")); err != nil {
				p.Fatal(err)
			}
		},
		"its data is of another database than db": func(p *pair) {
			if err := errors.Join(p.s.instances["db"].stop(p.Context()), os.RemoveAll(filepath.Join(p.s.cfg.StateDir, "db", "data"))); err != nil {
				p.Fatal(err)
			}
			p.ensurePrimary()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := replicated(t)
			var log strings.Builder
			p.s.cfg.Log = &log
			if err := p.s.instances["db-ro"].stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			breakIt(p)
			p.ensureReplica()
			p.streams()
			if want := "database db-ro: " + name + ": copying db again\n"; !strings.Contains(log.String(), want) {
				t.Errorf("said %q, want %q", log.String(), want)
			}
		})
	}
}

func TestAReplicaWithWrongCredentialsSaysSoAndIsRepaired(t *testing.T) {
	p := replicated(t)
	i := p.s.instances["db-ro"]
	if err := errors.Join(os.WriteFile(filepath.Join(i.dir, "conf", "source.pgpass"), []byte("*:*:*:*:wrong\n"), 0o600), i.restart(t.Context())); err != nil {
		t.Fatal(err)
	}
	if st := p.status(); st.Healthy || !strings.Contains(st.Problem, "it does not stream from db") {
		t.Errorf("got %+v", st)
	}
	p.ensureReplica()
	p.streams()
}

func TestTheSourcesPasswordIsTheReplicas(t *testing.T) {
	p := replicated(t)
	p.primary.Password = "another-word"
	p.ensurePrimary()
	p.eventually("SELECT 'in'", "in")
	p.ensureReplica()
}

func TestASourceThatMovesIsFollowed(t *testing.T) {
	p := replicated(t)
	p.primary.Port = freePort(t)
	p.s.cfg.HostAddr = listenAddr(p.primary, loopback)
	p.ensurePrimary()
	p.streams()
}

// TestWhatReplicationIsNot has one pair for claims that do not change it.
func TestWhatReplicationIsNot(t *testing.T) {
	p := replicated(t)
	t.Run("a source with replicas is not removed", func(t *testing.T) {
		err := p.s.Remove(t.Context(), "db")
		want := "database db: it has the replicas db-ro: delete them first (RDS would make each an instance of its own, the sandbox does not)"
		if err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a replica has no replicas", func(t *testing.T) {
		cascade := p.replica
		cascade.SourceID, cascade.Port = "db-ro", freePort(t)
		_, err := p.s.Ensure(t.Context(), "db-ro-ro", cascade, loopback)
		want := `database db-ro-ro: sourceId is "db-ro", which is a replica itself: the sandbox runs replicas of primaries only`
		if err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a replica is not promoted", func(t *testing.T) {
		promoted := p.primary
		promoted.Port, promoted.Hostname = p.replica.Port, p.replica.Hostname
		_, err := p.s.Ensure(t.Context(), "db-ro", promoted, loopback)
		want := "database db-ro: it is a replica, and the sandbox does not promote one as RDS does: delete it and declare a primary"
		if err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the replication role reaches no database", func(t *testing.T) {
		password, err := p.s.instances["db"].replicationPassword()
		if err != nil {
			t.Fatal(err)
		}
		url := hostURL(listenAddr(p.primary, loopback), control.Database{Username: replicationRole, Password: password, DBName: p.primary.DBName})
		if _, err := pgx.Connect(t.Context(), url); err == nil || !strings.Contains(err.Error(), "pg_hba.conf rejects") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the master user sees no replication password", func(t *testing.T) {
		if got := p.onReplica("SHOW primary_conninfo"); strings.Contains(got, "password") || !strings.Contains(got, "sslmode=verify-full") {
			t.Errorf("primary_conninfo is %s", got)
		}
	})
}

func TestARemovedReplicaLeavesNoSlotAndItsSourceCanGo(t *testing.T) {
	p := replicated(t)
	if err := p.s.Remove(t.Context(), "db-ro"); err != nil {
		t.Fatal(err)
	}
	if got := p.onPrimary("SELECT count(*)::text FROM pg_replication_slots"); got != "0" {
		t.Errorf("%s slots, want none", got)
	}
	if err := p.s.Remove(t.Context(), "db"); err != nil {
		t.Error(err)
	}
}

func TestAPrimaryDoesNotBecomeAReplica(t *testing.T) {
	p := livePair(t)
	other := p.primary
	other.Port = p.replica.Port
	if _, err := p.s.Ensure(t.Context(), "db-ro", other, loopback); err != nil {
		t.Fatal(err)
	}
	want := "database db-ro: it holds data of its own, want none: a primary does not become a replica of db, delete it first"
	if err := p.try(); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestControlDataIsRead(t *testing.T) {
	text := `pg_control version number:            1700
Database system identifier:           7576000000000000001
Latest checkpoint's TimeLineID:       2
max_connections setting:              30
max_worker_processes setting:         8
max_wal_senders setting:              10
max_prepared_xacts setting:           0
max_locks_per_xact setting:           64
`
	got, err := parseControlData(text)
	want := controlData{system: "7576000000000000001", timeline: 2, floors: map[string]int{
		"max_connections": 30, "max_worker_processes": 8, "max_wal_senders": 10, "max_prepared_transactions": 0, "max_locks_per_transaction": 64}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(controlData{})); err != nil || d != "" {
		t.Error(err, d)
	}
	if _, err := parseControlData(strings.Replace(text, "max_wal_senders setting", "max_wal_lenders setting", 1)); err == nil {
		t.Error("a missing setting is taken")
	}
}
