package config

import (
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/perf/dbreport"
)

func load(env map[string]string) (Config, error) {
	return Load(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

func required() map[string]string {
	return map[string]string{"DATABASE_HOST": "db", "DATABASE_NAME": "rag", "DATABASE_USER": "rag", "DATABASE_PASSWORD": "secret", "AUTH": "off"}
}

// memoryLimit sets that of the runtime for a test.
func memoryLimit(t *testing.T, bytes int64) {
	t.Helper()
	before := debug.SetMemoryLimit(bytes)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
}

func TestUploadsTakeHalfOfTheMemoryAndRoomForOneAtLeast(t *testing.T) {
	for limit, want := range map[int64]int64{math.MaxInt64: 512 << 20, 400 << 20: 200 << 20, 60 << 20: 50 << 20} {
		memoryLimit(t, limit)
		c, err := load(required())
		if err != nil || c.UploadMemory != want {
			t.Errorf("limit %d: uploads may take %d bytes (%v), want %d", limit, c.UploadMemory, err, want)
		}
	}
	env := required()
	env["UPLOAD_MEMORY_BYTES"], env["MAX_UPLOAD_BYTES"] = "300000000", "60000000"
	if c, err := load(env); err != nil || c.UploadMemory != 300_000_000 {
		t.Errorf("set: uploads may take %d bytes (%v)", c.UploadMemory, err)
	}
}

func TestRequiredVariablesAreEnough(t *testing.T) {
	memoryLimit(t, math.MaxInt64)
	got, err := load(required())
	if err != nil {
		t.Fatal(err)
	}
	db := Database{
		Host: "db", Port: 5432, Name: "rag", User: "rag", Password: "secret", SSLMode: "verify-full",
		PoolSize: 10, Lifetime: 30 * time.Minute, StatementTimeout: 10 * time.Second, ExecMode: pgx.QueryExecModeCacheStatement,
	}
	want := Config{
		HTTPAddr: ":8080", AdminAddr: ":9090", Database: db, Direct: db, Cache: Cache{TLS: true}, RateLimit: RateLimit{Burst: 1, Hops: 1},
		SessionTTL: 24 * time.Hour, QueryLogRetention: 30 * 24 * time.Hour, Report: dbreport.DefaultLimits(),
		DrainDelay: 5 * time.Second, DrainTimeout: 30 * time.Second, RequestTimeout: 10 * time.Second,
		MaxUploadBytes: 10 << 20, UploadMemory: 512 << 20, AnswerMemory: 128 << 20, ConnectionMemory: 128 << 20,
		MaxRequests: 1000, WorkerConcurrency: 4, LogLevel: slog.LevelInfo, PodName: "ragapi",
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
		"DATABASE_READ_PORT": "-1", "DATABASE_DIRECT_SSLMODE": "x", "CACHE_ADDR": "cache", "CACHE_TLS": "maybe", "VECTOR_URL": "chroma:8000",
		"EMBEDDING_URL": "http://model", "SESSION_TTL": "1s", "QUERY_LOG_RETENTION": "1h",
		"REPORT_SLOW_STATEMENT": "500", "REPORT_LONG_TRANSACTION": "0s", "REPORT_REPLICA_LAG": "2h", "REPORT_REPLICAS": "16",
		"DRAIN_TIMEOUT": "30", "REQUEST_TIMEOUT": "0s", "LOG_LEVEL": "loud", "MAX_UPLOAD_BYTES": "1", "UPLOAD_MEMORY_BYTES": "10", "WORKER_CONCURRENCY": "0",
		"AUTH_ISSUER": "http://issuer.example", "AUTH_JWKS_URL": "keys", "AUTH_CA_FILE": missing, "RATE_LIMIT_RPS": "-1", "RATE_LIMIT_BURST": "0", "FORWARDED_HOPS": "11",
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
		`AUTH_ISSUER is "http://issuer.example", want a URL with https, or one of this machine`,
		`AUTH_JWKS_URL is "keys", want a URL with https, or one of this machine`,
		`AUTH_CA_FILE is "` + missing + `", want a readable file`,
		`AUTH is not set, want jwt, with AUTH_ISSUER and AUTH_AUDIENCE, or off, to let everybody do everything`,
		`RATE_LIMIT_RPS is "-1", want a number from 0.01 to 100000, or 0 for no limit`,
		`RATE_LIMIT_BURST is "0", want a whole number from 1 to 1000000`,
		`FORWARDED_HOPS is "11", want a whole number from 0 to 10`,
		`CACHE_ADDR is "cache", want host:port with a port from 0 to 65535`,
		`CACHE_TLS is "maybe", want one of on, off`,
		`VECTOR_URL is "chroma:8000", want a URL such as http://host:8000`,
		`EMBEDDING_MODEL is not set, want the name of the model at EMBEDDING_URL`,
		`SESSION_TTL is "1s", want a duration such as 30s, from 1m0s to 2160h0m0s`,
		`QUERY_LOG_RETENTION is "1h", want a duration such as 30s, from 24h0m0s to 87600h0m0s`,
		`REPORT_SLOW_STATEMENT is "500", want a duration such as 30s, from 1ms to 1h0m0s`,
		`REPORT_LONG_TRANSACTION is "0s", want a duration such as 30s, from 1s to 24h0m0s`,
		`REPORT_REPLICA_LAG is "2h", want a duration such as 30s, from 1ms to 1h0m0s`,
		`REPORT_REPLICAS is "16", want a whole number from -1 to 15`,
		`DRAIN_TIMEOUT is "30", want a duration such as 30s, from 1s to 10m0s`,
		`REQUEST_TIMEOUT is "0s", want a duration such as 30s, from 100ms to 1m0s`,
		`MAX_UPLOAD_BYTES is "1", want a whole number from 1024 to 268435456`,
		`WORKER_CONCURRENCY is "0", want a whole number from 1 to 256`,
		`LOG_LEVEL is "loud", want one of debug, info, warn, error`,
		`UPLOAD_MEMORY_BYTES is "10", want a whole number from 52428800 to 9223372036854775807`,
		`DATABASE_DIRECT_SSLMODE is "x", want one of disable, allow, prefer, require, verify-ca, verify-full`,
		`DATABASE_READ_PORT is "-1", want a whole number from 1 to 65535`,
		`DRAIN_DELAY is "2m", want a duration such as 30s, from 0s to 30s`,
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestTheReportJudgesByWhatIsSet(t *testing.T) {
	env := required()
	env["REPORT_SLOW_STATEMENT"], env["REPORT_LONG_TRANSACTION"], env["REPORT_REPLICA_LAG"], env["REPORT_REPLICAS"] = "250ms", "1m", "1500ms", "2"
	c, err := load(env)
	if err != nil {
		t.Fatal(err)
	}
	want := dbreport.DefaultLimits()
	want.SlowStatementMillis, want.LongTransactionSeconds, want.ReplicaLagSeconds, want.Replicas = 250, 60, 1.5, 2
	if diff := cmp.Diff(want, c.Report); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
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

// pooled is what a process behind PgBouncer gets.
func pooled() map[string]string {
	env := required()
	env["DATABASE_PORT"], env["DATABASE_READ_NAME"], env["DATABASE_DIRECT_HOST"], env["DATABASE_DIRECT_PORT"] = "6432", "rag_ro", "primary", "5432"
	env["DATABASE_SSLMODE"], env["DATABASE_DIRECT_SSLMODE"] = "prefer", "verify-full"
	return env
}

func TestBehindAPoolerThereAreThreeWaysToTheDatabase(t *testing.T) {
	c, err := load(pooled())
	if err != nil {
		t.Fatal(err)
	}
	way := func(d Database) string { return fmt.Sprintf("%s:%d/%s %s", d.Host, d.Port, d.Name, d.SSLMode) }
	got := []string{way(c.Database), way(*c.Read), way(c.Direct)}
	if diff := cmp.Diff([]string{"db:6432/rag prefer", "db:6432/rag_ro prefer", "primary:5432/rag verify-full"}, got); diff != "" {
		t.Errorf("ways (-want +got):\n%s", diff)
	}
}

// PgBouncer refuses it as a startup parameter, and closes the connection.
func TestBehindAPoolerNoStatementTimeoutIsSet(t *testing.T) {
	env := pooled()
	if c, err := load(env); err != nil || c.Database.StatementTimeout != 0 || c.Read.StatementTimeout != 0 {
		t.Errorf("timeouts %v and %v (%v), want none", c.Database.StatementTimeout, c.Read.StatementTimeout, err)
	}
	env["DATABASE_STATEMENT_TIMEOUT"] = "5s"
	if _, err := load(env); err == nil || !strings.Contains(err.Error(), `DATABASE_STATEMENT_TIMEOUT is "5s", want a duration such as 30s, from 0s to 0s`) {
		t.Errorf("a timeout behind a pooler gives %v", err)
	}
}

func TestAReplicaOfItsOwnIsRead(t *testing.T) {
	env := required()
	env["DATABASE_READ_HOST"], env["DATABASE_READ_POOL_SIZE"] = "replica", "3"
	c, err := load(env)
	if err != nil || c.Read == nil || c.Read.Host != "replica" || c.Read.Name != "rag" || c.Read.PoolSize != 3 {
		t.Errorf("%+v (%v)", c.Read, err)
	}
}

// TestConnectionsLeaveADrainingPgBouncerInTime: it waits a minute. The way past it is as lasting as ever.
func TestConnectionsLeaveADrainingPgBouncerInTime(t *testing.T) {
	env := required()
	env["DATABASE_DIRECT_HOST"], env["DATABASE_READ_NAME"] = "primary", "rag_ro"
	c, err := load(env)
	if err != nil {
		t.Fatal(err)
	}
	if c.Database.Lifetime != 30*time.Second || c.Read.Lifetime != 30*time.Second || c.Direct.Lifetime != 30*time.Minute {
		t.Errorf("lifetimes are %s, %s and %s, want 30s, 30s and 30m", c.Database.Lifetime, c.Read.Lifetime, c.Direct.Lifetime)
	}
}
