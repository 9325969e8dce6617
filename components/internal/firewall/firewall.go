// Package firewall declares who may connect to a service.
//
// Owns: a security group with a rule for each client. Does not own: the clients' groups.
package firewall

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args are what a group is made of.
type Args struct {
	Service string // as its descriptions name it; a changed one replaces the group
	Port    int    // TCP
	VPCID   pulumi.StringInput
	Clients map[string]pulumi.StringInput // their security groups, by a name of the caller's
	// Tags of the resource whose name ends in suffix.
	Tags func(suffix string) pulumi.StringMap
}

// New lets the clients in and nothing out: without egress rules the provider removes AWS's allow-all default.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*ec2.SecurityGroup, error) {
	group, err := ec2.NewSecurityGroup(ctx, name, &ec2.SecurityGroupArgs{
		Description: pulumi.String(args.Service + ": its clients in, nothing out"),
		VpcId:       args.VPCID.ToStringOutput(),
		Tags:        args.Tags(""),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("security group: %w", err)
	}
	for _, client := range slices.Sorted(maps.Keys(args.Clients)) {
		_, err := vpc.NewSecurityGroupIngressRule(ctx, name+"-from-"+client, &vpc.SecurityGroupIngressRuleArgs{
			SecurityGroupId:           group.ID(),
			Description:               pulumi.String(args.Service + " from " + client),
			ReferencedSecurityGroupId: args.Clients[client].ToStringOutput(),
			IpProtocol:                pulumi.String("tcp"),
			FromPort:                  pulumi.Int(args.Port),
			ToPort:                    pulumi.Int(args.Port),
			Tags:                      args.Tags("-from-" + client),
		}, opts...)
		if err != nil {
			return nil, fmt.Errorf("rule for client %q: %w", client, err)
		}
	}
	return group, nil
}
