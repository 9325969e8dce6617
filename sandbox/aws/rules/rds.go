package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/sandbox/aws/props"
	"github.com/ragscale/ragscale/stacks/catalogue"
)

var (
	dbIdentifier  = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)
	dbName        = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
	dailyWindow   = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$`)
	weeklyWindow  = regexp.MustCompile(`(?i)^(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d-(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d$`)
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

// gp3 limits of RDS for PostgreSQL: below 400 GiB the baseline of 3,000 IOPS and 125 MB/s is fixed.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage ; read 2026-11-23.
const (
	gp3Threshold     = 400 // GiB
	gp3MinIOPS       = 12000
	gp3MaxIOPS       = 64000
	gp3MinThroughput = 500 // MB/s
	gp3MaxThroughput = 4000
)

func dbStorage(c *check) {
	c.oneOf("storageType", "standard", "gp2", "gp3", "io1", "io2")
	size, known := c.num("allocatedStorage")
	if !known {
		return
	}
	c.within("allocatedStorage", 20, 65536)
	if top, ok := c.num("maxAllocatedStorage"); ok && top != 0 && top <= size {
		c.fail("maxAllocatedStorage", "is %v, want more than allocatedStorage, %v, or 0", top, size)
	}
	if old := props.Int(c.Olds, "allocatedStorage", 0); size < float64(old) {
		c.fail("allocatedStorage", "is %v after %d, want no less: RDS storage does not shrink", size, old)
	}
	c.dbThroughput(size)
}

// dbThroughput checks IOPS and MB/s for a size in GiB.
func (c *check) dbThroughput(size float64) {
	switch kind := c.str("storageType"); {
	case kind == "gp3" && size < gp3Threshold:
		for _, path := range []string{"iops", "storageThroughput"} {
			if c.has(path) {
				c.fail(path, "is given with %v GiB of gp3, want none below %d GiB: the baseline is fixed there", size, gp3Threshold)
			}
		}
	case kind == "gp3":
		c.within("iops", gp3MinIOPS, gp3MaxIOPS)
		c.within("storageThroughput", gp3MinThroughput, gp3MaxThroughput)
	case strings.HasPrefix(kind, "io") && !c.has("iops"):
		c.fail("iops", "missing, want a number for storageType %s", kind)
	}
}

// Source: CreateDBInstance of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23.
func dbInsights(c *check) {
	if days, ok := c.num("performanceInsightsRetentionPeriod"); ok {
		months := days / 31
		if days != 7 && days != 731 && (days <= 0 || months > 23 || months != float64(int(months))) {
			c.fail("performanceInsightsRetentionPeriod", "is %v, want 7, 731 or a multiple of 31 up to 713", days)
		}
		if !c.is("performanceInsightsEnabled", false) && !c.unknown("performanceInsightsEnabled") {
			c.fail("performanceInsightsRetentionPeriod", "is given, want performanceInsightsEnabled true with it")
		}
	}
	c.monitoring()
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
