// Package config reads the environment of the RAG API into typed values.
//
// Owns: the names, defaults and limits of the environment variables, and the report of every fault among them.
// Does not own: what the values do.
package config

import (
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// Config is what one process of the RAG API runs with.
type Config struct {
	HTTPAddr  string // where the API answers, host:port; the host may be empty
	AdminAddr string // where metrics, probes and profiles answer
	Database  Database

	DrainTimeout   time.Duration // from SIGTERM until requests and jobs still in flight are cut off
	DrainDelay     time.Duration // of it, how long new requests are served on, so that balancers notice
	RequestTimeout time.Duration // one request, database included
	MaxUploadBytes int64         // one request body

	WorkerConcurrency int // documents processed at once by one worker
	LogLevel          slog.Level
	PodName           string // names this process in logs and in pg_stat_activity
}

// Database is where PostgreSQL is and how it is spoken to.
type Database struct {
	Host     string
	Port     uint16
	Name     string
	User     string
	Password string
	SSLMode  string // as in libpq
	CAFile   string // PEM; empty for the system's certificates

	PoolSize         int32         // connections at most
	StatementTimeout time.Duration // set on every connection; 0 sets nothing (PgBouncer refuses it as a startup parameter)
	ExecMode         pgx.QueryExecMode
}

// defaultDrainDelay is some readiness probes long, at most.
const defaultDrainDelay = 5 * time.Second

const (
	kiB = 1 << 10
	miB = 1 << 20
)

var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// execModes are the ways pgx may send a query. Behind PgBouncer in transaction mode prepared statements need its
// max_prepared_statements > 0; "exec" works with any PgBouncer.
var execModes = map[string]pgx.QueryExecMode{
	"cache_statement": pgx.QueryExecModeCacheStatement,
	"cache_describe":  pgx.QueryExecModeCacheDescribe,
	"describe_exec":   pgx.QueryExecModeDescribeExec,
	"exec":            pgx.QueryExecModeExec,
	"simple_protocol": pgx.QueryExecModeSimpleProtocol,
}

// Load reads the variables that lookup finds (os.LookupEnv in production). Its error names every faulty variable,
// one line each: the variable, what it is, what was wanted. A set but empty variable counts as not set.
func Load(lookup func(string) (string, bool)) (Config, error) {
	r := reader{lookup: lookup}
	c := Config{
		HTTPAddr:          r.address("HTTP_ADDR", ":8080"),
		AdminAddr:         r.address("ADMIN_ADDR", ":9090"),
		Database:          r.database(),
		DrainTimeout:      r.duration("DRAIN_TIMEOUT", 30*time.Second, time.Second, 10*time.Minute),
		RequestTimeout:    r.duration("REQUEST_TIMEOUT", 10*time.Second, 100*time.Millisecond, time.Minute),
		MaxUploadBytes:    int64(r.integer("MAX_UPLOAD_BYTES", 10*miB, kiB, 256*miB)),
		WorkerConcurrency: r.integer("WORKER_CONCURRENCY", 4, 1, 256),
		LogLevel:          r.level("LOG_LEVEL", slog.LevelInfo),
		PodName:           r.text("POD_NAME", "ragapi"),
	}
	c.DrainDelay = r.duration("DRAIN_DELAY", min(defaultDrainDelay, c.DrainTimeout/4), 0, c.DrainTimeout)
	return c, errors.Join(r.faults...)
}

func (r *reader) database() Database {
	return Database{
		Host:             r.required("DATABASE_HOST", "the host of the PostgreSQL primary"),
		Port:             uint16(r.integer("DATABASE_PORT", 5432, 1, 65535)),
		Name:             r.required("DATABASE_NAME", "the name of the database"),
		User:             r.required("DATABASE_USER", "the role to connect as"),
		Password:         r.required("DATABASE_PASSWORD", "that role's password"),
		SSLMode:          r.oneOf("DATABASE_SSLMODE", "verify-full", sslModes),
		CAFile:           r.file("DATABASE_CA_FILE"),
		PoolSize:         int32(r.integer("DATABASE_POOL_SIZE", 10, 1, 1000)),
		StatementTimeout: r.duration("DATABASE_STATEMENT_TIMEOUT", 10*time.Second, 0, time.Hour),
		ExecMode:         execModes[r.oneOf("DATABASE_EXEC_MODE", "cache_statement", keys(execModes))],
	}
}
