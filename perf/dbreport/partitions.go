package dbreport

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// PartitionedTable is one with a partition for each day.
type PartitionedTable struct {
	Name       string     `json:"name"`
	Partitions int        `json:"partitions"`
	Oldest     *time.Time `json:"oldest,omitempty"` // the days of the first and the last partition; nil: there is none
	Newest     *time.Time `json:"newest,omitempty"`
	Bytes      int64      `json:"bytes"` // indexes included
}

// partition of a table by day. The default one has no bounds.
type partition struct {
	Name       string
	Begin, End *time.Time
	Bytes      int64
}

// partitions looks whether upkeep makes the days that come and drops those that have gone.
func (i *inspection) partitions(ctx context.Context) error {
	for _, t := range i.limits.DailyTables {
		var there bool
		if err := i.tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, t.Name).Scan(&there); err != nil {
			return err
		}
		if !there {
			continue
		}
		if err := i.daily(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

func (i *inspection) daily(ctx context.Context, t DailyTable) error {
	found, err := rows[partition](ctx, i, `
		SELECT inhrelid::regclass::text AS name,
		       substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([^'']+)''\)')::timestamptz AS begin,
		       substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS end,
		       pg_total_relation_size(inhrelid) AS bytes
		FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
		WHERE inhparent = to_regclass($1) ORDER BY 1`, t.Name)
	if err != nil {
		return err
	}
	var now time.Time
	if err := i.tx.QueryRow(ctx, `SELECT now()`).Scan(&now); err != nil {
		return err
	}
	i.report.Partitions = append(i.report.Partitions, t.summary(found))
	today := now.UTC().Truncate(24 * time.Hour)
	i.daysAhead(t, found, today)
	i.daysGone(t, found, today)
	for _, p := range found {
		if p.Begin == nil && p.End == nil {
			return i.waiting(ctx, t, p)
		}
	}
	return nil
}

func (t DailyTable) summary(found []partition) PartitionedTable {
	s := PartitionedTable{Name: t.Name, Partitions: len(found)}
	for _, p := range found {
		s.Bytes += p.Bytes
		if p.Begin == nil {
			continue
		}
		if s.Oldest == nil || p.Begin.Before(*s.Oldest) {
			s.Oldest = p.Begin
		}
		if s.Newest == nil || p.Begin.After(*s.Newest) {
			s.Newest = p.Begin
		}
	}
	return s
}

const upkeepAnswer = "see why upkeep does not run: kubectl get cronjob,job -A | grep upkeep"

func (i *inspection) daysAhead(t DailyTable, found []partition, today time.Time) {
	for n, day := range []time.Time{today, today.AddDate(0, 0, 1)} {
		covered := false
		for _, p := range found {
			covered = covered || p.Begin != nil && p.End != nil && !day.Before(*p.Begin) && day.Before(*p.End)
		}
		if covered {
			continue
		}
		next := day.AddDate(0, 0, 1)
		f := Finding{
			Check: "partition upkeep", Severity: Warning, Subject: t.Name,
			Fact: "the partition of " + day.Format(time.DateOnly) + " is missing",
			Evidence: []Figure{{"partitions", float64(len(found)), "partitions"},
				{"until that day", day.Sub(today).Hours(), "h"}},
			Answer: upkeepAnswer,
			SQL: fmt.Sprintf("CREATE TABLE %s PARTITION OF %s FOR VALUES FROM ('%s 00:00:00+00') TO ('%s 00:00:00+00');",
				pgx.Identifier{t.Name + "_" + day.Format("20060102")}.Sanitize(), t.Name, day.Format(time.DateOnly),
				next.Format(time.DateOnly)),
		}
		if n == 0 {
			f.Severity = Critical
		}
		i.add(f)
	}
}

func (i *inspection) daysGone(t DailyTable, found []partition, today time.Time) {
	oldest := today.AddDate(0, 0, -t.RetentionDays)
	var names []string
	first := today
	for _, p := range found {
		// Upkeep runs once a day: what has just passed the retention may wait for it.
		if p.End != nil && p.End.Before(oldest) {
			names = append(names, p.Name)
			if p.End.Before(first) {
				first = *p.End
			}
		}
	}
	if len(names) == 0 {
		return
	}
	i.add(Finding{
		Check: "partition upkeep", Severity: Warning, Subject: t.Name,
		Fact: fmt.Sprintf("%d partitions are older than %d days", len(names), t.RetentionDays),
		Evidence: []Figure{
			{"too old", float64(len(names)), "partitions"}, {"age of the oldest", today.Sub(first).Hours() / 24, "days"},
			{"retention", float64(t.RetentionDays), "days"},
		},
		Answer: upkeepAnswer,
		SQL:    "DROP TABLE " + strings.Join(names, ", ") + ";",
	})
}

// waiting counts what came for a day that had no partition. Upkeep moves it when it makes the day.
func (i *inspection) waiting(ctx context.Context, t DailyTable, p partition) error {
	var n int64
	if err := i.tx.QueryRow(ctx,
		`SELECT count(*) FROM (SELECT FROM `+p.Name+` LIMIT 1000000) AS waiting`).Scan(&n); err != nil || n == 0 {
		return err
	}
	i.add(Finding{
		Check: "partition upkeep", Severity: Warning, Subject: p.Name,
		Fact:     "rows of " + t.Name + " wait here for their day's partition",
		Evidence: []Figure{{"waiting", float64(n), "rows"}},
		Answer:   upkeepAnswer + "; it moves them",
	})
	return nil
}
