package database

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// certificateAuthority signs the instance's TLS certificate (RSA 2048, valid until 2061 as remembered; to settle: `aws
// rds describe-certificates`). Clients trust it through RDS's global bundle.
const certificateAuthority = "rds-ca-rsa2048-g1"

// creationOnly are the arguments that RDS can set only when it creates an instance. A change to one would replace the
// instance, and with it the data.
var creationOnly = []string{"dbName", "username", "kmsKeyId", "storageEncrypted", "performanceInsightsKmsKeyId"}

// primaryWiring is what the other concerns made for the primary.
type primaryWiring struct {
	identifier pulumi.StringOutput
	key        *kms.Key
	subnets    *rds.SubnetGroup
	firewall   *ec2.SecurityGroup
	parameters *rds.ParameterGroup
	logs       []pulumi.Resource
	monitoring monitoring
}

// primary declares the instance that takes writes. It waits for its log groups and for its monitoring policy, neither
// of which data flow orders.
func (d *declaration) primary(w primaryWiring) (*rds.Instance, error) {
	a := d.args
	args := &rds.InstanceArgs{
		Identifier:              w.identifier.ToStringPtrOutput(),
		Engine:                  pulumi.String("postgres"),
		EngineVersion:           pulumi.String(a.EngineVersion),
		AutoMinorVersionUpgrade: pulumi.Bool(!isPinned(a.EngineVersion)),
		InstanceClass:           pulumi.String(a.InstanceClass),
		MultiAz:                 pulumi.Bool(a.MultiAZ),
		ApplyImmediately:        pulumi.Bool(a.ApplyImmediately),
		DbName:                  pulumi.String(a.DBName),
		Username:                pulumi.String(a.Username),
		Password:                checkedPassword(a.Password).ToStringPtrOutput(),
		Port:                    pulumi.Int(port),
		DbSubnetGroupName:       w.subnets.Name,
		VpcSecurityGroupIds:     pulumi.StringArray{w.firewall.ID()},
		PubliclyAccessible:      pulumi.Bool(false),
		CaCertIdentifier:        pulumi.String(certificateAuthority),
		ParameterGroupName:      w.parameters.Name,
		StorageEncrypted:        pulumi.Bool(true),
		KmsKeyId:                w.key.Arn,
		BackupRetentionPeriod:   pulumi.Int(a.BackupRetentionDays),
		BackupWindow:            optionalString(a.BackupWindow),
		MaintenanceWindow:       optionalString(a.MaintenanceWindow),
		CopyTagsToSnapshot:      pulumi.Bool(true),
		DeletionProtection:      pulumi.Bool(a.DeletionProtection),
		DeleteAutomatedBackups:  pulumi.Bool(!a.FinalSnapshot),
		SkipFinalSnapshot:       pulumi.Bool(!a.FinalSnapshot),
		MonitoringInterval:      pulumi.Int(a.MonitoringIntervalSeconds),
		MonitoringRoleArn:       w.monitoring.roleARN,
		Tags:                    d.tags(""),
	}
	setStorage(args, a.Storage)
	if a.FinalSnapshot {
		args.FinalSnapshotIdentifier = pulumi.Sprintf("%s-final", w.identifier)
	}
	if len(a.LogExports) > 0 {
		args.EnabledCloudwatchLogsExports = pulumi.ToStringArray(a.LogExports)
	}
	args.PerformanceInsightsEnabled = pulumi.Bool(a.PerformanceInsightsRetentionDays > 0)
	if a.PerformanceInsightsRetentionDays > 0 {
		args.PerformanceInsightsRetentionPeriod = pulumi.Int(a.PerformanceInsightsRetentionDays)
		args.PerformanceInsightsKmsKeyId = w.key.Arn
	}
	instance, err := rds.NewInstance(d.ctx, d.name, args, d.parent,
		pulumi.DependsOn(append(w.logs, w.monitoring.ready...)),
		pulumi.Protect(a.DeletionProtection),
		pulumi.IgnoreChanges(creationOnly),
		// A Multi-AZ instance with a large volume outlasts the provider's 40 minutes.
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "60m", Update: "120m", Delete: "60m"}))
	if err != nil {
		return nil, fmt.Errorf("instance: %w", err)
	}
	return instance, nil
}

// setStorage leaves out what is zero: RDS takes no IOPS or throughput for small gp3 volumes, and provides the baseline.
func setStorage(args *rds.InstanceArgs, s Storage) {
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
