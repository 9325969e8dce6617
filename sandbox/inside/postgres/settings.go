package postgres

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/sandbox/control"
)

// consumed are the parameters of an RDS parameter group that RDS itself acts on: PostgreSQL does not know them.
// forceSSL and logicalReplication have an effect here, the others concern what a sandbox does not have.
const (
	forceSSL           = "rds.force_ssl" // default 1 since PostgreSQL 15
	logicalReplication = "rds.logical_replication"
)

var consumed = []string{
	forceSSL, logicalReplication, "rds.accepted_password_auth_method", "rds.adaptive_autovacuum", "rds.allowed_extensions",
	"rds.custom_dns_resolution", "rds.extensions", "rds.force_admin_logging_level", "rds.force_autovacuum_logging_level",
	"rds.log_retention_period", "rds.pg_stat_ramdisk_size", "rds.rds_superuser_reserved_connections", "rds.restrict_password_commands",
}

// managed are parameters that RDS sets itself and refuses to change.
var managed = []string{
	"archive_command", "archive_mode", "cluster_name", "config_file", "data_directory", "external_pid_file", "fsync", "full_page_writes",
	"hba_file", "ident_file", "listen_addresses", "log_directory", "logging_collector", "port", "primary_conninfo", "restore_command", "ssl",
	"ssl_ca_file", "ssl_cert_file", "ssl_crl_file", "ssl_key_file", "unix_socket_directories", "unix_socket_group", "unix_socket_permissions",
	"primary_slot_name", "wal_level",
}

var (
	unitSuffix = regexp.MustCompile(`^-?\d+\s*(B|kB|MB|GB|TB|us|ms|s|min|h|d)$`)
	nameRule   = regexp.MustCompile(`^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$`)
)

// checkSpec reports what can be told about spec without starting the engine, all faults at once.
func checkSpec(spec control.Database, e *engine) error {
	faults := checkIdentity(spec, e)
	for _, name := range slices.Sorted(maps.Keys(spec.Parameters)) {
		if err := checkParameter(name, spec.Parameters[name]); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(append(faults, checkLibraries(spec.Parameters, e.libraries)...)...)
}

func checkIdentity(spec control.Database, e *engine) []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if spec.Engine != "postgres" {
		fault("engine is %q, want postgres", spec.Engine)
	}
	if major, _, _ := strings.Cut(spec.EngineVersion, "."); major != e.major {
		fault("engineVersion is %q, want %s or %s.x: the sandbox runs PostgreSQL %s", spec.EngineVersion, e.major, e.major, e.version)
	}
	if spec.Port < 1150 || spec.Port > 65535 { // the range of RDS
		fault("port is %d, want 1150 to 65535", spec.Port)
	}
	if reserved := []string{"", adminRole, replicationRole}; slices.Contains(reserved, spec.Username) || strings.HasPrefix(spec.Username, "pg_") {
		fault("username is %q, want a name that is none of %s and %s and does not begin with pg_", spec.Username, adminRole, replicationRole)
	}
	if len(spec.Password) < 8 || strings.ContainsAny(spec.Password, "/'\"@ \x00") {
		fault("the password must have 8 or more characters and none of / ' \" @ and space, as RDS wants it")
	}
	return faults
}

func checkParameter(name, value string) error {
	switch {
	case !nameRule.MatchString(name):
		return fmt.Errorf("parameter %q: want the name of a PostgreSQL parameter", name)
	case strings.HasPrefix(name, "rds.") && !slices.Contains(consumed, name):
		return fmt.Errorf("parameter %s: RDS for PostgreSQL has no such parameter", name)
	case slices.Contains(managed, name):
		return fmt.Errorf("parameter %s: RDS sets it and does not let it be changed", name)
	}
	return checkValue(name, value)
}

func checkValue(name, value string) error {
	switch {
	case strings.Contains(value, "{"):
		return fmt.Errorf("parameter %s is %q, want the formula's value", name, value)
	case unitSuffix.MatchString(value):
		return fmt.Errorf("parameter %s is %q, want a number without unit: RDS takes the parameter's own (SHOW or pg_settings.unit tells)", name, value)
	case strings.ContainsAny(value, "\n\r\x00"):
		return fmt.Errorf("parameter %s has a line break, want one line", name)
	case (name == forceSSL || name == logicalReplication) && value != "0" && value != "1":
		return fmt.Errorf("parameter %s is %q, want 0 or 1", name, value)
	}
	return nil
}

