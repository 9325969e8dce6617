package dbreport_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ragscale/ragscale/perf/dbreport"
)

// envURL names the variable with the URL of a server whose role may create databases; `make test` sets it.
const envURL = "RAGAPI_TEST_DATABASE_URL"

// fresh returns a function that connects to an empty database, which is dropped at the end of the test.
func fresh(t *testing.T) (connect func() *pgx.Conn) {
	t.Helper()
	given := os.Getenv(envURL)
	if given == "" {
		t.Skipf("no PostgreSQL to test with: set %s", envURL)
	}
	address, err := url.Parse(given)
	if err != nil {
		t.Fatal(err)
	}
	name := "perf_test_" + uuid.NewString()[:13]
	run(t, dial(t, address), `CREATE DATABASE `+pgx.Identifier{name}.Sanitize())
	t.Cleanup(func() { run(t, dial(t, address), `DROP DATABASE `+pgx.Identifier{name}.Sanitize()+` WITH (FORCE)`) })
	own := *address
	own.Path = "/" + name
	return func() *pgx.Conn { return dial(t, &own) }
}

func dial(t *testing.T, address *url.URL) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func run(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// tightLimits judge small tables and young statistics too.
func tightLimits() dbreport.Limits {
	l := dbreport.DefaultLimits()
	l.LeastRows, l.LeastScans, l.LeastIndexBytes, l.LeastStatisticsSeconds, l.LeastBlocks = 1000, 5, 0, 0, 1
	l.SlotBytes = 0
	return l
}

func inspect(t *testing.T, conn *pgx.Conn, limits dbreport.Limits) dbreport.Report {
	t.Helper()
	report, err := dbreport.Inspect(t.Context(), conn, limits)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// of returns the findings of one check.
func of(r dbreport.Report, check string) []dbreport.Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f dbreport.Finding) bool { return f.Check != check })
}

const (
	orders = `CREATE TABLE orders (id int PRIMARY KEY, tenant text NOT NULL, at timestamptz NOT NULL, note text NOT NULL) WITH (autovacuum_enabled = off)`
	fill   = `INSERT INTO orders SELECT n, 'tenant ' || n % 500, now() - n * interval '1 minute', repeat('x', 100) FROM generate_series(1, 20000) n`
	flush  = `SELECT pg_stat_force_next_flush()` // a backend keeps its counts for a second otherwise
	byName = `SELECT note FROM orders WHERE tenant = $1 AND at > $2`
)

// scan reads the table several times by what it has no index for, as an application does.
func scan(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	for range 10 {
		if _, err := conn.Exec(t.Context(), byName, "tenant 7", time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, conn, flush)
}

// TestEachFaultIsFoundAndNothingElse: a step on a healthy table, which one check and no other answers.
func TestEachFaultIsFoundAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		fault          []string
		check, subject string
		sql            string
	}{
		"a healthy table":    {},
		"an unused index":    {[]string{`CREATE INDEX orders_note ON orders (note)`}, "unused index", "orders_note", "DROP INDEX CONCURRENTLY orders_note;"},
		"a duplicate index":  {[]string{`CREATE INDEX orders_at ON orders (at)`, `CREATE INDEX orders_at_again ON orders (at)`, `SET enable_seqscan = off`, `SELECT FROM orders WHERE at > now()`}, "duplicate index", "orders_at_again", "DROP INDEX CONCURRENTLY orders_at_again;"},
		"a first column":     {[]string{`CREATE INDEX orders_at ON orders (at)`, `CREATE INDEX orders_at_note ON orders (at, note)`}, "duplicate index", "orders_at", "DROP INDEX CONCURRENTLY orders_at;"},
		"dead rows":          {[]string{`UPDATE orders SET note = 'y' WHERE id <= 15000`}, "bloat", "orders", "VACUUM (ANALYZE) orders;"},
		"a name in capitals": {[]string{`CREATE INDEX "Orders's" ON orders (note)`}, "unused index", `"Orders's"`, `DROP INDEX CONCURRENTLY "Orders's";`},
	} {
		t.Run(name, func(t *testing.T) {
			connect := fresh(t)
			conn := connect()
			run(t, conn, append([]string{orders, fill, flush, `ANALYZE orders`}, c.fault...)...)
			run(t, conn, flush)
			report := inspect(t, connect(), tightLimits())
			if report.Server.Replicas > 0 {
				t.Skip("the server has replicas, whose scans of an index it does not know")
			}
			var got []dbreport.Finding
			for _, f := range report.Findings {
				// An index without a scan is what the other faults on indexes are made with.
				if f.Check != "statements" && (f.Check != "unused index" || c.check == "unused index") {
					got = append(got, f)
				}
			}
			if c.check == "" {
				if len(got) > 0 {
					t.Fatalf("findings %+v, want none", got)
				}
				return
			}
			if len(got) != 1 || got[0].Check != c.check || got[0].Subject != c.subject || got[0].SQL != c.sql {
				t.Fatalf("findings %+v, want one: %s of %s, answered by %s", got, c.check, c.subject, c.sql)
			}
		})
	}
}

