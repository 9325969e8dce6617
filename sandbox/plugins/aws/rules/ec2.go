package rules

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// Source of the size of a subnet's block, /16 to /28: CreateSubnet of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/ec2@v1.307.0 ; read 2026-11-23. A VPC's is the same, as remembered.

func vpc(c *check) {
	c.block("cidrBlock", 16, 28)
	c.oneOf("instanceTenancy", "default", "dedicated")
}

// block reads a CIDR block whose prefix must be between the two lengths.
func (c *check) block(path string, low, high int) (netip.Prefix, bool) {
	text, ok := props.String(c.Inputs, path)
	if !ok {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		c.fail(path, "is %q, want a block such as 10.0.0.0/16", text)
	case p.Masked() != p:
		c.fail(path, "is %q, want the block's first address: %s", text, p.Masked())
	case p.Bits() < low || p.Bits() > high:
		c.fail(path, "is %q, want a prefix length of %d to %d", text, low, high)
	default:
		return p, true
	}
	return netip.Prefix{}, false
}

func subnet(c *check) {
	if zone, ok := props.String(c.Inputs, "availabilityZone"); ok && !strings.HasPrefix(zone, c.Region) {
		c.fail("availabilityZone", "is %q, want a zone of %s", zone, c.Region)
	}
	block, ok := c.block("cidrBlock", 16, 28)
	if id, known := props.String(c.Inputs, "vpcId"); ok && known {
		c.subnetPlace(id, block)
	}
}

// subnetPlace wants the block within its VPC and clear of the VPC's other subnets.
func (c *check) subnetPlace(id string, block netip.Prefix) {
	for _, v := range c.others(tokenVPC) {
		around, err := netip.ParsePrefix(props.Str(v.State, "cidrBlock"))
		if v.ID == id && err == nil && (!around.Contains(block.Addr()) || block.Bits() < around.Bits()) {
			c.fail("cidrBlock", "is %s, want a part of the VPC's %s (InvalidSubnet.Range)", block, around)
		}
	}
	for _, s := range c.others(tokenSubnet) {
		other, err := netip.ParsePrefix(props.Str(s.State, "cidrBlock"))
		if props.Str(s.State, "vpcId") == id && err == nil && other.Overlaps(block) {
			c.fail("cidrBlock", "is %s, which overlaps %s of %s (InvalidSubnet.Conflict)", block, other, s.ID)
		}
	}
}

var groupText = regexp.MustCompile(`^[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]*$`)

// maxRules is the default quota of rules of a security group in each direction; a prefix list counts as its size.
const maxRules = 60

// originFacing is the weight of CloudFront's origin-facing prefix list, the only one this program's kind uses.
// Source of both: https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html ; read
// 2026-11-23.
const originFacing = 55

// Source: CreateSecurityGroup of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/ec2@v1.307.0 and its
// types.IpPermission; read 2026-11-23.
func securityGroup(c *check) {
	for _, path := range []string{"name", "description"} {
		s := c.str(path)
		if len(s) > 255 || !groupText.MatchString(s) {
			c.fail(path, "is %q, want at most 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*", s)
		}
	}
	if strings.HasPrefix(c.str("name"), "sg-") {
		c.fail("name", "is %q, want a name that does not begin with sg-", c.str("name"))
	}
	for _, direction := range []string{"ingress", "egress"} {
		weight := 0
		for i, rule := range props.Objects(c.Inputs, direction) {
			path := fmt.Sprintf("%s[%d]", direction, i)
			c.ports(path+".", rule, "protocol")
			if !anyOf(rule, "cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups", "self") {
				c.fail(path, "has no peer, want one of cidrBlocks, ipv6CidrBlocks, prefixListIds, securityGroups, self")
			}
			for _, k := range []string{"cidrBlocks", "ipv6CidrBlocks", "securityGroups"} {
				weight += len(props.List(rule, k))
			}
			weight += originFacing * len(props.List(rule, "prefixListIds"))
			c.blocks(path+".cidrBlocks", props.Strings(rule, "cidrBlocks"))
		}
		if weight > maxRules {
			c.fail(direction, "counts %d rules, want at most %d (RulesPerSecurityGroupLimitExceeded; a prefix list counts %d)", weight, maxRules, originFacing)
		}
	}
}

