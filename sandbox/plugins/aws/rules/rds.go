package rules

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

var dbIdentifier = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)

// Source of the instance's rules: CreateDBInstance of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23.
func dbInstance(c *check) {
	if id, ok := props.String(c.Inputs, "identifier"); ok && (!dbIdentifier.MatchString(id) || len(id) > 63) {
		c.fail("identifier", "is %q, want 1 to 63 small letters, digits and single hyphens, a letter first", id)
	}
	if class, ok := props.String(c.Inputs, "instanceClass"); ok {
		if _, err := rds.Lookup(class); err != nil {
			c.fail("instanceClass", "%v", err)
		}
	}
	c.oneOf("caCertIdentifier", rds.CACertificates...)
	for i := range c.list("enabledCloudwatchLogsExports") {
		if c.str("engine") == "postgres" {
			c.oneOf(fmt.Sprintf("enabledCloudwatchLogsExports.%d", i), rds.LogExports...)
		}
	}
	c.dbAccess()
	c.within("backupRetentionPeriod", 0, rds.MostBackupDays)
	c.windows("backupWindow", rds.LeastWindow)
	c.dbFamily()
	snapshot := !c.is("skipFinalSnapshot", false) && !c.unknown("skipFinalSnapshot")
	if snapshot && !slices.ContainsFunc([]string{"finalSnapshotIdentifier", "replicateSourceDb"}, c.has) {
		c.fail("finalSnapshotIdentifier", "missing, want a name for the snapshot since skipFinalSnapshot is false")
	}
}

// dbAccess checks the names and the password that RDS sets up.
func (c *check) dbAccess() {
	for _, path := range []string{"dbName", "username"} {
		name, ok := props.String(c.Inputs, path)
		switch {
		case !ok:
		case !rds.Name.MatchString(name):
			c.fail(path, "is %q, want a letter, then up to 62 letters, digits and _", name)
		case rds.IsReserved(name):
			c.fail(path, "is %q, which RDS for PostgreSQL reserves", name)
		}
	}
	if password, ok := props.String(c.Inputs, "password"); ok {
		if err := rds.Password.Check(password); err != nil {
			c.fail("password", "%v", err)
		}
	}
	c.conflict("password", "manageMasterUserPassword")
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
		if !slices.Contains(rds.MonitoringIntervals, int(s)) || s != math.Trunc(s) {
			c.fail("monitoringInterval", "is %v, want one of %v", s, rds.MonitoringIntervals)
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
