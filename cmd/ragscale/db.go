package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/dbreport"
	"github.com/ragscale/ragscale/sandbox/atomicfile"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/stacks"
)

const (
	databaseURLVariable = "DATABASE_URL"
	// queryLogTable is the API's, with a partition for each day.
	queryLogTable = "query_log"
)

func dbCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "db", Short: "The database of a stack"}
	root.AddCommand(dbReportCommand(c))
	return root
}

// reportFormats are the ways to write a report.
var reportFormats = map[string]func(dbreport.Report, io.Writer) error{
	"text": dbreport.Report.Text,
	"json": func(r dbreport.Report, w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	},
	"html": dbreport.Report.HTML,
}

// dbReportCommand writes what is to be tuned; its JSON is dbreport.Report.
func dbReportCommand(c console) *cobra.Command {
	var given, format, file string
	cmd := stackCommand("report", "Inspect the database: statements, indexes, bloat, replication, upkeep (exit code 3 "+
		"when something is to be done)",
		func(ctx context.Context, p project, stack string) error {
			write := reportFormats[format]
			if write == nil {
				return fmt.Errorf("--format is %q, want text, json or html", format)
			}
			cfg, err := p.config(stack)
			if err != nil {
				return err
			}
			url, err := p.databaseURL(ctx, stack, given)
			if err != nil {
				return err
			}
			report, err := inspectDatabase(ctx, url, databaseLimits(cfg))
			if err != nil {
				return err
			}
			return c.showReport(report, write, file)
		})
	cmd.Flags().StringVar(&format, "format", "text", "text, json, or html: one page that needs nothing else")
	cmd.Flags().StringVarP(&file, "out", "o", "",
		"a file to write it to, whole or not at all (default: the standard output)")
	cmd.Flags().StringVar(&given, "url", "", "the primary, as postgres://user:password@host/database, not through "+
		"PgBouncer (default: stack local's own; of another stack, "+databaseURLVariable+")")
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

// databaseLimits are those that follow from the stack; the rest are the inspection's own.
func databaseLimits(cfg *stacks.Config) dbreport.Limits {
	l, said := dbreport.DefaultLimits(), cfg.DatabaseLimits()
	l.SlowStatementMillis = float64(said.SlowStatementMillis)
	l.LongTransactionSeconds = float64(said.LongTransactionMillis) / 1000
	l.ReplicaLagSeconds = float64(said.ReplicaLagMillis) / 1000
	l.Replicas = said.Replicas
	l.DailyTables = []dbreport.DailyTable{{Name: queryLogTable, RetentionDays: cfg.API.QueryLogDays}}
	return l
}

func inspectDatabase(ctx context.Context, url string, limits dbreport.Limits) (report dbreport.Report, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return report, fmt.Errorf("database: %w", err)
	}
	defer func() { err = cmp.Or(err, conn.Close(context.WithoutCancel(ctx))) }()
	if report, err = dbreport.Inspect(ctx, conn, limits); err != nil {
		return report, fmt.Errorf("database: %w", err)
	}
	return report, nil
}

// showReport writes a report to a file, or to the output without one. Its error tells what the report says too.
func (c console) showReport(report dbreport.Report, write func(dbreport.Report, io.Writer) error, file string) error {
	var text bytes.Buffer
	if err := write(report, &text); err != nil {
		return err
	}
	if err := c.deliver(text.Bytes(), file); err != nil {
		return err
	}
	if report.Unhealthy() {
		return errUnhealthy
	}
	return nil
}

// deliver puts a result into a file, or on the output without one.
func (c console) deliver(content []byte, file string) error {
	if file == "" {
		_, err := c.out.Write(content)
		return err
	}
	if err := atomicfile.Write(file, content, 0o644); err != nil {
		return err
	}
	c.note("written to %s", file)
	return nil
}
