// Package database declares the platform's relational store: an RDS for PostgreSQL primary, its read replicas, and what
// they need to run safely and to be tuned.
//
// Owns: the encryption key, subnet group, security group, parameter groups, log groups, monitoring role, the primary,
// its replicas, and the Secrets Manager secret with the credentials and its rotation.
//
// Does not own: the network it stands in, the numbers in its parameter groups (the caller computes them from the
// instance classes and the connection budget), the schema, the security groups of its clients, and the function that
// rotates the password.
//
// No change of an argument replaces an instance: what RDS can set only at creation is ignored afterwards.
package database

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
	"github.com/ragscale/ragscale/components/internal/datakey"
	"github.com/ragscale/ragscale/components/internal/tag"
)

const typeToken = "ragscale:database:Database"

// port is PostgreSQL's own; nothing is gained by hiding it in an isolated subnet.
const port = 5432

// Args says what the database is. Everything plain is checked before anything is declared.
type Args struct {
	// VPCID is the network of the security group.
	VPCID pulumi.StringInput
	// IsolatedSubnetIDs hold the instance: two or more, each in a zone of its own.
	IsolatedSubnetIDs pulumi.StringArray
	// AllowedSecurityGroupIDs may connect, keyed by the client's name ("nodes").
	AllowedSecurityGroupIDs map[string]pulumi.StringInput

	// InstanceClass is an RDS class, "db.r7g.large".
	InstanceClass string
	// EngineVersion is a major version ("17": AWS applies minor upgrades in the maintenance window) or a pinned
	// minor one ("17.6": AWS changes nothing). RDS upgrades replicas along with the primary to a new major version, but
	// wants them upgraded before it to a new minor one: with a pinned minor, `pulumi up --target` the replicas first.
	EngineVersion string
	// MultiAZ keeps a standby in another zone and fails over to it.
	MultiAZ bool
	// ApplyImmediately applies changes that need a restart at once, not in the maintenance window.
	ApplyImmediately bool

	Storage Storage

	// DBName is the database made at creation. Ignored afterwards.
	DBName string
	// Username is the master user made at creation. Ignored afterwards.
	Username string
	// Password of the master user: 8 to 128 printable ASCII characters without / " @ and space. It is made secret here.
	// With Rotation it is the first password only.
	Password pulumi.StringInput
	Rotation Rotation

	// Parameters of the parameter group, in RDS's own names and units. rds.force_ssl is always 1.
	Parameters []Parameter

	Replicas Replicas

	// BackupRetentionDays is 0 (no backups, no point-in-time recovery, no replicas) to 35.
	BackupRetentionDays int
	// BackupWindow is daily, UTC, "02:00-03:00". Empty lets AWS choose.
	BackupWindow string
	// MaintenanceWindow is weekly, UTC, "sun:04:00-sun:05:00". Empty lets AWS choose.
	MaintenanceWindow string
	// DeletionProtection protects instance and key, in AWS and in Pulumi.
	DeletionProtection bool
	// FinalSnapshot keeps a snapshot, and the automated backups, when the instance is deleted.
	FinalSnapshot bool

	// Insights is InsightsOff, InsightsStandard or InsightsAdvanced.
	Insights string
	// MonitoringIntervalSeconds of enhanced monitoring: 0 (off), 1, 5, 10, 15, 30 or 60.
	MonitoringIntervalSeconds int
	// LogExports to CloudWatch: "postgresql", "upgrade", "iam-db-auth-error".
	LogExports []string
	// LogRetentionDays of the exported logs, one of CloudWatch's periods. 0 keeps them for ever.
	LogRetentionDays int

	Tags map[string]string
}

// Storage is the instance's volume.
type Storage struct {
	// Type is gp3, io1 or io2.
	Type string
	// GiB at creation: 20 to 65536. It grows, and never shrinks.
	GiB int
	// MaxGiB is where storage autoscaling stops, at least a tenth above GiB. 0 disables autoscaling.
	MaxGiB int
	// IOPS provisioned. gp3: 0 below 400 GiB (3,000 are included), else 0 or 12,000 and more. io1, io2: required.
	IOPS int
	// ThroughputMBps of gp3, in MiB/s: 0 below 400 GiB, else 0 or 500 and more.
	ThroughputMBps int
}

