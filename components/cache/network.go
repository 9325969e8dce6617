package cache

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/firewall"
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

func (d *declaration) securityGroup() (*ec2.SecurityGroup, error) {
	return firewall.New(d.ctx, d.name, firewall.Args{
		Service: "Redis", Port: port, VPCID: d.args.VPCID, Clients: d.args.AllowedSecurityGroupIDs, Tags: d.tags,
	}, d.parent)
}
