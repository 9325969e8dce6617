package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/sandbox/debroot"
)

// pooled starts PgBouncer before source and replica, which it knows as rag and rag_ro, and returns its port.
func pooled(p *pair) int {
	p.Helper()
	if _, err := os.Stat(filepath.Join(p.s.cfg.Root, "usr/sbin/pgbouncer")); err != nil {
		p.Skipf("no PgBouncer in %s: `make up` fetches it", p.s.cfg.Root)
	}
	dir, port := p.TempDir(), freePort(p.T)
	ini := fmt.Sprintf(`[databases]
rag = host=127.0.0.1 port=%d dbname=rag
rag_ro = host=127.0.0.1 port=%d dbname=rag
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
pool_mode = transaction
auth_type = scram-sha-256
auth_file = /pooler/users
server_tls_sslmode = verify-full
server_tls_ca_file = /pooler/ca.pem
server_login_retry = 0.1
`, p.primary.Port, p.replica.Port, port)
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
	proc, err := startProcess(p.s.engine.command(context.WithoutCancel(p.Context()), binds, "/usr/sbin/pgbouncer", "/pooler/pgbouncer.ini"))
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		if !proc.signal(context.Background(), syscall.SIGKILL, time.Minute) {
			p.Error("PgBouncer does not end")
		}
	})
	return port
}

// ask runs sql through PgBouncer, as a prepared statement; it may have to wait for PgBouncer and its servers.
func ask(p *pair, port int, database, sql string) string {
	p.Helper()
	var out string
	err := until(p.Context(), streamLimit, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", p.primary.Username, p.primary.Password, port, database))
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
	port := pooled(p)
	const sql = "SELECT pg_is_in_recovery()||' '||ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
	if got := ask(p, port, "rag", sql) + ", " + ask(p, port, "rag_ro", sql); got != "false true, true true" {
		t.Errorf("recovery and TLS are %s, want the primary and the replica, both over TLS", got)
	}
}

func TestPgBouncerFindsARestartedReplicaAgain(t *testing.T) {
	p := replicated(t)
	port := pooled(p)
	ask(p, port, "rag_ro", "SELECT 'before'")
	if err := p.s.instances["db-ro"].restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ask(p, port, "rag_ro", "SELECT pg_is_in_recovery()::text"); got != "true" {
		t.Errorf("in recovery: %s", got)
	}
}
