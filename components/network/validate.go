package network

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/components/internal/fault"
)

// privateRanges are those that AWS recommends for a VPC (RFC 1918 and RFC 6598). A public range would hide its owners
// from everything inside.
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
}

// dockerRange is the bridge of container engines on nodes and build machines: a VPC in it cannot be reached from them.
var dockerRange = netip.MustParsePrefix("172.17.0.0/16")

type faults struct{ fault.List }

// validate returns every fault of args, in the order of its fields.
func validate(args Args) error {
	f := faults{fault.In("network")}
	f.Region("region", args.Region)
	if vpc, ok := f.IPv4Range("cidr", args.CIDR, "10.0.0.0/16"); ok {
		f.addresses(vpc)
	}
	f.zones(args.Region, args.Zones)
	if !slices.Contains([]NATGateways{PerZone, One, None}, args.NATGateways) {
		f.Add("natGateways is %q, want %s, %s or %s", args.NATGateways, PerZone, One, None)
	}
	if args.NATGateways == None && !args.VPCEndpoints {
		f.Add("vpcEndpoints is false with natGateways %s, want true: nodes could not reach the cluster or pull images", None)
	}
	if args.ClusterName == "" {
		f.Add(`clusterName is "", want the name of the EKS cluster that will use the subnets`)
	}
	f.LogDays("flowLogRetentionDays", args.FlowLogRetentionDays, "no flow logs")
	return f.Err()
}

// addresses are enough and not too many, and nobody else's.
func (f *faults) addresses(vpc netip.Prefix) {
	inside := func(r netip.Prefix) bool { return r.Contains(vpc.Addr()) && r.Bits() <= vpc.Bits() }
	switch {
	case vpc.Bits() < minPrefixBits || vpc.Bits() > maxPrefixBits:
		f.Add("cidr is %s, want /%d to /%d", vpc, minPrefixBits, maxPrefixBits)
	case !slices.ContainsFunc(privateRanges, inside):
		f.Add("cidr is %s, want a range inside one of %v", vpc, privateRanges)
	case vpc.Overlaps(dockerRange):
		f.Add("cidr is %s, want one apart from %s, which container engines use", vpc, dockerRange)
	}
}

func (f *faults) zones(region string, zones []string) {
	if len(zones) < minZones || len(zones) > maxZones {
		f.Add("zones has %d entries, want %d or %d", len(zones), minZones, maxZones)
	}
	seen := map[string]bool{}
	for i, zone := range zones {
		letter, inRegion := strings.CutPrefix(zone, region)
		switch {
		case !inRegion || len(letter) != 1 || letter[0] < 'a' || letter[0] > 'z':
			f.Add("zones[%d] is %q, want a zone of region %s such as %sa", i, zone, region, region)
		case seen[zone]:
			f.Add("zones[%d] is %s again, want each zone once", i, zone)
		}
		seen[zone] = true
	}
}
