package components_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/components/network"
)

const stackRegion = "eu-central-1"

// networkShapes are the networks of the three kinds of stacks.
func networkShapes() map[string]network.Args {
	tags := func(stack string) map[string]string {
		return map[string]string{"project": "ragscale", "stack": stack, "cost-centre": "search"}
	}
	return map[string]network.Args{
		"dev": {
			Region: stackRegion, CIDR: "10.10.0.0/16", Zones: []string{"eu-central-1a", "eu-central-1b"},
			NATGateways: network.One, ClusterName: "ragscale-dev", FlowLogRetentionDays: 7, Tags: tags("dev"),
		},
		"prod": {
			Region: stackRegion, CIDR: "10.20.0.0/16", Zones: []string{"eu-central-1a", "eu-central-1b", "eu-central-1c"},
			NATGateways: network.PerZone, ClusterName: "ragscale-prod", VPCEndpoints: true, FlowLogRetentionDays: 90, Tags: tags("prod"),
		},
		"local": {
			Region: stackRegion, CIDR: "10.30.0.0/16", Zones: []string{"eu-central-1a", "eu-central-1b"},
			NATGateways: network.One, ClusterName: "ragscale-local", Tags: tags("local"),
		},
	}
}

func networkProgram(args network.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		n, err := network.New(ctx, "main", args)
		if err != nil {
			return err
		}
		return graph.Probe(ctx, "network", pulumi.Map{
			"vpcId":             n.VPCID,
			"cidr":              pulumi.String(n.CIDR),
			"publicSubnetIds":   n.PublicSubnetIDs,
			"privateSubnetIds":  n.PrivateSubnetIDs,
			"isolatedSubnetIds": n.IsolatedSubnetIDs,
		})
	}
}

func TestNetworkGraph(t *testing.T) {
	for stack, args := range networkShapes() {
		t.Run(stack, func(t *testing.T) {
			g := graph.Run(t, stack, networkProgram(args))
			graph.Golden(t, "testdata/network-"+stack+".golden", g.Text())
		})
	}
}

func TestNetworkPreviewShowsEveryResource(t *testing.T) {
	args := networkShapes()["prod"]
	update, preview := graph.Run(t, "prod", networkProgram(args)), graph.Preview(t, "prod", networkProgram(args))
	if diff := cmp.Diff(update.Paths(), preview.Paths()); diff != "" {
		t.Errorf("resources of the update and of its first preview differ:\n%s", diff)
	}
}

func TestOneMoreZoneMovesNoSubnet(t *testing.T) {
	args := networkShapes()["prod"]
	three := graph.Run(t, "prod", networkProgram(args))
	args.Zones = args.Zones[:2]
	for _, subnet := range graph.Run(t, "prod", networkProgram(args)).OfType("aws:ec2/subnet:Subnet") {
		if diff := cmp.Diff(subnet.Text(), three.Find(subnet.Type, subnet.Name).Text()); diff != "" {
			t.Errorf("subnet %s with two zones and with three:\n%s", subnet.Name, diff)
		}
	}
}

func TestIsolatedSubnetsHaveNoRouteOut(t *testing.T) {
	g := graph.Run(t, "prod", networkProgram(networkShapes()["prod"]))
	isolated := "routeTable/main-isolated#id"
	for _, route := range g.OfType("aws:ec2/route:Route") {
		if route.Input("routeTableId") == isolated {
			t.Errorf("route %s is in the isolated table", route.Name)
		}
	}
	for _, endpoint := range g.OfType("aws:ec2/vpcEndpoint:VpcEndpoint") {
		if tables, ok := endpoint.Input("routeTableIds").([]any); ok && slices.Contains(tables, any(isolated)) {
			t.Errorf("endpoint %s is in the isolated table", endpoint.Name)
		}
	}
}

func TestWhatIsPutIntoAPrivateSubnetComesAfterItsRoutesAndEndpoints(t *testing.T) {
	g := graph.Preview(t, "prod", networkProgram(networkShapes()["prod"]))
	probe := g.Find("graph:index:Outputs", "network")
	for _, want := range []string{
		"aws:ec2/routeTableAssociation:RouteTableAssociation main-private-eu-central-1a",
		"aws:ec2/vpcEndpoint:VpcEndpoint main-s3",
		"aws:ec2/vpcEndpoint:VpcEndpoint main-endpoint-eks",
	} {
		if !slices.ContainsFunc(probe.Inherits["privateSubnetIds"], func(path string) bool { return strings.HasSuffix(path, want) }) {
			t.Errorf("private subnet ids do not wait for %s", want)
		}
	}
}

