package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
	"github.com/ragscale/ragscale/sandbox/inside/pki"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == debroot.Role {
		os.Exit(debroot.Main())
	}
	code := m.Run()
	if err := os.RemoveAll(template.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

var loopback = netip.MustParseAddr("127.0.0.1")

// template is a data folder as initdb leaves it, made once: initdb is most of the time of a test.
var template struct {
	sync.Mutex
	dir string
}

func copyTemplate(t *testing.T, s *Server) {
	t.Helper()
	template.Lock()
	defer template.Unlock()
	if template.dir == "" {
		e, err := findEngine(t.Context(), s.cfg.Root)
		if err != nil {
			t.Fatal(err)
		}
		dir, err := os.MkdirTemp("", "ragscale-postgres-test")
		if err != nil {
			t.Fatal(err)
		}
		template.dir = dir
		if err := (&instance{server: s, dir: dir, engine: e}).initData(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(s.cfg.StateDir, "db", "data")
	if err := os.CopyFS(data, os.DirFS(filepath.Join(template.dir, "data"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(data, 0o700); err != nil {
		t.Fatal(err)
	}
}

// live starts nothing yet; it skips where there is no engine root or user namespaces are forbidden.
func live(t *testing.T) (*Server, control.Database) {
	t.Helper()
	return newLive(t, false)
}

func newLive(t *testing.T, fresh bool) (*Server, control.Database) {
	t.Helper()
	bin := os.Getenv("RAGSCALE_SANDBOX_BIN")
	if bin == "" {
		bin = "../../../.sandbox/bin"
	}
	root, err := filepath.Abs(filepath.Join(bin, "root"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, ".packages")); err != nil {
		t.Skipf("no engine root at %s: `make up` makes it", root)
	}
	probe := exec.Command("/bin/true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	if err := probe.Run(); err != nil {
		t.Skipf("no user namespaces here: %v", err)
	}
	dir := t.TempDir()
	ca, err := pki.Open(filepath.Join(dir, "pki"), "ca")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Root: root, StateDir: filepath.Join(dir, "state"), LogDir: filepath.Join(dir, "log"), CAFile: ca.CertFile(), Log: t.Output(),
		Issue: func(name string, addr netip.Addr, hosts ...string) (pki.Pair, error) {
			return ca.Issue(pki.Leaf{Name: name, CommonName: hosts[0], SANs: append(hosts, addr.String())})
		}})
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if !fresh {
		copyTemplate(t, s)
	}
	d := spec(map[string]string{"shared_buffers": "4096", "max_connections": "30"})
	d.Port = freePort(t)
	s.cfg.HostAddr = listenAddr(d, loopback)
	return s, d
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

func ensure(t *testing.T, s *Server, d control.Database) control.DatabaseInfo {
	t.Helper()
	info, err := s.Ensure(t.Context(), "db", d, loopback)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// query runs sql as the master user, through the URL that the host is given.
func query(t *testing.T, info control.DatabaseInfo, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), info.HostURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // the query told
	var out string
	if err := conn.QueryRow(t.Context(), sql).Scan(&out); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

func TestTheDeclaredParametersAreInForce(t *testing.T) {
	s, d := newLive(t, true)
	info := ensure(t, s, d)
	got := query(t, info, "SELECT string_agg(name||'='||setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('shared_buffers','max_connections','data_checksums','ssl')")
	if want := "data_checksums=on max_connections=30 shared_buffers=4096 ssl=on"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheMasterUserMayWhatItMayOnRDS(t *testing.T) {
	s, d := live(t)
	info := ensure(t, s, d)
	for _, sql := range []string{
		"CREATE EXTENSION pg_stat_statements", "CREATE EXTENSION pg_trgm", "CREATE TABLE t (x int)", "CREATE ROLE reader LOGIN", "CREATE DATABASE other",
		"SELECT query FROM pg_stat_statements LIMIT 1",
	} {
		query(t, info, sql)
	}
	if got := query(t, info, "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user"); got != "false" {
		t.Errorf("superuser: %s", got)
	}
}

func TestUnencryptedLoginsAreRefused(t *testing.T) {
	s, d := live(t)
	info := ensure(t, s, d)
	_, err := pgx.Connect(t.Context(), strings.Replace(info.HostURL, "sslmode=require", "sslmode=disable", 1))
	if err == nil || !strings.Contains(err.Error(), "no encryption") {
		t.Errorf("got %v", err)
	}
}

func TestRDSAdminCannotLogInOverTheNetwork(t *testing.T) {
	s, d := live(t)
	info := ensure(t, s, d)
	_, err := pgx.Connect(t.Context(), strings.Replace(info.HostURL, "rag:secret-word@", "rdsadmin@", 1))
	if err == nil || !strings.Contains(err.Error(), "pg_hba.conf rejects") {
		t.Errorf("got %v", err)
	}
}

func TestADynamicParameterChangesWithoutARestart(t *testing.T) {
	s, d := live(t)
	before := query(t, ensure(t, s, d), "SELECT pg_postmaster_start_time()::text")
	d.Parameters["work_mem"] = "8192"
	info := ensure(t, s, d)
	if after := query(t, info, "SELECT pg_postmaster_start_time()::text"); after != before {
		t.Error("restarted")
	}
	if got := query(t, info, "SHOW work_mem"); got != "8MB" {
		t.Errorf("work_mem is %s", got)
	}
}

func TestAStaticParameterRestartsAndKeepsData(t *testing.T) {
	s, d := live(t)
	query(t, ensure(t, s, d), "CREATE TABLE kept AS SELECT 1 AS x")
	d.Parameters["max_connections"] = "40"
	info := ensure(t, s, d)
	if got := query(t, info, "SELECT current_setting('max_connections')||' '||count(*) FROM kept"); got != "40 1" {
		t.Errorf("got %s", got)
	}
}

func TestStorageChangesDoNotRestart(t *testing.T) {
	s, d := live(t)
	before := query(t, ensure(t, s, d), "SELECT pg_postmaster_start_time()::text")
	d.StorageGiB = 200
	if after := query(t, ensure(t, s, d), "SELECT pg_postmaster_start_time()::text"); after != before {
		t.Error("restarted")
	}
}

func TestAChangedPasswordIsTheOnlyOneTaken(t *testing.T) {
	s, d := live(t)
	old := ensure(t, s, d)
	d.Password = "another-word"
	query(t, ensure(t, s, d), "SELECT 'in'")
	if _, err := pgx.Connect(t.Context(), old.HostURL); err == nil {
		t.Error("the old password still works")
	}
}

func TestPostgreSQLsOwnFaultsAreReportedAtOnceAndChangeNothing(t *testing.T) {
	s, d := live(t)
	ensure(t, s, d)
	bad := spec(map[string]string{"no_such": "1", "work_mem": "lots", "max_connections": "99999999"})
	bad.Port = d.Port
	_, err := s.Ensure(t.Context(), "db", bad, loopback)
	for _, want := range []string{`parameter no_such: PostgreSQL says: unrecognized configuration parameter`, `parameter work_mem: PostgreSQL says: invalid value`,
		`parameter max_connections: PostgreSQL says: 99999999 is outside the valid range`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not hold %q", err, want)
		}
	}
	query(t, ensure(t, s, d), "SELECT 'alive'")
}

func TestAnUnknownParameterOfALibraryIsNamed(t *testing.T) {
	s, d := live(t)
	d.Parameters["pg_stat_statements.nonsense"] = "1"
	_, err := s.Ensure(t.Context(), "db", d, loopback)
	if want := "parameter pg_stat_statements.nonsense: the library pg_stat_statements has no such parameter"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

func TestACrashedServerComesBackWithItsData(t *testing.T) {
	s, d := live(t)
	query(t, ensure(t, s, d), "CREATE TABLE kept AS SELECT 1 AS x")
	i := s.instances["db"]
	proc := i.life.Running()
	if !proc.Signal(t.Context(), syscall.SIGKILL, time.Minute) {
		t.Fatal("it does not end")
	}
	for i.life.Running() == proc { // watch starts another
		if t.Context().Err() != nil {
			t.Fatal("not restarted")
		}
	}
	if got := query(t, ensure(t, s, d), "SELECT count(*)::text FROM kept"); got != "1" {
		t.Errorf("rows %s", got)
	}
	if p := s.Processes()[0]; p.Restarts != 1 || p.State != "running" {
		t.Errorf("status %+v", p)
	}
}

func TestNoProcessIsLeftAfterStop(t *testing.T) {
	s, d := live(t)
	ensure(t, s, d)
	i := s.instances["db"]
	pid := i.life.Running().PID()
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(pid) + "/children")
	if err != nil || len(raw) == 0 {
		t.Skipf("this kernel does not list children: %v", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, child := range append(strings.Fields(string(raw)), strconv.Itoa(pid)) {
		if _, err := os.Stat("/proc/" + child + "/exe"); err == nil {
			t.Errorf("process %s is still there", child)
		}
	}
}

func TestARemovedDatabaseLeavesNoData(t *testing.T) {
	s, d := live(t)
	ensure(t, s, d)
	if err := s.Remove(t.Context(), "db"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.cfg.StateDir, "db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("data: %v", err)
	}
	if err := s.Remove(t.Context(), "db"); err != nil {
		t.Errorf("second removal: %v", err)
	}
}

func TestABusyPortIsNamed(t *testing.T) {
	s, d := live(t)
	l, err := net.Listen("tcp", listenAddr(d, loopback))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = s.Ensure(t.Context(), "db", d, loopback)
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("got %v", err)
	}
}

func TestAFolderThatCannotBeMadeIsNamed(t *testing.T) {
	s, d := newLive(t, true)
	if err := os.WriteFile(s.cfg.StateDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Ensure(t.Context(), "db", d, loopback)
	if err == nil || !strings.Contains(err.Error(), s.cfg.StateDir) {
		t.Errorf("got %v", err)
	}
}
