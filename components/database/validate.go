package database

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/components/internal/fault"
)

var (
	classPattern   = regexp.MustCompile(`^db\.[a-z0-9-]+\.[a-z0-9]+$`)
	versionPattern = regexp.MustCompile(`^[1-9][0-9]*(\.[0-9]+)?$`)
)

// longestName starts the instance identifiers: at most 63 characters with "-", 8 of a suffix and "-replica-15".
const longestName = 40

type faults struct{ fault.List }

func validate(name string, a Args) error {
	f := faults{fault.In("database")}
	f.Name("name", name, longestName)
	f.wiring(a)
	f.engine(a)
	f.storage(a.Storage)
	f.parameters("Parameters", a.Parameters, a.EngineVersion)
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
	for _, named := range [][2]string{{"DBName", a.DBName}, {"Username", a.Username}} {
		field, name := named[0], named[1]
		switch {
		case !rds.Name.MatchString(name):
			f.Add("%s is %q, want a letter, then up to 62 letters, digits and underscores", field, name)
		case rds.IsReserved(name):
			f.Add("%s is %q, want a name that RDS does not reserve", field, name)
		}
	}
}

func (f *faults) upkeep(a Args) {
	f.Between("BackupRetentionDays", a.BackupRetentionDays, 0, rds.MostBackupDays)
	if a.DeletionProtection && a.BackupRetentionDays == 0 {
		f.Add("BackupRetentionDays is 0 with DeletionProtection, want 1 or more: data worth protecting needs backups")
	}
	f.Windows(fault.Span{Field: "BackupWindow", Value: a.BackupWindow},
		fault.Span{Field: "MaintenanceWindow", Value: a.MaintenanceWindow}, rds.LeastWindow)
}

func (f *faults) insight(a Args) {
	if _, known := insightsDays[a.Insights]; !known && a.Insights != InsightsOff {
		f.Add("Insights is %q, want %q, %q or nothing", a.Insights, InsightsStandard, InsightsAdvanced)
	}
	if !slices.Contains(rds.MonitoringIntervals, a.MonitoringIntervalSeconds) {
		f.Add("MonitoringIntervalSeconds is %d, want one of %v", a.MonitoringIntervalSeconds, rds.MonitoringIntervals)
	}
	for i, export := range a.LogExports {
		if !slices.Contains(rds.LogExports, export) {
			f.Add("LogExports[%d] is %q, want one of %q", i, export, rds.LogExports)
		}
		if slices.Contains(a.LogExports[:i], export) {
			f.Add("LogExports[%d] is %q again, want it once", i, export)
		}
	}
	f.LogDays("LogRetentionDays", a.LogRetentionDays, "for ever")
}

// CloudWatch Database Insights.
const (
	InsightsOff      = ""
	InsightsStandard = rds.InsightsStandard // 7 days, free
	InsightsAdvanced = rds.InsightsAdvanced // 15 months, paid for by vCPU
)

// insightsDays are the retentions that a mode has.
var insightsDays = map[string]int{InsightsStandard: rds.StandardInsightsDays,
	InsightsAdvanced: rds.AdvancedInsightsDays}

// isPinned tells a minor version from a major one. AWS upgrading a pinned minor would be a difference for ever.
func isPinned(version string) bool { return strings.Contains(version, ".") }

func majorVersion(version string) string {
	major, _, _ := strings.Cut(version, ".")
	return major
}

// passwordFault is nil for a password that RDS for PostgreSQL takes. It never quotes the password.
func passwordFault(password string) error {
	if err := rds.Password.Check(password); err != nil {
		return fmt.Errorf("database.Password %w", err)
	}
	return nil
}
