package cache

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func (d *declaration) subnetGroup() (*elasticache.SubnetGroup, error) {
	group, err := elasticache.NewSubnetGroup(d.ctx, d.name, &elasticache.SubnetGroupArgs{
		Description: pulumi.String("Isolated subnets of the Redis nodes"),
		SubnetIds:   d.args.IsolatedSubnetIDs,
		Tags:        d.tags(""),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("subnet group: %w", err)
	}
	return group, nil
}

// securityGroup lets the allowed clients in and nothing out: without egress rules the provider removes AWS's
// allow-all default. Replication between the nodes does not pass through it.
func (d *declaration) securityGroup() (*ec2.SecurityGroup, error) {
	group, err := ec2.NewSecurityGroup(d.ctx, d.name, &ec2.SecurityGroupArgs{
		// A changed description replaces the group: keep it.
		Description: pulumi.String("Redis: its clients in, nothing out"),
		VpcId:       d.args.VPCID.ToStringOutput(),
		Tags:        d.tags(""),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("security group: %w", err)
	}
	for _, client := range slices.Sorted(maps.Keys(d.args.AllowedSecurityGroupIDs)) {
		_, err := vpc.NewSecurityGroupIngressRule(d.ctx, d.name+"-from-"+client, &vpc.SecurityGroupIngressRuleArgs{
			SecurityGroupId:           group.ID(),
			Description:               pulumi.String("Redis from " + client),
			ReferencedSecurityGroupId: d.args.AllowedSecurityGroupIDs[client].ToStringOutput(),
			IpProtocol:                pulumi.String("tcp"),
			FromPort:                  pulumi.Int(port),
			ToPort:                    pulumi.Int(port),
			Tags:                      d.tags("-from-" + client),
		}, d.parent)
		if err != nil {
			return nil, fmt.Errorf("rule for client %q: %w", client, err)
		}
	}
	return group, nil
}
