package database

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	immediate     = "immediate"
	pendingReboot = "pending-reboot"
	forceSSL      = "rds.force_ssl"
	preload       = "shared_preload_libraries"
)

// staticParameters take effect only at a restart. RDS refuses them with apply method "immediate".
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html ;
// for what it leaves out, the context "postmaster" of `postgres --describe-config`, PostgreSQL 17.12; read 2026-11-23.
// Neither tells of rds.logical_replication: as remembered.
var staticParameters = map[string]bool{
	"autovacuum_freeze_max_age": true, "autovacuum_max_workers": true, "huge_pages": true, "max_connections": true,
	"max_locks_per_transaction": true, "max_prepared_transactions": true, "max_replication_slots": true,
	"max_wal_senders": true, "max_worker_processes": true, "pg_stat_statements.max": true,
	"rds.logical_replication": true, "shared_buffers": true, preload: true,
	"track_activity_query_size": true, "wal_buffers": true,
}

// booleanParameters among those in use: RDS takes 1 and 0, not PostgreSQL's on and off.
var booleanParameters = map[string]bool{
	"auto_explain.log_analyze": true, "auto_explain.log_buffers": true, "auto_explain.log_nested_statements": true,
	"auto_explain.log_timing": true, "autovacuum": true, "hot_standby_feedback": true, "jit": true,
	"log_connections": true, "log_disconnections": true, "log_lock_waits": true, "pg_stat_statements.save": true,
	"pg_stat_statements.track_planning": true, "pg_stat_statements.track_utility": true, forceSSL: true,
	"rds.logical_replication": true, "track_io_timing": true,
}

// unitSuffix is a number followed by one of PostgreSQL's units, which RDS does not take.
var unitSuffix = regexp.MustCompile(`^[0-9]+ *(B|kB|KB|MB|GB|TB|us|ms|s|min|h|d)$`)

// memoryFraction is RDS's formula for a share of the instance's memory.
var memoryFraction = regexp.MustCompile(`^\{DBInstanceClassMemory/([0-9]+)\}$`)

// leastSharedBuffersDivisor is three quarters of memory in shared_buffers' unit of 8 kB: 8192 / 0.75. With more the
// instance does not start.
const leastSharedBuffersDivisor = 10922

// parameterGroup has a generated name: the family is part of a group's identity, and the next major version needs a new
// group before the old one can go.
func (d *declaration) parameterGroup(suffix string, settings []Parameter) (*rds.ParameterGroup, error) {
	family := "postgres" + majorVersion(d.args.EngineVersion)
	var parameters rds.ParameterGroupParameterArray
	for _, p := range withForcedTLS(settings) {
		parameters = append(parameters, &rds.ParameterGroupParameterArgs{
			Name:        pulumi.String(p.Name),
			Value:       pulumi.String(p.Value),
			ApplyMethod: pulumi.String(p.ApplyMethod),
		})
	}
	group, err := rds.NewParameterGroup(d.ctx, d.name+suffix, &rds.ParameterGroupArgs{
		// A changed description replaces the group: keep it.
		Description: pulumi.String("PostgreSQL settings computed from the service level objectives"),
		Family:      pulumi.String(family),
		Parameters:  parameters,
		Tags:        d.tags(suffix),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("parameter group %q: %w", d.name+suffix, err)
	}
	return group, nil
}

// withForcedTLS is the parameters in order of name, with rds.force_ssl among them.
func withForcedTLS(parameters []Parameter) []Parameter {
	all := slices.Clone(parameters)
	if !slices.ContainsFunc(all, func(p Parameter) bool { return p.Name == forceSSL }) {
		all = append(all, Parameter{Name: forceSSL, Value: "1", ApplyMethod: immediate})
	}
	slices.SortFunc(all, func(a, b Parameter) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// parameters checks the list that is in the field.
func (f *faults) parameters(field string, parameters []Parameter) {
	libraries := preloaded(parameters)
	seen := map[string]bool{}
	for i, p := range parameters {
		if p.Name == "" {
			f.Add("%s[%d].Name is empty, want the name of a parameter", field, i)
			continue
		}
		path := fmt.Sprintf("%s[%s]", field, p.Name)
		if seen[p.Name] {
			f.Add("%s is given twice, want it once", path)
		}
		seen[p.Name] = true
		f.applyMethod(path, p)
		f.parameterValue(path, p)
		if library, _, dotted := strings.Cut(p.Name, "."); dotted && library != "rds" && !libraries[library] {
			f.Add("%s belongs to %s, want that in %s", path, library, preload)
		}
	}
}

func (f *faults) applyMethod(path string, p Parameter) {
	switch {
	case p.ApplyMethod != immediate && p.ApplyMethod != pendingReboot:
		f.Add("%s.ApplyMethod is %q, want %s or %s", path, p.ApplyMethod, immediate, pendingReboot)
	case staticParameters[p.Name] && p.ApplyMethod == immediate:
		f.Add("%s.ApplyMethod is %s, want %s: the parameter is static", path, immediate, pendingReboot)
	}
}

func (f *faults) parameterValue(path string, p Parameter) {
	switch {
	case p.Value == "":
		f.Add("%s.Value is empty, want a value", path)
	case p.Name == forceSSL && p.Value != "1":
		f.Add("%s.Value is %q, want 1: every connection is encrypted", path, p.Value)
	case booleanParameters[p.Name] && p.Value != "0" && p.Value != "1":
		f.Add("%s.Value is %q, want 1 or 0", path, p.Value)
	case unitSuffix.MatchString(p.Value):
		f.Add("%s.Value is %q, want a number in the parameter's own unit", path, p.Value)
	case p.Name == "shared_buffers" && oversized(p.Value):
		f.Add("%s.Value is %q, want a divisor of at least %d: the instance would not start", path, p.Value, leastSharedBuffersDivisor)
	}
}

func oversized(formula string) bool {
	match := memoryFraction.FindStringSubmatch(formula)
	if match == nil {
		return false
	}
	divisor, err := strconv.Atoi(match[1])
	return err == nil && divisor < leastSharedBuffersDivisor
}

func preloaded(parameters []Parameter) map[string]bool {
	libraries := map[string]bool{}
	for _, p := range parameters {
		if p.Name != preload {
			continue
		}
		for library := range strings.SplitSeq(p.Value, ",") {
			libraries[strings.TrimSpace(library)] = true
		}
	}
	return libraries
}
