package dbreport

import (
	"context"
	"fmt"
)

// Transaction is one that is open.
type Transaction struct {
	PID          int32   `json:"pid"`
	User         string  `json:"user"`
	Application  string  `json:"application"`
	State        string  `json:"state"`
	AgeSeconds   float64 `json:"ageSeconds"`
	StateSeconds float64 `json:"stateSeconds"` // in this state
	Query        string  `json:"query"`        // the last
}

// longTransactions hold back vacuum on every table, and their locks.
func (i *inspection) longTransactions(ctx context.Context) error {
	found, err := rows[Transaction](ctx, i, `
		SELECT pid, coalesce(usename::text, '') AS user, coalesce(application_name, '') AS application,
		       coalesce(state, '') AS state, coalesce(query, '') AS query,
		       extract(epoch FROM clock_timestamp() - xact_start)::float8 AS age_seconds,
		       extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_seconds
		FROM pg_stat_activity
		WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
		       AND xact_start IS NOT NULL
		ORDER BY xact_start`)
	if err != nil {
		return err
	}
	i.report.Transactions = found[:min(len(found), listed)]
	for _, s := range found {
		if s.AgeSeconds <= i.limits.LongTransactionSeconds {
			continue
		}
		f := Finding{
			Check: "long transaction", Severity: Warning,
			Subject:  fmt.Sprintf("pid %d of %s (%s)", s.PID, s.User, s.Application),
			Fact:     fmt.Sprintf("%s: %s", s.State, shorten(s.Query)),
			Evidence: []Figure{{"age", s.AgeSeconds, "s"}, {"in this state", s.StateSeconds, "s"}},
			Answer:   "end it, then see why it stays: vacuum frees nothing that is younger than it",
			SQL:      fmt.Sprintf("SELECT pg_terminate_backend(%d);", s.PID),
			Stack:    "ragscale:database.parameters.statement_timeout",
		}
		if s.State != "active" {
			f.Stack = "ragscale:database.parameters.idle_in_transaction_session_timeout"
		}
		if s.AgeSeconds > 10*i.limits.LongTransactionSeconds {
			f.Severity = Critical
		}
		i.add(f)
	}
	return nil
}

// bloat is judged by the dead rows that the server counts, not by reading the table.
func (i *inspection) bloat(ctx context.Context) error {
	found, err := rows[struct {
		Table             string
		Live, Dead, Bytes int64
		Percent           float64
		Vacuumed          *float64 // s ago; nil: never
	}](ctx, i, `
		SELECT relid::regclass::text AS table, n_live_tup AS live, n_dead_tup AS dead, pg_table_size(relid) AS bytes,
		       100.0 * n_dead_tup / (n_live_tup + n_dead_tup)::float8 AS percent,
		       extract(epoch FROM now() - greatest(last_vacuum, last_autovacuum))::float8 AS vacuumed
		FROM pg_stat_user_tables
		WHERE n_live_tup + n_dead_tup >= $1 AND n_dead_tup > $2 / 100 * (n_live_tup + n_dead_tup)
		ORDER BY n_dead_tup DESC`, max(1, i.limits.LeastRows), i.limits.DeadPercent)
	if err != nil {
		return err
	}
	for _, t := range found {
		f := Finding{
			Check: "bloat", Severity: Warning, Subject: t.Table,
			Fact: fmt.Sprintf("%s of its rows are dead, want at most %s; it was never vacuumed", amount(t.Percent, "%"),
				amount(i.limits.DeadPercent, "%")),
			Evidence: []Figure{{"dead", float64(t.Dead), "rows"}, {"live", float64(t.Live), "rows"},
				{"dead share", t.Percent, "%"}, {"size", float64(t.Bytes), "B"}},
			Answer: "vacuum it; where long transactions are no finding, let autovacuum come sooner",
			SQL:    "VACUUM (ANALYZE) " + t.Table + ";",
			Stack:  "ragscale:database.parameters.autovacuum_vacuum_scale_factor",
		}
		if t.Vacuumed != nil {
			f.Fact = fmt.Sprintf("%s of its rows are dead, want at most %s; it was vacuumed %s ago", amount(t.Percent, "%"),
				amount(i.limits.DeadPercent, "%"), amount(*t.Vacuumed, "s"))
			f.Evidence = append(f.Evidence, Figure{"since the last vacuum", *t.Vacuumed, "s"})
		}
		i.add(f)
	}
	return nil
}

// Cache is what shared_buffers answers. What it does not may still come from the kernel's cache.
type Cache struct {
	HitBlocks          int64   `json:"hitBlocks"`
	ReadBlocks         int64   `json:"readBlocks"`
	HitPercent         float64 `json:"hitPercent"` // 0 before the first block
	SharedBuffersBytes int64   `json:"sharedBuffersBytes"`
}

func (i *inspection) cacheHits(ctx context.Context) error {
	c := &i.report.Cache
	err := i.tx.QueryRow(ctx, `
		SELECT blks_read, blks_hit, (SELECT setting::int8 FROM pg_settings WHERE name = 'shared_buffers')
		       * current_setting('block_size')::int8
		FROM pg_stat_database WHERE datname = current_database()`).Scan(&c.ReadBlocks, &c.HitBlocks, &c.SharedBuffersBytes)
	blocks := c.ReadBlocks + c.HitBlocks
	if err != nil || blocks == 0 {
		return err
	}
	c.HitPercent = 100 * float64(c.HitBlocks) / float64(blocks)
	if blocks < i.limits.LeastBlocks || c.HitPercent >= i.limits.CacheHitPercent {
		return nil
	}
	i.add(Finding{
		Check: "cache hits", Severity: Warning, Subject: i.report.Server.Database,
		Fact: fmt.Sprintf("shared_buffers answers %s of block reads, want at least %s", amount(c.HitPercent, "%"),
			amount(i.limits.CacheHitPercent, "%")),
		Evidence: []Figure{{"hit", float64(c.HitBlocks), "blocks"}, {"read", float64(c.ReadBlocks), "blocks"},
			{"hits", c.HitPercent, "%"}, {"shared_buffers", float64(c.SharedBuffersBytes), "B"}},
		Answer: "see which tables are read; where the working set is larger than the memory, take a class with more " +
			"(shared_buffers follows)",
		SQL: "SELECT relid::regclass, heap_blks_read, idx_blks_read, heap_blks_hit, idx_blks_hit FROM " +
			"pg_statio_user_tables ORDER BY heap_blks_read + coalesce(idx_blks_read, 0) DESC LIMIT 10;",
		Stack: "ragscale:database.instanceClass",
	})
	return nil
}

// pendingRestart finds settings that are declared and not yet in effect.
func (i *inspection) pendingRestart(ctx context.Context) error {
	found, err := rows[struct{ Name, Value string }](ctx, i,
		`SELECT name, coalesce(setting, '') AS value FROM pg_settings WHERE pending_restart ORDER BY name`)
	if err != nil {
		return err
	}
	for _, s := range found {
		i.add(Finding{
			Check: "pending restart", Severity: Warning, Subject: s.Name,
			Fact:     fmt.Sprintf("still is %q: its new value waits for a restart", s.Value),
			Evidence: []Figure{},
			Answer:   "restart the instance, at best in its maintenance window: aws rds reboot-db-instance",
			Stack:    "ragscale:database.maintenanceWindow",
		})
	}
	return nil
}
