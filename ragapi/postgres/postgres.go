// Package postgres opens connection pools to the database.
//
// Owns: how connections are made, kept and waited for, which server is read, what a fault means, when a statement is sent
// again. Does not own: schema and queries.
package postgres

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/config"
)

const (
	connectTimeout     = 5 * time.Second
	healthCheckPeriod  = 30 * time.Second // also when idle connections past their lifetime are closed
	pingTimeout        = time.Second
	maxApplicationName = 63 // bytes; PostgreSQL cuts longer names (NAMEDATALEN - 1)
)

// Application is the name of connections that serve. It is the same for all pods: PgBouncer sets it anew, by a statement of its own,
// whenever a server connection goes to a client of another name.
const Application = "ragapi"

// Settings returns the pool settings for db; name is shown in pg_stat_activity. It connects nowhere.
func Settings(db config.Database, name string) (*pgxpool.Config, error) {
	settings, err := pgxpool.ParseConfig(address(db))
	if err != nil {
		return nil, fmt.Errorf("database settings: %w", err)
	}
	settings.MaxConns = db.PoolSize
	settings.HealthCheckPeriod = healthCheckPeriod
	settings.ShouldPing, settings.PingTimeout = doubtful, pingTimeout
	if db.Lifetime > 0 {
		settings.MaxConnLifetime, settings.MaxConnLifetimeJitter = db.Lifetime, db.Lifetime/6
		settings.HealthCheckPeriod = min(healthCheckPeriod, db.Lifetime/2)
	}
	conn := settings.ConnConfig
	conn.ConnectTimeout = connectTimeout
	conn.DefaultQueryExecMode = db.ExecMode
	if db.LongestWait > 0 {
		conn.Tracer = &gate{size: time.Duration(db.PoolSize), longest: db.LongestWait}
	}
	conn.RuntimeParams["application_name"] = name[:min(len(name), maxApplicationName)]
	if db.StatementTimeout != 0 {
		conn.RuntimeParams["statement_timeout"] = strconv.FormatInt(max(db.StatementTimeout, 0).Milliseconds(), 10)
	}
	return settings, nil
}

// Open returns a pool for db. It does not wait for the database: the first query does.
func Open(ctx context.Context, db config.Database, name string) (*pgxpool.Pool, error) {
	settings, err := Settings(db, name)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("database pool: %w", err)
	}
	return pool, nil
}

func address(db config.Database) string {
	query := url.Values{"sslmode": {db.SSLMode}}
	if db.CAFile != "" {
		query.Set("sslrootcert", db.CAFile)
	}
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(db.User, db.Password),
		Host:     net.JoinHostPort(db.Host, strconv.Itoa(int(db.Port))),
		Path:     "/" + db.Name,
		RawQuery: query.Encode(),
	}
	return u.String()
}
