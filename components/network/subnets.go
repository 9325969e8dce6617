package network

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// tier is one kind of subnet in every zone, in the order of the zones.
type tier struct {
	subnets      []*ec2.Subnet
	tables       []*ec2.RouteTable
	associations []*ec2.RouteTableAssociation
}

// usable are the subnet ids, which also depend on the subnet's routes and on the extra resources. The dependency alone
// is added: were the ids computed from the others', an update that adds an endpoint would preview as replacing the
// nodes.
func (d *declaration) usable(t *tier, extra []pulumi.Resource) pulumi.StringArray {
	ids := make(pulumi.StringArray, len(t.subnets))
	for i, subnet := range t.subnets {
		awaited := slices.Concat([]pulumi.Resource{t.associations[i]}, extra)
		id := subnet.ID().ToStringOutput()
		ids[i] = pulumi.OutputWithDependencies(d.ctx.Context(), id, awaited...).(pulumi.StringOutput)
	}
	return ids
}

// publicSubnets declares the subnets that the internet gateway serves. Nothing launched there gets a public address by
// itself: load balancers and NAT gateways bring their own.
func (d *declaration) publicSubnets() (*tier, error) {
	gateway, err := ec2.NewInternetGateway(d.ctx, d.name, &ec2.InternetGatewayArgs{
		VpcId: d.vpc.ID(),
		Tags:  d.tags("", nil),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("internet gateway: %w", err)
	}
	table, route, err := d.routeTable("-public", &ec2.RouteArgs{GatewayId: gateway.ID()})
	if err != nil {
		return nil, err
	}
	t := &tier{tables: []*ec2.RouteTable{table}}
	for _, zone := range d.zones {
		err := d.subnet(t, placement{
			suffix: "-public-" + zone.Name, zone: zone.Name, cidr: zone.Public,
			tags: d.clusterTags("kubernetes.io/role/elb"), table: table, route: route,
		})
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// privateSubnets declares the subnets of nodes and pods. Each zone has a table of its own even when all share one NAT
// gateway, so that going from one gateway to one per zone changes routes and replaces nothing.
func (d *declaration) privateSubnets(gateways map[string]*ec2.NatGateway) (*tier, error) {
	t := &tier{}
	for _, zone := range d.zones {
		var out *ec2.RouteArgs
		if gateway := gateways[zone.Name]; gateway != nil {
			out = &ec2.RouteArgs{NatGatewayId: gateway.ID()}
		}
		suffix := "-private-" + zone.Name
		table, route, err := d.routeTable(suffix, out)
		if err != nil {
			return nil, err
		}
		t.tables = append(t.tables, table)
		err = d.subnet(t, placement{
			suffix: suffix, zone: zone.Name, cidr: zone.Private,
			tags: d.clusterTags("kubernetes.io/role/internal-elb"), table: table, route: route,
		})
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// isolatedSubnets declares the subnets of databases, without a route out.
func (d *declaration) isolatedSubnets() (*tier, error) {
	table, _, err := d.routeTable("-isolated", nil)
	if err != nil {
		return nil, err
	}
	t := &tier{tables: []*ec2.RouteTable{table}}
	for _, zone := range d.zones {
		err := d.subnet(t, placement{suffix: "-isolated-" + zone.Name, zone: zone.Name, cidr: zone.Isolated, table: table})
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// routeTable declares a table and its default route. Without one it holds the VPC's own range and gateway endpoints.
func (d *declaration) routeTable(suffix string, out *ec2.RouteArgs) (*ec2.RouteTable, *ec2.Route, error) {
	table, err := ec2.NewRouteTable(d.ctx, d.name+suffix, &ec2.RouteTableArgs{
		VpcId: d.vpc.ID(),
		Tags:  d.tags(suffix, nil),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("route table %s: %w", suffix, err)
	}
	if out == nil {
		return table, nil, nil
	}
	out.RouteTableId = table.ID()
	out.DestinationCidrBlock = pulumi.String("0.0.0.0/0")
	route, err := ec2.NewRoute(d.ctx, d.name+suffix, out, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("default route %s: %w", suffix, err)
	}
	return table, route, nil
}

// placement is one subnet: its name, place, range and routes.
type placement struct {
	suffix, zone string
	cidr         netip.Prefix
	tags         map[string]string
	table        *ec2.RouteTable
	route        *ec2.Route // the table's way out; nil if it has none
}

// subnet declares one subnet of a tier and ties it to its table.
func (d *declaration) subnet(t *tier, p placement) error {
	subnet, err := ec2.NewSubnet(d.ctx, d.name+p.suffix, &ec2.SubnetArgs{
		VpcId:            d.vpc.ID(),
		AvailabilityZone: pulumi.String(p.zone),
		CidrBlock:        pulumi.String(p.cidr.String()),
		Tags:             d.tags(p.suffix, p.tags),
	}, d.parent)
	if err != nil {
		return fmt.Errorf("subnet %s: %w", p.suffix, err)
	}
	opts := []pulumi.ResourceOption{d.parent}
	if p.route != nil {
		// Nothing names the route: a subnet counts as routed once it is there.
		opts = append(opts, pulumi.DependsOn([]pulumi.Resource{p.route}))
	}
	association, err := ec2.NewRouteTableAssociation(d.ctx, d.name+p.suffix, &ec2.RouteTableAssociationArgs{
		SubnetId:     subnet.ID(),
		RouteTableId: p.table.ID(),
	}, opts...)
	if err != nil {
		return fmt.Errorf("route table association %s: %w", p.suffix, err)
	}
	t.subnets = append(t.subnets, subnet)
	t.associations = append(t.associations, association)
	return nil
}

// clusterTags let the cluster's load balancers find subnets by role.
func (d *declaration) clusterTags(role string) map[string]string {
	return map[string]string{role: "1", "kubernetes.io/cluster/" + d.args.ClusterName: "shared"}
}
