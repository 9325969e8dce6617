package rules

import (
	"fmt"
	"math"
	"strings"

	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
)

const (
	rdsInstance    = "aws:rds/instance:Instance"
	parameterGroup = "aws:rds/parameterGroup:ParameterGroup"

	backupDaysProduction = 7
	backupDaysElsewhere  = 1

	// The share of memory that shared_buffers takes: a quarter is where to begin, beyond 40 % nothing is gained.
	// Source: https://www.postgresql.org/docs/17/runtime-config-resource.html ; read 2026-11-24. The lower bound is half
	// of the former.
	leastBuffersPercent = 12
	mostBuffersPercent  = 40
	bufferPage          = 8192 // bytes: the unit of shared_buffers
)

var database = []Rule{
	{
		Name: "rds-class", Area: Database, Levels: production,
		Says:   "The database has a class that the catalogue knows and that is not burstable.",
		Fix:    "Set ragscale:database.instanceClass.",
		Origin: "cpuPercent: a burstable class out of credits serves a fraction of it",
		Types:  []string{rdsInstance}, Check: rdsClass,
	},
	{
		Name: "rds-multi-az", Area: Database, Levels: production,
		Says:   "A standby in another zone takes over when the database fails.",
		Fix:    "Set ragscale:database.multiAz to true.",
		Origin: "availabilityPercent",
		Types:  []string{rdsInstance}, Check: rdsMultiAZ,
	},
	{
		Name: "rds-storage-headroom", Area: Database, Levels: onAWS,
		Says:   "The database's storage may grow before its use passes the objective.",
		Fix:    "Raise ragscale:database.maxStorageGiB.",
		Origin: "slo.storagePercent: maxAllocatedStorage ≥ allocatedStorage × 100 / storagePercent",
		Types:  []string{rdsInstance}, Check: rdsStorageHeadroom,
	},
	{
		Name: "rds-backup", Area: Database, Levels: onAWS,
		Says: fmt.Sprintf("The database can be brought back to any second of the last %d days (outside production: %d).",
			backupDaysProduction, backupDaysElsewhere),
		Fix:    "Set ragscale:database.backupRetentionDays.",
		Origin: "a fault over a long weekend is still in reach; replicas need at least 1",
		Types:  []string{rdsInstance}, Check: rdsBackup,
	},
	{
		Name: "rds-encrypted", Area: Database, Levels: everywhere,
		Says:   "The database's storage and backups are encrypted.",
		Fix:    "storageEncrypted true, with a KMS key.",
		Origin: "encryption at rest; it cannot be turned on later",
		Types:  []string{rdsInstance}, Check: rdsEncrypted,
	},
	{
		Name: "rds-force-tls", Area: Database, Levels: everywhere,
		Says:   "The database refuses clients without TLS.",
		Fix:    "Set the parameter rds.force_ssl to 1.",
		Origin: "encryption in transit",
		Types:  []string{parameterGroup}, Check: rdsForceTLS,
	},
	{
		Name: "rds-private", Area: Database, Levels: everywhere,
		Says:   "The database has no public address and a subnet group of the stack.",
		Fix:    "publiclyAccessible false, dbSubnetGroupName set.",
		Origin: "nothing is public that need not be",
		Types:  []string{rdsInstance}, Check: rdsPrivate,
	},
	{
		Name: "rds-password-secret", Area: Database, Levels: everywhere,
		Says:   "The database's password is a secret.",
		Fix:    "pulumi config set --secret ragscale:databasePassword",
		Origin: "the state file and every preview show what is not secret",
		Types:  []string{rdsInstance}, Check: rdsPassword,
	},
	{
		Name: "rds-insights", Area: Database, Levels: production,
		Says:   "Database Insights and enhanced monitoring watch the database.",
		Fix:    "Set ragscale:database.insights to standard or advanced, and monitoringIntervalSeconds.",
		Origin: "responseSeconds: what a slow query waits for must be seen",
		Types:  []string{rdsInstance}, Check: rdsInsights,
	},
	{
		Name: "rds-parameters", Area: Database, Levels: everywhere,
		Says:   "The database runs under a parameter group of the stack.",
		Fix:    "parameterGroupName of the instance: the group that package stacks derives.",
		Origin: "the default group knows neither the connection budget nor the storage",
		Types:  []string{rdsInstance}, Check: rdsParameters,
	},
	{
		Name: "rds-parameter-values", Area: Database, Levels: everywhere,
		Says: "The parameter group sizes memory and connections, in RDS' units, and loads what it configures.",
		Fix: "Set shared_buffers, max_connections and, for auto_explain and pg_stat_statements, " +
			"shared_preload_libraries; numbers without unit.",
		Origin: "RDS refuses or misreads anything else",
		Types:  []string{parameterGroup}, Check: rdsParameterValues,
	},
	{
		Name: "rds-memory-split", Area: Database, Levels: everywhere,
		Says: fmt.Sprintf("The database's own cache has %d to %d %% of the instance's memory.", leastBuffersPercent,
			mostBuffersPercent),
		Fix:        "Set ragscale:database.parameters.shared_buffers within it, or leave it out: a quarter is derived.",
		Origin:     "beyond it the instance does not start under load, and far below it reads go to disk twice",
		CheckStack: rdsMemorySplit,
	},
	{
		Name: "rds-slow-statements", Area: Database, Levels: everywhere,
		Says:   "Statements that take longer than a response may are in the log, and so is whoever waits for a lock.",
		Fix:    "Set the parameters log_min_duration_statement (ms) and log_lock_waits, or leave them out: both are derived.",
		Origin: "slo.responseSeconds: what is too slow must be found afterwards",
		Types:  []string{parameterGroup}, Check: rdsSlowStatements,
	},
	{
		Name: "rds-static-parameters", Area: Database, Levels: everywhere,
		Says:   "Static parameters are applied at the next restart.",
		Fix:    "applyMethod pending-reboot.",
		Origin: "RDS refuses an immediate change of a static parameter",
		Types:  []string{parameterGroup}, Check: rdsStaticParameters,
	},
	{
		Name: "rds-log-exports", Area: Database, Levels: onAWS,
		Says:   "The database's log goes to CloudWatch.",
		Fix:    "enabledCloudwatchLogsExports: postgresql.",
		Origin: "slow statements are in the log alone",
		Types:  []string{rdsInstance}, Check: func(r Resource, _ Thresholds, p *Report) {
			p.contains(r, r.At("enabledCloudwatchLogsExports"), "postgresql")
		},
	},
	{
		Name: "rds-replicas", Area: Database, Levels: production,
		Says:   "The database has the replicas that the stack plans its reads with.",
		Fix:    "Declare as many instances with replicateSourceDb as ragscale:database.replicas says.",
		Origin: "throughputRPS: what replicas do not answer, the primary must", CheckStack: rdsReplicas,
	},
	{
		Name: "rds-replica-parameters", Area: Database, Levels: everywhere,
		Says: "A replica allows at least what its primary does of the settings that recovery compares.",
		Fix: "Raise max_connections and the like in the replicas' parameter group, or choose a bigger " +
			"ragscale:database.replicaClass.",
		Origin:     "PostgreSQL halts replay on a standby with less, and the replica falls behind for good",
		CheckStack: rdsReplicaParameters,
	},
	{
		Name: "rds-kept", Area: Database, Levels: productions,
		Says:   "The database is not deleted by mistake, and leaves a snapshot.",
		Fix:    "Set ragscale:database.deletionProtection to true.",
		Origin: "data outlives the stack",
		Types:  []string{rdsInstance}, Check: rdsKept,
	},
}

