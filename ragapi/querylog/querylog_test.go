package querylog_test

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/schema"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var (
	quiet = slog.New(slog.DiscardHandler)
	noon  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

const month = 30 * 24 * time.Hour

func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t, pgtest.Database(t))
	if err := schema.Migrate(t.Context(), pool, quiet); err != nil {
		t.Fatal(err)
	}
	return pool
}

// counter counts what a recorder says.
type counter struct{ written, dropped atomic.Int64 }

func (c *counter) seen(written bool, records int) {
	if written {
		c.written.Add(int64(records))
	} else {
		c.dropped.Add(int64(records))
	}
}

// record writes records and waits until they are.
func record(t *testing.T, pool *pgxpool.Pool, records ...querylog.Record) {
	t.Helper()
	var c counter
	r := querylog.NewRecorder(pool, c.seen, quiet)
	for _, rec := range records {
		r.Record(rec)
	}
	r.Close(t.Context())
	if n := c.written.Load(); n != int64(len(records)) {
		t.Fatalf("%d of %d records written, %d dropped", n, len(records), c.dropped.Load())
	}
}

func at(when time.Time) querylog.Record {
	return querylog.Record{At: when, User: "u", Query: "lamp", Mode: "simple", Took: 3 * time.Millisecond, Hits: 2}
}

// rows returns where the log's rows are: partition and number.
func rows(t *testing.T, pool *pgxpool.Pool) map[string]int {
	t.Helper()
	found, err := pool.Query(t.Context(), `SELECT tableoid::regclass::text, count(*) FROM query_log GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	var name string
	var n int
	if _, err := pgx.ForEachRow(found, []any{&name, &n}, func() error { got[name] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func upkeep(t *testing.T, pool *pgxpool.Pool, now time.Time) querylog.Changes {
	t.Helper()
	done, err := querylog.Upkeep(t.Context(), pool, now, month)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestARecordIsKeptWhole(t *testing.T) {
	pool := database(t)
	record(t, pool, querylog.Record{At: noon, User: "u", Query: "lamp", Mode: "complex", Took: 1500 * time.Microsecond, Hits: 7, Cached: true})
	var got string
	err := pool.QueryRow(t.Context(), `SELECT format('%s %s %s %s %s %s %s', at AT TIME ZONE 'UTC', user_id, query, mode, millis, hits, cached) FROM query_log`).Scan(&got)
	if want := "2026-11-23 12:00:00 u lamp complex 1.5 7 t"; err != nil || got != want {
		t.Errorf("row %q (%v), want %q", got, err, want)
	}
}

func TestASearchWithoutAnAnswerIsKeptAndNotSummedUp(t *testing.T) {
	pool := database(t)
	failed := at(noon)
	failed.Failure, failed.Hits = "timeout", 0
	record(t, pool, failed)
	record(t, pool, failed, at(noon))
	var got string
	err := pool.QueryRow(t.Context(), `SELECT string_agg(coalesce(failure, 'none'), ' ' ORDER BY failure) FROM query_log`).Scan(&got)
	if want := "timeout timeout none"; err != nil || got != want {
		t.Errorf("failures %q (%v), want %q", got, err, want)
	}
	s, err := querylog.Summarize(t.Context(), postgres.NewReader(pool, nil, nil), noon.Add(time.Minute))
	if err != nil || s.Modes["simple"].Searches != 1 {
		t.Errorf("summary %+v (%v), want the one that had an answer", s.Modes, err)
	}
}

func TestARecordWithoutAPartitionIsKept(t *testing.T) {
	pool := database(t)
	record(t, pool, at(noon), at(noon.AddDate(0, 0, 40)))
	if diff := cmp.Diff(map[string]int{"query_log_default": 2}, rows(t, pool)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestUpkeepMakesTodayAndTwoDaysMore(t *testing.T) {
	pool := database(t)
	done := upkeep(t, pool, noon)
	if diff := cmp.Diff([]string{"query_log_20261123", "query_log_20261124", "query_log_20261125"}, done.Created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	record(t, pool, at(noon), at(noon.AddDate(0, 0, 1)))
	if diff := cmp.Diff(map[string]int{"query_log_20261123": 1, "query_log_20261124": 1}, rows(t, pool)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestTheFirstDaysTakeTheRowsThatCameBeforeThem(t *testing.T) {
	pool := database(t)
	record(t, pool, at(noon), at(noon.AddDate(0, 0, 1)), at(noon.AddDate(0, 0, -3)))
	done, err := querylog.MakeDays(t.Context(), pool, noon)
	if err != nil || done.Moved != 2 {
		t.Errorf("%d rows moved (%v), want those of the two days", done.Moved, err)
	}
	want := map[string]int{"query_log_20261123": 1, "query_log_20261124": 1, "query_log_default": 1}
	if diff := cmp.Diff(want, rows(t, pool)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestUpkeepTwiceChangesNothing(t *testing.T) {
	pool := database(t)
	upkeep(t, pool, noon)
	if diff := cmp.Diff(querylog.Changes{}, upkeep(t, pool, noon)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestUpkeepGivesWaitingRowsTheirDay(t *testing.T) {
	pool := database(t)
	record(t, pool, at(noon), at(noon.AddDate(0, 0, -3)), at(noon.AddDate(0, 0, -3).Add(time.Hour)))
	if done := upkeep(t, pool, noon); done.Moved != 3 {
		t.Errorf("%d rows moved, want 3", done.Moved)
	}
	if diff := cmp.Diff(map[string]int{"query_log_20261123": 1, "query_log_20261120": 2}, rows(t, pool)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestUpkeepDropsWhatIsOlderThanTheRetention(t *testing.T) {
	pool := database(t)
	old := noon.Add(-month)
	record(t, pool, at(old.AddDate(0, 0, -1)), at(old))
	upkeep(t, pool, old) // makes the days around it, and keeps what is at most a month older
	done := upkeep(t, pool, noon)
	if diff := cmp.Diff([]string{"query_log_20261023"}, done.Dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"query_log_20261024": 1}, rows(t, pool)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	var sums int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM query_stats`).Scan(&sums); err != nil || sums != 1 {
		t.Errorf("sums of %d hours (%v), want 1: those of the days dropped go with them", sums, err)
	}
}

