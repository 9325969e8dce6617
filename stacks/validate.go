package stacks

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/kubernetes"
	"github.com/ragscale/ragscale/stacks/settings"
)

// crossRule is a check on several values at once. It runs if the blocks it reads were decoded without a fault, since a
// faulty value is a default in the Config and would be blamed for what nobody wrote.
type crossRule struct {
	reads []string
	check func(*Config, *settings.Faults)
}

var crossRules = []crossRule{
	{[]string{"tags"}, (*Config).checkTags},
	{[]string{"slo"}, (*Config).checkSLO},
	{[]string{"slo", "api"}, (*Config).checkTargets},
	{[]string{"environment", "network"}, (*Config).checkNetwork},
	{[]string{"environment", "cluster"}, (*Config).checkCluster},
	{[]string{"cluster"}, (*Config).checkNodeGroups},
	{[]string{"environment", "api", "cdn"}, (*Config).checkListener},
	{[]string{"environment", "api"}, (*Config).checkAuth},
	{[]string{"api"}, (*Config).checkPods},
	{[]string{"database"}, (*Config).checkStorage},
	{[]string{"database"}, (*Config).checkDatabase},
	{[]string{"database", "slo", "api", "pgbouncer"}, (*Config).checkServers},
	{[]string{"slo", "api", "pgbouncer"}, (*Config).checkPgBouncer},
	{[]string{"slo", "cache"}, (*Config).checkCache},
	{[]string{"vectorStore"}, (*Config).checkVectorStore},
	{[]string{"cluster", "slo", "api", "pgbouncer", "vectorStore"}, (*Config).checkPlacement},
	{[]string{"cluster", "slo", "api"}, (*Config).checkNodeTargets},
	{[]string{"autoscaling", "slo"}, (*Config).checkVertical},
	{[]string{"environment", "cdn"}, (*Config).checkCertificate},
	{[]string{"environment", "cdn", "api"}, (*Config).checkWayIn},
	{[]string{"cdn"}, (*Config).checkBehaviors},
	{[]string{"environment", "loadTests"}, (*Config).checkScenarios},
	{[]string{"environment", "cluster", "loadTests"}, (*Config).checkGenerators},
	{[]string{"environment", "observability"}, (*Config).checkAlarmTargets},
	{[]string{"slo"}, (*Config).checkWatched},
}

// validate runs the cross rules whose blocks are sound.
func (c *Config) validate(f *settings.Faults) {
	decoded := f.Copy()
	for _, r := range crossRules {
		if !slices.ContainsFunc(r.reads, func(block string) bool { return decoded.Within(prefix + block) }) {
			r.check(c, f)
		}
	}
	if !decoded.Within(perfPrefix + "budgets") {
		c.checkBudgets(f)
	}
}

func (c *Config) checkTags(f *settings.Faults) {
	own := (&Config{}).ResourceTags()
	own["component"] = ""
	for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
		path := settings.At(prefix+"tags", key)
		if _, taken := own[strings.ToLower(key)]; taken {
			f.Add(path, "is set by the platform", "another key")
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			f.Add(path, "begins with aws:", "a key that AWS does not reserve")
		}
	}
}

// leastTarget of a horizontal autoscaler, percent of requests: below it pods idle by design.
const leastTarget = 10

func (c *Config) checkSLO(f *settings.Faults) {
	slo := c.SLO
	if slo.ComplexSearchSeconds < slo.ResponseSeconds {
		f.Add(prefix+"slo.complexSearchSeconds", settings.Show(slo.ComplexSearchSeconds),
			fmt.Sprintf("at least responseSeconds, %v", slo.ResponseSeconds))
	}
	if slo.HPA.MaxReplicas < slo.HPA.MinReplicas {
		f.Add(prefix+"slo.hpa.maxReplicas", settings.Show(slo.HPA.MaxReplicas),
			fmt.Sprintf("at least minReplicas, %d", slo.HPA.MinReplicas))
	}
	if target := slo.HPA.MemoryPercent; target > 0 && target < leastTarget {
		f.Add(prefix+"slo.hpa.memoryPercent", settings.Show(target),
			fmt.Sprintf("at least %d, or 0 for CPU alone", leastTarget))
	}
	if slo.AvailabilityPercent >= 99.9 && slo.HPA.MinReplicas < 2 {
		f.Add(prefix+"slo.hpa.minReplicas", settings.Show(slo.HPA.MinReplicas),
			fmt.Sprintf("at least 2 for an availability of %v %%", slo.AvailabilityPercent))
	}
}