func rdsClass(r Resource, _ Thresholds, p *Report) {
	name := r.At("instanceClass")
	if name.Unknown() {
		return
	}
	class, err := rds.Lookup(name.Text())
	if err != nil {
		p.fault(r, name, "a class in the catalogue")
	} else if class.Burstable {
		p.fault(r, name, "a class that is not burstable")
	}
}

// replicates tells whether an instance is a replica, or may be: its data, backups and subnets are the primary's, and it
// can be made anew.
func replicates(r Resource) bool { return !r.At("replicateSourceDb").Absent() }

func rdsMultiAZ(r Resource, _ Thresholds, p *Report) {
	if !replicates(r) {
		p.isTrue(r, r.At("multiAz"))
	}
}

func rdsStorageHeadroom(r Resource, t Thresholds, p *Report) {
	now, known := r.At("allocatedStorage").Number()
	if !known || t.SLO.StoragePercent <= 0 {
		return
	}
	why := fmt.Sprintf(" (%v GiB at %v %% use, ragscale:slo.storagePercent)", now, t.SLO.StoragePercent)
	p.isAtLeast(r, r.At("maxAllocatedStorage"), math.Ceil(now*100/t.SLO.StoragePercent), why)
}

func rdsBackup(r Resource, t Thresholds, p *Report) {
	if !replicates(r) {
		p.isAtLeast(r, r.At("backupRetentionPeriod"),
			t.byEnvironment(backupDaysProduction, backupDaysElsewhere, backupDaysElsewhere), " days")
	}
}