func anyOf(m resource.PropertyMap, paths ...string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		if v, known := props.Plain(props.Get(m, p)); known && v.IsBool() {
			return v.BoolValue()
		}
		return props.Has(m, p)
	})
}

func (c *check) blocks(path string, list []string) {
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err != nil || p.Masked() != p {
			c.fail(path, "has %q, want a block such as 10.0.0.0/16", s)
		}
	}
}

// ports checks protocol and port range of a rule whose properties begin with prefix.
func (c *check) ports(prefix string, rule resource.PropertyMap, protocolKey string) {
	protocol, ok := props.String(rule, protocolKey)
	if !ok {
		return
	}
	if !slices.Contains([]string{"tcp", "udp", "icmp", "icmpv6", "-1", "all", "6", "17", "1", "58"}, protocol) {
		c.fail(prefix+protocolKey, "is %q, want tcp, udp, icmp, icmpv6 or -1", protocol)
	}
	c.portRange(prefix, protocol, rule)
}

func (c *check) portRange(prefix, protocol string, rule resource.PropertyMap) {
	from, hasFrom := props.Number(rule, "fromPort")
	to, hasTo := props.Number(rule, "toPort")
	switch protocol {
	case "-1", "all":
		if from > 0 || to > 0 {
			c.fail(prefix+"fromPort", "is %v to %v with protocol -1, want no ports: that protocol means all of them", from, to)
		}
	case "tcp", "udp":
		if !props.Has(rule, "fromPort") || !props.Has(rule, "toPort") {
			c.fail(prefix+"fromPort", "missing with protocol %s, want fromPort and toPort", protocol)
		} else if hasFrom && hasTo {
			c.validRange(prefix, from, to)
		}
	}
}

func (c *check) validRange(prefix string, from, to float64) {
	if from < 0 || to > 65535 || from > to {
		c.fail(prefix+"fromPort", "to toPort is %v to %v, want a range within 0 to 65535", from, to)
	}
}

func securityGroupRule(c *check) {
	c.oneOf("type", "ingress", "egress")
	c.ports("", c.Inputs, "protocol")
	c.blocks("cidrBlocks", props.Strings(c.Inputs, "cidrBlocks"))
	if !anyOf(c.Inputs, "cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "sourceSecurityGroupId", "self") {
		c.fail("cidrBlocks", "missing, want one of cidrBlocks, ipv6CidrBlocks, prefixListIds, sourceSecurityGroupId, self")
	}
	c.conflict("cidrBlocks", "sourceSecurityGroupId")
	if c.is("self", false) {
		c.conflict("self", "sourceSecurityGroupId")
		c.conflict("self", "cidrBlocks")
	}
}

