package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/stacks/catalogue"
)

var (
	dbIdentifier  = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)
	dbName        = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
	dailyWindow   = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$`)
	weeklyWindow  = regexp.MustCompile(`(?i)^(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d-(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d$`)
	dbUser        = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
	reservedNames = []string{"admin", "postgres_fdw", "rdsadmin", "rdsrepladmin", "rdsproxyadmin", "public", "user"}
	caIdentifiers = []string{"rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"}
)

// Source of the instance's rules: CreateDBInstance of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23. It publishes no list of reserved words: reservedNames are as remembered.
func dbInstance(c *check) {
	if id, ok := props.String(c.Inputs, "identifier"); ok && (!dbIdentifier.MatchString(id) || len(id) > 63) {
		c.fail("identifier", "is %q, want 1 to 63 small letters, digits and single hyphens, a letter first", id)
	}
	if class, ok := props.String(c.Inputs, "instanceClass"); ok {
		if _, err := catalogue.RDS(class); err != nil {
			c.fail("instanceClass", "%v", err)
		}
	}
	c.oneOf("caCertIdentifier", caIdentifiers...)
	for i := range c.list("enabledCloudwatchLogsExports") {
		if c.str("engine") == "postgres" {
			c.oneOf(fmt.Sprintf("enabledCloudwatchLogsExports.%d", i), "postgresql", "upgrade", "iam-db-auth-error")
		}
	}
	c.dbAccess()
	c.windows()
	c.dbFamily()
	snapshot := !c.is("skipFinalSnapshot", false) && !c.unknown("skipFinalSnapshot")
	if snapshot && !slices.ContainsFunc([]string{"finalSnapshotIdentifier", "replicateSourceDb"}, c.has) {
		c.fail("finalSnapshotIdentifier", "missing, want a name for the snapshot since skipFinalSnapshot is false")
	}
}

// dbAccess checks the names and the password that RDS sets up.
func (c *check) dbAccess() {
	if name, ok := props.String(c.Inputs, "dbName"); ok && !dbName.MatchString(name) {
		c.fail("dbName", "is %q, want a letter, then up to 62 letters, digits and _", name)
	}
	if name, ok := props.String(c.Inputs, "username"); ok && slices.Contains(reservedNames, strings.ToLower(name)) {
		c.fail("username", "is %q, which RDS for PostgreSQL reserves", name)
	} else if ok && !dbUser.MatchString(name) {
		// "Must be 1 to 63 letters or numbers … can include underscores (_). First character must be a letter."
		c.fail("username", "is %q, want a letter, then up to 62 letters, digits and _", name)
	}
	if pw, ok := props.String(c.Inputs, "password"); ok && (len(pw) < 8 || len(pw) > 128 || strings.ContainsAny(pw, `/@" `)) {
		c.fail("password", "has %d characters, want 8 to 128 without /, @, \" and space", len(pw))
	}
	c.conflict("password", "manageMasterUserPassword")
}

func (c *check) windows() {
	c.within("backupRetentionPeriod", 0, 35)
	backup, hasBackup := props.String(c.Inputs, "backupWindow")
	if hasBackup && !dailyWindow.MatchString(backup) {
		c.fail("backupWindow", "is %q, want hh:mm-hh:mm in UTC", backup)
		return
	}
	maintenance, ok := props.String(c.Inputs, "maintenanceWindow")
	if ok && !weeklyWindow.MatchString(maintenance) {
		c.fail("maintenanceWindow", "is %q, want ddd:hh:mm-ddd:hh:mm in UTC", maintenance)
		return
	}
	if ok && hasBackup && overlap(backup, strings.ToLower(maintenance)) {
		c.fail("backupWindow", "is %s, which overlaps maintenanceWindow %s", backup, maintenance)
	}
}

// overlap says whether a daily window meets a weekly one. Both have the right form.
func overlap(daily, weekly string) bool {
	const day, week = 24 * 60, 7 * 24 * 60
	minute := func(s string) int { // "hh:mm"; the form is checked
		h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
		return h*60 + m
	}
	days := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	length := func(from, to, around int) int { return (to - from + around) % around }
	from, to, _ := strings.Cut(weekly, "-")
	start := slices.Index(days, from[:3])*day + minute(from[4:])
	span := length(start, slices.Index(days, to[:3])*day+minute(to[4:]), week)
	b, e, _ := strings.Cut(daily, "-")
	daySpan := length(minute(b), minute(e), day)
	for d := range 7 {
		at := d*day + minute(b)
		if length(start, at, week) < span || length(at, start, week) < daySpan {
			return true
		}
	}
	return false
}

// dbFamily compares the engine's major version with the family of its parameter group.
func (c *check) dbFamily() {
	version, ok := props.String(c.Inputs, "engineVersion")
	group := c.str("parameterGroupName")
	if !ok || group == "" || c.str("engine") != "postgres" {
		return
	}
	major, _, _ := strings.Cut(version, ".")
	for _, g := range c.others(tokenDBParams) {
		if family := props.Str(g.State, "family"); props.Str(g.State, "name") == group && family != "postgres"+major {
			c.fail("parameterGroupName", "is %s of family %s, want family postgres%s for engine version %s", group, family, major, version)
		}
	}
}

func (c *check) monitoring() {
	if s, ok := c.num("monitoringInterval"); ok {
		if !slices.Contains([]float64{0, 1, 5, 10, 15, 30, 60}, s) {
			c.fail("monitoringInterval", "is %v, want 0, 1, 5, 10, 15, 30 or 60", s)
		}
		if s > 0 && !c.has("monitoringRoleArn") {
			c.fail("monitoringRoleArn", "missing, want a role for enhanced monitoring since monitoringInterval is %v", s)
		}
	}
}

func dbSubnetGroup(c *check) {
	if n := len(c.list("subnetIds")); n == 1 {
		c.fail("subnetIds", "has 1 subnet, want subnets in at least 2 availability zones")
		return
	}
	c.zones("subnetIds", 2)
}
