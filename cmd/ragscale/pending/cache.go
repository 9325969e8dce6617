package pending

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
)

// cache is a replication group with one of its nodes: ElastiCache keeps a node type or a version with each node.
type cache struct {
	group types.ReplicationGroup
	node  types.CacheCluster
}

func (a Account) cache(ctx context.Context, id string) (cache, error) {
	groups, err := a.Caches.DescribeReplicationGroups(ctx,
		&elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: &id})
	if err != nil {
		return cache{}, err
	}
	if len(groups.ReplicationGroups) != 1 {
		return cache{}, fmt.Errorf("answers are %d, want one", len(groups.ReplicationGroups))
	}
	c := cache{group: groups.ReplicationGroups[0]}
	for _, member := range c.group.MemberClusters {
		nodes, err := a.Caches.DescribeCacheClusters(ctx, &elasticache.DescribeCacheClustersInput{CacheClusterId: &member})
		if err != nil {
			return cache{}, fmt.Errorf("node %s: %w", member, err)
		}
		for _, n := range nodes.CacheClusters {
			c.node = n
			if len(c.changes()) > 0 {
				return c, nil
			}
		}
	}
	return c, nil
}

func (c cache) name() string   { return aws.ToString(c.group.ReplicationGroupId) }
func (c cache) status() string { return aws.ToString(c.group.Status) }

func (c cache) changes() []Change {
	changes := list{id: c.name(), window: aws.ToString(c.node.PreferredMaintenanceWindow)}
	if p := c.node.PendingModifiedValues; p != nil {
		add(&changes, "nodeType", c.node.CacheNodeType, p.CacheNodeType)
		add(&changes, "engineVersion", c.node.EngineVersion, p.EngineVersion)
	}
	if failover := c.failover(); failover != nil {
		now := c.group.AutomaticFailover == types.AutomaticFailoverStatusEnabled
		add(&changes, "automaticFailoverEnabled", &now, failover)
	}
	return changes.all
}

// failover is what automatic failover is to become; nil if nothing.
func (c cache) failover() *bool {
	if p := c.group.PendingModifiedValues; p != nil && p.AutomaticFailoverStatus != "" {
		return aws.Bool(p.AutomaticFailoverStatus == types.PendingAutomaticFailoverStatusEnabled)
	}
	return nil
}

func (c cache) apply(ctx context.Context, a Account) error {
	in := &elasticache.ModifyReplicationGroupInput{
		ReplicationGroupId: c.group.ReplicationGroupId, ApplyImmediately: aws.Bool(true),
		AutomaticFailoverEnabled: c.failover(),
	}
	if p := c.node.PendingModifiedValues; p != nil {
		in.CacheNodeType, in.EngineVersion = p.CacheNodeType, p.EngineVersion
	}
	_, err := a.Caches.ModifyReplicationGroup(ctx, in)
	return err
}
