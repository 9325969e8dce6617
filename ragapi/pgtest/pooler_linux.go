package pgtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ragscale/ragscale/ragapi/config"
)

// EnvPooler names the variable with the pgbouncer to test with, 1.22 or newer.
const EnvPooler = "RAGAPI_TEST_PGBOUNCER"

// Pooler is a PgBouncer in transaction mode.
type Pooler struct {
	config.Database // that leads through it
	run             *exec.Cmd
	ended           <-chan error
	end             error // how it ended, which may have been before it was killed
	kill            sync.Once
}

const poolerSettings = `[databases]
%s
* = host=%s port=%d
[pgbouncer]
listen_addr = %s
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s/users
pool_mode = transaction
default_pool_size = %d
max_prepared_statements = 100
server_tls_sslmode = prefer
`

// StartPooler runs a PgBouncer in front of db until the end of the test, with so many connections to the server: with
// one, whatever is kept in a session meets another's. Without a program it skips the test and says what to set.
func StartPooler(tb testing.TB, db config.Database, connections int) *Pooler {
	tb.Helper()
	return startPooler(tb, db, connections, "")
}

// ReadName is the database of PairPooler that leads to the standby.
const ReadName = "ragapi-ro"

// PairPooler is StartPooler in front of a pair.
func PairPooler(tb testing.TB, p *Pair, connections int) *Pooler {
	tb.Helper()
	s := p.Standby
	return startPooler(tb, p.Primary, connections, fmt.Sprintf("%s = host=%s port=%d dbname=%s", ReadName, s.Host, s.Port, s.Name))
}

// startPooler runs one that has another database besides those of db.
func startPooler(tb testing.TB, db config.Database, connections int, other string) *Pooler {
	tb.Helper()
	program := os.Getenv(EnvPooler)
	if program == "" {
		tb.Skipf("no PgBouncer to test with: set %s to a program of 1.22 or newer", EnvPooler)
	}
	dir, err := os.MkdirTemp("", "ragapi-pooler-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	p := &Pooler{Database: db}
	port, err := freePort()
	if err != nil {
		tb.Fatal(err)
	}
	p.Host, p.Port, p.SSLMode = "127.0.0.1", uint16(port), "disable"
	settings := fmt.Sprintf(poolerSettings, other, db.Host, db.Port, p.Host, p.Port, dir, connections)
	for name, content := range map[string]string{"settings": settings, "users": strconv.Quote(db.User) + " " + strconv.Quote(db.Password) + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	p.run = exec.Command(program, filepath.Join(dir, "settings"))
	p.run.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.ended, err = startBound(p.run); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Kill)
	p.await(tb)
	return p
}

// Kill ends it at once, as a node that is lost would. It may be called again.
func (p *Pooler) Kill() {
	p.kill.Do(func() {
		p.end = errors.Join(p.run.Process.Kill(), <-p.ended)
	})
}

// Address is where it listens.
func (p *Pooler) Address() string { return net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port))) }

// await waits until it listens.
func (p *Pooler) await(tb testing.TB) {
	tb.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", p.Address())
		if err == nil {
			if err := conn.Close(); err != nil {
				tb.Fatal(err)
			}
			return
		}
		if time.Now().After(end) {
			tb.Fatalf("PgBouncer does not listen: %v", err)
		}
	}
}