// checkTargets keeps the autoscaler's targets below the alarms where both measure the same thing. The objectives are of
// capacity, the targets of requests: they meet where a pod's limit is its request. A target at the alarm would flap.
func (c *Config) checkTargets(f *settings.Faults) {
	hpa, requests, limits := c.SLO.HPA, c.API.Requests, c.API.Limits
	if limits.CPU == requests.CPU && float64(hpa.CPUPercent) >= c.SLO.CPUPercent {
		f.Add(prefix+"slo.hpa.cpuPercent", settings.Show(hpa.CPUPercent),
			fmt.Sprintf("less than slo.cpuPercent, %v, since api.limits.cpu is api.requests.cpu and both measure the same",
				c.SLO.CPUPercent))
	}
	if limits.Memory == requests.Memory && float64(hpa.MemoryPercent) >= c.SLO.MemoryPercent {
		f.Add(prefix+"slo.hpa.memoryPercent", settings.Show(hpa.MemoryPercent),
			fmt.Sprintf("less than slo.memoryPercent, %v, since api.limits.memory is api.requests.memory and both measure the "+
				"same", c.SLO.MemoryPercent))
	}
	if float64(c.API.DrainSeconds) < c.SLO.ComplexSearchSeconds {
		f.Add(prefix+"api.drainSeconds", settings.Show(c.API.DrainSeconds),
			fmt.Sprintf("at least slo.complexSearchSeconds, %v, so that searches in flight finish", c.SLO.ComplexSearchSeconds))
	}
}

// takenRanges could collide inside the cluster. EKS gives services 10.100.0.0/16 or 172.20.0.0/16
// (KubernetesNetworkConfigRequest of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eks@v1.105.5/types ; read
// 2026-11-23). 172.17.0.0/16 is Docker's bridge: older editions of
// https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html warned of it.
var takenRanges = []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16"), netip.MustParsePrefix("172.20.0.0/16")}

var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"),
}

func (c *Config) checkNetwork(f *settings.Faults) {
	cidr, err := netip.ParsePrefix(c.Network.CIDR)
	private := slices.ContainsFunc(privateRanges,
		func(p netip.Prefix) bool { return p.Contains(cidr.Addr()) && p.Bits() <= cidr.Bits() })
	if err != nil || !private || cidr.Bits() < 16 || cidr.Bits() > 20 {
		f.Add(prefix+"network.cidr", settings.Show(c.Network.CIDR), "a private range of /16 to /20")
	} else if slices.ContainsFunc(takenRanges, cidr.Overlaps) {
		f.Add(prefix+"network.cidr", settings.Show(c.Network.CIDR),
			"a range apart from 172.17.0.0/16 and 172.20.0.0/16, which nodes and services use")
	}
	if c.Network.NATGateways == "none" && !c.Network.VPCEndpoints {
		f.Add(prefix+"network.vpcEndpoints", "is false", "true where natGateways is none: nodes could reach no AWS API")
	}
	c.checkZoneNames(f)
}

func (c *Config) checkZoneNames(f *settings.Faults) {
	path, names := prefix+"network.zoneNames", c.Network.ZoneNames
	if n := len(names); n > 0 && n != c.Network.Zones {
		f.Add(path, fmt.Sprintf("has %d entries", n), fmt.Sprintf("as many as zones, %d, or none", c.Network.Zones))
	}
	for i, name := range names {
		if name[:len(name)-1] != c.Region {
			f.Add(fmt.Sprintf("%s[%d]", path, i), settings.Show(name), "a zone of the region "+c.Region)
		}
		if slices.Contains(names[:i], name) {
			f.Add(fmt.Sprintf("%s[%d]", path, i), settings.Show(name)+" again", "each zone once")
		}
	}
}

