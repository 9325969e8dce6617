// Package cache declares the platform's cache: one ElastiCache for Redis replication group, cluster mode disabled, and
// what it needs to run safely and to be tuned.
//
// Owns: the encryption key, subnet group, security group, parameter group, ACL users and their group, log groups and
// the replication group.
//
// Does not own: the network it stands in, the numbers in its parameter group, its clients' security groups, and what is
// in the cache: docs/caching.md states how keys are named, how long they live and how they are invalidated, and the
// application user may do just that.
//
// No change of an argument replaces the replication group: what ElastiCache can set only at creation is ignored
// afterwards.
package cache

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
	"github.com/ragscale/ragscale/components/internal/datakey"
	"github.com/ragscale/ragscale/components/internal/tag"
)

const typeToken = "ragscale:cache:Cache"

// port is Redis's own; nothing is gained by hiding it in an isolated subnet.
const port = 6379

// Args says what the cache is. Everything plain is checked before anything is declared.
type Args struct {
	// VPCID is the network of the security group.
	VPCID pulumi.StringInput
	// IsolatedSubnetIDs hold the nodes: two or more, each in a zone of its own.
	IsolatedSubnetIDs pulumi.StringArray
	// AllowedSecurityGroupIDs may connect, keyed by the client's name ("nodes").
	AllowedSecurityGroupIDs map[string]pulumi.StringInput

	// NodeType is an ElastiCache node type, "cache.r7g.large". A type of family r6gd keeps what is rarely read on its own
	// disk (data tiering); changing to it or from it takes a new replication group.
	NodeType string
	// Replicas besides the primary: 0 to 5. From 1 on they stand in other zones, and one is promoted when the primary is
	// lost; 0 loses the cache with its node.
	Replicas int
	// ApplyImmediately applies changes at once, not in the maintenance window.
	ApplyImmediately bool
	// AutoMinorVersionUpgrade lets AWS apply patches of Redis 7.1 in the maintenance window.
	AutoMinorVersionUpgrade bool
	// Parameters of the parameter group, in ElastiCache's own names and units.
	Parameters []Parameter

	// Username of the application: a letter, then letters, digits and hyphens. Changing it makes another user.
	Username string
	// Password of the application: 16 to 128 printable ASCII characters without / " @ and space. It is made secret here.
	Password pulumi.StringInput
	// PreviousPassword, when given, is accepted too: a password is changed by giving the old one here until every client
	// has the new one.
	PreviousPassword pulumi.StringInput
	// KeyPrefix starts every key that the application may touch, "ragapi:".
	KeyPrefix string

	// SnapshotRetentionDays is 0 (no snapshots: the cache is refilled from the database) to 35.
	SnapshotRetentionDays int
	// SnapshotWindow is daily, UTC, an hour or more, "02:00-03:00". Empty lets AWS choose.
	SnapshotWindow string
	// MaintenanceWindow is weekly, UTC, an hour or more, "sun:04:00-sun:05:00". Empty lets AWS choose.
	MaintenanceWindow string
	// DeletionProtection protects the replication group and its key in Pulumi. AWS has no such switch for caches.
	DeletionProtection bool
	// FinalSnapshot keeps a snapshot when the replication group is deleted.
	FinalSnapshot bool

	// LogRetentionDays of the slow log and the engine log, one of CloudWatch's periods. 0 keeps them for ever.
	LogRetentionDays int
	// NotificationTopicARN is the SNS topic told of failovers and node replacements. Nil tells nobody.
	NotificationTopicARN pulumi.StringInput

	Tags map[string]string
}

// Parameter is one setting of the parameter group.
type Parameter struct {
	// Name as ElastiCache knows it, "maxmemory-policy". Not every directive of redis.conf is one.
	Name string
	// Value in the parameter's own unit, without a suffix; switches are yes and no.
	Value string
}

