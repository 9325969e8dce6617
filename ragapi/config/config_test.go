package config

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

func load(env map[string]string) (Config, error) {
	return Load(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

func required() map[string]string {
	return map[string]string{"DATABASE_HOST": "db", "DATABASE_NAME": "rag", "DATABASE_USER": "rag", "DATABASE_PASSWORD": "secret"}
}

func TestRequiredVariablesAreEnough(t *testing.T) {
	got, err := load(required())
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		HTTPAddr: ":8080", AdminAddr: ":9090",
		Database: Database{
			Host: "db", Port: 5432, Name: "rag", User: "rag", Password: "secret", SSLMode: "verify-full",
			PoolSize: 10, StatementTimeout: 10 * time.Second, ExecMode: pgx.QueryExecModeCacheStatement,
		},
		DrainDelay: 5 * time.Second, DrainTimeout: 30 * time.Second, RequestTimeout: 10 * time.Second,
		MaxUploadBytes: 10 << 20, WorkerConcurrency: 4, LogLevel: slog.LevelInfo, PodName: "ragapi",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "absent.pem")
	_, err := load(map[string]string{
		"HTTP_ADDR": "8080", "ADMIN_ADDR": ":http", "DATABASE_PORT": "0", "DATABASE_SSLMODE": "tls", "DATABASE_CA_FILE": missing,
		"DATABASE_POOL_SIZE": "many", "DATABASE_EXEC_MODE": "fast", "DATABASE_STATEMENT_TIMEOUT": "-1s", "DRAIN_DELAY": "2m",
		"DRAIN_TIMEOUT": "30", "REQUEST_TIMEOUT": "0s", "LOG_LEVEL": "loud", "MAX_UPLOAD_BYTES": "1", "WORKER_CONCURRENCY": "0",
	})
	if err == nil {
		t.Fatal("no fault reported")
	}
	want := []string{
		`HTTP_ADDR is "8080", want host:port with a port from 0 to 65535`,
		`ADMIN_ADDR is ":http", want host:port with a port from 0 to 65535`,
		`DATABASE_HOST is not set, want the host of the PostgreSQL primary`,
		`DATABASE_PORT is "0", want a whole number from 1 to 65535`,
		`DATABASE_NAME is not set, want the name of the database`,
		`DATABASE_USER is not set, want the role to connect as`,
		`DATABASE_PASSWORD is not set, want that role's password`,
		`DATABASE_SSLMODE is "tls", want one of disable, allow, prefer, require, verify-ca, verify-full`,
		`DATABASE_CA_FILE is "` + missing + `", want a readable file`,
		`DATABASE_POOL_SIZE is "many", want a whole number from 1 to 1000`,
		`DATABASE_STATEMENT_TIMEOUT is "-1s", want a duration such as 30s, from 0s to 1h0m0s`,
		`DATABASE_EXEC_MODE is "fast", want one of cache_describe, cache_statement, describe_exec, exec, simple_protocol`,
		`DRAIN_TIMEOUT is "30", want a duration such as 30s, from 1s to 10m0s`,
		`REQUEST_TIMEOUT is "0s", want a duration such as 30s, from 100ms to 1m0s`,
		`MAX_UPLOAD_BYTES is "1", want a whole number from 1024 to 268435456`,
		`WORKER_CONCURRENCY is "0", want a whole number from 1 to 256`,
		`LOG_LEVEL is "loud", want one of debug, info, warn, error`,
		`DRAIN_DELAY is "2m", want a duration such as 30s, from 0s to 30s`,
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestAnEmptyVariableCountsAsNotSet(t *testing.T) {
	env := required()
	env["DATABASE_POOL_SIZE"] = ""
	env["DATABASE_PASSWORD"] = ""
	_, err := load(env)
	if want := "DATABASE_PASSWORD is not set, want that role's password"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTheDefaultDrainDelayFitsAShortTimeout(t *testing.T) {
	env := required()
	env["DRAIN_TIMEOUT"] = "8s"
	c, err := load(env)
	if err != nil || c.DrainDelay != 2*time.Second {
		t.Errorf("delay %v, error %v, want 2s", c.DrainDelay, err)
	}
}
