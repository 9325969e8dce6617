package cluster

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"

	"github.com/ragscale/ragscale/components/internal/fault"
)

// maxPublicCIDRs is EKS's quota of public endpoint access ranges per cluster.
// Source: https://docs.aws.amazon.com/general/latest/gr/eks.html ; read 2026-11-23.
const maxPublicCIDRs = 40

// longestName leaves room for the longest suffix of a role ("-amazon-cloudwatch-observability") and Pulumi's own 8
// characters.
const longestName = 24

var (
	minorVersion = regexp.MustCompile(`^1\.[0-9]{2}$`)
	addonVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$`)
	principalARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+$`)
)

type faults struct{ fault.List }

// validate returns every fault of args, in the order of its fields.
func validate(name string, args Args) error {
	f := faults{fault.In("cluster")}
	if len(name) > longestName {
		f.Add("New is given name %q, want at most %d characters: names of its IAM roles end at 64", name, longestName)
	}
	f.ClusterName("name", args.Name)
	if !minorVersion.MatchString(args.Version) {
		f.Add("version is %q, want a Kubernetes minor such as 1.36", args.Version)
	}
	f.Region("region", args.Region)
	f.Missing(map[string]bool{"vpcId": args.VPCID == nil})
	f.Subnets("privateSubnetIds", len(args.PrivateSubnetIDs))
	f.publicAccess(args.PublicAccessCIDRs)
	f.privateAccess(args.PrivateAccessCIDRs)
	f.administrators(args.AdminPrincipalARNs)
	f.LogDays("logRetentionDays", args.LogRetentionDays, "")
	f.nodeGroups(args.NodeGroups)
	f.addons(args.AddonVersions)
	f.controller(args.LoadBalancerController)
	return f.Err()
}

func (f *faults) publicAccess(cidrs []string) {
	if len(cidrs) > maxPublicCIDRs {
		f.Add("publicAccessCidrs has %d entries, want at most %d", len(cidrs), maxPublicCIDRs)
	}
	for i, cidr := range cidrs {
		path := fmt.Sprintf("publicAccessCidrs[%d]", i)
		block, ok := f.IPv4Range(path, cidr, "203.0.113.0/24")
		switch {
		case !ok:
		case reservedAddress(block.Addr()):
			f.Add("%s is %q, want a public range: EKS refuses reserved ones here, and the VPC has the private endpoint",
				path, cidr)
		case slices.Index(cidrs, cidr) < i:
			f.Add("%s is %q again, want each range once", path, cidr)
		}
	}
}

// maxPrivateCIDRs leaves room among the 60 rules that a security group has by default.
// Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html ; read 2026-11-30.
const maxPrivateCIDRs = 40

func (f *faults) privateAccess(cidrs []string) {
	if len(cidrs) > maxPrivateCIDRs {
		f.Add("privateAccessCidrs has %d entries, want at most %d", len(cidrs), maxPrivateCIDRs)
	}
	for i, cidr := range cidrs {
		path := fmt.Sprintf("privateAccessCidrs[%d]", i)
		block, ok := f.IPv4Range(path, cidr, "10.0.0.0/16")
		switch {
		case !ok:
		case block.Bits() == 0:
			f.Add("%s is %q, want the ranges of networks that are connected with the VPC", path, cidr)
		case slices.Index(cidrs, cidr) < i:
			f.Add("%s is %q again, want each range once", path, cidr)
		}
	}
}

func reservedAddress(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
}

func (f *faults) administrators(arns []string) {
	for i, arn := range arns {
		switch {
		case !principalARN.MatchString(arn):
			f.Add("adminPrincipalArns[%d] is %q, want the IAM ARN of a role or user (not of a session)", i, arn)
		case slices.Index(arns, arn) < i:
			f.Add("adminPrincipalArns[%d] is %q again, want each principal once", i, arn)
		}
	}
}

func (f *faults) addons(versions map[string]string) {
	names := AddonNames()
	for _, name := range names {
		if version := versions[name]; !addonVersion.MatchString(version) {
			f.Add("addonVersions[%s] is %q, want a pinned version such as v1.2.3-eksbuild.1", name, version)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		if !slices.Contains(names, name) {
			f.Add("addonVersions[%s] is unknown, want %v", name, names)
		}
	}
}

func (f *faults) controller(c LoadBalancerController) {
	f.ChartVersion("loadBalancerController.chartVersion", c.ChartVersion, "1.14.0")
	f.Between("loadBalancerController.replicas", c.Replicas, 1, 3)
}
