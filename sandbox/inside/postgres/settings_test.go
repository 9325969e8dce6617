package postgres

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/sandbox/control"
)

var testEngine = &engine{major: "17", version: "17.12", libraries: []string{"auto_explain", "pg_stat_statements"}}

func spec(parameters map[string]string) control.Database {
	return control.Database{Engine: "postgres", EngineVersion: "17.6", Username: "rag", Password: "secret-word", Port: 5432, DBName: "rag",
		Hostname: "db.abc.eu-central-1.rds.amazonaws.com", Parameters: parameters}
}

func TestASpecThatRDSWouldTakeIsTaken(t *testing.T) {
	err := checkSpec(spec(map[string]string{
		"shared_buffers": "16384", "rds.force_ssl": "1", "jit": "0", "shared_preload_libraries": "pg_stat_statements,auto_explain",
		"auto_explain.log_min_duration": "500", "checkpoint_completion_target": "0.9", "log_statement": "ddl",
	}), testEngine)
	if err != nil {
		t.Error(err)
	}
}

func TestFaultsOfASpecAreNamed(t *testing.T) {
	for want, change := range map[string]func(*control.Database){
		`engine is "mysql", want postgres`:                                                                                         func(s *control.Database) { s.Engine = "mysql" },
		`engineVersion is "16.4", want 17 or 17.x: the sandbox runs PostgreSQL 17.12`:                                              func(s *control.Database) { s.EngineVersion = "16.4" },
		`port is 80, want 1150 to 65535`:                                                                                           func(s *control.Database) { s.Port = 80 },
		`username is "rdsadmin", want a name that is none of rdsadmin and rdsrepladmin and does not begin with pg_`:                func(s *control.Database) { s.Username = "rdsadmin" },
		`the password must have 8 or more characters and none of / ' " @ and space, as RDS wants it`:                               func(s *control.Database) { s.Password = "a'b" },
		`parameter rds.nonsense: RDS for PostgreSQL has no such parameter`:                                                         parameter("rds.nonsense", "1"),
		`parameter port: RDS sets it and does not let it be changed`:                                                               parameter("port", "1"),
		`parameter shared_buffers is "{DBInstanceClassMemory/32768}", want the formula's value`:                                    parameter("shared_buffers", "{DBInstanceClassMemory/32768}"),
		`parameter work_mem is "64MB", want a number without unit: RDS takes the parameter's own (SHOW or pg_settings.unit tells)`: parameter("work_mem", "64MB"),
		`parameter log_line_prefix has a line break, want one line`:                                                                parameter("log_line_prefix", "a\nb"),
		`parameter rds.force_ssl is "on", want 0 or 1`:                                                                             parameter("rds.force_ssl", "on"),
		`parameter shared_preload_libraries names pg_cron, which the sandbox's engine does not have`:                               parameter("shared_preload_libraries", "pg_cron"),
		`parameter auto_explain.log_analyze: want auto_explain in shared_preload_libraries, which is "pg_stat_statements"`:         parameter("auto_explain.log_analyze", "1"),
	} {
		t.Run(want, func(t *testing.T) {
			s := spec(map[string]string{})
			change(&s)
			err := checkSpec(s, testEngine)
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func parameter(name, value string) func(*control.Database) {
	return func(s *control.Database) { s.Parameters[name] = value }
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	s := spec(map[string]string{"port": "1", "work_mem": "1GB"})
	s.Port = 1
	if got := strings.Count(checkSpec(s, testEngine).Error(), "\n"); got != 2 {
		t.Errorf("%d faults, want 3", got+1)
	}
}

func TestParametersAreTranslated(t *testing.T) {
	s := spec(map[string]string{"rds.logical_replication": "1", "rds.force_ssl": "0", "work_mem": "4096", "max_connections": "55"})
	s.MemoryBytes = 1 << 30
	want := map[string]string{
		"effective_cache_size": "65536", "log_line_prefix": "%t:%r:%u@%d:[%p]:", "maintenance_work_mem": "65536", "max_connections": "55",
		"password_encryption": "scram-sha-256", "shared_buffers": "32768", "shared_preload_libraries": "pg_stat_statements", "timezone": "UTC",
		"wal_level": "logical", "work_mem": "4096",
	}
	if d := cmp.Diff(want, settings(s)); d != "" {
		t.Error(d)
	}
}

func TestValuesAreQuoted(t *testing.T) {
	conf := render("db", spec(map[string]string{"log_line_prefix": "it's %t"}), "10.78.0.1")
	if !strings.Contains(conf, "log_line_prefix = 'it''s %t'\n") {
		t.Error(conf)
	}
}

func TestTLSIsForcedUnlessTheParameterGroupSaysOtherwise(t *testing.T) {
	for value, want := range map[string]string{"": "hostssl all all all scram", "1": "hostssl all all all scram", "0": "host all all all scram"} {
		p := map[string]string{}
		if value != "" {
			p[forceSSL] = value
		}
		if got := renderHBA(spec(p)); !strings.Contains(got, "\n"+want) {
			t.Errorf("rds.force_ssl %q: %s", value, got)
		}
	}
}

func TestWhatPostgreSQLSaysIsReadWithItsHint(t *testing.T) {
	said := `postgres: exit status 1: 2026-11-23 21:15:14.792 GMT [1] LOG:  unrecognized configuration parameter "foo_bar" in file "/instance/conf/candidate.conf" line 1
2026-11-23 21:15:14.792 GMT [1] LOG:  invalid value for parameter "work_mem": "4x"
2026-11-23 21:15:14.792 GMT [1] HINT:  Valid units for this parameter are "B", "kB".
2026-11-23 21:15:14.792 GMT [1] FATAL:  configuration file "/instance/conf/candidate.conf" contains errors`
	want := []confFault{
		{"foo_bar", `unrecognized configuration parameter "foo_bar"`},
		{"work_mem", `invalid value for parameter "work_mem": "4x" (Valid units for this parameter are "B", "kB".)`},
	}
	if d := cmp.Diff(want, parseFaults(said), cmp.AllowUnexported(confFault{})); d != "" {
		t.Error(d)
	}
}
