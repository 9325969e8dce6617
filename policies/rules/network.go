package rules

import (
	"fmt"
	"slices"
	"strings"
)

const (
	ingressRule   = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	securityGroup = "aws:ec2/securityGroup:SecurityGroup"
	defaultGroup  = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
	loadBalancer  = "aws:lb/loadBalancer:LoadBalancer"
	listener      = "aws:lb/listener:Listener"
	vpcType       = "aws:ec2/vpc:Vpc"
	flowLog       = "aws:ec2/flowLog:FlowLog"
	subnet        = "aws:ec2/subnet:Subnet"
	natGateway    = "aws:ec2/natGateway:NatGateway"

	leastZones = 2
)

var network = []Rule{
	{
		Name: "ingress-public-ports", Area: Network, Levels: everywhere,
		Says:   "Everybody may reach ports 80 and 443, nothing else.",
		Fix:    "Name the ranges in ragscale:api.ingressCidrs, or refer to a security group.",
		Origin: "nothing is public that need not be",
		Types:  []string{ingressRule, securityGroup}, Check: ingressPublicPorts,
	},
	{
		Name: "public-api-over-tls", Area: Network, Levels: production,
		Says:   "A load balancer that faces the internet serves over HTTPS alone.",
		Fix:    "Set ragscale:api.certificateArn and listenerPort 443, or internal to true.",
		Origin: "encryption in transit", CheckStack: publicAPIOverTLS,
	},
	{
		Name: "listener-tls-policy", Area: Network, Levels: everywhere,
		Says:   "HTTPS listeners speak TLS 1.2 with forward secrecy, or 1.3.",
		Fix:    "sslPolicy: ELBSecurityPolicy-TLS13-1-2-Res-2021-06.",
		Origin: "encryption in transit; without sslPolicy AWS accepts TLS 1.0",
		Types:  []string{listener}, Check: listenerTLSPolicy,
	},
	{
		Name: "load-balancer-strict", Area: Network, Levels: everywhere,
		Says:   "Load balancers drop malformed headers.",
		Fix:    "dropInvalidHeaderFields true.",
		Origin: "request smuggling",
		Types:  []string{loadBalancer}, Check: func(r Resource, _ Thresholds, p *Report) {
			p.isTrue(r, r.At("dropInvalidHeaderFields"))
		},
	},
	{
		Name: "load-balancer-kept", Area: Network, Levels: productions,
		Says:   "Load balancers are not deleted by mistake.",
		Fix:    "Set ragscale:cluster.deletionProtection to true.",
		Origin: "its name is in other people's DNS",
		Types:  []string{loadBalancer}, Check: func(r Resource, _ Thresholds, p *Report) {
			p.isTrue(r, r.At("enableDeletionProtection"))
		},
	},
	{
		Name: "default-group-closed", Area: Network, Levels: everywhere,
		Says:   "The default security group of every VPC lets nothing through.",
		Fix:    "Declare a DefaultSecurityGroup without rules for the VPC.",
		Origin: "what forgets its security group gets this one", CheckStack: defaultGroupClosed,
	},
	{
		Name: "flow-logs", Area: Network, Levels: production,
		Says:   "The traffic of every VPC is logged.",
		Fix:    "Set ragscale:network.flowLogRetentionDays above 0.",
		Origin: "who talked to whom must be known afterwards", CheckStack: flowLogs,
	},
	{
		Name: "zones", Area: Network, Levels: everywhere,
		Says:   fmt.Sprintf("Subnets are in at least %d zones.", leastZones),
		Fix:    "Set ragscale:network.zones.",
		Origin: "availabilityPercent; EKS and a Multi-AZ database refuse fewer", CheckStack: zones,
	},
	{
		Name: "nat-per-zone", Area: Network, Levels: production,
		Says:   "The loss of a zone takes no other zone's way out.",
		Fix:    "Set ragscale:network.natGateways to perZone.",
		Origin: "availabilityPercent", CheckStack: natPerZone,
	},
	{
		Name: "namespace-closed", Area: Network, Levels: everywhere,
		Says:   "Every namespace of the stack denies traffic that no policy allows, both ways.",
		Fix:    "Declare a NetworkPolicy with an empty podSelector and the policyTypes Ingress and Egress.",
		Origin: "nothing is reachable that need not be", CheckStack: namespaceClosed,
	},
}

func everybody(cidr string) bool { return cidr == "0.0.0.0/0" || cidr == "::/0" }

func ingressPublicPorts(r Resource, _ Thresholds, p *Report) {
	if r.Type == ingressRule {
		checkIngress(r, r.At(), []Property{r.At("cidrIpv4"), r.At("cidrIpv6")}, "ipProtocol", p)
		return
	}
	for _, in := range r.At("ingress").Each() {
		checkIngress(r, in, slices.Concat(in.At("cidrBlocks").Each(), in.At("ipv6CidrBlocks").Each()), "protocol", p)
	}
}

