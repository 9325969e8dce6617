package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
)

func lookup(t *testing.T, name string) parameter.Setting {
	t.Helper()
	s, err := postgres.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEverySettingSaysWhatItTakes(t *testing.T) {
	for _, name := range postgres.Names() {
		s := lookup(t, name)
		isNumber := s.Kind == parameter.Integer || s.Kind == parameter.Real
		if isNumber && s.Min >= s.Max || s.Kind == parameter.Choice && len(s.Values) < 2 || !isNumber && s.Unit != "" {
			t.Errorf("%+v", s)
		}
	}
}

// https://www.postgresql.org/docs/17/hot-standby.html#HOT-STANDBY-ADMIN
func TestSettingsThatReplayDependsOnAreStaticNumbers(t *testing.T) {
	want := []string{"max_connections", "max_locks_per_transaction", "max_prepared_transactions", "max_wal_senders", "max_worker_processes"}
	if floors := postgres.Floors(); !slices.Equal(floors, want) {
		t.Errorf("%v, want %v", floors, want)
	}
	for _, name := range want {
		if s := lookup(t, name); !s.Static || s.Kind != parameter.Integer {
			t.Errorf("%+v", s)
		}
	}
}

func TestStaticParametersAreThoseOfRDS(t *testing.T) {
	for _, name := range []string{
		"shared_buffers", "max_connections", "shared_preload_libraries", "wal_buffers", "track_activity_query_size", "autovacuum_max_workers",
		"autovacuum_freeze_max_age", "max_worker_processes", "max_wal_senders", "max_replication_slots", "huge_pages", "max_locks_per_transaction",
		"max_prepared_transactions", "rds.logical_replication", "pg_stat_statements.max", "track_commit_timestamp", "cron.max_running_jobs",
	} {
		if !postgres.IsStatic(name) {
			t.Errorf("%s is not static", name)
		}
	}
	if postgres.IsStatic("work_mem") || postgres.IsStatic("unknown") {
		t.Error("work_mem and what is unknown are not static")
	}
}

func TestSettingTakesWhatIsInItsRange(t *testing.T) {
	class, err := rds.Lookup("db.r7g.large")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, value, want string }{
		{"work_mem", "64", "<nil>"},
		{"work_mem", "63", "is 63, want a whole number from 64 to 2147483647 (kB) or a formula"},
		{"work_mem", "64.5", "is 64.5, want a whole number from 64 to 2147483647 (kB) or a formula"},
		{"work_mem", "NaN", `is "NaN", want a whole number from 64 to 2147483647 (kB) or a formula`},
		{"shared_buffers", "128MB", `is "128MB", want a whole number from 16 to 1073741823 (8kB) or a formula`},
		{"random_page_cost", "1.1", "<nil>"},
		{"jit", "1", "<nil>"},
		{"jit", "true", `is "true", want one of 0, 1`},
		{"auto_explain.log_format", "html", `is "html", want one of text, xml, json, yaml`},
		{"shared_preload_libraries", " ", `is " ", want text`},
		{"shared_buffers", "{DBInstanceClassMemory/32768}", "<nil>"},
		{"shared_buffers", "{DBInstanceClassMemory/1}", "is {DBInstanceClassMemory/1}, want a whole number from 16 to 1073741823 (8kB) or a formula"},
		{"max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)", "<nil>"},
		{"random_page_cost", "{DBInstanceClassMemory/32768}", `is "{DBInstanceClassMemory/32768}", want 0 to 1.79769e+308`},
		{"default_transaction_isolation", "repeatable read", "<nil>"},
		{"default_transaction_isolation", "repeatable_read", `is "repeatable_read", want one of serializable, repeatable read, read committed, read uncommitted`},
	} {
		if got := fmt.Sprint(lookup(t, tt.name).Check(tt.value, class.Instance())); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestFormulaIsAShareOfTheClassesMemory(t *testing.T) {
	class, err := rds.Lookup("db.r7g.large") // 16 GiB, of which 8 % are the operating system's
	if err != nil {
		t.Fatal(err)
	}
	pages, err := lookup(t, "shared_buffers").Number("{DBInstanceClassMemory/32768}", class.Instance())
	if err != nil || int64(pages) != class.ParameterMemory()/4/8192 {
		t.Errorf("%v pages, %v, want a quarter of %d bytes", pages, err, class.ParameterMemory())
	}
}

func TestASettingBelongsToTheVersionsThatHaveIt(t *testing.T) {
	for name, want := range map[string][3]bool{ // 15, 16, 17
		"work_mem": {true, true, true}, "vacuum_buffer_usage_limit": {false, true, true},
		"transaction_timeout": {false, false, true}, "old_snapshot_threshold": {true, true, false},
	} {
		s := lookup(t, name)
		if got := [3]bool{s.In(15), s.In(16), s.In(17)}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestKeyWordsAndRolesThatAreNoneAreReserved(t *testing.T) {
	for name, want := range map[string]bool{
		"select": true, "SELECT": true, "user": true, "public": true, "none": true, "pg_monitor": true, "default": true,
		"ragscale": false, "postgres": false, "pgx": false, "name": false,
	} {
		if got := postgres.IsReserved(name); got != want {
			t.Errorf("%s is reserved: %t, want %t", name, got, want)
		}
	}
}