func TestUpkeepManyTimesAtOnceLosesNothing(t *testing.T) {
	pool := database(t)
	var recorded counter
	r := querylog.NewRecorder(pool, recorded.seen, quiet)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := querylog.Upkeep(t.Context(), pool, noon, month); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range 5000 { // more than one batch, while the days are made
		r.Record(at(noon.AddDate(0, 0, -(i % 5))))
	}
	wg.Wait()
	r.Close(t.Context())
	upkeep(t, pool, noon)
	total := 0
	for _, n := range rows(t, pool) {
		total += n
	}
	if total != 5000 || recorded.written.Load() != 5000 {
		t.Errorf("%d rows, %d said to be written, want 5000", total, recorded.written.Load())
	}
}

func TestARowOnItsWayToTheDefaultPartitionIsNotLost(t *testing.T) {
	pool := database(t)
	// A writer of the default partition holds upkeep up; the recorder's row then waits for upkeep, with the default
	// partition in mind.
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `INSERT INTO query_log (at, query, mode, millis, hits, cached) VALUES ($1, 'x', 'simple', 1, 1, false)`, noon); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := querylog.Upkeep(t.Context(), pool, noon, month)
		ended <- err
	}()
	eventually(t, "upkeep waits", func() bool { return waiting(t, pool) >= 1 })
	var c counter
	r := querylog.NewRecorder(pool, c.seen, quiet)
	r.Record(at(noon))
	eventually(t, "the recorder waits", func() bool { return waiting(t, pool) >= 2 })
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	r.Close(t.Context())
	if diff := cmp.Diff(map[string]int{"query_log_20261123": 2}, rows(t, pool)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after a minute: %s", what)
		}
	}
}

