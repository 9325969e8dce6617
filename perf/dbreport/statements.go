package dbreport

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	statementsListed = 5
	statementLetters = 160 // of a statement where it is a subject
)

// Statement is what pg_stat_statements knows of one.
type Statement struct {
	ID           string  `json:"id"` // queryid
	Query        string  `json:"query"`
	Calls        int64   `json:"calls"`
	MeanMillis   float64 `json:"meanMillis"`
	SharePercent float64 `json:"sharePercent"` // of the time of all statements
	RowsPerCall  float64 `json:"rowsPerCall"`
	ReadBytes    float64 `json:"readBytes"` // per call, from beyond shared_buffers
	TempBytes    float64 `json:"tempBytes"` // per call, spilt by sorts and hashes
}

// statementsQuery leaves out those who watch the server, and what only frames statements.
const statementsQuery = `
	SELECT queryid::text AS id, min(query) AS query, sum(calls)::int8 AS calls,
	       sum(total_exec_time) / sum(calls) AS mean_millis,
	       coalesce(100 * sum(total_exec_time) / nullif(sum(sum(total_exec_time)) OVER (), 0), 0) AS share_percent,
	       (sum(rows) / sum(calls))::float8 AS rows_per_call,
	       (sum(shared_blks_read) / sum(calls))::float8 * current_setting('block_size')::int AS read_bytes,
	       (sum(temp_blks_written) / sum(calls))::float8 * current_setting('block_size')::int AS temp_bytes
	FROM %s
	WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND calls > 0
	  AND query !~* '\m(pg_stat\w*|pg_catalog|pg_class|pg_index|pg_settings|pg_extension|pg_replication_slots|hypopg\w*)\M'
	  AND query !~* '^\s*(begin|start|commit|rollback|savepoint|release|set|create extension)\M'
	GROUP BY queryid HAVING sum(calls) >= $1 ORDER BY %s DESC LIMIT $2`

func (i *inspection) slowAndFrequent(ctx context.Context) error {
	if err := i.openStatements(ctx); err != nil || i.statements == "" {
		return err
	}
	var err error
	if i.report.Slowest, err = i.topStatements(ctx, i.limits.LeastCalls, "mean_millis"); err != nil {
		return err
	}
	if i.report.Frequent, err = i.topStatements(ctx, 1, "calls"); err != nil {
		return err
	}
	for _, s := range i.report.Slowest {
		if s.MeanMillis > i.limits.SlowStatementMillis {
			i.add(i.slow(s))
		}
	}
	return nil
}

func (i *inspection) topStatements(ctx context.Context, leastCalls int64, order string) ([]Statement, error) {
	return rows[Statement](ctx, i, fmt.Sprintf(statementsQuery, i.statements, order), leastCalls, statementsListed)
}

// openStatements finds the view. Its library has to be loaded when the server starts, or it answers with an error.
func (i *inspection) openStatements(ctx context.Context) error {
	schema, err := i.extension(ctx, "pg_stat_statements")
	if err != nil {
		return err
	}
	answers := false
	if schema != "" {
		answers, err = i.attempt(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `SELECT FROM `+schema+`.pg_stat_statements LIMIT 1`)
			return err
		})
	}
	if answers {
		i.statements = schema + ".pg_stat_statements"
		return err
	}
	i.add(Finding{
		Check: "statements", Severity: Info, Subject: "pg_stat_statements",
		Fact:     "the extension does not answer: slow and frequent statements are not known",
		Evidence: []Figure{},
		Answer:   "load its library at the next restart, and create it with a role that may",
		SQL:      "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;",
		Stack:    "ragscale:database.parameters.shared_preload_libraries",
	})
	return err
}

func (i *inspection) slow(s Statement) Finding {
	f := Finding{
		Check: "slow statement", Severity: Warning, Subject: shorten(s.Query),
		Fact: fmt.Sprintf("takes %s on average, want at most %s", amount(s.MeanMillis, "ms"),
			amount(i.limits.SlowStatementMillis, "ms")),
		Evidence: []Figure{
			{"calls", float64(s.Calls), "calls"}, {"mean", s.MeanMillis, "ms"}, {"share of all time", s.SharePercent, "%"},
			{"per call", s.RowsPerCall, "rows"}, {"read per call", s.ReadBytes, "B"}, {"spilt per call", s.TempBytes, "B"},
		},
		Answer: "read its plan; where it scans what it does not return, an index answers",
		SQL:    "EXPLAIN (GENERIC_PLAN) " + strings.TrimSuffix(strings.TrimSpace(s.Query), ";") + ";",
	}
	switch {
	case s.TempBytes > 0:
		f.Answer, f.Stack = "its sorts and hashes do not fit work_mem: raise that, or read less",
			"ragscale:database.parameters.work_mem"
	case i.major < 16: // GENERIC_PLAN came with 16
		f.SQL = ""
	}
	return f
}

var spaces = regexp.MustCompile(`\s+`)

// shorten puts a statement on one line of bounded length.
func shorten(query string) string {
	line := []rune(strings.TrimSpace(spaces.ReplaceAllString(query, " ")))
	if len(line) <= statementLetters {
		return string(line)
	}
	return string(line[:statementLetters]) + "…"
}