func TestANewEndpointDoesNotHideTheSubnetsFromAPreview(t *testing.T) {
	// The subnets are there already, the endpoints and routes are not.
	g := graph.Preview(t, "prod", networkProgram(networkShapes()["prod"]), "aws:ec2/subnet:Subnet")
	got := g.Find("graph:index:Outputs", "network").Input("privateSubnetIds[0]")
	if want := "subnet/main-private-eu-central-1a#id"; got != want {
		t.Errorf("private subnet id is %v, want %s: not known, it would replace node groups", got, want)
	}
}

func TestNetworkRefusesBadArguments(t *testing.T) {
	good := networkShapes()["prod"]
	tests := map[string]struct {
		change func(*network.Args)
		want   string
	}{
		"everything": {func(a *network.Args) { *a = network.Args{} }, `network.region is "", want an AWS region such as eu-central-1
network.cidr is "", want an IPv4 range such as 10.0.0.0/16
network.zones has 0 entries, want 2 or 3
network.clusterName is "", want the name of the EKS cluster that will use the subnets`},
		"IPv6":            {func(a *network.Args) { a.CIDR = "fd00::/16" }, `network.cidr is "fd00::/16", want an IPv4 range such as 10.0.0.0/16`},
		"host bits":       {func(a *network.Args) { a.CIDR = "10.0.0.1/16" }, `network.cidr is "10.0.0.1/16", want 10.0.0.0/16: no host bits`},
		"too small":       {func(a *network.Args) { a.CIDR = "10.0.0.0/21" }, `network.cidr is 10.0.0.0/21, want /16 to /20`},
		"too large":       {func(a *network.Args) { a.CIDR = "10.0.0.0/15" }, `network.cidr is 10.0.0.0/15, want /16 to /20`},
		"public range":    {func(a *network.Args) { a.CIDR = "8.8.0.0/16" }, `network.cidr is 8.8.0.0/16, want a range inside one of [10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10]`},
		"container range": {func(a *network.Args) { a.CIDR = "172.17.16.0/20" }, `network.cidr is 172.17.16.0/20, want one apart from 172.17.0.0/16, which container engines use`},
		"one zone":        {func(a *network.Args) { a.Zones = a.Zones[:1] }, `network.zones has 1 entries, want 2 or 3`},
		"foreign zone":    {func(a *network.Args) { a.Zones = []string{"eu-central-1a", "us-east-1b"} }, `network.zones[1] is "us-east-1b", want a zone of region eu-central-1 such as eu-central-1a`},
		"zone twice":      {func(a *network.Args) { a.Zones = []string{"eu-central-1a", "eu-central-1a"} }, `network.zones[1] is eu-central-1a again, want each zone once`},
		"gateways":        {func(a *network.Args) { a.NATGateways = "two" }, `network.natGateways is "two", want perZone, one or none`},
		"no way out": {func(a *network.Args) { a.NATGateways, a.VPCEndpoints = network.None, false },
			`network.vpcEndpoints is false with natGateways none, want true: nodes could not reach the cluster or pull images`},
		"retention": {func(a *network.Args) { a.FlowLogRetentionDays = 8 },
			`network.flowLogRetentionDays is 8, want 0 (no flow logs) or one of [1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			args := good
			test.change(&args)
			wantFault(t, networkProgram(args), test.want)
		})
	}
}

func TestPlanDividesTheRangeWithoutOverlap(t *testing.T) {
	for bits := 16; bits <= 20; bits++ {
		vpc := netip.MustParsePrefix(fmt.Sprintf("10.64.0.0/%d", bits))
		zones, err := network.Plan(vpc.String(), []string{"a", "b", "c"})
		if err != nil {
			t.Fatal(err)
		}
		var all []netip.Prefix
		for _, z := range zones {
			all = append(all, z.Public, z.Private, z.Isolated)
		}
		for i, p := range all {
			if !vpc.Contains(p.Addr()) || p != p.Masked() {
				t.Errorf("%s is no subnet of %s", p, vpc)
			}
			for _, q := range all[:i] {
				if p.Overlaps(q) {
					t.Errorf("in %s, %s overlaps %s", vpc, p, q)
				}
			}
		}
	}
}

func TestPlanOfA16(t *testing.T) {
	zones, err := network.Plan("10.20.0.0/16", []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, z := range zones {
		got = append(got, fmt.Sprint(z.Name, " ", z.Public, " ", z.Private, " ", z.Isolated))
	}
	want := []string{
		"a 10.20.192.0/22 10.20.0.0/18 10.20.208.0/22",
		"b 10.20.196.0/22 10.20.64.0/18 10.20.212.0/22",
		"c 10.20.200.0/22 10.20.128.0/18 10.20.216.0/22",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
