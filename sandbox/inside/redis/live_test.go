package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
	"github.com/ragscale/ragscale/sandbox/inside/pki"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == debroot.Role {
		os.Exit(debroot.Main())
	}
	os.Exit(m.Run())
}

// Addresses of a primary and its replicas; the port is the same.
var (
	firstAddr  = netip.MustParseAddr("127.0.0.1")
	secondAddr = netip.MustParseAddr("127.0.0.2")
)

// live starts nothing yet; it skips where there is no engine root or user namespaces are forbidden.
func live(t *testing.T) (*Server, control.Cache) {
	t.Helper()
	bin := os.Getenv("RAGSCALE_SANDBOX_BIN")
	if bin == "" {
		bin = "../../../.sandbox/bin"
	}
	root, err := filepath.Abs(filepath.Join(bin, "root"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, program)); err != nil {
		t.Skipf("no Valkey at %s: `make up` fetches it", root)
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
	c := spec(map[string]string{})
	c.Port = freePort(t)
	return s, c
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

func ensure(t *testing.T, s *Server, c control.Cache) control.CacheInfo {
	t.Helper()
	info, err := try(t, s, c)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func try(t *testing.T, s *Server, c control.Cache) (control.CacheInfo, error) {
	t.Helper()
	return s.Ensure(t.Context(), "rag", c, []netip.Addr{firstAddr, secondAddr}[:c.Nodes])
}

// connect logs in as a client would: over TLS, by the host's name.
func connect(t *testing.T, s *Server, c control.Cache, addr netip.Addr, host, user, password string) (rueidis.Client, error) {
	t.Helper()
	pem, err := os.ReadFile(s.cfg.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{netip.AddrPortFrom(addr, uint16(c.Port)).String()}, Username: user, Password: password,
		TLSConfig: &tls.Config{RootCAs: pool, ServerName: host, MinVersion: tls.VersionTLS12}, ForceSingleClient: true, DisableCache: true, DisableRetry: true,
	})
}

func app(t *testing.T, s *Server, c control.Cache) rueidis.Client {
	t.Helper()
	client, err := connect(t, s, c, firstAddr, c.PrimaryHost, "app", "pass")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func do(client rueidis.Client, words ...string) (string, error) {
	return client.Do(context.Background(), client.B().Arbitrary(words...).Build()).ToString()
}

// running is what the engine itself says a directive is.
func running(t *testing.T, s *Server, n int, name string) string {
	t.Helper()
	a, err := s.group("rag").members()[n].admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	d, err := a.config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d[name]
}

func pidOf(s *Server, n int) int { return s.Processes()[n].PID }

func TestTheDeclaredParametersAreInForce(t *testing.T) {
	s, c := live(t)
	c.Parameters = map[string]string{"maxmemory-policy": "allkeys-lfu", "client-output-buffer-limit-normal-hard-limit": "1048576", "databases": "4"}
	ensure(t, s, c)
	for name, want := range map[string]string{
		"maxmemory": "402653184", "maxmemory-policy": "allkeys-lfu", "databases": "4", "lazyfree-lazy-eviction": "no",
		"client-output-buffer-limit": "normal 1048576 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
	} {
		if got := running(t, s, 0, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAnApplicationReadsAndWritesOverTLS(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	client := app(t, s, c)
	if _, err := do(client, "SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	if got, err := do(client, "GET", "k"); got != "v" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestPlainConnectionsAreRefused(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{netip.AddrPortFrom(firstAddr, uint16(c.Port)).String()},
		Username: "app", Password: "pass", ForceSingleClient: true, DisableCache: true})
	if err == nil {
		client.Close()
		t.Error("a connection without TLS was taken")
	}
}

func TestUsersHaveWhatTheirAccessStringsSay(t *testing.T) {
	s, c := live(t)
	c.Users = append(c.Users, control.CacheUser{Name: "reader", Access: "on ~doc:* +@read +@connection", PasswordHashes: []string{passHash}})
	ensure(t, s, c)
	reader, err := connect(t, s, c, firstAddr, c.PrimaryHost, "reader", "pass")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := do(reader, "GET", "doc:1"); err != nil && !rueidis.IsRedisNil(err) {
		t.Errorf("GET doc:1: %v", err)
	}
	for _, words := range [][]string{{"GET", "other"}, {"SET", "doc:1", "v"}} {
		if _, err := do(reader, words...); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("%v: got %v, want NOPERM", words, err)
		}
	}
}

func TestNobodyLogsInWithoutAPasswordOfTheirs(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	for _, who := range [][2]string{{"app", "wrong"}, {"default", ""}, {"report", ""}, {"report", "pass"}, {adminUser, "pass"}, {"nobody", "pass"}} {
		client, err := connect(t, s, c, firstAddr, c.PrimaryHost, who[0], who[1])
		if err == nil {
			_, err = do(client, "GET", "k")
			client.Close()
		}
		if err == nil || rueidis.IsRedisNil(err) {
			t.Errorf("%v may read", who)
		}
	}
}

func TestCommandsThatElastiCacheRestrictsAreRefused(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	client := app(t, s, c)
	for _, words := range [][]string{{"CONFIG", "GET", "*"}, {"SHUTDOWN"}, {"SAVE"}, {"REPLICAOF", "NO", "ONE"}, {"ACL", "SETUSER", "x"}, {"MODULE", "LIST"}} {
		if _, err := do(client, words...); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("%v: got %v, want NOPERM", words, err)
		}
	}
}

func TestADynamicParameterChangesWithoutARestart(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	before := pidOf(s, 0)
	client := app(t, s, c)
	if _, err := do(client, "SET", "kept", "v"); err != nil {
		t.Fatal(err)
	}
	c.Parameters = map[string]string{"maxmemory-policy": "allkeys-lru", "reserved-memory-percent": "50", "timeout": "60"}
	ensure(t, s, c)
	if got := running(t, s, 0, "maxmemory-policy") + " " + running(t, s, 0, "maxmemory"); got != "allkeys-lru 268435456" {
		t.Errorf("got %s", got)
	}
	c.Parameters = map[string]string{}
	ensure(t, s, c)
	if got := running(t, s, 0, "maxmemory-policy") + " " + running(t, s, 0, "timeout"); got != "volatile-lru 0" {
		t.Errorf("after its removal: %s", got)
	}
	if got, err := do(client, "GET", "kept"); got != "v" || err != nil || pidOf(s, 0) != before {
		t.Errorf("restarted: %q, %v", got, err)
	}
}

func TestAStaticParameterRestarts(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	before := pidOf(s, 0)
	c.Parameters = map[string]string{"databases": "2"}
	ensure(t, s, c)
	if got := running(t, s, 0, "databases"); got != "2" || pidOf(s, 0) == before {
		t.Errorf("databases is %s, pid %d as before", got, before)
	}
}

func TestChangedUsersNeedNoRestart(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	before := pidOf(s, 0)
	c.Users = []control.CacheUser{c.Users[0], {Name: "app", Access: "on ~* +@all", PasswordHashes: []string{hash("another")}}}
	ensure(t, s, c)
	for password, want := range map[string]bool{"pass": false, "another": true} {
		client, err := connect(t, s, c, firstAddr, c.PrimaryHost, "app", password)
		if err == nil {
			client.Close()
		}
		if (err == nil) != want {
			t.Errorf("password %s: %v", password, err)
		}
	}
	if pidOf(s, 0) != before {
		t.Error("restarted")
	}
}

func TestTheEnginesOwnFaultsAreReportedAtOnceAndChangeNothing(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	before := pidOf(s, 0)
	bad := c
	bad.Parameters = map[string]string{"maxmemory-policy": "random", "no-such": "1", "maxmemory-samples": "x"}
	bad.Users = append(bad.Users, control.CacheUser{Name: "odd", Access: "on +@nonsense"})
	_, err := try(t, s, bad)
	for _, want := range []string{
		"parameter maxmemory-policy: the engine says: argument(s) must be one of the following", "parameter no-such: ElastiCache has no such parameter",
		"parameter maxmemory-samples: the engine says: ", "user odd: access string: the engine says: Error in ACL SETUSER modifier '+@nonsense'",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not hold %q", err, want)
		}
	}
	bad = c
	bad.Parameters = map[string]string{"databases": "none"}
	if _, err := try(t, s, bad); err == nil || !strings.Contains(err.Error(), "databases") {
		t.Errorf("databases: got %v", err)
	}
	if got := running(t, s, 0, "maxmemory-policy"); got != "volatile-lru" || pidOf(s, 0) != before {
		t.Errorf("changed: %s", got)
	}
}

func TestAReplicaFollowsItsPrimaryAndTakesNoWrites(t *testing.T) {
	s, c := live(t)
	c.Nodes = 2
	info := ensure(t, s, c)
	if got := strings.Join(info.Members, " "); got != "rag-001 rag-002" {
		t.Errorf("members %s", got)
	}
	if _, err := do(app(t, s, c), "SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	replica, err := connect(t, s, c, secondAddr, c.ReaderHost, "app", "pass")
	if err != nil {
		t.Fatal(err)
	}
	defer replica.Close()
	for got := ""; got != "v"; got, _ = do(replica, "GET", "k") { //nolint:errcheck // nil until it arrives
		if t.Context().Err() != nil {
			t.Fatal("the value does not arrive")
		}
	}
	if _, err := do(replica, "SET", "k", "w"); err == nil || !strings.Contains(err.Error(), "READONLY") {
		t.Errorf("a write at the replica: %v", err)
	}
	for i, want := range []string{rolePrimary, roleReplica} {
		if st := s.Caches(t.Context())[i]; st.Role != want || !st.Healthy || st.UsedBytes == 0 || st.MemoryBytes != 402653184 {
			t.Errorf("status %+v, want a healthy %s", st, want)
		}
	}
}

func TestFewerNodesEndTheSurplusReplica(t *testing.T) {
	s, c := live(t)
	c.Nodes = 2
	ensure(t, s, c)
	gone := pidOf(s, 1)
	c.Nodes = 1
	ensure(t, s, c)
	if len(s.Processes()) != 1 || syscall.Kill(gone, 0) == nil {
		t.Errorf("still there: %v", s.Processes())
	}
}

func TestAKilledNodeComesBack(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	before := pidOf(s, 0)
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for p := s.Processes()[0]; p.State != "running" || p.PID == before; p = s.Processes()[0] {
		if t.Context().Err() != nil {
			t.Fatal("not restarted")
		}
		time.Sleep(10 * time.Millisecond)
	}
	ensure(t, s, c)
	if _, err := do(app(t, s, c), "SET", "k", "v"); err != nil {
		t.Error(err)
	}
	if p := s.Processes()[0]; p.Restarts != 1 || p.LastExit != "signal: killed" {
		t.Errorf("status %+v", p)
	}
}

func TestNoPasswordIsOnDiskOrOnACommandLine(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	secret := s.group("rag").password
	err := filepath.WalkDir(filepath.Dir(s.cfg.StateDir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), secret) || strings.Contains(string(raw), passHash) {
			t.Errorf("%s holds it", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pidOf(s, 0)) + "/cmdline")
	if err != nil || strings.Contains(string(line), secret) {
		t.Errorf("command line %q, %v", line, err)
	}
}

func TestNoProcessIsLeftAfterStop(t *testing.T) {
	s, c := live(t)
	c.Nodes = 2
	ensure(t, s, c)
	pids := []int{pidOf(s, 0), pidOf(s, 1)}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("process %d is still there", pid)
		}
	}
}

func TestARemovedCacheLeavesNothing(t *testing.T) {
	s, c := live(t)
	ensure(t, s, c)
	if err := s.Remove(t.Context(), "rag"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.cfg.StateDir, "rag-001")); !errors.Is(err, os.ErrNotExist) || len(s.Processes()) > 0 {
		t.Errorf("folder: %v, processes %v", err, s.Processes())
	}
	if err := s.Remove(t.Context(), "rag"); err != nil {
		t.Errorf("second removal: %v", err)
	}
}

func TestABusyPortIsNamed(t *testing.T) {
	s, c := live(t)
	l, err := net.Listen("tcp", netip.AddrPortFrom(firstAddr, uint16(c.Port)).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := try(t, s, c); err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("got %v", err)
	}
}
