package postgres_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/ragapi/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// tableOf is the PostgreSQL that the tables were read from.
const tableOf = 17

// engine is a PostgreSQL of that version, and what it has loaded.
func engine(t *testing.T) (ask func(sql string) pgx.Rows, libraries []string) {
	t.Helper()
	pool := pgtest.Pool(t, pgtest.Database(t))
	var number, loaded string
	const version = `SELECT current_setting('server_version_num'), current_setting('shared_preload_libraries')`
	if err := pool.QueryRow(t.Context(), version).Scan(&number, &loaded); err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(number); err != nil || n/10000 != tableOf {
		t.Skipf("the server is PostgreSQL %s, want %d; set %s", number, tableOf, pgtest.EnvURL)
	}
	return func(sql string) pgx.Rows {
		rows, err := pool.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}, strings.Split(loaded, ",")
}

func TestReservedWordsAreTheEngines(t *testing.T) {
	ask, _ := engine(t)
	words, err := pgx.CollectRows(ask(`SELECT word, catcode::text FROM pg_get_keywords()`), pgx.RowToStructByPos[struct{ Word, Code string }])
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		want := w.Code == "R" || w.Code == "T" || w.Word == "none" // no role can have the last
		if got := postgres.IsReserved(w.Word); got != want {
			t.Errorf("%s (%s) is reserved: %t, want %t", w.Word, w.Code, got, want)
		}
	}
}

// fact is what the engine says of a parameter.
type fact struct {
	Name, Type, Unit, Context string
	Low, High                 string
	Values                    []string
}

// narrower are the parameters of which RDS takes less than the engine, as far as the table knows.
var narrower = []string{
	"log_rotation_age", "maintenance_work_mem", "max_connections", "max_replication_slots", "max_wal_senders", "max_wal_size",
	"max_worker_processes", "min_wal_size", "wal_receiver_timeout", "wal_sender_timeout",
}

func TestEverySettingIsTheEngines(t *testing.T) {
	ask, libraries := engine(t)
	facts, err := pgx.CollectRows(ask(`SELECT lower(name), vartype, coalesce(unit, ''), context, coalesce(min_val, ''), coalesce(max_val, ''), enumvals
		FROM pg_settings`), pgx.RowToStructByPos[fact])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range postgres.Names() {
		s := lookup(t, name)
		if strings.HasPrefix(name, "rds.") || !s.In(tableOf) || s.Library != "" && !slices.Contains(libraries, s.Library) {
			continue
		}
		at := slices.IndexFunc(facts, func(f fact) bool { return f.Name == name })
		if at < 0 {
			t.Errorf("the engine has no %s", name)
			continue
		}
		check(t, s, facts[at])
	}
}

func check(t *testing.T, s parameter.Setting, f fact) {
	t.Helper()
	kinds := map[string]parameter.Kind{
		"bool": parameter.Choice, "enum": parameter.Choice, "integer": parameter.Integer, "real": parameter.Real, "string": parameter.Text,
	}
	if s.Kind != kinds[f.Type] || s.Unit != f.Unit || s.Static != (f.Context == "postmaster") {
		t.Errorf("%+v, want what the engine has: %+v", s, f)
	}
	switch f.Type {
	case "bool":
		if !slices.Equal(s.Values, []string{"0", "1"}) {
			t.Errorf("%s takes %v, want 0 and 1", s.Name, s.Values)
		}
	case "enum":
		checkValues(t, s, f)
	case "integer", "real":
		checkRange(t, s, f)
	}
}

// checkValues holds that all that the engine lists is taken, but for no value at all, and nothing else. The engine does not
// list every spelling of off and on.
func checkValues(t *testing.T, s parameter.Setting, f fact) {
	t.Helper()
	for _, v := range f.Values {
		if v != "" && !slices.Contains(s.Values, v) {
			t.Errorf("%s does not take %q, which the engine does", s.Name, v)
		}
	}
	for _, v := range s.Values {
		if !slices.Contains(append(f.Values, "0", "1"), v) {
			t.Errorf("%s takes %q, which the engine does not", s.Name, v)
		}
	}
}

func checkRange(t *testing.T, s parameter.Setting, f fact) {
	t.Helper()
	low, lowErr := strconv.ParseFloat(f.Low, 64)
	high, highErr := strconv.ParseFloat(f.High, 64)
	if lowErr != nil || highErr != nil {
		t.Fatal(f, lowErr, highErr)
	}
	within, same := s.Min >= low && s.Max <= high, s.Min == low && s.Max == high
	if !within || same == slices.Contains(narrower, s.Name) {
		t.Errorf("%s takes %s, the engine %s to %s; within that, or the same: %t", s.Name, s.Range(), f.Low, f.High, within)
	}
}
