// Package querylog keeps what was searched, by whom, and how long that took.
//
// Owns: the tables query_log, in a partition per day, and query_stats, its sums by the hour; writing them in bulk, keeping
// their days, and summing them up. Does not own: searching.
package querylog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// Record is one search.
type Record struct {
	At     time.Time
	User   string // empty if not known
	Query  string
	Mode   string
	Took   time.Duration
	Hits   int
	Cached bool
	// Failure is why there was no answer: timeout, unavailable, overloaded, client-closed, internal. Empty if there was one:
	// only those are in the sums.
	Failure string
}

// Buckets of durations grow by a fourth root of two: a percentile read from them is at most 19 % off.
const (
	bucketsPerDoubling = 4
	lastBucket         = 80 // 17 minutes: longer than any request may take
)

// bucketOf returns the bucket of a duration: the smallest whose upper bound is no less.
func bucketOf(took time.Duration) int16 {
	millis := float64(took) / float64(time.Millisecond)
	if millis <= 1 {
		return 0
	}
	return int16(min(math.Ceil(bucketsPerDoubling*math.Log2(millis)), lastBucket))
}

// upperBound is in milliseconds.
func upperBound(bucket int16) float64 { return math.Exp2(float64(bucket) / bucketsPerDoubling) }

// write stores records and adds them to the sums, in one transaction.
func write(ctx context.Context, pool *pgxpool.Pool, records []Record) error {
	err := postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		// A crash of the database may lose the last moment of the log. Waiting for its disk is not worth that.
		if _, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = off`); err != nil {
			return err
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"query_log"}, []string{"at", "user_id", "query", "mode", "millis", "hits", "cached", "failure"},
			pgx.CopyFromSlice(len(records), func(i int) ([]any, error) {
				r := records[i]
				return []any{r.At, orNull(r.User), r.Query, r.Mode, float32(r.Took.Seconds() * 1000), int16(min(r.Hits, math.MaxInt16)), r.Cached, orNull(r.Failure)}, nil
			}))
		if err != nil {
			return err
		}
		return addSums(ctx, tx, records)
	})
	if err != nil {
		return fmt.Errorf("query log: %w", err)
	}
	return nil
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

type sumKey struct {
	hour   time.Time
	mode   string
	bucket int16
}

type sum struct{ searches, cached int64 }

// addSums adds up rows in one order, so that processes that do so at once wait for each other and never in a circle.
func addSums(ctx context.Context, tx pgx.Tx, records []Record) error {
	sums := map[sumKey]sum{}
	for _, r := range records {
		if r.Failure != "" {
			continue
		}
		key := sumKey{r.At.UTC().Truncate(time.Hour), r.Mode, bucketOf(r.Took)}
		s := sums[key]
		s.searches++
		if r.Cached {
			s.cached++
		}
		sums[key] = s
	}
	keys := make([]sumKey, 0, len(sums))
	for key := range sums {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b sumKey) int {
		return cmp.Or(a.hour.Compare(b.hour), cmp.Compare(a.mode, b.mode), cmp.Compare(a.bucket, b.bucket))
	})
	batch := &pgx.Batch{}
	for _, key := range keys {
		batch.Queue(`INSERT INTO query_stats AS s (hour, mode, bucket, searches, cached) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (hour, mode, bucket) DO UPDATE SET searches = s.searches + excluded.searches, cached = s.cached + excluded.cached`,
			key.hour, key.mode, key.bucket, sums[key].searches, sums[key].cached)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// repeatable reports whether the same write would now succeed. 23514: a row was on its way to the default partition when
// its day was made. 40P01: a deadlock, with a change of several partitions.
func repeatable(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && (server.Code == "23514" || server.Code == "40P01")
}