// Parameter is one setting of the parameter group.
type Parameter struct {
	// Name as RDS knows it, "shared_buffers".
	Name string
	// Value in the parameter's own unit, without a suffix; booleans are 1 and 0; formulas are RDS's.
	Value string
	// ApplyMethod is "immediate" or "pending-reboot". Static parameters take only the latter.
	ApplyMethod string
}

// Database is the declared store.
type Database struct {
	pulumi.ResourceState

	// Address is the host name to connect to. Certificates are issued for it.
	Address pulumi.StringOutput
	Port    pulumi.IntOutput
	// Name of the database and Username of its master user, as created.
	Name     pulumi.StringOutput
	Username pulumi.StringOutput
	// SecurityGroupID of the instance.
	SecurityGroupID pulumi.StringOutput
	// InstanceID is the DB instance identifier: CloudWatch's dimension DBInstanceIdentifier.
	InstanceID pulumi.StringOutput
	ARN        pulumi.StringOutput
	// ParameterGroupName is the primary's group.
	ParameterGroupName pulumi.StringOutput
	// ReplicaAddresses and ReplicaIDs are the replicas' host names and DB instance identifiers, replica-1 first. There
	// are as many as Args.Replicas.Count.
	ReplicaAddresses pulumi.StringArray
	ReplicaIDs       pulumi.StringArray
	// SecretARN of the credentials in Secrets Manager: JSON with engine, host, port, dbname, username and password.
	SecretARN pulumi.StringOutput
	// Waiting are lines for what waits for a maintenance window: at most one for the primary, then for each replica.
	Waiting pulumi.StringArrayArray
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx    *pulumi.Context
	name   string
	args   Args
	parent pulumi.ResourceOption
}

// New declares the database. Faults of args are reported all at once, each with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Database, error) {
	if err := validate(name, args); err != nil {
		return nil, err
	}
	db := &Database{}
	d := &declaration{ctx: ctx, name: name, args: args, parent: pulumi.Parent(db)}
	return component.Declare(ctx, typeToken, name, db, opts, d.declare, (*Database).outputs)
}

func (db *Database) outputs() pulumi.Map {
	return pulumi.Map{
		"address":            db.Address,
		"port":               db.Port,
		"name":               db.Name,
		"username":           db.Username,
		"securityGroupId":    db.SecurityGroupID,
		"instanceId":         db.InstanceID,
		"arn":                db.ARN,
		"parameterGroupName": db.ParameterGroupName,
		"replicaAddresses":   db.ReplicaAddresses,
		"replicaIds":         db.ReplicaIDs,
		"secretArn":          db.SecretARN,
		"waiting":            db.Waiting,
	}
}

func (d *declaration) declare(db *Database) error {
	key, err := d.encryptionKey()
	if err != nil {
		return err
	}
	firewall, err := d.securityGroup()
	if err != nil {
		return err
	}
	monitoring, err := d.monitoringRole()
	if err != nil {
		return err
	}
	shared := sharedWiring{identifier: datakey.Identifier(d.name, key), key: key, firewall: firewall,
		monitoring: monitoring}
	primary, err := d.primary(shared)
	if err != nil {
		return err
	}
	db.Address, db.Port, db.ARN = primary.Address, primary.Port, primary.Arn
	db.Name, db.Username = primary.DbName, primary.Username
	db.InstanceID, db.SecurityGroupID = primary.Identifier, firewall.ID().ToStringOutput()
	db.ParameterGroupName = primary.ParameterGroupName
	db.Waiting = pulumi.StringArrayArray{d.waiting(primary, "", d.args.InstanceClass, d.args.MultiAZ)}

	replicas, err := d.replicas(primary, shared)
	if err != nil {
		return err
	}
	for i, replica := range replicas {
		db.Waiting = append(db.Waiting, d.waiting(replica, replicaSuffix(i+1), d.args.replicaClass(), false))
		db.ReplicaAddresses = append(db.ReplicaAddresses, replica.Address)
		db.ReplicaIDs = append(db.ReplicaIDs, replica.Identifier)
	}
	db.SecretARN, err = d.credentials(primary, key)
	return err
}

func (d *declaration) tags(suffix string) pulumi.StringMap {
	return tag.Of(d.args.Tags, "database", d.name+suffix)
}
