package database

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/components/internal/fault"
	"github.com/ragscale/ragscale/components/internal/schedule"
)

var (
	classPattern    = regexp.MustCompile(`^db\.[a-z0-9-]+\.[a-z0-9]+$`)
	versionPattern  = regexp.MustCompile(`^[1-9][0-9]*(\.[0-9]+)?$`)
	identifierStyle = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
)

const (
	// longestName starts the instance identifiers: at most 63 characters with "-", 8 of a suffix and "-replica-15".
	longestName    = 40
	mostBackupDays = 35
)

// reservedUsernames are refused by RDS for PostgreSQL as master users.
var reservedUsernames = []string{"admin", "rds_superuser", "rdsadmin", "rdsrepladmin", "rdstopmgr", "user"}

// monitoringIntervals and exportableLogs are all that RDS takes.
// Source: CreateDBInstance of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23.
var (
	monitoringIntervals = []int{0, 1, 5, 10, 15, 30, 60}
	exportableLogs      = []string{"postgresql", "upgrade", "iam-db-auth-error"}
)

// leastWindow is RDS's minimum length of either window, in minutes.
const leastWindow = 30

type faults struct{ fault.List }

func validate(name string, a Args) error {
	f := faults{fault.In("database")}
	f.Name("name", name, longestName)
	f.wiring(a)
	f.engine(a)
	f.storage(a.Storage)
	f.parameters("Parameters", a.Parameters)
	f.replicas(a)
	f.upkeep(a)
	f.insight(a)
	f.rotation(a.Rotation)
	return f.Err()
}

func (f *faults) wiring(a Args) {
	missing := map[string]bool{"VPCID": a.VPCID == nil, "Password": a.Password == nil}
	for client, group := range a.AllowedSecurityGroupIDs {
		missing["AllowedSecurityGroupIDs["+client+"]"] = group == nil
	}
	f.Missing(missing)
	f.Subnets("IsolatedSubnetIDs", len(a.IsolatedSubnetIDs))
}

func (f *faults) engine(a Args) {
	if !classPattern.MatchString(a.InstanceClass) {
		f.Add("InstanceClass is %q, want an RDS class such as db.r7g.large", a.InstanceClass)
	}
	if !versionPattern.MatchString(a.EngineVersion) {
		f.Add(`EngineVersion is %q, want a major version "17" or a pinned one "17.6"`, a.EngineVersion)
	}
	if !identifierStyle.MatchString(a.DBName) {
		f.Add("DBName is %q, want a letter, then up to 62 letters, digits and underscores", a.DBName)
	}
	switch {
	case !identifierStyle.MatchString(a.Username):
		f.Add("Username is %q, want a letter, then up to 62 letters, digits and underscores", a.Username)
	case slices.Contains(reservedUsernames, strings.ToLower(a.Username)):
		f.Add("Username is %q, want a name that RDS does not reserve", a.Username)
	}
}

func (f *faults) upkeep(a Args) {
	f.Between("BackupRetentionDays", a.BackupRetentionDays, 0, mostBackupDays)
	if a.DeletionProtection && a.BackupRetentionDays == 0 {
		f.Add("BackupRetentionDays is 0 with DeletionProtection, want 1 or more: data worth protecting needs backups")
	}
	daily, weekly := schedule.Field{Name: "BackupWindow", Value: a.BackupWindow}, schedule.Field{Name: "MaintenanceWindow", Value: a.MaintenanceWindow}
	for _, err := range schedule.Faults(daily, weekly, leastWindow) {
		f.Add("%w", err)
	}
}

func (f *faults) insight(a Args) {
	if _, known := insightsDays[a.Insights]; !known && a.Insights != InsightsOff {
		f.Add("Insights is %q, want %q, %q or nothing", a.Insights, InsightsStandard, InsightsAdvanced)
	}
	if !slices.Contains(monitoringIntervals, a.MonitoringIntervalSeconds) {
		f.Add("MonitoringIntervalSeconds is %d, want one of %v", a.MonitoringIntervalSeconds, monitoringIntervals)
	}
	for i, export := range a.LogExports {
		if !slices.Contains(exportableLogs, export) {
			f.Add("LogExports[%d] is %q, want one of %q", i, export, exportableLogs)
		}
		if slices.Contains(a.LogExports[:i], export) {
			f.Add("LogExports[%d] is %q again, want it once", i, export)
		}
	}
	f.LogDays("LogRetentionDays", a.LogRetentionDays, "for ever")
}

// CloudWatch Database Insights, which took Performance Insights' place on 2026-06-30 and with it its longer retentions.
const (
	InsightsOff      = ""
	InsightsStandard = "standard" // 7 days, free
	InsightsAdvanced = "advanced" // 15 months, paid for by vCPU
)

// insightsDays are the retentions that a mode has: advanced takes no less.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DatabaseInsights.Considerations.html ; read 2026-11-30.
var insightsDays = map[string]int{InsightsStandard: 7, InsightsAdvanced: 465}

// isPinned tells a minor version from a major one. AWS upgrading a pinned minor would be a difference for ever.
func isPinned(version string) bool { return strings.Contains(version, ".") }

func majorVersion(version string) string {
	major, _, _ := strings.Cut(version, ".")
	return major
}

// passwordFault is nil for a password that RDS for PostgreSQL takes. It never quotes the password.
func passwordFault(password string) error {
	if len(password) < 8 || len(password) > 128 {
		return fmt.Errorf("database.Password has %d characters, want 8 to 128", len(password))
	}
	for _, r := range password {
		if r <= ' ' || r > '~' || strings.ContainsRune(`/"@`, r) {
			return errors.New(`database.Password has a character that RDS refuses, want printable ASCII without / " @ and space`)
		}
	}
	return nil
}