func waiting(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestARecordThatCannotBeWrittenIsCounted(t *testing.T) {
	pool := database(t)
	if _, err := pool.Exec(t.Context(), `DROP TABLE query_log`); err != nil {
		t.Fatal(err)
	}
	var c counter
	r := querylog.NewRecorder(pool, c.seen, quiet)
	for range 3 {
		r.Record(at(noon))
	}
	r.Close(t.Context())
	if c.dropped.Load() != 3 || c.written.Load() != 0 {
		t.Errorf("%d dropped, %d written, want 3 and 0", c.dropped.Load(), c.written.Load())
	}
}

func TestRecordsBeyondTheBufferAreDroppedAndNoRequestWaits(t *testing.T) {
	pool := database(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE query_log IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	var c counter
	r := querylog.NewRecorder(pool, c.seen, quiet)
	for range 20_000 {
		r.Record(at(noon))
	}
	dropped := c.dropped.Load()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Close(t.Context())
	if dropped == 0 || dropped > 10_000 {
		t.Errorf("%d of 20000 dropped, want those beyond the buffer of 10000 and what is being written", dropped)
	}
	if total := c.dropped.Load() + c.written.Load(); total != 20_000 {
		t.Errorf("%d records are accounted for, want all 20000", total)
	}
}

func TestTheSummarySumsUpTheLog(t *testing.T) {
	pool := database(t)
	var records []querylog.Record
	for i := range 100 {
		rec := at(noon.Add(time.Duration(i) * time.Second))
		if i >= 90 { // one in ten is slow: so is the 95th percentile
			rec.Took = time.Second
		}
		rec.Cached = i%2 == 0
		records = append(records, rec)
	}
	slow := at(noon.Add(-2 * time.Hour))
	slow.Mode, slow.Took = "complex", 4*time.Second
	tooOld := at(noon.Add(-25 * time.Hour))
	record(t, pool, append(records[:50:50], slow, tooOld)...)
	record(t, pool, records[50:]...) // adds to the sums of the first
	reads := postgres.NewReader(pool, nil, nil)
	s, err := querylog.Summarize(t.Context(), reads, noon.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	near := func(got, want time.Duration) bool { return got >= want && float64(got) <= 1.19*float64(want) }
	if got := s.Modes["simple"]; got.Searches != 100 || got.Cached != 50 || !near(got.P95, time.Second) {
		t.Errorf("simple: %+v, want 100 searches, 50 cached, p95 of 1 s", got)
	}
	if len(s.Hours) != 2 || !s.Hours[0].Start.Equal(noon) || !s.Hours[1].Start.Equal(noon.Add(-2*time.Hour)) || !near(s.Hours[1].P95, 4*time.Second) {
		t.Errorf("hours %+v", s.Hours)
	}
	if s.Documents != (querylog.Count{Exact: true}) {
		t.Errorf("documents %+v, want none, exactly", s.Documents)
	}
}

func TestManyWritersAtOnceAddUp(t *testing.T) {
	pool := database(t)
	modes := []string{"simple", "complex"}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			var c counter
			r := querylog.NewRecorder(pool, c.seen, quiet)
			for i := range 200 {
				rec := at(noon.Add(time.Duration(i%3) * time.Hour))
				rec.Mode, rec.Took = modes[(i+w)%2], time.Duration(i)*time.Millisecond
				r.Record(rec)
			}
			r.Close(context.Background())
			if c.written.Load() != 200 {
				t.Errorf("%d written, want 200", c.written.Load())
			}
		})
	}
	wg.Wait()
	var sums, logged int
	if err := pool.QueryRow(t.Context(), `SELECT (SELECT sum(searches) FROM query_stats), (SELECT count(*) FROM query_log)`).Scan(&sums, &logged); err != nil || sums != 800 || logged != 800 {
		t.Errorf("%d summed up, %d logged (%v), want 800", sums, logged, err)
	}
}
