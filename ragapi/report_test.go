package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/pgtest"
)

// environment leads to db.
func environment(db config.Database) map[string]string {
	env := map[string]string{}
	for _, line := range pgtest.Env(db) {
		name, value, _ := strings.Cut(line, "=") // each has one
		env[name] = value
	}
	return env
}

// reported runs the command in this process and reads what it prints.
func reported(t *testing.T, db config.Database, env map[string]string) (code int, lines []map[string]any, log string) {
	t.Helper()
	given := environment(db)
	maps.Copy(given, env)
	code, stdout, log := runWith(t, given, "report")
	decoder := json.NewDecoder(strings.NewReader(stdout))
	for decoder.More() {
		var line map[string]any
		if err := decoder.Decode(&line); err != nil {
			t.Fatalf("%v in %s", err, stdout)
		}
		lines = append(lines, line)
	}
	if want := strings.Count(stdout, "\n"); want != len(lines) {
		t.Errorf("%d lines for %d objects, want one each", want, len(lines))
	}
	return code, lines, log
}

func TestAReportIsALinePerFindingAndASummary(t *testing.T) {
	db := pgtest.Database(t)
	code, lines, log := reported(t, db, map[string]string{"REPORT_REPLICAS": "15"})
	if code != exitFine || len(lines) < 2 {
		t.Fatalf("exit code %d, lines %v, want 0, a finding and a summary: %s", code, lines, log)
	}
	summary := lines[len(lines)-1]
	if summary["kind"] != "summary" || summary["database"] != db.Name || summary["at"] == nil {
		t.Errorf("the last line is %v, want the summary of %s", summary, db.Name)
	}
	count := map[any]float64{"critical": 0, "warning": 0, "info": 0}
	for _, line := range lines[:len(lines)-1] {
		count[line["severity"]]++
		if line["kind"] != "finding" || line["database"] != db.Name || line["answer"] == "" {
			t.Errorf("line is %v, want a finding on %s with its answer", line, db.Name)
		}
	}
	if first := lines[0]; first["check"] != "replicas" || first["severity"] != "critical" {
		t.Errorf("the first line is %v, want the replicas that do not stream", first)
	}
	for severity, n := range count {
		if summary[severity.(string)] != n {
			t.Errorf("the summary counts %v %s, want %v", summary[severity.(string)], severity, n)
		}
	}
}

func TestAReportKnowsHowLongTheQueryLogIsKept(t *testing.T) {
	db := pgtest.Database(t)
	if code, _, log := runWith(t, environment(db), "upkeep"); code != exitFine {
		t.Fatal(log)
	}
	pool := pgtest.Pool(t, db)
	sql := `CREATE TABLE query_log_20200101 PARTITION OF query_log FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-01-02 00:00:00+00')`
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	for retention, want := range map[string]int{"720h": 1, "87600h": 0} {
		_, lines, log := reported(t, db, map[string]string{"QUERY_LOG_RETENTION": retention})
		got := 0
		for _, line := range lines {
			if line["check"] == "partition upkeep" {
				got++
			}
		}
		if got != want {
			t.Errorf("with %s: %d findings on partitions, want %d: %v %s", retention, got, want, lines, log)
		}
	}
}

func TestAReportThatCannotBeMadeFails(t *testing.T) {
	db := pgtest.Database(t)
	db.Name = "not_there"
	if code, lines, log := reported(t, db, nil); code != exitFailed || len(lines) > 0 || !strings.Contains(log, "not_there") {
		t.Errorf("exit code %d, lines %v, want %d and none: %s", code, lines, exitFailed, log)
	}
}

// TestAReportSeesWhatTheAPIAsked: the statements of its own role, with their texts.
func TestAReportSeesWhatTheAPIAsked(t *testing.T) {
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	for range 20 {
		if _, err := pool.Exec(t.Context(), `SELECT 'asked by the API', pg_sleep(0.002)`, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	_, lines, log := reported(t, db, map[string]string{"REPORT_SLOW_STATEMENT": "1ms"})
	var found bytes.Buffer
	for _, line := range lines {
		switch line["check"] {
		case "statements":
			t.Skipf("the server has no pg_stat_statements: %v", line)
		case "slow statement":
			found.WriteString(line["subject"].(string))
		}
	}
	if !strings.Contains(found.String(), "pg_sleep") {
		t.Errorf("slow statements are %q, want the one that sleeps: %s", found.String(), log)
	}
}
