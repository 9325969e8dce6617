package querylog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// daysAhead of partitions are made, so that upkeep may fail once.
	daysAhead       = 2
	partitionPrefix = "query_log_"
	dayLayout       = "20060102"
	// upkeepKey is the key of the advisory lock around a change of partitions; any constant that nothing else uses.
	upkeepKey = 0x72616761_7570 // "ragaup"
	// lockTimeout bounds how long the writers of the log wait behind upkeep, which waits for a reader.
	lockTimeout = "5s"
)

// Changes is what upkeep did.
type Changes struct {
	Created []string // partitions
	Dropped []string
	Moved   int64 // rows that had waited in the default partition for their day
}

// MakeDays makes the partitions of today and of the next days, and gives them the rows that had no day so far. It may be
// repeated and run several times at once. The pool must lead to the primary.
func MakeDays(ctx context.Context, pool *pgxpool.Pool, now time.Time) (Changes, error) {
	var days []time.Time
	for i := range daysAhead + 1 {
		days = append(days, now.UTC().Truncate(24*time.Hour).AddDate(0, 0, i))
	}
	var done Changes
	err := makeDays(ctx, pool, days, &done)
	return done, err
}

// Upkeep makes the days as MakeDays does, and those that rows wait for, and drops what is older than retention at now. It
// may be repeated and run several times at once. The pool must lead to the primary.
func Upkeep(ctx context.Context, pool *pgxpool.Pool, now time.Time, retention time.Duration) (Changes, error) {
	oldest := now.UTC().Add(-retention).Truncate(24 * time.Hour)
	done, err := MakeDays(ctx, pool, now)
	if err != nil {
		return done, err
	}
	missed, err := missedDays(ctx, pool, oldest, now)
	if err != nil {
		return done, err
	}
	if err := makeDays(ctx, pool, missed, &done); err != nil {
		return done, err
	}
	if err := dropBefore(ctx, pool, oldest, &done); err != nil {
		return done, fmt.Errorf("partitions before %s: %w", oldest.Format(time.DateOnly), err)
	}
	return done, nil
}

func makeDays(ctx context.Context, pool *pgxpool.Pool, days []time.Time, done *Changes) error {
	for _, day := range days {
		if err := create(ctx, pool, day, done); err != nil {
			return fmt.Errorf("partition of %s: %w", day.Format(time.DateOnly), err)
		}
	}
	return nil
}

// missedDays are those from oldest to now that rows of the default partition wait for.
func missedDays(ctx context.Context, pool *pgxpool.Pool, oldest, now time.Time) ([]time.Time, error) {
	rows, err := pool.Query(ctx, `SELECT DISTINCT date_trunc('day', at AT TIME ZONE 'UTC') FROM query_log_default WHERE at >= $1 AND at < $2`, oldest, now)
	if err != nil {
		return nil, fmt.Errorf("rows without a partition: %w", err)
	}
	days, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return nil, fmt.Errorf("rows without a partition: %w", err)
	}
	return days, nil
}

// locked runs change in a transaction that no other upkeep's overlaps.
func locked(ctx context.Context, pool *pgxpool.Pool, change func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(upkeepKey)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '`+lockTimeout+`'`); err != nil {
			return err
		}
		return change(tx)
	})
}

// create makes one day's partition and moves the rows that wait for it. The default partition is locked meanwhile, for
// rows of that day must not go there any more.
func create(ctx context.Context, pool *pgxpool.Pool, day time.Time, done *Changes) error {
	name := partitionPrefix + day.Format(dayLayout)
	table := pgx.Identifier{name}.Sanitize()
	from, to := day.Format(time.DateOnly)+" 00:00:00+00", day.AddDate(0, 0, 1).Format(time.DateOnly)+" 00:00:00+00"
	return locked(ctx, pool, func(tx pgx.Tx) error {
		var exists bool
		if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&exists); err != nil || exists {
			return err
		}
		if _, err := tx.Exec(ctx, `LOCK TABLE query_log_default IN ACCESS EXCLUSIVE MODE`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `CREATE TABLE `+table+` (LIKE query_log INCLUDING ALL)`); err != nil {
			return err
		}
		moved, err := tx.Exec(ctx, `WITH moved AS (DELETE FROM query_log_default WHERE at >= $1::timestamptz AND at < $2::timestamptz RETURNING *) INSERT INTO `+table+` SELECT * FROM moved`, from, to)
		if err != nil {
			return err
		}
		// Bounds cannot be parameters; these are dates of our own.
		if _, err := tx.Exec(ctx, `ALTER TABLE query_log ATTACH PARTITION `+table+` FOR VALUES FROM ('`+from+`') TO ('`+to+`')`); err != nil {
			return err
		}
		done.Created = append(done.Created, name)
		done.Moved += moved.RowsAffected()
		return nil
	})
}

// dropBefore drops the partitions of the days before oldest, and deletes what else is as old.
func dropBefore(ctx context.Context, pool *pgxpool.Pool, oldest time.Time, done *Changes) error {
	names, err := partitions(ctx, pool)
	if err != nil {
		return err
	}
	for _, name := range names {
		day, err := time.Parse(dayLayout, strings.TrimPrefix(name, partitionPrefix))
		if err != nil || !day.Before(oldest) { // the default partition has no day
			continue
		}
		var dropped bool
		err = locked(ctx, pool, func(tx pgx.Tx) error {
			if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&dropped); err != nil || !dropped {
				return err
			}
			_, err := tx.Exec(ctx, `DROP TABLE `+pgx.Identifier{name}.Sanitize())
			return err
		})
		if err != nil {
			return err
		}
		if dropped {
			done.Dropped = append(done.Dropped, name)
		}
	}
	for _, sql := range []string{`DELETE FROM query_log_default WHERE at < $1`, `DELETE FROM query_stats WHERE hour < $1`} {
		if _, err := pool.Exec(ctx, sql, oldest); err != nil {
			return err
		}
	}
	return nil
}

func partitions(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	rows, err := pool.Query(ctx, `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'query_log'::regclass ORDER BY c.relname`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
