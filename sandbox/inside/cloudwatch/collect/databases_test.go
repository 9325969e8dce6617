package collect

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
	"github.com/ragscale/ragscale/sandbox/inside/pki"
	"github.com/ragscale/ragscale/sandbox/inside/postgres"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == debroot.Role {
		os.Exit(debroot.Main())
	}
	os.Exit(m.Run())
}

// engines is a server of databases with one, "rag", and its replica, "rag-ro", and how to reach the first.
func engines(t *testing.T) (s *postgres.Server, url string) {
	t.Helper()
	bin := os.Getenv("RAGSCALE_SANDBOX_BIN")
	if bin == "" {
		bin = "../../../../.sandbox/bin"
	}
	root, err := filepath.Abs(filepath.Join(bin, "root"))
	if err != nil {
		t.Fatal(err)
	}
	probe := exec.Command("/bin/true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	if _, err := os.Stat(filepath.Join(root, ".packages")); err != nil || testing.Short() || probe.Run() != nil {
		t.Skipf("no engine root at %s, or no user namespaces: `make up` makes it", root)
	}
	dir := t.TempDir()
	ca, err := pki.Open(filepath.Join(dir, "pki"), "ca")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("127.0.0.1")
	primary := control.Database{
		Engine: "postgres", EngineVersion: "17.6", DBName: "ragapi", Username: "rag", Password: "secret-word", Port: freePort(t), StorageGiB: 20,
		Parameters: map[string]string{"shared_buffers": "4096", "max_connections": "30", "track_io_timing": "1"}, Hostname: "rag.rds.amazonaws.com",
	}
	replica := control.Database{Engine: "postgres", EngineVersion: "17.6", SourceID: "rag", Port: freePort(t), StorageGiB: 20,
		Parameters: maps.Clone(primary.Parameters), Hostname: "rag-ro.rds.amazonaws.com"}
	s = postgres.New(postgres.Config{
		Root: root, StateDir: filepath.Join(dir, "state"), LogDir: filepath.Join(dir, "log"), CAFile: ca.CertFile(), Log: t.Output(),
		HostAddr: fmt.Sprintf("127.0.0.1:%d", primary.Port),
		Issue: func(name string, addr netip.Addr, hosts ...string) (pki.Pair, error) {
			return ca.Issue(pki.Leaf{Name: name, CommonName: hosts[0], SANs: append(hosts, addr.String())})
		},
	})
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	info, err := s.Ensure(t.Context(), "rag", primary, addr)
	if err == nil {
		_, err = s.Ensure(t.Context(), "rag-ro", replica, addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, info.HostURL
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server may have ended it
	return conn
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// pause has a replica stop applying, once it has applied something.
func pause(t *testing.T, replica *postgres.Watch) {
	t.Helper()
	for applied := false; !applied; {
		err := replica.Ask(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, "SELECT pg_last_xact_replay_timestamp() IS NOT NULL").Scan(&applied)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := replica.Ask(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT pg_wal_replay_pause()")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDatabasesAreMeasuredAsRDSDoes: connections without the sandbox's own, what is free of what is declared, times of reads
// and writes, and a replica that stops applying is behind.
func TestDatabasesAreMeasuredAsRDSDoes(t *testing.T) {
	s, url := engines(t)
	instance := func(id string) awsapi.Resource {
		return awsapi.Resource{Region: "eu-central-1", Ready: true, State: map[string]any{"identifier": id, "instanceClass": "db.t4g.small"}}
	}
	store := metrics.NewStore()
	c := New(Config{
		Account: account{"aws:rds/instance:Instance": {instance("rag"), instance("rag-ro")}}, Store: store, Log: slog.New(slog.DiscardHandler), Databases: s.Watches,
	})
	measure := func(after time.Duration) {
		c.Measure(t.Context(), noon.Add(after))
		if len(c.said) > 0 {
			t.Fatal(c.said)
		}
	}
	one, _ := connect(t, url), connect(t, url)
	run(t, one, "CREATE TABLE big AS SELECT n, repeat('x', 500) AS text FROM generate_series(1, 60000) n")
	measure(9 * time.Second)
	pause(t, s.Watches()[1])
	run(t, one, "UPDATE big SET n = n + 1; CHECKPOINT; SELECT sum(length(text)) FROM big")
	time.Sleep(1100 * time.Millisecond) // for the replica to be late
	measure(19 * time.Second)
	store.Publish(noon.Add(time.Hour))
	of := func(id, name string) metrics.Set {
		return store.Window(metrics.Of("eu-central-1", "AWS/RDS", name, "DBInstanceIdentifier", id), noon, time.Minute)
	}
	const gib = 1 << 30
	for name, within := range map[string][2]float64{
		"DatabaseConnections": {2, 2}, "FreeStorageSpace": {19 * gib, 20*gib - 30<<20}, "FreeableMemory": {gib, 2*gib - 1}, "CPUUtilization": {1e-3, 100},
		"ReadLatency": {0, 1}, "WriteLatency": {1e-9, 1}, "MaximumUsedTransactionIDs": {1, 1e6}, "TransactionLogsDiskUsage": {1 << 20, gib}, "OldestReplicationSlotLag": {0, gib},
	} {
		if set := of("rag", name); set.Count == 0 || set.Min < within[0] || set.Max > within[1] {
			t.Errorf("%s is %+v, want %v", name, set, within)
		}
	}
	if lag := of("rag-ro", "ReplicaLag"); lag.Count == 0 || lag.Max < 1 {
		t.Errorf("the replica's lag is %+v, want a second or more", lag)
	}
	if set := of("rag", "ReplicaLag"); set.Count != 0 {
		t.Errorf("the primary has a lag: %+v", set)
	}
}