func rdsEncrypted(r Resource, _ Thresholds, p *Report) { p.isTrue(r, r.At("storageEncrypted")) }

func rdsForceTLS(r Resource, _ Thresholds, p *Report) {
	if r.At("parameters").Undecided() {
		return
	}
	if v := parameter(r, "rds.force_ssl"); v.Text() != "1" && !v.Absent() { // PostgreSQL 15 and later: 1 unless said
		p.fault(r, v, "1")
	}
}

func rdsPrivate(r Resource, _ Thresholds, p *Report) {
	p.isNotTrue(r, r.At("publiclyAccessible"))
	if !replicates(r) {
		p.isSet(r, r.At("dbSubnetGroupName"), "a subnet group of the stack")
	}
}

func rdsPassword(r Resource, _ Thresholds, p *Report) {
	if password := r.At("password"); !password.Absent() && !password.Unknown() && !password.Secret() {
		p.about(r, password.Path, "in clear", "a secret")
	}
}

func rdsInsights(r Resource, _ Thresholds, p *Report) {
	p.isTrue(r, r.At("performanceInsightsEnabled"))
	p.isAtLeast(r, r.At("monitoringInterval"), 1, " s")
}

func rdsParameters(r Resource, _ Thresholds, p *Report) {
	group := r.At("parameterGroupName")
	if !group.Unknown() && (group.Text() == "" || strings.HasPrefix(group.Text(), "default.")) {
		p.fault(r, group, "a parameter group of the stack")
	}
}

// parameter is the value of a parameter in a group; absent when the group does not set it.
func parameter(group Resource, name string) Property {
	for _, n := range group.At("parameters").Each() {
		if n.At("name").Text() == name {
			return n.At("value")
		}
	}
	return Property{Path: "parameters." + name}
}

func rdsParameterValues(r Resource, _ Thresholds, p *Report) {
	if r.At("parameters").Undecided() {
		return
	}
	for _, name := range []string{"shared_buffers", "max_connections"} {
		p.isSet(r, parameter(r, name), "a value")
	}
	loaded := parameter(r, "shared_preload_libraries").Text()
	for _, n := range r.At("parameters").Each() {
		value := n.At("value")
		setting, err := postgres.Lookup(n.At("name").Text())
		if err != nil { // RDS refuses it
			continue
		}
		if err := setting.CheckForm(value.Text()); err != nil && !value.Undecided() {
			_, want, _ := strings.Cut(err.Error(), ", want ")
			p.fault(r, value, want)
		}
		if setting.Library != "" && !strings.Contains(loaded, setting.Library) {
			p.about(r, value.Path, "a setting of "+setting.Library, "the library in shared_preload_libraries")
		}
	}
}

func rdsStaticParameters(r Resource, _ Thresholds, p *Report) {
	for _, n := range r.At("parameters").Each() {
		if postgres.IsStatic(n.At("name").Text()) {
			p.isOneOf(r, n.At("applyMethod"), "pending-reboot")
		}
	}
}

// rdsSlowStatements counts PostgreSQL's defaults: neither is logged.
func rdsSlowStatements(r Resource, t Thresholds, p *Report) {
	if r.At("parameters").Undecided() {
		return
	}
	most := t.SLO.ResponseSeconds * 1000
	slow := parameter(r, "log_min_duration_statement")
	if ms, set := slow.Number(); !set || ms < 0 || ms > most {
		p.fault(r, slow, fmt.Sprintf("0 to %v ms (ragscale:slo.responseSeconds)", most))
	}
	p.isOneOf(r, parameter(r, "log_lock_waits"), "1", "true", "on")
}

func rdsKept(r Resource, _ Thresholds, p *Report) {
	if replicates(r) {
		return
	}
	p.isTrue(r, r.At("deletionProtection"))
	p.isNotTrue(r, r.At("skipFinalSnapshot"))
	p.isNotTrue(r, r.At("deleteAutomatedBackups"))
}
