package network

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// retentionDays are the periods that CloudWatch Logs offers.
// Source: retentionInDays of aws.cloudwatch.LogGroup, pulumi-aws v6.83.4.
var retentionDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// privateRanges are those that AWS recommends for a VPC (RFC 1918 and RFC 6598). A public range would hide its owners
// from everything inside.
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
}

// dockerRange is the bridge of container engines on nodes and build machines: a VPC in it cannot be reached from them.
var dockerRange = netip.MustParsePrefix("172.17.0.0/16")

// validate returns every fault of args, in the order of its fields.
func validate(args Args) error {
	var faults []error
	fault := func(format string, a ...any) { faults = append(faults, fmt.Errorf("network."+format, a...)) }
	if args.Region == "" {
		fault(`region is "", want an AWS region such as eu-central-1`)
	}
	faults = append(faults, validateCIDR(args.CIDR))
	faults = append(faults, validateZones(args.Region, args.Zones)...)
	if !slices.Contains([]NATGateways{PerZone, One, None}, args.NATGateways) {
		fault("natGateways is %q, want %s, %s or %s", args.NATGateways, PerZone, One, None)
	}
	if args.NATGateways == None && !args.VPCEndpoints {
		fault("vpcEndpoints is false with natGateways %s, want true: nodes could not reach the cluster or pull images", None)
	}
	if args.ClusterName == "" {
		fault(`clusterName is "", want the name of the EKS cluster that will use the subnets`)
	}
	if d := args.FlowLogRetentionDays; d != 0 && !slices.Contains(retentionDays, d) {
		fault("flowLogRetentionDays is %d, want 0 (no flow logs) or one of %v", d, retentionDays)
	}
	return errors.Join(faults...)
}

func validateCIDR(cidr string) error {
	vpc, err := netip.ParsePrefix(cidr)
	if err != nil || !vpc.Addr().Is4() {
		return fmt.Errorf("network.cidr is %q, want an IPv4 range such as 10.0.0.0/16", cidr)
	}
	if vpc != vpc.Masked() {
		return fmt.Errorf("network.cidr is %s, want %s: no host bits", cidr, vpc.Masked())
	}
	if vpc.Bits() < minPrefixBits || vpc.Bits() > maxPrefixBits {
		return fmt.Errorf("network.cidr is %s, want /%d to /%d", cidr, minPrefixBits, maxPrefixBits)
	}
	inside := func(r netip.Prefix) bool { return r.Contains(vpc.Addr()) && r.Bits() <= vpc.Bits() }
	if !slices.ContainsFunc(privateRanges, inside) {
		return fmt.Errorf("network.cidr is %s, want a range inside one of %v", cidr, privateRanges)
	}
	if vpc.Overlaps(dockerRange) {
		return fmt.Errorf("network.cidr is %s, want one apart from %s, which container engines use", cidr, dockerRange)
	}
	return nil
}

func validateZones(region string, zones []string) []error {
	var faults []error
	if len(zones) < minZones || len(zones) > maxZones {
		faults = append(faults, fmt.Errorf("network.zones has %d entries, want %d or %d", len(zones), minZones, maxZones))
	}
	seen := map[string]bool{}
	for i, zone := range zones {
		letter, inRegion := strings.CutPrefix(zone, region)
		switch {
		case !inRegion || len(letter) != 1 || letter[0] < 'a' || letter[0] > 'z':
			faults = append(faults, fmt.Errorf("network.zones[%d] is %q, want a zone of region %s such as %sa", i, zone, region, region))
		case seen[zone]:
			faults = append(faults, fmt.Errorf("network.zones[%d] is %s again, want each zone once", i, zone))
		}
		seen[zone] = true
	}
	return faults
}