// Source of the last rule: ipProtocol of https://pkg.go.dev/github.com/pulumi/pulumi-aws/sdk/v6@v6.83.4/go/aws/vpc ("should not be
// defined"), and Read of internal/service/ec2/vpc_security_group_ingress_rule.go of
// https://github.com/hashicorp/terraform-provider-aws ; read 2026-11-30.
func vpcSecurityGroupRule(c *check) {
	c.ports("", c.Inputs, "ipProtocol")
	for _, path := range []string{"fromPort", "toPort"} {
		if n, ok := c.num(path); ok && n == 0 && slices.Contains([]string{"-1", "all"}, c.str("ipProtocol")) {
			c.fail(path, "is 0 with protocol -1, want none: AWS answers -1, which every refresh shows as a change")
		}
	}
	if s, ok := props.String(c.Inputs, "cidrIpv4"); ok {
		c.blocks("cidrIpv4", []string{s})
	}
	c.exactlyOne("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
}

// exactlyOne wants one of the properties.
func (c *check) exactlyOne(paths ...string) {
	var given []string
	for _, p := range paths {
		if c.has(p) {
			given = append(given, p)
		}
	}
	switch {
	case len(given) == 0:
		c.fail(paths[0], "missing, want one of %s", strings.Join(paths, ", "))
	case len(given) > 1:
		c.fail(given[1], "conflicts with %s: give one of %s", given[0], strings.Join(paths, ", "))
	}
}

func route(c *check) {
	c.exactlyOne("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
	c.exactlyOne("gatewayId", "natGatewayId", "egressOnlyGatewayId", "transitGatewayId", "vpcEndpointId", "vpcPeeringConnectionId",
		"networkInterfaceId", "localGatewayId", "carrierGatewayId", "coreNetworkArn")
}

// Source: CreateFlowLogs of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/ec2@v1.307.0 ; read 2026-11-23.
func flowLog(c *check) {
	c.exactlyOne("vpcId", "subnetId", "eniId", "transitGatewayId", "transitGatewayAttachmentId")
	c.oneOf("trafficType", "ACCEPT", "REJECT", "ALL")
	c.oneOf("logDestinationType", "cloud-watch-logs", "s3", "kinesis-data-firehose")
	if kind := c.str("logDestinationType"); (kind == "" || kind == "cloud-watch-logs") && !c.unknown("logDestinationType") && !c.has("iamRoleArn") {
		c.fail("iamRoleArn", "missing, want a role that may write to CloudWatch Logs")
	}
	if !c.has("logDestination") && !c.has("logGroupName") {
		c.fail("logDestination", "missing, want the ARN of a log group, bucket or stream")
	}
	if n, ok := c.num("maxAggregationInterval"); ok && n != 60 && n != 600 {
		c.fail("maxAggregationInterval", "is %v, want 60 or 600", n)
	}
}

// Source: CreateVpcEndpoint of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/ec2@v1.307.0 ; read 2026-11-23.
func vpcEndpoint(c *check) {
	c.oneOf("vpcEndpointType", "Gateway", "Interface", "GatewayLoadBalancer", "Resource", "ServiceNetwork")
	refuse := func(kind string, paths ...string) {
		for _, p := range paths {
			if v, known := props.Plain(props.Get(c.Inputs, p)); c.has(p) && (!known || !v.IsBool() || v.BoolValue()) {
				c.fail(p, "is given, want none for an endpoint of type %s", kind)
			}
		}
	}
	switch c.str("vpcEndpointType") {
	case "Gateway", "":
		if !c.unknown("vpcEndpointType") {
			refuse("Gateway", "subnetIds", "securityGroupIds", "privateDnsEnabled")
		}
	case "Interface":
		refuse("Interface", "routeTableIds")
	}
}

// Source: RequestLaunchTemplateData of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/ec2@v1.307.0/types ;
// read 2026-11-23.
func launchTemplate(c *check) {
	c.oneOf("metadataOptions.httpTokens", "optional", "required")
	c.oneOf("metadataOptions.httpEndpoint", "enabled", "disabled")
	c.within("metadataOptions.httpPutResponseHopLimit", 1, 64)
	for i := range c.list("blockDeviceMappings") {
		ebs := fmt.Sprintf("blockDeviceMappings.%d.ebs.", i)
		c.oneOf(ebs+"volumeType", "standard", "gp2", "gp3", "io1", "io2", "sc1", "st1")
		c.oneOf(ebs+"encrypted", "true", "false")
		if c.str(ebs+"volumeType") == "gp3" {
			c.within(ebs+"iops", 3000, 80000)
			c.within(ebs+"throughput", 125, 2000)
		} else if c.has(ebs + "throughput") {
			c.fail(ebs+"throughput", "is given for %s, want none: only gp3 has it", c.str(ebs+"volumeType"))
		}
	}
	for i := range c.list("tagSpecifications") {
		c.oneOf(fmt.Sprintf("tagSpecifications.%d.resourceType", i), "instance", "volume", "network-interface", "spot-instances-request")
	}
}
