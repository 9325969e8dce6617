package database

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// certificateAuthority signs the instances' TLS certificates (RSA 2048, valid until 2061 as remembered; to settle: `aws
// rds describe-certificates`). Clients trust it through RDS's global bundle.
const certificateAuthority = "rds-ca-rsa2048-g1"

// creationOnly are the arguments that RDS can set only when it creates an instance. A change to one would replace the
// instance, and with it the data.
var creationOnly = []string{"dbName", "username", "kmsKeyId", "storageEncrypted", "performanceInsightsKmsKeyId"}

// instanceTimeouts outlast the provider's 40 minutes, which a large volume or a Multi-AZ instance may take.
var instanceTimeouts = pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "60m", Update: "120m", Delete: "60m"})

// sharedWiring is what the primary and its replicas have in common.
type sharedWiring struct {
	identifier pulumi.StringOutput // of the primary
	key        *kms.Key
	firewall   *ec2.SecurityGroup
	monitoring monitoring
}

// primary declares the instance that takes writes.
func (d *declaration) primary(w sharedWiring) (*rds.Instance, error) {
	subnets, err := d.subnetGroup()
	if err != nil {
		return nil, err
	}
	group, err := d.parameterGroup("", d.args.Parameters)
	if err != nil {
		return nil, err
	}
	logs, err := d.logGroups("", w.identifier)
	if err != nil {
		return nil, err
	}
	a := d.args
	args := d.instance("", w)
	args.Identifier = w.identifier.ToStringPtrOutput()
	args.Engine = pulumi.String("postgres")
	args.EngineVersion = pulumi.String(a.EngineVersion)
	args.InstanceClass = pulumi.String(a.InstanceClass)
	args.MultiAz = pulumi.Bool(a.MultiAZ)
	args.DbName = pulumi.String(a.DBName)
	args.Username = pulumi.String(a.Username)
	args.Password = checkedPassword(a.Password).ToStringPtrOutput()
	args.Port = pulumi.Int(port)
	args.DbSubnetGroupName = subnets.Name
	args.ParameterGroupName = group.Name
	args.KmsKeyId = w.key.Arn
	args.BackupRetentionPeriod = pulumi.Int(a.BackupRetentionDays)
	args.BackupWindow = optionalString(a.BackupWindow)
	args.DeletionProtection = pulumi.Bool(a.DeletionProtection)
	args.DeleteAutomatedBackups = pulumi.Bool(!a.FinalSnapshot)
	args.SkipFinalSnapshot = pulumi.Bool(!a.FinalSnapshot)
	if a.FinalSnapshot {
		args.FinalSnapshotIdentifier = pulumi.Sprintf("%s-final", w.identifier)
	}
	instance, err := rds.NewInstance(d.ctx, d.name, args, d.parent, instanceTimeouts,
		pulumi.DependsOn(append(logs, w.monitoring.ready...)),
		pulumi.Protect(a.DeletionProtection),
		pulumi.IgnoreChanges(append(a.Rotation.ownedByFunction(), creationOnly...)))
	if err != nil {
		return nil, fmt.Errorf("instance: %w", err)
	}
	return instance, nil
}

// instance is the arguments that the primary and its replicas have alike: access, storage, upkeep and observation.
func (d *declaration) instance(suffix string, w sharedWiring) *rds.InstanceArgs {
	a := d.args
	args := &rds.InstanceArgs{
		AutoMinorVersionUpgrade:    pulumi.Bool(!isPinned(a.EngineVersion)),
		ApplyImmediately:           pulumi.Bool(a.ApplyImmediately),
		VpcSecurityGroupIds:        pulumi.StringArray{w.firewall.ID()},
		PubliclyAccessible:         pulumi.Bool(false),
		CaCertIdentifier:           pulumi.String(certificateAuthority),
		StorageEncrypted:           pulumi.Bool(true),
		MaintenanceWindow:          optionalString(a.MaintenanceWindow),
		CopyTagsToSnapshot:         pulumi.Bool(true),
		MonitoringInterval:         pulumi.Int(a.MonitoringIntervalSeconds),
		MonitoringRoleArn:          w.monitoring.roleARN,
		PerformanceInsightsEnabled: pulumi.Bool(a.Insights != InsightsOff),
		Tags:                       d.tags(suffix),
	}
	if a.Insights != InsightsOff {
		args.DatabaseInsightsMode = pulumi.String(a.Insights)
		args.PerformanceInsightsRetentionPeriod = pulumi.Int(insightsDays[a.Insights])
		args.PerformanceInsightsKmsKeyId = w.key.Arn
	}
	if len(a.LogExports) > 0 {
		args.EnabledCloudwatchLogsExports = pulumi.ToStringArray(a.LogExports)
	}
	setStorage(args, a.Storage)
	return args
}

// setStorage leaves out what is zero: RDS takes no IOPS or throughput for small gp3 volumes.
func setStorage(args *rds.InstanceArgs, s Storage) {
	s = provisioned(s)
	args.StorageType = pulumi.String(s.Type)
	args.AllocatedStorage = pulumi.Int(s.GiB)
	if s.MaxGiB > 0 {
		args.MaxAllocatedStorage = pulumi.Int(s.MaxGiB)
	}
	if s.IOPS > 0 {
		args.Iops = pulumi.Int(s.IOPS)
	}
	if s.ThroughputMBps > 0 {
		args.StorageThroughput = pulumi.Int(s.ThroughputMBps)
	}
}

func optionalString(s string) pulumi.StringPtrInput {
	if s == "" {
		return nil
	}
	return pulumi.String(s)
}

// checkedPassword is the password, secret, or an error that does not quote it. Its value is not known to validate.
func checkedPassword(password pulumi.StringInput) pulumi.StringOutput {
	return pulumi.ToSecret(password.ToStringOutput().ApplyT(func(p string) (string, error) {
		return p, passwordFault(p)
	})).(pulumi.StringOutput)
}