// checkLibraries holds parameters against the libraries that are loaded: RDS refuses a parameter of an extension that
// shared_preload_libraries does not name.
func checkLibraries(parameters map[string]string, available []string) []error {
	var faults []error
	loaded := preloaded(parameters)
	for _, l := range loaded {
		if !slices.Contains(available, l) {
			faults = append(faults, fmt.Errorf("parameter shared_preload_libraries names %s, which the sandbox's engine does not have", l))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		library, _, custom := strings.Cut(name, ".")
		if custom && library != "rds" && library != "plpgsql" && !slices.Contains(loaded, library) {
			faults = append(faults, fmt.Errorf("parameter %s: want %s in shared_preload_libraries, which is %q", name, library, strings.Join(loaded, ",")))
		}
	}
	return faults
}

// preloaded is the list of shared_preload_libraries; its default is that of RDS.
func preloaded(parameters map[string]string) []string {
	text, ok := parameters["shared_preload_libraries"]
	if !ok {
		return []string{"pg_stat_statements"}
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// settings translates an RDS parameter group to PostgreSQL's names. Units need no translation: RDS takes each number in
// the parameter's base unit (shared_buffers in 8 kB pages, work_mem in kB), as PostgreSQL does a number without suffix.
func settings(spec control.Database) map[string]string {
	out := rdsDefaults(spec.MemoryBytes)
	for name, value := range spec.Parameters {
		if !slices.Contains(consumed, name) {
			out[name] = value
		}
	}
	out["shared_preload_libraries"] = strings.Join(preloaded(spec.Parameters), ",")
	if spec.Parameters[logicalReplication] == "1" {
		out["wal_level"] = "logical"
	}
	return out
}

// rdsDefaults are the defaults of RDS's parameter groups for PostgreSQL that depend on the instance class's memory, by the
// formulas that published parameter groups of PostgreSQL 13 to 16 show, and max_connections by
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html ; read 2026-11-23. To settle for 17: `aws rds
// describe-db-parameters --db-parameter-group-name default.postgres17`. RDS reserves some of the class's memory for itself
// before it evaluates them; here it is the whole.
func rdsDefaults(memory int64) map[string]string {
	out := map[string]string{"log_line_prefix": "%t:%r:%u@%d:[%p]:", "password_encryption": "scram-sha-256", "timezone": "UTC"}
	if memory <= 0 {
		return out
	}
	out["shared_buffers"] = fmt.Sprint(memory / 32768)                                   // 8 kB pages: a quarter
	out["effective_cache_size"] = fmt.Sprint(memory / 16384)                             // 8 kB pages: a half
	out["max_connections"] = fmt.Sprint(max(10, min(memory/9531392, 5000)))              // LEAST({DBInstanceClassMemory/9531392},5000)
	out["maintenance_work_mem"] = fmt.Sprint(max(memory*1024/63963136/1024*1024, 65536)) // kB; GREATEST({DBInstanceClassMemory*1024/63963136},65536)
	return out
}

// render writes postgresql.conf: parameters, then what the sandbox decides; more is what it decides for a replica.
func render(id string, spec control.Database, addr string, more ...[2]string) string {
	var b strings.Builder
	all := settings(spec)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s = %s\n", name, literal(all[name]))
	}
	for _, kv := range append([][2]string{
		{"listen_addresses", addr},
		{"port", portText(spec)},
		{"unix_socket_directories", inside + "/run"},
		{"hba_file", inside + "/conf/pg_hba.conf"},
		{"ident_file", inside + "/conf/pg_ident.conf"},
		{"ssl", "on"},
		{"ssl_cert_file", inside + "/tls/server.crt"},
		{"ssl_key_file", inside + "/tls/server.key"},
		{"logging_collector", "off"}, // the log is standard error, a file of the sandbox
		{"cluster_name", id},
	}, more...) {
		fmt.Fprintf(&b, "%s = %s\n", kv[0], literal(kv[1]))
	}
	return b.String()
}

// literal quotes s for postgresql.conf and for SQL with standard_conforming_strings.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// renderHBA writes pg_hba.conf: passwords over the network, and only over TLS unless the parameter group says
// otherwise; the sandbox itself through the socket; replicas for replication alone.
func renderHBA(spec control.Database) string {
	kind := "hostssl"
	if spec.Parameters[forceSSL] == "0" {
		kind = "host"
	}
	return fmt.Sprintf("local all %[1]s peer map=sandbox\nhost all %[1]s,%[3]s all reject\nhostssl replication %[3]s all scram-sha-256\n%[2]s all all all scram-sha-256\n",
		adminRole, kind, replicationRole)
}
