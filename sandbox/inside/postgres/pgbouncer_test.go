package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/sandbox/inside/debroot"
)

// pooled starts PgBouncer before the source and the replicas at the addresses readers, which it knows as rag and rag_ro,
// and returns its port. What decides how a lost server is dealt with is as components/pgbouncer declares it.
func pooled(p *pair, readers ...netip.Addr) int {
	p.Helper()
	if _, err := os.Stat(filepath.Join(p.s.cfg.Root, "usr/sbin/pgbouncer")); err != nil {
		p.Skipf("no PgBouncer in %s: `make up` fetches it", p.s.cfg.Root)
	}
	var hosts []string
	for _, r := range readers {
		hosts = append(hosts, r.String())
	}
	verify := "verify-full"
	if len(readers) > 1 {
		// PgBouncer 1.24, which Debian 13 has, holds a certificate against the whole list; 1.25 against the host that it
		// connects to. Source: https://github.com/pgbouncer/pgbouncer/pull/1303 ; read 2026-11-24.
		verify = "verify-ca"
	}
	dir, port := p.TempDir(), freePort(p.T)
	ini := fmt.Sprintf(`[databases]
rag = host=127.0.0.1 port=%d dbname=rag
rag_ro = host=%s port=%d dbname=rag pool_size=4 load_balance_hosts=round-robin
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
pool_mode = transaction
server_round_robin = 1
auth_type = scram-sha-256
auth_file = /pooler/users
server_tls_sslmode = %s
server_tls_ca_file = /pooler/ca.pem
server_connect_timeout = 1
server_login_retry = 0.2
`, p.primary.Port, strings.Join(hosts, ","), p.replica.Port, port, verify)
	ca, err := os.ReadFile(p.s.cfg.CAFile)
	if err != nil {
		p.Fatal(err)
	}
	users := fmt.Sprintf("%q %q\n", p.primary.Username, p.primary.Password)
	for name, text := range map[string]string{"pgbouncer.ini": ini, "users": users, "ca.pem": string(ca)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			p.Fatal(err)
		}
	}
	binds := []debroot.Bind{{Source: dir, Target: "/pooler", ReadOnly: true}}
	proc, err := debroot.Start(p.s.engine.command(context.WithoutCancel(p.Context()), binds, "/usr/sbin/pgbouncer", "/pooler/pgbouncer.ini"))
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		if !proc.Signal(context.Background(), syscall.SIGKILL, time.Minute) {
			p.Error("PgBouncer does not end")
		}
	})
	return port
}

func poolerURL(p *pair, port int, database string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", p.primary.Username, p.primary.Password, port, database)
}

// ask runs sql through PgBouncer, as a prepared statement; it may have to wait for PgBouncer and its servers.
func ask(p *pair, port int, database, sql string) string {
	p.Helper()
	var out string
	err := until(p.Context(), streamLimit, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, poolerURL(p, port, database))
		if err != nil {
			return err
		}
		return errors.Join(conn.QueryRow(ctx, sql).Scan(&out), conn.Close(ctx))
	})
	if err != nil {
		p.Fatalf("%s: %v", database, err)
	}
	return out
}

func TestPgBouncerLeadsToSourceAndReplicaOverTLS(t *testing.T) {
	p := replicated(t)
	port := pooled(p, loopback)
	const sql = "SELECT pg_is_in_recovery()||' '||ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
	if got := ask(p, port, "rag", sql) + ", " + ask(p, port, "rag_ro", sql); got != "false true, true true" {
		t.Errorf("recovery and TLS are %s, want the primary and the replica, both over TLS", got)
	}
}

func TestPgBouncerFindsARestartedReplicaAgain(t *testing.T) {
	p := replicated(t)
	port := pooled(p, loopback)
	ask(p, port, "rag_ro", "SELECT 'before'")
	if err := p.s.instances["db-ro"].restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ask(p, port, "rag_ro", "SELECT pg_is_in_recovery()::text"); got != "true" {
		t.Errorf("in recovery: %s", got)
	}
}

// twoReplicas has a second replica, "db-ro-2", at an address of its own: a list of hosts has one port.
func twoReplicas(t *testing.T) (p *pair, second netip.Addr) {
	t.Helper()
	p, second = replicated(t), netip.MustParseAddr("127.0.0.2")
	if _, err := p.s.Ensure(t.Context(), "db-ro-2", p.replica, second); err != nil {
		t.Fatal(err)
	}
	return p, second
}

// askers asks n times at once, so that no connection to a server is used twice, and returns which servers answered.
func askers(p *pair, port, n int) []string {
	p.Helper()
	answers := make([]string, n)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			answers[i] = ask(p, port, "rag_ro", "SELECT host(inet_server_addr()) FROM pg_sleep(0.2)")
		})
	}
	wg.Wait()
	slices.Sort(answers)
	return slices.Compact(answers)
}

func TestPgBouncerSharesReadsAmongTheReplicas(t *testing.T) {
	p, second := twoReplicas(t)
	want := []string{loopback.String(), second.String()}
	if got := askers(p, pooled(p, loopback, second), 4); !slices.Equal(got, want) {
		t.Errorf("%v answered, want %v", got, want)
	}
}

func TestReadsSurviveTheLossOfAReplica(t *testing.T) {
	p, second := twoReplicas(t)
	port := pooled(p, loopback, second)
	askers(p, port, 4) // connections to both
	if err := p.s.instances["db-ro-2"].stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), poolerURL(p, port, "rag_ro"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // the queries told
	for range 20 {
		var server string
		if err := conn.QueryRow(t.Context(), "SELECT host(inet_server_addr())").Scan(&server); err != nil || server != loopback.String() {
			t.Fatalf("%s answered (%v), want the replica that is left", server, err)
		}
	}
	if got := askers(p, port, 8); !slices.Equal(got, []string{loopback.String()}) {
		t.Errorf("%v answered, want the replica that is left", got)
	}
}
