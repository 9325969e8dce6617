// Package config reads the environment of the RAG API into typed values.
//
// Owns: the names, defaults and limits of the environment variables, and the report of every fault among them.
// Does not own: what the values do.
package config

import (
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/perf/dbreport"
	"github.com/ragscale/ragscale/ragapi/auth"
)

// Config is what one process of the RAG API runs with.
type Config struct {
	HTTPAddr  string    // where the API answers, host:port; the host may be empty
	AdminAddr string    // where metrics, probes and profiles answer
	Database  Database  // what requests use: PgBouncer, or PostgreSQL itself
	Read      *Database // the replicas; nil where there are none, and Database is read
	Direct    Database  // the primary without PgBouncer, for what needs a session of its own: migrations, the worker's queue

	Auth      *auth.Settings // whose tokens are good; nil where nobody is asked for one
	RateLimit RateLimit

	Cache             Cache
	VectorURL         string // Chroma; empty for full-text search alone
	Embedding         Embedding
	SessionTTL        time.Duration
	QueryLogRetention time.Duration   // how long the query log is kept
	Report            dbreport.Limits // from when on `report` finds fault

	DrainTimeout   time.Duration // from SIGTERM until requests and jobs still in flight are cut off
	DrainDelay     time.Duration // of it, how long new requests are served on, so that balancers notice
	RequestTimeout time.Duration // one request, database included
	MaxUploadBytes int64         // one request body
	UploadMemory   int64         // bytes that the bodies of all requests in flight may take
	AnswerMemory   int64         // bytes that their answers may take
	MaxRequests    int           // at work at once, before they are shed

	ConnectionMemory int64 // bytes that connections may take while they wait for requests

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
	LongestWait      time.Duration // for one of them, then who waits is sent away; 0 is without end
	Lifetime         time.Duration // a connection is replaced after it; 0 leaves that to the driver
	StatementTimeout time.Duration // set on every connection; 0 sets nothing (PgBouncer refuses it as a startup parameter), NoTimeout lifts the role's
	ExecMode         pgx.QueryExecMode
}

// NoTimeout as a StatementTimeout lets statements take as long as they take, whatever the role's default is.
const NoTimeout time.Duration = -1

// Embedding is what turns texts into vectors. Without a URL it is the built-in one.
type Embedding struct {
	URL        string
	Key        string
	Model      string
	Dimensions int
}

// Cache is where Redis is. Without an Addr there is no cache.
type Cache struct {
	Addr     string // host:port
	Username string // empty for the default user
	Password string
	CAFile   string // PEM; empty for the system's certificates
	TLS      bool
}

// defaultDrainDelay is some readiness probes long, at most.
const defaultDrainDelay = 5 * time.Second

const (
	kiB = 1 << 10
	miB = 1 << 20
	day = 24 * time.Hour
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
		Auth:              r.auth(),
		RateLimit:         r.rateLimit(),
		Cache:             r.cache(),
		VectorURL:         r.url("VECTOR_URL"),
		Embedding:         r.embedding(),
		SessionTTL:        r.duration("SESSION_TTL", 24*time.Hour, time.Minute, 90*day),
		QueryLogRetention: r.duration("QUERY_LOG_RETENTION", 30*day, day, 3650*day),
		Report:            r.reportLimits(),
		DrainTimeout:      r.duration("DRAIN_TIMEOUT", 30*time.Second, time.Second, 10*time.Minute),
		RequestTimeout:    r.duration("REQUEST_TIMEOUT", 10*time.Second, 100*time.Millisecond, time.Minute),
		MaxUploadBytes:    int64(r.integer("MAX_UPLOAD_BYTES", 10*miB, kiB, 256*miB)),
		MaxRequests:       r.integer("MAX_REQUESTS", 1000, 10, 100_000),
		WorkerConcurrency: r.integer("WORKER_CONCURRENCY", 4, 1, 256),
		LogLevel:          r.level("LOG_LEVEL", slog.LevelInfo),
		PodName:           r.text("POD_NAME", "ragapi"),
	}
	memory := runtimeMemory()
	c.UploadMemory = r.uploadMemory(memory, c.MaxUploadBytes)
	c.AnswerMemory, c.ConnectionMemory = memory/8, memory/8
	c.Direct = r.direct(c.Database)
	c.Read = r.read(c.Database)
	c.DrainDelay = r.duration("DRAIN_DELAY", min(defaultDrainDelay, c.DrainTimeout/4), 0, c.DrainTimeout)
	return c, errors.Join(r.faults...)
}