func TestAnIndexThatEnforcesOrFindsForeignRowsIsNotCalledUnused(t *testing.T) {
	connect := fresh(t)
	conn := connect()
	run(t, conn, orders, fill, `CREATE TABLE lines (id int, order_id int REFERENCES orders (id), code text UNIQUE)`, `CREATE INDEX lines_order ON lines (order_id)`, flush)
	if got := of(inspect(t, connect(), tightLimits()), "unused index"); len(got) > 0 {
		t.Errorf("findings %+v, want none", got)
	}
}

func TestYoungStatisticsAccuseNoIndex(t *testing.T) {
	connect := fresh(t)
	run(t, connect(), orders, fill, `CREATE INDEX orders_note ON orders (note)`, flush)
	limits := tightLimits()
	limits.LeastStatisticsSeconds = 1e9
	report := inspect(t, connect(), limits)
	if got := of(report, "unused index"); len(got) != 1 || got[0].Severity != dbreport.Info || got[0].SQL != "" || report.Unhealthy() {
		t.Errorf("findings %+v, want one to be known and nothing to be dropped", got)
	}
}

func TestAnInvalidIndexIsFound(t *testing.T) {
	connect := fresh(t)
	conn := connect()
	run(t, conn, orders, fill)
	if _, err := conn.Exec(t.Context(), `CREATE UNIQUE INDEX CONCURRENTLY orders_tenant ON orders (tenant)`); err == nil {
		t.Fatal("the index on values that are not unique was made")
	}
	if got := of(inspect(t, connect(), tightLimits()), "invalid index"); len(got) != 1 || got[0].Subject != "orders_tenant" {
		t.Errorf("findings %+v, want orders_tenant", got)
	}
}

func TestATableReadWholeGetsTheIndexThatItsStatementWants(t *testing.T) {
	connect := fresh(t)
	conn := connect()
	run(t, conn, orders, fill, flush, `ANALYZE orders`)
	scan(t, conn)
	report := inspect(t, connect(), tightLimits())
	got := of(report, "missing index")
	if len(got) != 1 || got[0].Subject != "orders" {
		t.Fatalf("findings %+v, want one of orders", got)
	}
	if len(of(report, "statements")) > 0 {
		t.Skip("the server has no pg_stat_statements: no statement is known")
	}
	if report.Server.Version < "16" {
		t.Skip("the server plans no statement without its values")
	}
	if want := "CREATE INDEX CONCURRENTLY ON orders (tenant, at);"; got[0].Severity != dbreport.Warning || got[0].SQL != want {
		t.Errorf("finding %+v, want a warning with %s", got[0], want)
	}
	connect = fresh(t)
	conn = connect()
	run(t, conn, orders, got[0].SQL, fill, flush, `ANALYZE orders`)
	scan(t, conn)
	if got := of(inspect(t, connect(), tightLimits()), "missing index"); len(got) > 0 {
		t.Errorf("findings %+v where its SQL ran first, want none", got)
	}
}

func TestASlowStatementIsFoundAndAFastOneListed(t *testing.T) {
	connect := fresh(t)
	conn := connect()
	for range 3 {
		run(t, conn, `SELECT pg_sleep(0.03)`)
	}
	limits := tightLimits()
	limits.LeastCalls, limits.SlowStatementMillis = 3, 20
	report := inspect(t, connect(), limits)
	if len(of(report, "statements")) > 0 {
		t.Skip("the server has no pg_stat_statements")
	}
	if got := of(report, "slow statement"); len(got) != 1 || !strings.HasPrefix(got[0].Subject, "SELECT pg_sleep(") {
		t.Errorf("findings %+v, want the statement that sleeps", got)
	}
	if len(report.Frequent) == 0 || report.Frequent[0].Calls != 3 {
		t.Errorf("the most frequent statements are %+v, want the one with 3 calls first", report.Frequent)
	}
	limits.SlowStatementMillis = 1e6
	if got := of(inspect(t, connect(), limits), "slow statement"); len(got) > 0 {
		t.Errorf("findings %+v within the limit, want none", got)
	}
}