// Cache is the declared cache.
type Cache struct {
	pulumi.ResourceState

	// PrimaryAddress is the host name for reads and writes. It follows a failover.
	PrimaryAddress pulumi.StringOutput
	// ReaderAddress is the host name that spreads over the replicas, which may be behind the primary.
	ReaderAddress pulumi.StringOutput
	Port          pulumi.IntOutput
	// Username of the application.
	Username pulumi.StringOutput
	// SecurityGroupID of the nodes.
	SecurityGroupID pulumi.StringOutput
	// ReplicationGroupID names the group in AWS's APIs.
	ReplicationGroupID pulumi.StringOutput
	// MemberClusterIDs are the nodes: CloudWatch's dimension CacheClusterId.
	MemberClusterIDs   pulumi.StringArrayOutput
	UserGroupID        pulumi.StringOutput
	ParameterGroupName pulumi.StringOutput
	ARN                pulumi.StringOutput
	// ReportingUsername signs in with an IAM token and reads no values. ReportingPolicy is the IAM policy document that
	// lets a role do so.
	ReportingUsername pulumi.StringOutput
	ReportingPolicy   pulumi.StringOutput
	// Waiting is a line for what waits for the maintenance window, or empty.
	Waiting pulumi.StringArrayOutput
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx    *pulumi.Context
	name   string
	args   Args
	parent pulumi.ResourceOption
}

// New declares the cache. Faults of args are reported all at once, each with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Cache, error) {
	if err := validate(name, args); err != nil {
		return nil, err
	}
	c := &Cache{}
	d := &declaration{ctx: ctx, name: name, args: args, parent: pulumi.Parent(c)}
	return component.Declare(ctx, typeToken, name, c, opts, d.declare, (*Cache).outputs)
}

func (c *Cache) outputs() pulumi.Map {
	return pulumi.Map{
		"primaryAddress":     c.PrimaryAddress,
		"readerAddress":      c.ReaderAddress,
		"port":               c.Port,
		"username":           c.Username,
		"securityGroupId":    c.SecurityGroupID,
		"replicationGroupId": c.ReplicationGroupID,
		"memberClusterIds":   c.MemberClusterIDs,
		"userGroupId":        c.UserGroupID,
		"parameterGroupName": c.ParameterGroupName,
		"arn":                c.ARN,
		"reportingUsername":  c.ReportingUsername,
		"reportingPolicy":    c.ReportingPolicy,
		"waiting":            c.Waiting,
	}
}

func (d *declaration) declare(c *Cache) error {
	key, err := d.encryptionKey()
	if err != nil {
		return err
	}
	subnets, err := d.subnetGroup()
	if err != nil {
		return err
	}
	firewall, err := d.securityGroup()
	if err != nil {
		return err
	}
	parameters, err := d.parameterGroup()
	if err != nil {
		return err
	}
	identifier := datakey.Identifier(d.name, key)
	users, err := d.users(identifier)
	if err != nil {
		return err
	}
	logs, err := d.logDeliveries(identifier)
	if err != nil {
		return err
	}
	group, err := d.replicationGroup(groupWiring{
		identifier: identifier, key: key, subnets: subnets, firewall: firewall,
		parameters: parameters, users: users.group, logs: logs,
	})
	if err != nil {
		return err
	}
	c.PrimaryAddress, c.ReaderAddress = group.PrimaryEndpointAddress, group.ReaderEndpointAddress
	c.Port, c.ARN = pulumi.Int(port).ToIntOutput(), group.Arn
	c.ReplicationGroupID, c.MemberClusterIDs = group.ReplicationGroupId, group.MemberClusters
	c.SecurityGroupID, c.ParameterGroupName = firewall.ID().ToStringOutput(), parameters.Name
	c.Username, c.UserGroupID = users.application.UserName, users.group.UserGroupId
	c.ReportingUsername, c.ReportingPolicy = users.reporting.UserName, connectPolicy(group, users.reporting)
	c.Waiting = d.waiting(group)
	return nil
}

func (d *declaration) tags(suffix string) pulumi.StringMap {
	return tag.Of(d.args.Tags, "cache", d.name+suffix)
}
