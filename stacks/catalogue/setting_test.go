package catalogue_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ragscale/ragscale/stacks/catalogue"
)

func everySetting(t *testing.T) []catalogue.Setting {
	t.Helper()
	var all []catalogue.Setting
	for lookup, names := range map[*func(string) (catalogue.Setting, error)][]string{
		ptr(catalogue.PostgreSQL): catalogue.PostgreSQLNames(), ptr(catalogue.Redis): catalogue.RedisNames(),
	} {
		for _, name := range names {
			s, err := (*lookup)(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
	}
	return all
}

func ptr[T any](v T) *T { return &v }

func TestEverySettingSaysWhatItTakesAndWhereThatIsDescribed(t *testing.T) {
	for _, s := range everySetting(t) {
		number := s.Kind == catalogue.Integer || s.Kind == catalogue.Real
		switch {
		case s.Since == "" || s.Source == "":
			t.Errorf("%s lacks its version or source", s.Name)
		case number && s.Min >= s.Max, s.Kind == catalogue.Choice && len(s.Values) < 2, !number && s.Unit != "":
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
}

// https://www.postgresql.org/docs/17/hot-standby.html#HOT-STANDBY-ADMIN
func TestSettingsThatReplayDependsOnAreStaticNumbers(t *testing.T) {
	var found []string
	for _, name := range catalogue.PostgreSQLNames() {
		s, err := catalogue.PostgreSQL(name)
		if err != nil {
			t.Fatal(err)
		}
		if s.Standby == catalogue.AtLeastOf {
			found = append(found, name)
			if !s.Static || s.Kind != catalogue.Integer || s.Formula {
				t.Errorf("%+v", s)
			}
		}
	}
	want := []string{"max_connections", "max_locks_per_transaction", "max_prepared_transactions", "max_wal_senders", "max_worker_processes"}
	if !slices.Equal(found, want) {
		t.Errorf("%v, want %v", found, want)
	}
}

func TestSettingTakesWhatIsInItsRange(t *testing.T) {
	class, err := catalogue.RDS("db.r7g.large")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, value, want string }{
		{"work_mem", "64", "<nil>"},
		{"work_mem", "63", "is 63, want a whole number from 64 to 2147483647 (kB)"},
		{"work_mem", "64.5", "is 64.5, want a whole number from 64 to 2147483647 (kB)"},
		{"work_mem", "NaN", `is "NaN", want a whole number from 64 to 2147483647 (kB)`},
		{"random_page_cost", "1.1", "<nil>"},
		{"jit", "1", "<nil>"},
		{"jit", "true", `is "true", want one of 0, 1`},
		{"shared_preload_libraries", " ", `is " ", want text`},
		{"shared_buffers", "{DBInstanceClassMemory/32768}", "<nil>"},
		{"shared_buffers", "{DBInstanceClassMemory/1}", "is {DBInstanceClassMemory/1}, want a whole number from 16 to 1073741823 (8kB) or {DBInstanceClassMemory/n}"},
		{"max_wal_size", "{DBInstanceClassMemory/32768}", `is "{DBInstanceClassMemory/32768}", want a whole number from 128 to 2147483647 (MB)`},
	}
	for _, tt := range tests {
		s, err := catalogue.PostgreSQL(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(s.Check(tt.value, class)); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestFormulaIsAShareOfTheClassesMemory(t *testing.T) {
	class, err := catalogue.RDS("db.r7g.large") // 16 GiB, of which 8 % are the operating system's
	if err != nil {
		t.Fatal(err)
	}
	s, err := catalogue.PostgreSQL("shared_buffers")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := s.Number("{DBInstanceClassMemory/32768}", class)
	if err != nil || int64(pages) != class.ParameterMemory()/4/8192 {
		t.Errorf("%v pages, %v, want a quarter of %d bytes", pages, err, class.ParameterMemory())
	}
}

func TestUnknownSettingIsNamed(t *testing.T) {
	if _, err := catalogue.Redis("maxmemory"); err == nil {
		t.Error("maxmemory is accepted, want refused: ElastiCache does not let it be changed")
	}
}
