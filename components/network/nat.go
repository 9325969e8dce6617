package network

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// natGateways declares the gateways and returns the one that each zone uses; none for None.
func (d *declaration) natGateways(public *tier) (map[string]*ec2.NatGateway, error) {
	byZone := map[string]*ec2.NatGateway{}
	for i, zone := range d.zones {
		switch {
		case d.args.NATGateways == None:
		case d.args.NATGateways == One && i > 0:
			byZone[zone.Name] = byZone[d.zones[0].Name]
		default:
			gateway, err := d.natGateway(zone.Name, public.subnets[i], public.associations[i])
			if err != nil {
				return nil, err
			}
			byZone[zone.Name] = gateway
		}
	}
	return byZone, nil
}

func (d *declaration) natGateway(zone string, subnet *ec2.Subnet,
	association *ec2.RouteTableAssociation) (*ec2.NatGateway, error) {
	suffix := "-nat-" + zone
	address, err := ec2.NewEip(d.ctx, d.name+suffix, &ec2.EipArgs{
		Domain: pulumi.String("vpc"),
		Tags:   d.tags(suffix, nil),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("address of NAT gateway in %s: %w", zone, err)
	}
	gateway, err := ec2.NewNatGateway(d.ctx, d.name+suffix, &ec2.NatGatewayArgs{
		AllocationId: address.AllocationId,
		SubnetId:     subnet.ID(),
		Tags:         d.tags(suffix, nil),
		// A NAT gateway needs the internet gateway, which its subnet reaches by this association's table.
	}, d.parent, pulumi.DependsOn([]pulumi.Resource{association}))
	if err != nil {
		return nil, fmt.Errorf("NAT gateway in %s: %w", zone, err)
	}
	return gateway, nil
}