func TestALongTransactionIsFoundUntilItEnds(t *testing.T) {
	connect := fresh(t)
	conn, watcher := connect(), connect()
	run(t, conn, `BEGIN`, `SELECT 1`)
	limits := tightLimits()
	if got := of(inspect(t, watcher, limits), "long transaction"); len(got) > 0 {
		t.Errorf("findings %+v within the limit, want none", got)
	}
	limits.LongTransactionSeconds = 0
	got := of(inspect(t, watcher, limits), "long transaction")
	if len(got) != 1 || !strings.Contains(got[0].Fact, "idle in transaction") || !strings.HasSuffix(got[0].Stack, ".idle_in_transaction_session_timeout") {
		t.Errorf("findings %+v, want the idle transaction", got)
	}
	run(t, conn, `COMMIT`)
	if got := of(inspect(t, watcher, limits), "long transaction"); len(got) > 0 {
		t.Errorf("findings %+v after its end, want none", got)
	}
}

func TestAReplicaThatDoesNotStreamIsFound(t *testing.T) {
	connect := fresh(t)
	limits := tightLimits()
	limits.Replicas = 99
	if got := of(inspect(t, connect(), limits), "replicas"); len(got) != 1 || got[0].Severity != dbreport.Critical {
		t.Errorf("findings %+v, want the missing replicas", got)
	}
	limits.Replicas = 0
	if got := of(inspect(t, connect(), limits), "replicas"); len(got) > 0 {
		t.Errorf("findings %+v where none is declared, want none", got)
	}
}

func TestASlotThatKeepsLogForNobodyIsFound(t *testing.T) {
	connect := fresh(t)
	conn := connect()
	slot := "perf_" + strings.ReplaceAll(uuid.NewString()[:13], "-", "_")
	if _, err := conn.Exec(t.Context(), `SELECT pg_create_physical_replication_slot($1, true)`, slot); err != nil {
		skipRefused(t, err)
	}
	t.Cleanup(func() { run(t, connect(), `SELECT pg_drop_replication_slot('`+slot+`')`) })
	got := of(inspect(t, connect(), tightLimits()), "idle replication slot")
	if !slices.ContainsFunc(got, func(f dbreport.Finding) bool { return f.Subject == slot }) {
		t.Errorf("findings %+v, want slot %s", got, slot)
	}
}

func TestASettingThatWaitsForARestartIsFound(t *testing.T) {
	connect := fresh(t)
	conn, watcher := connect(), connect()
	var now string
	if err := conn.QueryRow(t.Context(), `SHOW max_locks_per_transaction`).Scan(&now); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `ALTER SYSTEM SET max_locks_per_transaction = 77`); err != nil {
		skipRefused(t, err)
	}
	pending := func() bool {
		return slices.ContainsFunc(of(inspect(t, watcher, tightLimits()), "pending restart"), func(f dbreport.Finding) bool { return f.Subject == "max_locks_per_transaction" })
	}
	reload := func(want bool) { // the server reads its files when it gets to it
		for range 100 {
			run(t, conn, `SELECT pg_reload_conf()`, `SELECT pg_sleep(0.05)`)
			if pending() == want {
				return
			}
		}
		t.Errorf("pending is %t, want %t", !want, want)
	}
	defer func() { // a setting that only leaves the file stays pending
		run(t, conn, `ALTER SYSTEM SET max_locks_per_transaction = `+now)
		reload(false)
		run(t, conn, `ALTER SYSTEM RESET max_locks_per_transaction`)
	}()
	reload(true)
}

// skipRefused skips a test whose fault the server's role may not cause, as a master user of RDS.
func skipRefused(t *testing.T, err error) {
	t.Helper()
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42501" {
		t.Skip(err)
	}
	t.Fatal(err)
}

