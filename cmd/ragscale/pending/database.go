package pending

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

type database types.DBInstance

func (a Account) database(ctx context.Context, id string) (database, error) {
	out, err := a.Databases.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	if err != nil {
		return database{}, err
	}
	if len(out.DBInstances) != 1 {
		return database{}, fmt.Errorf("answers are %d, want one", len(out.DBInstances))
	}
	return database(out.DBInstances[0]), nil
}

func (d database) name() string   { return aws.ToString(d.DBInstanceIdentifier) }
func (d database) status() string { return aws.ToString(d.DBInstanceStatus) }

func (d database) changes() []Change {
	return append(d.modifications(), d.restarts()...)
}

// modifications are the pending values of what this program sets. (A password is applied without a window.)
func (d database) modifications() []Change {
	p := d.PendingModifiedValues
	if p == nil {
		return nil
	}
	changes := list{id: d.name(), window: aws.ToString(d.PreferredMaintenanceWindow)}
	add(&changes, "instanceClass", d.DBInstanceClass, p.DBInstanceClass)
	add(&changes, "engineVersion", d.EngineVersion, p.EngineVersion)
	add(&changes, "multiAz", d.MultiAZ, p.MultiAZ)
	add(&changes, "allocatedStorage", d.AllocatedStorage, p.AllocatedStorage)
	add(&changes, "storageType", d.StorageType, p.StorageType)
	add(&changes, "iops", d.Iops, p.Iops)
	add(&changes, "storageThroughput", d.StorageThroughput, p.StorageThroughput)
	add(&changes, "caCertIdentifier", d.CACertificateIdentifier, p.CACertificateIdentifier)
	add(&changes, "backupRetentionPeriod", d.BackupRetentionPeriod, p.BackupRetentionPeriod)
	add(&changes, "iamDatabaseAuthenticationEnabled", d.IAMDatabaseAuthenticationEnabled,
		p.IAMDatabaseAuthenticationEnabled)
	return changes.all
}

// restarts are parameter groups of which a static parameter was changed.
func (d database) restarts() []Change {
	var out []Change
	for _, g := range d.DBParameterGroups {
		if aws.ToString(g.ParameterApplyStatus) == "pending-reboot" {
			out = append(out, Change{
				ID: d.name(), Setting: "parameters", Now: "as at the last start", New: aws.ToString(g.DBParameterGroupName),
				Restart: true,
			})
		}
	}
	return out
}

// apply sends the pending values again, to be applied now: a call without any is refused ("No modifications were
// requested"). A restart for static parameters is asked for when there is nothing else, since the instance takes one
// change at a time.
func (d database) apply(ctx context.Context, a Account) error {
	if len(d.modifications()) == 0 {
		_, err := a.Databases.RebootDBInstance(ctx, &rds.RebootDBInstanceInput{DBInstanceIdentifier: d.DBInstanceIdentifier})
		return err
	}
	p := d.PendingModifiedValues
	in := &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: d.DBInstanceIdentifier, ApplyImmediately: aws.Bool(true),
		DBInstanceClass: p.DBInstanceClass, EngineVersion: p.EngineVersion, MultiAZ: p.MultiAZ,
		AllocatedStorage: p.AllocatedStorage, StorageType: p.StorageType, Iops: p.Iops,
		StorageThroughput:       p.StorageThroughput,
		CACertificateIdentifier: p.CACertificateIdentifier, BackupRetentionPeriod: p.BackupRetentionPeriod,
		EnableIAMDatabaseAuthentication: p.IAMDatabaseAuthenticationEnabled,
	}
	if in.EngineVersion != nil && line(*in.EngineVersion) != line(aws.ToString(d.EngineVersion)) {
		in.AllowMajorVersionUpgrade = aws.Bool(true) // it was allowed when it was asked for
	}
	d.volume(in)
	_, err := a.Databases.ModifyDBInstance(ctx, in)
	var invalid *types.InvalidDBInstanceStateFault
	if errors.As(err, &invalid) {
		return fmt.Errorf("%w: try again when it is %s", err, available)
	}
	return err
}

// volume completes a change of the volume: of gp3 RDS wants size, operations and throughput together
// (https://github.com/hashicorp/terraform-provider-aws/issues/28382 ; read 2026-11-30).
func (d database) volume(in *rds.ModifyDBInstanceInput) {
	if in.AllocatedStorage == nil && in.Iops == nil && in.StorageThroughput == nil && in.StorageType == nil {
		return
	}
	const striped = 400 // GiB, from which gp3's operations and throughput are set
	if size := or(in.AllocatedStorage, d.AllocatedStorage); size != nil && *size < striped {
		return
	}
	in.AllocatedStorage, in.Iops = or(in.AllocatedStorage, d.AllocatedStorage), or(in.Iops, d.Iops)
	in.StorageThroughput = or(in.StorageThroughput, d.StorageThroughput)
}

func or[T any](first, second *T) *T {
	if first != nil {
		return first
	}
	return second
}

// line is PostgreSQL's major version.
func line(version string) string {
	major, _, _ := strings.Cut(version, ".")
	return major
}

// list collects a resource's changes.
type list struct {
	id, window string
	all        []Change
}

// add appends a value that waits.
func add[T any](to *list, setting string, now, then *T) {
	if then == nil {
		return
	}
	was := "unset"
	if now != nil {
		was = fmt.Sprint(*now)
	}
	to.all = append(to.all, Change{ID: to.id, Setting: setting, Now: was, New: fmt.Sprint(*then), Window: to.window})
}