// checkIngress judges one rule of a security group, whose sources are those given.
func checkIngress(r Resource, in Property, sources []Property, protocol string, p *Report) {
	i := slices.IndexFunc(sources, func(n Property) bool { return everybody(n.Text()) })
	from, to := in.At("fromPort"), in.At("toPort")
	if i < 0 || from.Unknown() || to.Unknown() || in.At(protocol).Unknown() {
		return
	}
	first, known := from.Number()
	last, _ := to.Number()
	if in.At(protocol).Text() == "tcp" && known && first == last && (first == 80 || first == 443) {
		return
	}
	p.about(r, sources[i].Path, fmt.Sprintf("%s for ports %s to %s", sources[i].show(), from.show(), to.show()),
		"a named range, or port 80 or 443")
}

// publicAPIOverTLS looks at the listeners of the load balancers that face the internet, which is the default.
func publicAPIOverTLS(s Stack, _ Thresholds, p *Report) {
	for _, lb := range s.OfType(loadBalancer) {
		internal := lb.At("internal")
		if internal.Unknown() || internal.True() {
			continue
		}
		for _, l := range s.OfType(listener) {
			if l.mayComeFrom("loadBalancerArn", lb) && l.At("protocol").Text() == "HTTP" && !redirects(l) {
				p.fault(l, l.At("protocol"), "HTTPS, or a redirect to it")
			}
		}
	}
}

// redirects tells whether all actions of a listener are redirects to HTTPS, or may be.
func redirects(l Resource) bool {
	actions := l.At("defaultActions")
	if actions.Undecided() {
		return true
	}
	return !slices.ContainsFunc(actions.Each(),
		func(a Property) bool { return a.At("redirect", "protocol").Text() != "HTTPS" })
}

func listenerTLSPolicy(r Resource, _ Thresholds, p *Report) {
	policy := r.At("sslPolicy")
	if r.At("protocol").Text() != "HTTPS" || policy.Unknown() {
		return
	}
	if name := policy.Text(); !strings.Contains(name, "TLS13") && !strings.Contains(name, "FS-1-2") {
		p.fault(r, policy, "a policy of TLS 1.2 with forward secrecy, or of 1.3")
	}
}

func defaultGroupClosed(s Stack, _ Thresholds, p *Report) {
	groups := s.OfType(defaultGroup)
	for _, vpc := range s.OfType(vpcType) {
		if !slices.ContainsFunc(groups, func(g Resource) bool { return g.mayComeFrom("vpcId", vpc) }) {
			p.about(vpc, "", "without a declared default security group", "one without rules")
		}
	}
	for _, g := range groups {
		for _, way := range []string{"ingress", "egress"} {
			if len(g.At(way).Each()) > 0 {
				p.fault(g, g.At(way), "no rule")
			}
		}
	}
}

func flowLogs(s Stack, _ Thresholds, p *Report) {
	for _, vpc := range s.OfType(vpcType) {
		if !slices.ContainsFunc(s.OfType(flowLog), func(l Resource) bool { return l.mayComeFrom("vpcId", vpc) }) {
			p.about(vpc, "", "without a flow log", "one for all traffic")
		}
	}
}

func zones(s Stack, _ Thresholds, p *Report) {
	if names, decided := zonesOf(s); decided && len(names) > 0 && len(names) < leastZones {
		p.about(Resource{}, "", fmt.Sprintf("subnets in %d zone", len(names)), fmt.Sprintf("at least %d zones", leastZones))
	}
}

// zonesOf is the zones of the stack's subnets. decided = false if one is not known yet.
func zonesOf(s Stack) (names []string, decided bool) {
	for _, n := range s.OfType(subnet) {
		zone := n.At("availabilityZone")
		if zone.Text() == "" {
			return nil, false
		}
		if !slices.Contains(names, zone.Text()) {
			names = append(names, zone.Text())
		}
	}
	return names, true
}

func natPerZone(s Stack, _ Thresholds, p *Report) {
	names, decided := zonesOf(s)
	gateways := len(s.OfType(natGateway))
	if decided && gateways > 0 && gateways < len(names) {
		p.about(s.OfType(natGateway)[0], "", fmt.Sprintf("one of %d NAT gateways for %d zones", gateways, len(names)),
			"one per zone")
	}
}

func namespaceClosed(s Stack, _ Thresholds, p *Report) {
	for _, ns := range s.OfType(namespace) {
		name := ns.At("metadata", "name")
		if name.Undecided() {
			continue
		}
		denied := func(policy Resource) bool { return deniesAll(policy, name.Text()) }
		if !slices.ContainsFunc(s.OfType(networkPolicyType), denied) {
			p.about(ns, "", "without a policy that denies by default", "a NetworkPolicy for all its pods, both ways")
		}
	}
}

// deniesAll tells whether a network policy is, or may be, the one that closes a namespace.
func deniesAll(policy Resource, namespace string) bool {
	spec, in := policy.At("spec"), policy.At("metadata", "namespace")
	if spec.Undecided() || in.Unknown() {
		return true
	}
	types := spec.At("policyTypes").texts()
	return in.Text() == namespace && len(spec.At("podSelector").Members()) == 0 &&
		slices.Contains(types, "Ingress") && slices.Contains(types, "Egress") &&
		len(spec.At("ingress").Each()) == 0 && len(spec.At("egress").Each()) == 0
}