func TestACacheThatMissesIsFound(t *testing.T) {
	connect := fresh(t)
	run(t, connect(), orders, fill, flush)
	limits := tightLimits()
	limits.CacheHitPercent = 100.1
	if got := of(inspect(t, connect(), limits), "cache hits"); len(got) != 1 || got[0].Stack != "ragscale:database.instanceClass" {
		t.Errorf("findings %+v, want one", got)
	}
	limits.LeastBlocks = 1e12
	if got := of(inspect(t, connect(), limits), "cache hits"); len(got) > 0 {
		t.Errorf("findings %+v from few reads, want none", got)
	}
}

func TestPartitionUpkeepThatStoppedIsFound(t *testing.T) {
	day := func(n int) time.Time { return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, n) }
	partition := func(n int) string {
		return `CREATE TABLE log_` + day(n).Format("20060102") + ` PARTITION OF log FOR VALUES FROM ('` + day(n).Format(time.DateOnly) + ` 00:00:00+00') TO ('` + day(n+1).Format(time.DateOnly) + ` 00:00:00+00')`
	}
	limits := tightLimits()
	limits.DailyTables = []dbreport.DailyTable{{Name: "log", RetentionDays: 30}, {Name: "not_there", RetentionDays: 1}}
	table := []string{`CREATE TABLE log (at timestamptz NOT NULL) PARTITION BY RANGE (at)`, `CREATE TABLE log_default PARTITION OF log DEFAULT`}
	for name, c := range map[string]struct {
		days []int
		row  bool
		want []string // facts
	}{
		"kept":                {days: []int{-31, -30, 0, 1, 2}},
		"tomorrow is missing": {days: []int{0}, want: []string{"the partition of " + day(1).Format(time.DateOnly) + " is missing"}},
		"old days stay":       {days: []int{-33, -32, 0, 1}, want: []string{"2 partitions are older than 30 days"}},
		"rows wait":           {days: []int{0, 1}, row: true, want: []string{"rows of log wait here for their day's partition"}},
	} {
		t.Run(name, func(t *testing.T) {
			connect := fresh(t)
			conn := connect()
			run(t, conn, table...)
			for _, n := range c.days {
				run(t, conn, partition(n))
			}
			if c.row {
				run(t, conn, `INSERT INTO log VALUES (now() - interval '3 days')`)
			}
			var facts []string
			for _, f := range of(inspect(t, connect(), limits), "partition upkeep") {
				facts = append(facts, f.Fact)
				if strings.HasPrefix(f.SQL, "CREATE TABLE") {
					run(t, conn, f.SQL)
				}
			}
			if diff := cmp.Diff(c.want, facts); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnInspectionLeavesNothingBehind(t *testing.T) {
	connect := fresh(t)
	conn := connect()
	run(t, conn, orders, fill)
	scan(t, conn)
	inspect(t, conn, tightLimits())
	var extensions int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql'`).Scan(&extensions); err != nil || extensions != 0 {
		t.Errorf("%d extensions, error %v, want none", extensions, err)
	}
}

func TestWorstFindingsComeFirst(t *testing.T) {
	connect := fresh(t)
	run(t, connect(), orders, fill, `UPDATE orders SET note = 'y'`, `CREATE INDEX a ON orders (at)`, `CREATE INDEX b ON orders (at, note)`, flush)
	limits := tightLimits()
	limits.Replicas = 99
	report := inspect(t, connect(), limits)
	var order []dbreport.Severity
	for _, f := range report.Findings {
		order = append(order, f.Severity)
	}
	if order = slices.Compact(order); !cmp.Equal(order, []dbreport.Severity{dbreport.Critical, dbreport.Warning, dbreport.Info}) {
		t.Errorf("severities come as %v", order)
	}
}

func TestTextTellsFactEvidenceAndAnswer(t *testing.T) {
	report := dbreport.Report{
		Server: dbreport.Server{Database: "rag", Version: "17.12", Replicas: 1, StatisticsAgeSeconds: 7260},
		Findings: []dbreport.Finding{{
			Check: "bloat", Severity: dbreport.Warning, Subject: "chunks", Fact: "30.0 % of its rows are dead",
			Evidence: []dbreport.Figure{{Name: "dead", Value: 3000, Unit: "rows"}, {Name: "size", Value: 3 << 19, Unit: "B"}, {Name: "age", Value: 0.25, Unit: "s"}},
			Answer:   "vacuum it", SQL: "VACUUM (ANALYZE) chunks;", Stack: "ragscale:database.parameters.x",
		}},
		Slowest: []dbreport.Statement{{ID: "1", Query: "SELECT\n  1", Calls: 3, MeanMillis: 0.5, SharePercent: 100, RowsPerCall: 1}},
	}
	var text strings.Builder
	if err := report.Text(&text); err != nil {
		t.Fatal(err)
	}
	want := `database rag, PostgreSQL 17.12, streaming replicas 1, statistics of at least 2h1m
findings: 0 critical, 1 warning, 0 info

WARNING: bloat: chunks
  fact      30.0 % of its rows are dead
  evidence  dead 3000 rows, size 1.5 MiB, age 250ms
  answer    vacuum it
  SQL       VACUUM (ANALYZE) chunks;
  stack     ragscale:database.parameters.x

SLOWEST STATEMENTS
CALLS  MEAN      SHARE    ROWS  READ  STATEMENT
3      0.500 ms  100.0 %  1     0 B   SELECT 1
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

func TestJSONOfAnEmptyReportHasLists(t *testing.T) {
	out, err := json.Marshal(inspect(t, fresh(t)(), dbreport.DefaultLimits()))
	if err != nil || strings.Contains(string(out), "null") {
		t.Errorf("%s, error %v, want no null", out, err)
	}
}

// TestARoleThatSeesItselfAloneSaysSo: what it cannot see is not called missing.
func TestARoleThatSeesItselfAloneSaysSo(t *testing.T) {
	connect := fresh(t)
	admin, conn := connect(), connect()
	role := "perf_" + strings.ReplaceAll(uuid.NewString()[:13], "-", "_")
	if _, err := admin.Exec(t.Context(), `CREATE ROLE `+role); err != nil {
		skipRefused(t, err)
	}
	t.Cleanup(func() { run(t, connect(), `DROP ROLE `+role) })
	run(t, admin, `GRANT `+role+` TO current_user`)
	run(t, conn, `SET ROLE `+role)
	limits := tightLimits()
	limits.Replicas = 99
	report := inspect(t, conn, limits)
	if got := of(report, "rights"); len(got) != 1 || got[0].SQL != "GRANT pg_read_all_stats TO "+role+";" {
		t.Errorf("findings %+v, want the right that %s lacks", got, role)
	}
	if got := of(report, "replicas"); len(got) > 0 {
		t.Errorf("findings %+v where replicas cannot be seen, want none", got)
	}
	if got := of(inspect(t, admin, limits), "rights"); len(got) > 0 {
		t.Errorf("findings %+v of a role that sees all, want none", got)
	}
}

func TestTheReportListsWhatTheDatabaseLooksLike(t *testing.T) {
	connect := fresh(t)
	conn, watcher := connect(), connect()
	run(t, conn, orders, fill, `CREATE TABLE log (at timestamptz NOT NULL) PARTITION BY RANGE (at)`,
		`CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-24 00:00:00+00')`,
		`CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2026-11-24 00:00:00+00') TO ('2026-11-25 00:00:00+00')`,
		flush, `BEGIN`, `SELECT 'held'`)
	limits := tightLimits()
	limits.DailyTables = []dbreport.DailyTable{{Name: "log", RetentionDays: 3650}}
	r := inspect(t, watcher, limits)
	if len(r.Tables) == 0 || r.Tables[0].Name != "orders" || r.Tables[0].Live != 20_000 || r.Tables[0].Bytes == 0 || r.Tables[0].VacuumedSeconds != nil {
		t.Errorf("tables are %+v, want orders first, with 20000 rows, never vacuumed", r.Tables)
	}
	if len(r.Indexes) == 0 || r.Indexes[0].Name != "orders_pkey" || r.Indexes[0].Table != "orders" || !r.Indexes[0].Unique {
		t.Errorf("indexes are %+v, want the key of orders first", r.Indexes)
	}
	if len(r.Transactions) != 1 || r.Transactions[0].Query != "SELECT 'held'" || r.Transactions[0].State != "idle in transaction" {
		t.Errorf("transactions are %+v, want the one that is open", r.Transactions)
	}
	if p := r.Partitions; len(p) != 1 || p[0].Partitions != 2 || p[0].Oldest.Format(time.DateOnly) != "2026-11-23" || p[0].Newest.Format(time.DateOnly) != "2026-11-24" {
		t.Errorf("partitions are %+v, want two days of log", p)
	}
	if r.Cache.SharedBuffersBytes == 0 || r.Server.At.IsZero() {
		t.Errorf("cache %+v, time %s, want both", r.Cache, r.Server.At)
	}
}
