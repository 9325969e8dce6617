// Package pgtest gives tests a PostgreSQL of their own, and where they want them a standby, a PgBouncer and a Redis.
//
// Owns: finding or starting servers, one empty database per test, what can befall servers, and removing all of it. Does not
// own: schema and data.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

// EnvURL names the variable with the URL of a server to use instead of starting one. Its role must be able to create databases.
const EnvURL = "RAGAPI_TEST_DATABASE_URL"

// shared is the server of this test process, started by the first test that asks.
var shared struct {
	sync.Mutex
	address *url.URL
	stop    func() error
	err     error
}

// Main runs the tests of a package and then stops the server, if one was started. Call it in TestMain.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.stop == nil {
		return code
	}
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return max(code, 1)
	}
	return code
}

// Database returns an empty database, dropped at the end of the test. Without a server it skips the test and says what to set.
func Database(tb testing.TB) config.Database {
	tb.Helper()
	address, err := server()
	if err != nil {
		tb.Skipf("no PostgreSQL to test with: %v; set %s, or install postgresql", err, EnvURL)
	}
	name := "ragapi_test_" + uuid.NewString()[:13]
	admin := settings(tb, address, "postgres")
	statement(tb, admin, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize())
	tb.Cleanup(func() { statement(tb, admin, `DROP DATABASE `+pgx.Identifier{name}.Sanitize()+` WITH (FORCE)`) })
	return settings(tb, address, name)
}

// Pool returns a pool on db, closed at the end of the test.
func Pool(tb testing.TB, db config.Database) *pgxpool.Pool {
	tb.Helper()
	pool, err := postgres.Open(context.Background(), db, "test")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// Env returns the environment variables that lead to db. Nobody is asked for a token.
func Env(db config.Database) []string {
	return []string{
		"DATABASE_HOST=" + db.Host, "DATABASE_PORT=" + strconv.Itoa(int(db.Port)), "DATABASE_NAME=" + db.Name,
		"DATABASE_USER=" + db.User, "DATABASE_PASSWORD=" + db.Password, "DATABASE_SSLMODE=" + db.SSLMode, "AUTH=off",
	}
}

func server() (*url.URL, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.address == nil && shared.err == nil {
		if given := os.Getenv(EnvURL); given != "" {
			shared.address, shared.err = url.Parse(given)
		} else {
			shared.address, shared.stop, shared.err = start()
		}
	}
	return shared.address, shared.err
}

func settings(tb testing.TB, address *url.URL, name string) config.Database {
	tb.Helper()
	port := 5432
	if p := address.Port(); p != "" {
		var err error
		if port, err = strconv.Atoi(p); err != nil {
			tb.Fatalf("%s: port %q: %v", EnvURL, p, err)
		}
	}
	password, _ := address.User.Password() // absent is empty: trusted
	mode := address.Query().Get("sslmode")
	if mode == "" {
		mode = "prefer"
	}
	return config.Database{
		Host: address.Hostname(), Port: uint16(port), Name: name, User: address.User.Username(), Password: password, SSLMode: mode,
		PoolSize: 4, ExecMode: pgx.QueryExecModeCacheStatement,
	}
}

func statement(tb testing.TB, db config.Database, sql string) {
	tb.Helper()
	pool, err := postgres.Open(context.Background(), db, "pgtest")
	if err != nil {
		tb.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(context.Background(), sql); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}
