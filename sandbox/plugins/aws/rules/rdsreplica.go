package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// Source: CreateDBInstanceReadReplica and DeleteDBInstance of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-24. That a replica in the source's
// region takes no subnet group, that none has a source with a managed password, and that the provider refuses another
// source, is as remembered.
func dbReplica(c *check) {
	if !c.has("replicateSourceDb") {
		sources := []string{"allocatedStorage", "snapshotIdentifier", "restoreToPointInTime", "s3Import"}
		if !slices.ContainsFunc(sources, c.has) {
			c.fail("allocatedStorage", "missing, want GiB")
		}
		return
	}
	for _, path := range []string{"dbName", "username", "password", "manageMasterUserPassword"} {
		if c.has(path) {
			c.fail(path, "is given, want none on a replica: it has the source's")
		}
	}
	if c.has("finalSnapshotIdentifier") {
		c.fail("finalSnapshotIdentifier", "is given, want none on a replica: RDS takes no final snapshot of one")
	}
	if !c.is("skipFinalSnapshot", false) && !c.unknown("skipFinalSnapshot") {
		c.fail("skipFinalSnapshot", "is false, want true on a replica: RDS deletes one only so")
	}
	if source, ok := props.String(c.Inputs, "replicateSourceDb"); ok {
		c.dbSource(source)
	}
}

// dbSource checks the instance that a replica copies.
func (c *check) dbSource(source string) {
	if old := props.Str(c.Olds, "replicateSourceDb"); len(c.Olds) > 0 && old != source {
		c.fail("replicateSourceDb", "is %q after %q, want no change: RDS makes no replica of an instance, and none of another source", source, old)
	}
	if !strings.HasPrefix(source, "arn:") {
		for _, path := range []string{"dbSubnetGroupName", "kmsKeyId"} {
			if c.has(path) {
				c.fail(path, "is given, want none on a replica in the source's region: it has the source's")
			}
		}
	}
	for _, s := range c.others(tokenDBInstance) {
		if !isSource(s, source) {
			continue
		}
		if props.Int(s.State, "backupRetentionPeriod", 0) < 1 {
			c.fail("replicateSourceDb", "is %s without backups, want a source with backupRetentionPeriod of at least 1", source)
		}
		if props.Bool(s.State, "manageMasterUserPassword", false) {
			c.fail("replicateSourceDb", "is %s with a managed master password, want a source without", source)
		}
	}
}

func isSource(r inventory.Resource, name string) bool {
	return props.Str(r.State, "identifier") == name || props.Str(r.State, "arn") == name
}

// replicaSettings refuses a replica that would halt: AWS makes it, and it never follows its source. It belongs to the
// references, and not to Check, because a preview knows only the groups as they were: the update may raise them first.
func replicaSettings(r Request) error {
	name := props.Str(r.Inputs, "replicateSourceDb")
	if name == "" {
		return nil
	}
	instances, err := r.Inventory.List(tokenDBInstance)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(instances, func(i inventory.Resource) bool { return isSource(i, name) })
	if at < 0 {
		return fmt.Errorf("replicateSourceDb is %q, which does not exist in the account (DBInstanceNotFound)", name)
	}
	source := instances[at].State
	group := props.Str(source, "parameterGroupName")
	theirs, err := floors(r.Inventory, source, group)
	if err != nil {
		return err
	}
	if own := props.Str(r.Inputs, "parameterGroupName"); own != "" {
		group = own
	}
	mine, err := floors(r.Inventory, r.Inputs, group)
	if err != nil {
		return err
	}
	var faults []error
	for _, p := range postgres.Floors() {
		a, has := mine[p]
		b, given := theirs[p]
		if has && given && a < b {
			faults = append(faults, fmt.Errorf("parameterGroupName: %s is %d on %s, want %d or more: its source %s has %d, and PostgreSQL runs no replica with less",
				p, a, props.Str(r.Inputs, "instanceClass"), b, name, b))
		}
	}
	return errors.Join(faults...)
}

// floors are the parameters with which recovery halts on a replica that has less than its source, as an instance has under a group, as far as the group or RDS's default
// says.
func floors(inv Inventory, instance resource.PropertyMap, group string) (map[string]int, error) {
	class, err := rds.Lookup(props.Str(instance, "instanceClass"))
	if err != nil {
		return nil, nil //nolint:nilerr // Check named it
	}
	groups, err := inv.List(tokenDBParams)
	if err != nil {
		return nil, err
	}
	formulas := map[string]string{"max_connections": rds.DefaultMaxConnections}
	for _, g := range groups {
		if props.Str(g.State, "name") != group {
			continue
		}
		for _, p := range props.Objects(g.State, "parameters") {
			formulas[props.Str(p, "name")] = props.Str(p, "value")
		}
	}
	out := map[string]int{}
	room := class.Instance()
	for _, name := range postgres.Floors() {
		text, err := parameter.Evaluate(formulas[name], room)
		if err != nil {
			return nil, fmt.Errorf("parameter group %s: %s %w", group, name, err)
		}
		if n, err := strconv.Atoi(text); err == nil { // none is given, or Check names it
			out[name] = n
		}
	}
	return out, nil
}
