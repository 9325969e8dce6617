// Package dbreport inspects a PostgreSQL server and says what to change.
//
// Owns: what is looked at, from when on it is a finding, the answer to each, the report as text, JSON and a page. Does
// not own: the connection, the limits that follow from a stack's objectives, how often it is done. An inspection
// changes nothing: it is one transaction, rolled back, so that even an extension it needs and creates is gone
// afterwards.
package dbreport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Severity of a finding. The worse comes first in a report.
type Severity string

// Info is to be known, Warning to be answered, Critical to be answered now.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

var worstFirst = []Severity{Critical, Warning, Info}

// Report is what an inspection found: what wants an answer, then what the database looks like.
type Report struct {
	Server       Server             `json:"server"`
	Findings     []Finding          `json:"findings"` // the worst first
	Slowest      []Statement        `json:"slowest"`  // by mean time; empty without pg_stat_statements
	Frequent     []Statement        `json:"frequent"` // by calls; likewise
	Indexes      []Index            `json:"indexes"`  // the largest
	Tables       []Table            `json:"tables"`   // the largest
	Cache        Cache              `json:"cache"`
	Transactions []Transaction      `json:"transactions"` // the oldest of those that are open
	Replicas     []Replica          `json:"replicas"`
	Partitions   []PartitionedTable `json:"partitions"`
}

// Server is what was inspected.
type Server struct {
	Database string    `json:"database"`
	Version  string    `json:"version"`  // "17.12"
	At       time.Time `json:"at"`       // when, by the server's clock, UTC
	Replicas int       `json:"replicas"` // that stream from it now
	// at least: since they were reset, else since the server started
	StatisticsAgeSeconds float64 `json:"statisticsAgeSeconds"`
}

// Finding is one fact that wants an answer.
type Finding struct {
	Check    string   `json:"check"` // "unused index"
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"` // the table, index, statement, session or setting
	Fact     string   `json:"fact"`
	Evidence []Figure `json:"evidence"`
	Answer   string   `json:"answer"`
	SQL      string   `json:"sql,omitempty"`   // that answers it, or shows the way; to be run by hand
	Stack    string   `json:"stack,omitempty"` // key of Pulumi.<stack>.yaml that answers it
}

// Figure is a measured number.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"` // "B", "s", "ms", "%", or what is counted
}

// Count is how many findings have a severity.
func (r Report) Count(s Severity) int {
	return len(slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Severity != s }))
}

// Unhealthy reports whether a finding is a warning or worse.
func (r Report) Unhealthy() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity != Info })
}

// inspection is a report in the making.
type inspection struct {
	tx         pgx.Tx
	limits     Limits
	report     Report
	major      int
	seesAll    bool   // what others do, not only the role itself
	statements string // the view pg_stat_statements, with its schema; "" when it does not answer
}

func (i *inspection) add(f Finding) { i.report.Findings = append(i.report.Findings, f) }

// Inspect looks at the database that conn is on, which must be no transaction pooler's. With a role that is no member
// of pg_monitor it sees less.
func Inspect(ctx context.Context, conn *pgx.Conn, limits Limits) (Report, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return Report{}, err
	}
	i := &inspection{tx: tx, limits: limits, report: Report{
		Findings: []Finding{}, Slowest: []Statement{}, Frequent: []Statement{}, Indexes: []Index{}, Tables: []Table{},
		Transactions: []Transaction{}, Replicas: []Replica{}, Partitions: []PartitionedTable{},
	}}
	err = errors.Join(i.run(ctx), tx.Rollback(ctx))
	rank := func(f Finding) int { return slices.Index(worstFirst, f.Severity) }
	slices.SortStableFunc(i.report.Findings, func(a, b Finding) int { return rank(a) - rank(b) })
	return i.report, err
}

func (i *inspection) run(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"server", i.server},
		{"rights", i.rights},
		{"sizes", i.largest},
		{"statements", i.slowAndFrequent},
		{"replication", i.replication},
		{"transactions", i.longTransactions},
		{"bloat", i.bloat},
		{"missing indexes", i.missingIndexes},
		{"unused indexes", i.unusedIndexes},
		{"duplicate indexes", i.duplicateIndexes},
		{"invalid indexes", i.invalidIndexes},
		{"cache", i.cacheHits},
		{"partitions", i.partitions},
		{"settings", i.pendingRestart},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// server reads what the other steps build on. It bounds what an inspection may cost those who use the database.
func (i *inspection) server(ctx context.Context) error {
	if _, err := i.tx.Exec(ctx,
		`SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '2s'; SET LOCAL timezone = 'UTC'`); err != nil {
		return err
	}
	s := &i.report.Server
	err := i.tx.QueryRow(ctx, `
		SELECT current_database(), split_part(current_setting('server_version'), ' ', 1), now(),
		       current_setting('server_version_num')::int / 10000,
		       pg_has_role('pg_read_all_stats', 'USAGE'),
		       (SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'),
		       extract(epoch FROM now() - coalesce(stats_reset, pg_postmaster_start_time()))::float8
		FROM pg_stat_database WHERE datname = current_database()`).
		Scan(&s.Database, &s.Version, &s.At, &i.major, &i.seesAll, &s.Replicas, &s.StatisticsAgeSeconds)
	s.At = s.At.UTC()
	return err
}

// rows reads all rows of a query; a column goes to the field of its name.
func rows[T any](ctx context.Context, i *inspection, sql string, args ...any) ([]T, error) {
	found, err := i.tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByName[T])
}

// extension returns the schema of an extension, which it creates for the time of the inspection where that is
// permitted; "" where it is not to be had.
func (i *inspection) extension(ctx context.Context, name string) (schema string, err error) {
	const installed = `SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = $1`
	err = i.tx.QueryRow(ctx, installed, name).Scan(&schema)
	if !errors.Is(err, pgx.ErrNoRows) {
		return schema, err
	}
	created, err := i.attempt(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `CREATE EXTENSION `+pgx.Identifier{name}.Sanitize())
		return err
	})
	if err != nil || !created {
		return "", err
	}
	err = i.tx.QueryRow(ctx, installed, name).Scan(&schema)
	return schema, err
}

// attempt runs what the server may refuse without ending the inspection, and tells whether it did it.
func (i *inspection) attempt(ctx context.Context, do func(tx pgx.Tx) error) (done bool, err error) {
	err = pgx.BeginFunc(ctx, i.tx, do)
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return false, nil
	}
	return err == nil, err
}
