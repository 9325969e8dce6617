package database

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	// A component's name starts the instance identifiers: at most 63 characters with "-", 8 of a suffix and "-replica-15".
	namePattern     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	classPattern    = regexp.MustCompile(`^db\.[a-z0-9-]+\.[a-z0-9]+$`)
	versionPattern  = regexp.MustCompile(`^[1-9][0-9]*(\.[0-9]+)?$`)
	identifierStyle = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
)

const longestName = 40

// reservedUsernames are refused by RDS for PostgreSQL as master users.
var reservedUsernames = []string{"admin", "rds_superuser", "rdsadmin", "rdsrepladmin", "rdstopmgr", "user"}

// monitoringIntervals, logRetentions (0 = for ever) and exportableLogs are all that AWS takes.
// Source: CreateDBInstance of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 and PutRetentionPolicy
// of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs@v1.74.4 ; read 2026-11-23.
var (
	monitoringIntervals = []int{0, 1, 5, 10, 15, 30, 60}
	logRetentions       = []int{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
	exportableLogs      = []string{"postgresql", "upgrade", "iam-db-auth-error"}
)

// faults collects what is wrong with the arguments: field, fact, want.
type faults []error

func (f *faults) add(format string, values ...any) {
	*f = append(*f, fmt.Errorf("database."+format, values...))
}

func validate(name string, a Args) error {
	var f faults
	if !namePattern.MatchString(name) || len(name) > longestName {
		f.add("name is %q, want at most %d lower-case letters, digits and single hyphens, a letter first", name, longestName)
	}
	f.wiring(a)
	f.engine(a)
	f.storage(a.Storage)
	f.parameters("Parameters", a.Parameters)
	f.replicas(a)
	f.upkeep(a)
	f.insight(a)
	f.rotation(a.Rotation)
	return errors.Join(f...)
}

func (f *faults) wiring(a Args) {
	if a.VPCID == nil {
		f.add("VPCID is missing, want the network's id")
	}
	if a.Password == nil {
		f.add("Password is missing, want a secret")
	}
	if n := len(a.IsolatedSubnetIDs); n < 2 {
		f.add("IsolatedSubnetIDs has %d, want 2 or more, each in a zone of its own", n)
	}
	for _, client := range slices.Sorted(maps.Keys(a.AllowedSecurityGroupIDs)) {
		if a.AllowedSecurityGroupIDs[client] == nil {
			f.add("AllowedSecurityGroupIDs[%s] is missing, want a security group's id", client)
		}
	}
}

func (f *faults) engine(a Args) {
	if !classPattern.MatchString(a.InstanceClass) {
		f.add("InstanceClass is %q, want an RDS class such as db.r7g.large", a.InstanceClass)
	}
	if !versionPattern.MatchString(a.EngineVersion) {
		f.add(`EngineVersion is %q, want a major version "17" or a pinned one "17.6"`, a.EngineVersion)
	}
	if !identifierStyle.MatchString(a.DBName) {
		f.add("DBName is %q, want a letter, then up to 62 letters, digits and underscores", a.DBName)
	}
	switch {
	case !identifierStyle.MatchString(a.Username):
		f.add("Username is %q, want a letter, then up to 62 letters, digits and underscores", a.Username)
	case slices.Contains(reservedUsernames, strings.ToLower(a.Username)):
		f.add("Username is %q, want a name that RDS does not reserve", a.Username)
	}
}

func (f *faults) upkeep(a Args) {
	if a.BackupRetentionDays < 0 || a.BackupRetentionDays > 35 {
		f.add("BackupRetentionDays is %d, want 0 to 35", a.BackupRetentionDays)
	}
	if a.DeletionProtection && a.BackupRetentionDays == 0 {
		f.add("BackupRetentionDays is 0 with DeletionProtection, want 1 or more: data worth protecting needs backups")
	}
	f.windows(a.BackupWindow, a.MaintenanceWindow)
}

func (f *faults) insight(a Args) {
	if days := a.PerformanceInsightsRetentionDays; !validInsightsRetention(days) {
		f.add("PerformanceInsightsRetentionDays is %d, want 0, 7, 731 or a multiple of 31 up to 713", days)
	}
	if !slices.Contains(monitoringIntervals, a.MonitoringIntervalSeconds) {
		f.add("MonitoringIntervalSeconds is %d, want one of %v", a.MonitoringIntervalSeconds, monitoringIntervals)
	}
	for i, export := range a.LogExports {
		if !slices.Contains(exportableLogs, export) {
			f.add("LogExports[%d] is %q, want one of %q", i, export, exportableLogs)
		}
		if slices.Contains(a.LogExports[:i], export) {
			f.add("LogExports[%d] is %q again, want it once", i, export)
		}
	}
	if !slices.Contains(logRetentions, a.LogRetentionDays) {
		f.add("LogRetentionDays is %d, want one of %v", a.LogRetentionDays, logRetentions)
	}
}

func validInsightsRetention(days int) bool {
	return days == 0 || days == 7 || days == 731 || days > 0 && days <= 713 && days%31 == 0
}

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