func (c *Config) checkCluster(f *settings.Faults) {
	if minors := kubernetes.Minors(); !slices.Contains(minors, c.Cluster.Version) {
		f.Add(prefix+"cluster.version", settings.Show(c.Cluster.Version), "one of "+settings.Join(minors))
	}
	for i, text := range c.Cluster.PublicAccessCIDRs {
		path := fmt.Sprintf("%scluster.publicAccessCidrs[%d]", prefix, i)
		cidr, err := netip.ParsePrefix(text)
		if err != nil || cidr.Bits() > 0 &&
			(cidr.Addr().IsPrivate() || cidr.Addr().IsLoopback() || cidr.Addr().IsLinkLocalUnicast()) {
			f.Add(path, settings.Show(text), "a public range: EKS refuses private ones, which reach the private endpoint anyway")
		}
		if c.Environment == Production && cidr.Bits() == 0 {
			f.Add(path, settings.Show(text), "a narrower range in production")
		}
	}
	c.checkPrivateAccess(f)
}

func (c *Config) checkPrivateAccess(f *settings.Faults) {
	for i, text := range c.Cluster.PrivateAccessCIDRs {
		path := fmt.Sprintf("%scluster.privateAccessCidrs[%d]", prefix, i)
		if cidr, err := netip.ParsePrefix(text); err == nil && cidr.Bits() == 0 {
			f.Add(path, settings.Show(text), "the ranges of networks that are connected with the VPC")
		}
		if slices.Contains(c.Cluster.PrivateAccessCIDRs[:i], text) {
			f.Add(path, settings.Show(text)+" again", "each range once")
		}
	}
}

func (c *Config) checkNodeGroups(f *settings.Faults) {
	path := prefix + "cluster.nodeGroups"
	for _, required := range []string{"system", "api"} {
		if group, declared := c.Cluster.NodeGroups[required]; !declared {
			f.Add(settings.At(path, required), "is not declared", "the groups system and api")
		} else if repels(group.Taints) {
			f.Add(settings.At(path, required)+".taints", "keep the platform's own pods off",
				"no taint with NoSchedule or NoExecute")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Cluster.NodeGroups)) {
		c.Cluster.NodeGroups[name].check(settings.At(path, name), f)
	}
	if architectures := c.WorkloadArchitectures(); len(architectures) > 1 {
		f.Add(settings.At(path, "burst")+".instanceTypes", "are "+settings.Join(architectures)+" together with api",
			"one architecture for both: the API's image is scheduled on either")
	}
}

func (g NodeGroup) check(path string, f *settings.Faults) {
	if g.Max < g.Min {
		f.Add(path+".max", settings.Show(g.Max), fmt.Sprintf("at least min, %d", g.Min))
	} else if g.Desired < g.Min || g.Desired > g.Max {
		f.Add(path+".desired", settings.Show(g.Desired), fmt.Sprintf("min to max, %d to %d", g.Min, g.Max))
	}
	if g.CapacityType == "SPOT" && len(g.InstanceTypes) < 2 {
		f.Add(path+".instanceTypes", "names one type", "at least 2 for SPOT: one type's spot capacity runs out")
	}
	types := instanceTypesOf(g)
	if !ec2.SameShape(types) {
		f.Add(path+".instanceTypes", "are of different size", "the same vCPU and memory: the autoscaler plans with the first")
	}
	if slices.ContainsFunc(types, func(t ec2.InstanceType) bool { return t.Architecture != types[0].Architecture }) {
		f.Add(path+".instanceTypes", "are of different architecture", "arm64 or amd64: a group has one machine image")
	}
}

// instanceTypesOf looks up a group's types; unknown ones are reported where they are decoded.
func instanceTypesOf(g NodeGroup) []ec2.InstanceType {
	var types []ec2.InstanceType
	for _, name := range g.InstanceTypes {
		if t, err := ec2.Lookup(name); err == nil {
			types = append(types, t)
		}
	}
	return types
}

// WorkloadArchitectures lists the architectures of the groups that the API may run on, sorted; a valid configuration
// has one.
func (c *Config) WorkloadArchitectures() []string {
	var found []string
	for _, name := range workloadGroups {
		for _, t := range instanceTypesOf(c.Cluster.NodeGroups[name]) {
			found = append(found, t.Architecture)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
