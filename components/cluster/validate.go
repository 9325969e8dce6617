package cluster

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
)

// retentionDays are the periods that CloudWatch Logs offers.
// Source: retentionInDays of aws.cloudwatch.LogGroup, pulumi-aws v6.83.4.
var retentionDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// maxPublicCIDRs is EKS's quota of public endpoint access ranges per cluster.
// Source: https://docs.aws.amazon.com/general/latest/gr/eks.html ; read 2026-11-23.
const maxPublicCIDRs = 40

// longestName leaves room for the longest suffix of a role ("-amazon-cloudwatch-observability") and Pulumi's own 8 characters.
const longestName = 24

var (
	clusterName  = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)
	minorVersion = regexp.MustCompile(`^1\.[0-9]{2}$`)
	addonVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$`)
	chartVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	principalARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+$`)
)

// faults collects the faults of an Args, each with its path.
type faults struct{ list []error }

func (f *faults) add(format string, a ...any) {
	f.list = append(f.list, fmt.Errorf("cluster."+format, a...))
}

// validate returns every fault of args, in the order of its fields.
func validate(name string, args Args) error {
	f := &faults{}
	if len(name) > longestName {
		f.add("New is given name %q, want at most %d characters: names of its IAM roles end at 64", name, longestName)
	}
	if !clusterName.MatchString(args.Name) {
		f.add("name is %q, want 1 to 100 letters, digits, - and _, the first a letter or digit", args.Name)
	}
	if !minorVersion.MatchString(args.Version) {
		f.add("version is %q, want a Kubernetes minor such as 1.36", args.Version)
	}
	if args.Region == "" {
		f.add(`region is "", want an AWS region such as eu-central-1`)
	}
	if args.VPCID == nil {
		f.add("vpcId is missing, want the network's VPC")
	}
	if len(args.PrivateSubnetIDs) < 2 {
		f.add("privateSubnetIds has %d entries, want 2 or more in different zones", len(args.PrivateSubnetIDs))
	}
	f.publicAccess(args.PublicAccessCIDRs)
	f.administrators(args.AdminPrincipalARNs)
	if !slices.Contains(retentionDays, args.LogRetentionDays) {
		f.add("logRetentionDays is %d, want one of %v", args.LogRetentionDays, retentionDays)
	}
	f.nodeGroups(args.NodeGroups)
	f.addons(args.AddonVersions)
	f.controller(args.LoadBalancerController)
	return errors.Join(f.list...)
}

func (f *faults) publicAccess(cidrs []string) {
	if len(cidrs) > maxPublicCIDRs {
		f.add("publicAccessCidrs has %d entries, want at most %d", len(cidrs), maxPublicCIDRs)
	}
	for i, cidr := range cidrs {
		path := fmt.Sprintf("publicAccessCidrs[%d] is %q", i, cidr)
		p, err := netip.ParsePrefix(cidr)
		switch {
		case err != nil || !p.Addr().Is4():
			f.add("%s, want an IPv4 range such as 203.0.113.0/24", path)
		case p != p.Masked():
			f.add("%s, want %s: no host bits", path, p.Masked())
		case p.Addr().IsPrivate() || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast():
			f.add("%s, want a public range: EKS refuses reserved ones here, and the VPC has the private endpoint", path)
		case slices.Index(cidrs, cidr) < i:
			f.add("%s again, want each range once", path)
		}
	}
}

func (f *faults) administrators(arns []string) {
	for i, arn := range arns {
		switch {
		case !principalARN.MatchString(arn):
			f.add("adminPrincipalArns[%d] is %q, want the IAM ARN of a role or user (not of a session)", i, arn)
		case slices.Index(arns, arn) < i:
			f.add("adminPrincipalArns[%d] is %q again, want each principal once", i, arn)
		}
	}
}

func (f *faults) addons(versions map[string]string) {
	names := AddonNames()
	for _, name := range names {
		if version := versions[name]; !addonVersion.MatchString(version) {
			f.add("addonVersions[%s] is %q, want a pinned version such as v1.2.3-eksbuild.1", name, version)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		if !slices.Contains(names, name) {
			f.add("addonVersions[%s] is unknown, want %v", name, names)
		}
	}
}

func (f *faults) controller(c LoadBalancerController) {
	if !chartVersion.MatchString(c.ChartVersion) {
		f.add("loadBalancerController.chartVersion is %q, want a pinned version such as 1.14.0", c.ChartVersion)
	}
	if c.Replicas < 1 || c.Replicas > 3 {
		f.add("loadBalancerController.replicas is %d, want 1 to 3", c.Replicas)
	}
}
