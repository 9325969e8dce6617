package querylog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// Summary is what the platform holds and how it was searched in the last day.
type Summary struct {
	Documents, Chunks, Sessions Count
	Hours                       []Hour          // those with searches, the newest first
	Modes                       map[string]Span // by mode, over all of them
}

// Count is a table's rows.
type Count struct {
	Rows  int64
	Exact bool // false for PostgreSQL's own estimate, which is good to some percent
}

// Span is the searches of some time.
type Span struct {
	Searches, Cached int64
	P95              time.Duration // 19 % off at most
}

// Hour is the searches of one hour.
type Hour struct {
	Start time.Time
	Span
}

const (
	// countExactly is up to how many rows are counted; more are estimated, for counting reads them all.
	countExactly = 10_000
	summaryHours = 24
)

const statsSQL = `SELECT hour, mode, bucket, searches, cached FROM query_stats WHERE hour > $1 ORDER BY hour DESC`

// Summarize reads a summary as of now.
func Summarize(ctx context.Context, reads *postgres.Reader, now time.Time) (Summary, error) {
	var s Summary
	err := reads.Read(ctx, func(ctx context.Context, db postgres.Querier) error {
		s = Summary{Modes: map[string]Span{}} // a second attempt begins anew
		for table, count := range map[string]*Count{"documents": &s.Documents, "chunks": &s.Chunks, "sessions": &s.Sessions} {
			if err := countRows(ctx, db, table, count); err != nil {
				return err
			}
		}
		return s.readStats(ctx, db, now)
	})
	if err != nil {
		return Summary{}, fmt.Errorf("summary: %w", err)
	}
	return s, nil
}

func countRows(ctx context.Context, db postgres.Querier, table string, count *Count) error {
	// -1 before the first ANALYZE, which comes after some fifty rows.
	if err := db.QueryRow(ctx, `SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1)`, table).Scan(&count.Rows); err != nil {
		return err
	}
	if count.Rows > countExactly {
		return nil
	}
	var n int64
	err := db.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM `+pgx.Identifier{table}.Sanitize()+` LIMIT $1) counted`, countExactly+1).Scan(&n)
	if err != nil {
		return err
	}
	count.Rows, count.Exact = n, n <= countExactly
	return nil
}

// histogram counts durations by bucket.
type histogram struct {
	buckets map[int16]int64
	cached  int64
}

func (h *histogram) add(bucket int16, searches, cached int64) {
	if h.buckets == nil {
		h.buckets = map[int16]int64{}
	}
	h.buckets[bucket] += searches
	h.cached += cached
}

func (h *histogram) span() Span {
	s := Span{Cached: h.cached}
	for _, n := range h.buckets {
		s.Searches += n
	}
	var seen int64
	for _, bucket := range slices.Sorted(maps.Keys(h.buckets)) {
		if seen += h.buckets[bucket]; float64(seen) >= 0.95*float64(s.Searches) {
			s.P95 = time.Duration(upperBound(bucket) * float64(time.Millisecond))
			break
		}
	}
	return s
}

func (s *Summary) readStats(ctx context.Context, db postgres.Querier, now time.Time) error {
	rows, err := db.Query(ctx, statsSQL, now.UTC().Add(-summaryHours*time.Hour))
	if err != nil {
		return err
	}
	hours, modes := map[time.Time]*histogram{}, map[string]*histogram{}
	var hour time.Time
	var mode string
	var bucket int16
	var searches, cached int64
	_, err = pgx.ForEachRow(rows, []any{&hour, &mode, &bucket, &searches, &cached}, func() error {
		at(hours, hour.UTC()).add(bucket, searches, cached)
		at(modes, mode).add(bucket, searches, cached)
		return nil
	})
	if err != nil {
		return err
	}
	for start, h := range hours {
		s.Hours = append(s.Hours, Hour{Start: start, Span: h.span()})
	}
	slices.SortFunc(s.Hours, func(a, b Hour) int { return b.Start.Compare(a.Start) })
	for mode, h := range modes {
		s.Modes[mode] = h.span()
	}
	return nil
}

func at[K comparable](all map[K]*histogram, key K) *histogram {
	if all[key] == nil {
		all[key] = &histogram{}
	}
	return all[key]
}