const (
	// uploadFactor times the largest upload is the least memory that takes one, beside small bodies.
	uploadFactor = 5
	// looseMemory is for processes whose memory has no limit.
	looseMemory = 1024 * miB
)

// runtimeMemory is what the runtime may take (GOMEMLIMIT).
func runtimeMemory() int64 {
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		return limit
	}
	return looseMemory
}

// uploadMemory is half of what the runtime may take. Answers and connections have an eighth each: the rest is for all else, and
// for what is not collected yet.
func (r *reader) uploadMemory(memory, largest int64) int64 {
	least := uploadFactor * largest
	return int64(r.integer("UPLOAD_MEMORY_BYTES", int(max(memory/2, least)), int(least), math.MaxInt))
}

const (
	// After a failover or a change of size the load spreads again within this time.
	lifetime = 30 * time.Minute
	// pooledLifetime is short enough for connections to leave a PgBouncer that drains, a minute long, before it ends, and to
	// find those that were added. A login there takes 4 ms of a core (PgBouncer 1.24.1, measured 2026-11-24).
	pooledLifetime = 30 * time.Second
)

func (r *reader) database() Database {
	// PgBouncer in transaction mode shares its connections to the server, and refuses the timeout as a startup parameter.
	timeout, most, life := 10*time.Second, time.Hour, lifetime
	if r.text("DATABASE_DIRECT_HOST", "") != "" {
		timeout, most, life = 0, 0, pooledLifetime
	}
	return Database{
		Host:             r.required("DATABASE_HOST", "the host of the PostgreSQL primary"),
		Port:             uint16(r.integer("DATABASE_PORT", 5432, 1, 65535)),
		Name:             r.required("DATABASE_NAME", "the name of the database"),
		User:             r.required("DATABASE_USER", "the role to connect as"),
		Password:         r.required("DATABASE_PASSWORD", "that role's password"),
		SSLMode:          r.oneOf("DATABASE_SSLMODE", "verify-full", sslModes),
		CAFile:           r.file("DATABASE_CA_FILE"),
		PoolSize:         int32(r.integer("DATABASE_POOL_SIZE", 10, 1, 1000)),
		Lifetime:         life,
		StatementTimeout: r.duration("DATABASE_STATEMENT_TIMEOUT", timeout, 0, most),
		ExecMode:         execModes[r.oneOf("DATABASE_EXEC_MODE", "cache_statement", keys(execModes))],
	}
}

// direct leads past PgBouncer, where db leads to it.
func (r *reader) direct(db Database) Database {
	db.Host, db.Lifetime = r.text("DATABASE_DIRECT_HOST", db.Host), lifetime
	db.Port = uint16(r.integer("DATABASE_DIRECT_PORT", int(db.Port), 1, 65535))
	db.Name = r.text("DATABASE_DIRECT_NAME", db.Name)
	db.SSLMode = r.oneOf("DATABASE_DIRECT_SSLMODE", db.SSLMode, sslModes)
	return db
}

// read differs from db in its host (replicas of their own), its name (PgBouncer's read-only database), or both.
func (r *reader) read(db Database) *Database {
	host, name := r.text("DATABASE_READ_HOST", ""), r.text("DATABASE_READ_NAME", "")
	port, size := r.integer("DATABASE_READ_PORT", int(db.Port), 1, 65535), r.integer("DATABASE_READ_POOL_SIZE", int(db.PoolSize), 1, 1000)
	if host == "" && name == "" {
		return nil
	}
	if host != "" {
		db.Host = host
	}
	if name != "" {
		db.Name = name
	}
	db.Port, db.PoolSize = uint16(port), int32(size)
	return &db
}

func (r *reader) cache() Cache {
	return Cache{
		Addr:     r.optionalAddress("CACHE_ADDR"),
		Username: r.text("CACHE_USERNAME", ""),
		Password: r.text("CACHE_PASSWORD", ""),
		CAFile:   r.file("CACHE_CA_FILE"),
		TLS:      r.oneOf("CACHE_TLS", "on", []string{"on", "off"}) == "on",
	}
}

func (r *reader) embedding() Embedding {
	e := Embedding{URL: r.url("EMBEDDING_URL")}
	if e.URL == "" {
		return e
	}
	e.Key = r.text("EMBEDDING_API_KEY", "")
	e.Model = r.required("EMBEDDING_MODEL", "the name of the model at EMBEDDING_URL")
	e.Dimensions = r.integer("EMBEDDING_DIMENSIONS", 384, 1, 8192)
	return e
}
