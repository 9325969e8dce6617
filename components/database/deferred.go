package database

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/deferred"
)

// waiting tells what RDS keeps for an instance's maintenance window. The rest of what this component sets is done at
// once, but for static parameters: those wait for a restart, which no window brings and no output tells.
// Source: ModifyDBInstance and PendingModifiedValues of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 , and
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.DBInstance.Modifying.html ; read 2026-11-30.
func (d *declaration) waiting(instance *rds.Instance, suffix, class string, multiAZ bool) pulumi.StringArrayOutput {
	if d.args.ApplyImmediately {
		return pulumi.StringArray{}.ToStringArrayOutput()
	}
	s := provisioned(d.args.Storage)
	settings := []deferred.Setting{
		{Name: "instanceClass", Want: class, Have: instance.InstanceClass},
		{Name: "multiAz", Want: multiAZ, Have: instance.MultiAz},
		{Name: "engineVersion", Want: d.args.EngineVersion, Have: instance.EngineVersionActual, Done: deferred.SameVersion},
		{Name: "caCertIdentifier", Want: certificateAuthority, Have: instance.CaCertIdentifier},
		{Name: "storageType", Want: s.Type, Have: instance.StorageType},
		{Name: "allocatedStorage", Want: s.GiB, Have: instance.AllocatedStorage, Done: deferred.NoLess},
		{Name: "iops", Want: s.IOPS, Have: instance.Iops, Done: deferred.NoLess},
		{Name: "storageThroughput", Want: s.ThroughputMBps, Have: instance.StorageThroughput, Done: deferred.NoLess},
	}
	return deferred.Watch(d.ctx, instance, "database "+d.name+suffix, instance.MaintenanceWindow, settings...)
}
