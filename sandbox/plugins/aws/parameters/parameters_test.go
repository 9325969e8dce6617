package parameters

import (
	"strings"
	"testing"
)

func TestFormulasOfRDS(t *testing.T) {
	class := Class{MemoryBytes: 8 << 30, VCPU: 2, StorageGiB: 100, Port: 5432}
	for formula, want := range map[string]string{
		"{DBInstanceClassMemory/32768}":                  "262144",
		"{DBInstanceClassMemory/16384}":                  "524288",
		"{DBInstanceClassMemory*3/32768}":                "786432",
		"LEAST({DBInstanceClassMemory/9531392},5000)":    "901",
		"GREATEST({DBInstanceClassMemory/63963136},512)": "512",
		"SUM({DBInstanceClassMemory/12038},-50007)":      "663561",
		"GREATEST(LEAST({DBInstanceVCPU*4}, 100), 3)":    "8",
		"16": "16",
	} {
		got, err := Evaluate(formula, class)
		if err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", formula, got, err, want)
		}
	}
}

func TestBadFormulasAreNamed(t *testing.T) {
	for formula, want := range map[string]string{
		"{DBInstanceMemory/2}":           `"DBInstanceMemory" is neither`,
		"{DBInstanceClassMemory/2":       `"}" is missing`,
		"LEAST({DBInstanceClassMemory},": "neither a number",
		"{DBInstanceClassMemory/0}":      "divides by zero",
		"{DBInstanceClassMemory}kB":      `"kB" follows`,
		"{":                              "neither a number",
	} {
		_, err := Evaluate(formula, Class{MemoryBytes: 1 << 30})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", formula, err, want)
		}
	}
}

func TestValuesOutOfBoundsAreNamed(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"shared_buffers", "128MB", `is "128MB", want a number (in 8kB) without a unit suffix`},
		{"work_mem", "1", "is 1, want 64 to 2147483647 (in kB)"},
		{"max_connections", "10.5", "is 10.5, want a whole number"},
		{"track_io_timing", "on", `is "on", want 1 or 0`},
		{"auto_explain.log_format", "html", `is "html", want one of text, xml, json, yaml`},
		{"random_page_cost", "1.1", ""},
		{"jit", "0", ""},
		{"shared_buffers", "{DBInstanceClassMemory/32768}", ""},
	} {
		p, ok := Lookup(c.name)
		if !ok {
			t.Fatalf("no %s", c.name)
		}
		got := ""
		if err := p.Check(c.value); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s=%s: got %q, want %q", c.name, c.value, got, c.want)
		}
	}
}

func TestStaticParametersAreThoseOfRDS(t *testing.T) {
	for _, name := range []string{
		"shared_buffers", "max_connections", "shared_preload_libraries", "wal_buffers", "track_activity_query_size", "autovacuum_max_workers",
		"autovacuum_freeze_max_age", "max_worker_processes", "max_wal_senders", "max_replication_slots", "huge_pages", "max_locks_per_transaction",
		"max_prepared_transactions", "rds.logical_replication", "pg_stat_statements.max",
	} {
		if p, ok := Lookup(name); !ok || !p.Static {
			t.Errorf("%s is not static", name)
		}
	}
}

func FuzzEvaluateDoesNotPanic(f *testing.F) {
	for _, s := range []string{"{DBInstanceClassMemory/32768}", "LEAST(", "{}", "SUM({1*2/0},3)"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		if _, err := Evaluate(s, Class{MemoryBytes: 1}); err != nil {
			return
		}
	})
}
