package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/database"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/stacks"
)

const (
	databaseURLVariable = "DATABASE_URL"
	// queryLogDays is what the API keeps of its query log where nothing else is said.
	queryLogDays = 30
)

func dbCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "db", Short: "The database of a stack"}
	root.AddCommand(dbReportCommand(c))
	return root
}

// dbReportCommand prints what is to be tuned; its JSON is database.Report.
func dbReportCommand(c console) *cobra.Command {
	var asJSON bool
	var given string
	cmd := stackCommand("report", "Inspect the database: statements, indexes, bloat, replication, upkeep (exit code 3 when something is to be done)",
		func(ctx context.Context, p project, stack string) error {
			cfg, err := p.config(stack)
			if err != nil {
				return err
			}
			url, err := p.databaseURL(ctx, stack, given)
			if err != nil {
				return err
			}
			return reportDatabase(ctx, c, url, databaseLimits(cfg), asJSON)
		})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().StringVar(&given, "url", "", "the primary, as postgres://user:password@host/database, not through PgBouncer (default: stack local's own; of another stack, "+databaseURLVariable+")")
	return cmd
}

// databaseURL is where the stack's primary answers.
func (p project) databaseURL(ctx context.Context, stack, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if stack != localStack {
		url := os.Getenv(databaseURLVariable)
		if url == "" {
			return "", fmt.Errorf("stack %s: the database's URL is not known, want --url or %s", stack, databaseURLVariable)
		}
		return url, nil
	}
	st, err := control.NewClient(p.layout.Socket()).Status(ctx)
	if err != nil {
		return "", err
	}
	for _, d := range st.Databases {
		if d.HostURL != "" {
			return d.HostURL, nil
		}
	}
	return "", errors.New("stack local: no database runs, want one: ragscale up")
}

// databaseLimits are those that follow from the stack's objectives; the rest are the inspection's own.
func databaseLimits(cfg *stacks.Config) database.Limits {
	l := database.DefaultLimits()
	l.SlowStatementMillis = float64(cfg.SlowStatementMillis())
	l.LongTransactionSeconds = float64(2*cfg.StatementTimeoutMillis()) / 1000 // as idle_in_transaction_session_timeout
	l.ReplicaLagSeconds = cfg.Thresholds().Database.ReplicaLagSeconds.Value
	l.Replicas = cfg.Database.Replicas
	l.DailyTables = []database.DailyTable{{Name: "query_log", RetentionDays: queryLogDays}}
	return l
}

func reportDatabase(ctx context.Context, c console, url string, limits database.Limits, asJSON bool) (err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { err = cmp.Or(err, conn.Close(context.WithoutCancel(ctx))) }()
	report, err := database.Inspect(ctx, conn, limits)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if asJSON {
		enc := json.NewEncoder(c.out)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = report.Text(c.out)
	}
	if err == nil && report.Unhealthy() {
		return errUnhealthy
	}
	return err
}
