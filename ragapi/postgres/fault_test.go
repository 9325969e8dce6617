package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

func code(c string) error { return fmt.Errorf("read: %w", &pgconn.PgError{Code: c}) }

func TestWhatTheDatabaseCouldNotDoIsUnavailable(t *testing.T) {
	for name, err := range map[string]error{
		"connection exception": code("08000"), "connection failure": code("08006"), "PgBouncer": code("08P01"),
		"disk full": code("53100"), "out of memory": code("53200"), "too many connections": code("53300"),
		"shutting down": code("57P01"), "crashed": code("57P02"), "starting up": code("57P03"), "database dropped": code("57P04"),
		"idle session ended": code("57P05"), "serialisation": code("40001"), "deadlock": code("40P01"), "a standby": code("25006"),
		"lock not to be had": code("55P03"), "input/output": code("58030"),
		"end of file": fmt.Errorf("read: %w", io.EOF), "cut off": fmt.Errorf("read: %w", io.ErrUnexpectedEOF),
		"conn closed": fmt.Errorf("query: %w", pgconn.ErrConnClosed), "closed": fmt.Errorf("query: %w", net.ErrClosed),
		"refused":     &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		"reset":       fmt.Errorf("query: %w", &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}),
		"out of step": fmt.Errorf("create: %w", errors.New("pipeline: Prepare Parse: received unexpected message type *pgproto3.ParameterDescription")),
		"unknown":     &net.DNSError{Err: "no such host", Name: "db"},
	} {
		if !postgres.Unavailable(err) {
			t.Errorf("%s: %v is not unavailable", name, err)
		}
	}
}

func TestWhatWillNotSucceedLaterIsNotUnavailable(t *testing.T) {
	for name, err := range map[string]error{
		"none": nil, "no rows": pgx.ErrNoRows, "unknown column": code("42703"), "bad value": code("22003"), "statement timeout": code("57014"),
		"login refused": code("28P01"), "no code": code(""), "gone caller": context.Canceled, "out of time": context.DeadlineExceeded,
		"other": errors.New("connection refused"),
	} {
		if postgres.Unavailable(err) {
			t.Errorf("%s: %v is unavailable", name, err)
		}
	}
}

func TestAServerThatIsGoneIsUnavailable(t *testing.T) {
	absent := config.Database{Host: "127.0.0.1", Port: 1, Name: "x", User: "x", SSLMode: "disable", PoolSize: 1, ExecMode: pgx.QueryExecModeExec}
	_, err := pgtest.Pool(t, absent).Exec(t.Context(), `SELECT 1`)
	if !postgres.Unavailable(err) {
		t.Errorf("%v is not unavailable", err)
	}
}

func TestAConnectionThatEndsUnderAStatementIsUnavailable(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	_, err := pool.Exec(t.Context(), `SELECT pg_terminate_backend(pg_backend_pid())`)
	if !postgres.Unavailable(err) {
		t.Errorf("ended by the server: %v is not unavailable", err)
	}
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if err := conn.Conn().PgConn().Conn().Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := conn.Exec(t.Context(), `SELECT 1`); !postgres.Unavailable(err) {
			t.Errorf("ended under the client: %v is not unavailable", err)
		}
	}
}

func TestAClosedPoolIsUnavailable(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	pool.Close()
	if _, err := pool.Exec(t.Context(), `SELECT 1`); !postgres.Unavailable(err) {
		t.Errorf("%v is not unavailable", err)
	}
}

// saysOnly accepts connections, sends each of them text, and closes it.
func saysOnly(t *testing.T, text string) config.Database {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(time.Minute)) // a client that is gone is no fault of the test
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}()
	at := l.Addr().(*net.TCPAddr)
	return config.Database{Host: at.IP.String(), Port: uint16(at.Port), Name: "x", User: "x", SSLMode: "disable", PoolSize: 1, ExecMode: pgx.QueryExecModeExec}
}

func TestWhatPgBouncerSaysOfALostServerIsUnavailable(t *testing.T) {
	fields := "SFATAL\x00VFATAL\x00C08P01\x00Mserver login has been failing, cached error: connect failed (server_login_retry)\x00\x00"
	for name, text := range map[string]string{"its own error": "E" + string([]byte{0, 0, 0, byte(len(fields) + 4)}) + fields, "nothing": "", "nonsense": "\x00\x00\x00"} {
		if _, err := pgtest.Pool(t, saysOnly(t, text)).Exec(t.Context(), `SELECT 1`); !postgres.Unavailable(err) {
			t.Errorf("%s: %v is not unavailable", name, err)
		}
	}
}

func TestAValueThatCannotBeKeptIsUnstorable(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	for arg, kind := range map[string]string{"a\xff": "text", `{"a":1e-20000}`: "jsonb", `["\ud800"]`: "jsonb", `["\u0000"]`: "jsonb", `{"a":}`: "jsonb"} {
		_, err := pool.Exec(t.Context(), `SELECT $1::`+kind, arg)
		if !postgres.Unstorable(err) || postgres.Unavailable(err) {
			t.Errorf("%q as %s: %v is not unstorable", arg, kind, err)
		}
	}
	if postgres.Unstorable(code("42703")) || postgres.Unstorable(pgx.ErrNoRows) {
		t.Error("a fault of the statement is unstorable")
	}
}
