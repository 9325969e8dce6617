// Package network declares the VPC that everything else stands in.
//
// Owns: the VPC, its public, private and isolated subnets over the zones, internet and NAT gateways, route tables, VPC
// endpoints, flow logs, and the closed default security group.
//
// Does not own: security groups of workloads, load balancers, DNS zones, peering.
//
// Public subnets hold load balancers and NAT gateways, private ones nodes and pods, isolated ones databases: those have
// no route out at all.
package network

import (
	"fmt"
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
	"github.com/ragscale/ragscale/components/internal/tag"
)

const typeToken = "ragscale:network:Network"

// NATGateways says how private subnets reach the internet.
type NATGateways string

// A gateway costs by the hour and by the byte; one for all zones also costs a cross-zone hop, and its zone's loss is
// everyone's.
const (
	PerZone NATGateways = "perZone" // a gateway in each zone
	One     NATGateways = "one"     // one gateway, in the first zone
	None    NATGateways = "none"    // no way out but the VPC endpoints
)

// Args says what the network is. All of it is plain; all of it is checked before anything is declared.
type Args struct {
	// Region is the AWS region, "eu-central-1": zones and endpoint services are named after it.
	Region string
	// CIDR of the VPC: private IPv4, /16 to /20. Changing it replaces the network.
	CIDR string
	// Zones are 2 or 3 availability zones of Region. Adding one at the end moves none of the others' subnets.
	Zones []string
	// NATGateways defaults to PerZone.
	NATGateways NATGateways
	// ClusterName is the EKS cluster whose load balancers may use the subnets.
	ClusterName string
	// VPCEndpoints adds interface endpoints for the AWS services that nodes call: required without NAT gateways.
	// The S3 gateway endpoint costs nothing and is always there.
	VPCEndpoints bool
	// FlowLogRetentionDays is one of CloudWatch's retention periods. 0 declares no flow logs.
	FlowLogRetentionDays int

	Tags map[string]string
}

// Network is the declared network. The subnet lists are in the order of Args.Zones. Each id depends on the subnet's
// routes and endpoints too: what is put into a subnet is created after them and deleted before them.
type Network struct {
	pulumi.ResourceState

	VPCID             pulumi.StringOutput
	CIDR              string
	PublicSubnetIDs   pulumi.StringArray
	PrivateSubnetIDs  pulumi.StringArray
	IsolatedSubnetIDs pulumi.StringArray
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx    *pulumi.Context
	name   string
	args   Args
	zones  []Zone
	parent pulumi.ResourceOption
	vpc    *ec2.Vpc
}

// New declares the network. Faults of args are reported all at once, each with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Network, error) {
	if args.NATGateways == "" {
		args.NATGateways = PerZone
	}
	if err := validate(args); err != nil {
		return nil, err
	}
	zones, err := Plan(args.CIDR, args.Zones)
	if err != nil {
		return nil, err
	}
	n := &Network{CIDR: args.CIDR}
	d := &declaration{ctx: ctx, name: name, args: args, zones: zones, parent: pulumi.Parent(n)}
	return component.Declare(ctx, typeToken, name, n, opts, d.declare, (*Network).outputs)
}

func (n *Network) outputs() pulumi.Map {
	return pulumi.Map{
		"vpcId":             n.VPCID,
		"cidr":              pulumi.String(n.CIDR),
		"publicSubnetIds":   n.PublicSubnetIDs,
		"privateSubnetIds":  n.PrivateSubnetIDs,
		"isolatedSubnetIds": n.IsolatedSubnetIDs,
	}
}

func (d *declaration) declare(n *Network) error {
	var err error
	if d.vpc, err = d.virtualNetwork(); err != nil {
		return err
	}
	n.VPCID = d.vpc.ID().ToStringOutput()
	public, err := d.publicSubnets()
	if err != nil {
		return err
	}
	gateways, err := d.natGateways(public)
	if err != nil {
		return err
	}
	private, err := d.privateSubnets(gateways)
	if err != nil {
		return err
	}
	isolated, err := d.isolatedSubnets()
	if err != nil {
		return err
	}
	endpoints, err := d.endpoints(private)
	if err != nil {
		return err
	}
	if err := d.flowLogs(); err != nil {
		return err
	}
	n.PublicSubnetIDs = d.usable(public, nil)
	n.PrivateSubnetIDs = d.usable(private, endpoints)
	n.IsolatedSubnetIDs = d.usable(isolated, nil)
	return nil
}

// virtualNetwork declares the VPC and empties its default security group, so that what names no group gets none.
func (d *declaration) virtualNetwork() (*ec2.Vpc, error) {
	vpc, err := ec2.NewVpc(d.ctx, d.name, &ec2.VpcArgs{
		CidrBlock: pulumi.String(d.args.CIDR),
		// Private DNS of interface endpoints and EKS's private endpoint need both.
		EnableDnsSupport:   pulumi.Bool(true),
		EnableDnsHostnames: pulumi.Bool(true),
		Tags:               d.tags("", nil),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("VPC: %w", err)
	}
	_, err = ec2.NewDefaultSecurityGroup(d.ctx, d.name+"-closed", &ec2.DefaultSecurityGroupArgs{
		VpcId: vpc.ID(),
		Tags:  d.tags("-closed", nil),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("default security group: %w", err)
	}
	return vpc, nil
}

// tags of one resource: the caller's, the extra ones, what it belongs to and its name.
func (d *declaration) tags(suffix string, extra map[string]string) pulumi.StringMap {
	tags := tag.Of(d.args.Tags, "network", d.name+suffix)
	maps.Copy(tags, pulumi.ToStringMap(extra))
	return tags
}
