package cache

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue/redis"
)

// creationOnly are the arguments that ElastiCache can set only when it creates a replication group. A change to one
// would replace the group, and with it what is cached. (A node type of family r6gd is then refused by AWS: it needs a
// new group.)
var creationOnly = []string{"atRestEncryptionEnabled", "dataTieringEnabled", "kmsKeyId", "port", "subnetGroupName"}

// groupWiring is what the other concerns made for the replication group.
type groupWiring struct {
	identifier pulumi.StringOutput
	key        *kms.Key
	subnets    *elasticache.SubnetGroup
	firewall   *ec2.SecurityGroup
	parameters *elasticache.ParameterGroup
	users      *elasticache.UserGroup
	logs       elasticache.ReplicationGroupLogDeliveryConfigurationArray
}

// replicationGroup declares the nodes: a primary and its replicas, without shards.
func (d *declaration) replicationGroup(w groupWiring) (*elasticache.ReplicationGroup, error) {
	a := d.args
	highlyAvailable := a.Replicas > 0
	args := &elasticache.ReplicationGroupArgs{
		ReplicationGroupId:        w.identifier,
		Description:               pulumi.String("Cache of the RAG API: search results, sessions, computed data"),
		Engine:                    pulumi.String(engine),
		EngineVersion:             pulumi.String(redis.LastVersion),
		AutoMinorVersionUpgrade:   pulumi.Bool(a.AutoMinorVersionUpgrade),
		NodeType:                  pulumi.String(a.NodeType),
		NumCacheClusters:          pulumi.Int(1 + a.Replicas),
		AutomaticFailoverEnabled:  pulumi.Bool(highlyAvailable),
		MultiAzEnabled:            pulumi.Bool(highlyAvailable),
		ApplyImmediately:          pulumi.Bool(d.atOnce()),
		Port:                      pulumi.Int(port),
		SubnetGroupName:           w.subnets.Name,
		SecurityGroupIds:          pulumi.StringArray{w.firewall.ID()},
		ParameterGroupName:        w.parameters.Name,
		UserGroupIds:              pulumi.StringArray{w.users.UserGroupId},
		TransitEncryptionEnabled:  pulumi.Bool(true),
		TransitEncryptionMode:     pulumi.String("required"),
		AtRestEncryptionEnabled:   pulumi.Bool(true),
		KmsKeyId:                  w.key.Arn,
		LogDeliveryConfigurations: w.logs,
		SnapshotRetentionLimit:    pulumi.Int(a.SnapshotRetentionDays),
		SnapshotWindow:            optionalString(a.SnapshotWindow),
		MaintenanceWindow:         optionalString(a.MaintenanceWindow),
		Tags:                      d.tags(""),
	}
	if tiered(a.NodeType) {
		args.DataTieringEnabled = pulumi.Bool(true)
	}
	if a.FinalSnapshot {
		args.FinalSnapshotIdentifier = pulumi.Sprintf("%s-final", w.identifier)
	}
	if a.NotificationTopicARN != nil {
		args.NotificationTopicArn = a.NotificationTopicARN.ToStringOutput().ToStringPtrOutput()
	}
	group, err := elasticache.NewReplicationGroup(d.ctx, d.name, args, d.parent,
		pulumi.Protect(a.DeletionProtection),
		pulumi.IgnoreChanges(creationOnly),
		// A change of node type fills every node anew, one after another: with five replicas it outlasts the provider's 40
		// minutes.
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "60m", Update: "120m", Delete: "60m"}))
	if err != nil {
		return nil, fmt.Errorf("replication group: %w", err)
	}
	return group, nil
}

// tiered tells node types whose rarely read values are on disk. AWS wants that said.
func tiered(nodeType string) bool { return strings.HasPrefix(nodeType, "cache.r6gd.") }

func optionalString(s string) pulumi.StringPtrInput {
	if s == "" {
		return nil
	}
	return pulumi.String(s)
}
