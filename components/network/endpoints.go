package network

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// interfaceServices are what nodes, add-ons and controllers of a cluster without a way out call.
// Source of all but monitoring: https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html ; read
// 2026-11-23.
var interfaceServices = []string{
	"autoscaling",          // cluster-autoscaler
	"ec2",                  // vpc-cni, ebs-csi, nodes joining
	"ecr.api",              // image pulls
	"ecr.dkr",              // image pulls
	"eks",                  // nodes joining, autoscaler reading node groups
	"eks-auth",             // pod identity
	"elasticloadbalancing", // load balancer controller
	"logs",                 // CloudWatch agent
	"monitoring",           // CloudWatch agent
	"sts",                  // every role
}

// endpoints declares the S3 gateway endpoint (ECR keeps image layers in S3) and, if asked for, the interface endpoints.
// It returns them: what runs in private subnets is created after them.
func (d *declaration) endpoints(private *tier) ([]pulumi.Resource, error) {
	var tables pulumi.StringArray
	for _, table := range private.tables {
		tables = append(tables, table.ID().ToStringOutput())
	}
	s3, err := ec2.NewVpcEndpoint(d.ctx, d.name+"-s3", &ec2.VpcEndpointArgs{
		VpcId:           d.vpc.ID(),
		VpcEndpointType: pulumi.String("Gateway"),
		ServiceName:     pulumi.String("com.amazonaws." + d.args.Region + ".s3"),
		RouteTableIds:   tables,
		Tags:            d.tags("-s3", nil),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("S3 endpoint: %w", err)
	}
	if !d.args.VPCEndpoints {
		return []pulumi.Resource{s3}, nil
	}
	interfaces, err := d.interfaceEndpoints(private)
	return append(interfaces, s3), err
}

func (d *declaration) interfaceEndpoints(private *tier) ([]pulumi.Resource, error) {
	group, err := d.endpointSecurityGroup()
	if err != nil {
		return nil, err
	}
	var subnets pulumi.StringArray
	for _, subnet := range private.subnets {
		subnets = append(subnets, subnet.ID().ToStringOutput())
	}
	var endpoints []pulumi.Resource
	for _, service := range interfaceServices {
		suffix := "-endpoint-" + service
		endpoint, err := ec2.NewVpcEndpoint(d.ctx, d.name+suffix, &ec2.VpcEndpointArgs{
			VpcId:             d.vpc.ID(),
			VpcEndpointType:   pulumi.String("Interface"),
			ServiceName:       pulumi.String("com.amazonaws." + d.args.Region + "." + service),
			PrivateDnsEnabled: pulumi.Bool(true),
			SubnetIds:         subnets,
			SecurityGroupIds:  pulumi.StringArray{group.ID().ToStringOutput()},
			Tags:              d.tags(suffix, nil),
		}, d.parent)
		if err != nil {
			return nil, fmt.Errorf("endpoint of %s: %w", service, err)
		}
		endpoints = append(endpoints, endpoint)
	}
	return endpoints, nil
}

// endpointSecurityGroup lets the VPC in on HTTPS and nothing out: without egress rules the provider removes AWS's
// allow-all default.
func (d *declaration) endpointSecurityGroup() (*ec2.SecurityGroup, error) {
	const suffix = "-endpoints"
	group, err := ec2.NewSecurityGroup(d.ctx, d.name+suffix, &ec2.SecurityGroupArgs{
		// A changed description replaces the group: keep it.
		Description: pulumi.String("Interface endpoints: HTTPS from the VPC"),
		VpcId:       d.vpc.ID(),
		Tags:        d.tags(suffix, nil),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("security group of the endpoints: %w", err)
	}
	_, err = vpc.NewSecurityGroupIngressRule(d.ctx, d.name+suffix, &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId: group.ID(),
		Description:     pulumi.String("HTTPS from the VPC"),
		CidrIpv4:        pulumi.String(d.args.CIDR),
		IpProtocol:      pulumi.String("tcp"),
		FromPort:        pulumi.Int(443),
		ToPort:          pulumi.Int(443),
		Tags:            d.tags(suffix, nil),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("rule of the endpoints: %w", err)
	}
	return group, nil
}
