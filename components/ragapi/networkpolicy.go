package ragapi

import (
	"fmt"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	anywhere = "0.0.0.0/0"
	// instanceMetadata has the node's credentials, which are not the pods'.
	instanceMetadata = "169.254.169.254/32"
	// podIdentityAgent hands out the pods' own credentials, on port 80 of every node.
	// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html ; read 2026-11-23.
	podIdentityAgent = "169.254.170.23/32"
	dnsPort          = 53
)

// networkPolicies close the namespace, then open what is needed. The kubelet's probes pass in any case.
func (d *declaration) networkPolicies() ([]pulumi.Resource, error) {
	everyPod := &metav1.LabelSelectorArgs{}
	specs := []struct {
		object string
		spec   *networkingv1.NetworkPolicySpecArgs
	}{
		{"default-deny", &networkingv1.NetworkPolicySpecArgs{
			PodSelector: everyPod, PolicyTypes: pulumi.ToStringArray([]string{"Ingress", "Egress"}),
		}},
		{"load-balancer-to-api", &networkingv1.NetworkPolicySpecArgs{
			PodSelector: selector(APIName),
			PolicyTypes: pulumi.ToStringArray([]string{"Ingress"}),
			Ingress: networkingv1.NetworkPolicyIngressRuleArray{&networkingv1.NetworkPolicyIngressRuleArgs{
				From: networkingv1.NetworkPolicyPeerArray{block(d.args.VPCCIDR)}, Ports: tcp(pulumi.Int(d.args.Port)),
			}},
		}},
		{"egress", &networkingv1.NetworkPolicySpecArgs{
			PodSelector: everyPod, PolicyTypes: pulumi.ToStringArray([]string{"Egress"}), Egress: d.egress(),
		}},
	}
	if len(d.args.MetricsNamespaces)+len(d.args.ScraperCIDRs) > 0 {
		specs = append(specs, struct {
			object string
			spec   *networkingv1.NetworkPolicySpecArgs
		}{"metrics-scrape", d.metricsScrape(everyPod)})
	}
	var policies []pulumi.Resource
	for _, s := range specs {
		policy, err := networkingv1.NewNetworkPolicy(d.ctx, d.name+"-"+s.object, &networkingv1.NetworkPolicyArgs{
			Metadata: d.metadata(s.object, ""), Spec: s.spec,
		}, d.parent)
		if err != nil {
			return nil, fmt.Errorf("network policy %s: %w", s.object, err)
		}
		policies = append(policies, policy)
	}
	return policies, nil
}

// egress is names, the database and what stands beside it, and AWS's APIs: those answer on 443, at addresses that are not
// fixed.
func (d *declaration) egress() networkingv1.NetworkPolicyEgressRuleArray {
	dns := &networkingv1.NetworkPolicyPeerArgs{
		NamespaceSelector: inNamespace(pulumi.String("kube-system")),
		PodSelector:       &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"k8s-app": pulumi.String("kube-dns")}},
	}
	public := &networkingv1.NetworkPolicyPeerArgs{IpBlock: &networkingv1.IPBlockArgs{
		Cidr: pulumi.String(anywhere), Except: pulumi.ToStringArray([]string{instanceMetadata}),
	}}
	to := func(peer networkingv1.NetworkPolicyPeerInput, ports networkingv1.NetworkPolicyPortArray) *networkingv1.NetworkPolicyEgressRuleArgs {
		return &networkingv1.NetworkPolicyEgressRuleArgs{To: networkingv1.NetworkPolicyPeerArray{peer}, Ports: ports}
	}
	rules := networkingv1.NetworkPolicyEgressRuleArray{
		to(dns, append(tcp(pulumi.Int(dnsPort)), port("UDP", pulumi.Int(dnsPort)))),
		to(block(d.args.VPCCIDR), tcp(d.args.Database.Port)),
		to(public, tcp(pulumi.Int(httpsDefault))),
		to(block(podIdentityAgent), tcp(pulumi.Int(httpDefault))),
	}
	if p := d.args.Database.Pooler; p != nil {
		rules = append(rules, to(&networkingv1.NetworkPolicyPeerArgs{PodSelector: &metav1.LabelSelectorArgs{}}, tcp(p.Port)))
	}
	if c := d.args.Cache; c != nil {
		rules = append(rules, to(block(d.args.VPCCIDR), tcp(c.Port)))
	}
	if v := d.args.VectorStore; v != nil {
		rules = append(rules, to(&networkingv1.NetworkPolicyPeerArgs{NamespaceSelector: inNamespace(v.Namespace)}, tcp(v.Port)))
	}
	return rules
}

func (d *declaration) metricsScrape(pods *metav1.LabelSelectorArgs) *networkingv1.NetworkPolicySpecArgs {
	var from networkingv1.NetworkPolicyPeerArray
	for _, namespace := range d.args.MetricsNamespaces {
		from = append(from, &networkingv1.NetworkPolicyPeerArgs{NamespaceSelector: inNamespace(pulumi.String(namespace))})
	}
	for _, cidr := range d.args.ScraperCIDRs {
		from = append(from, block(cidr))
	}
	return &networkingv1.NetworkPolicySpecArgs{
		PodSelector: pods,
		PolicyTypes: pulumi.ToStringArray([]string{"Ingress"}),
		Ingress: networkingv1.NetworkPolicyIngressRuleArray{&networkingv1.NetworkPolicyIngressRuleArgs{
			From: from, Ports: tcp(pulumi.Int(d.args.MetricsPort)),
		}},
	}
}

// inNamespace selects by the label that Kubernetes itself puts on every namespace.
func inNamespace(name pulumi.StringInput) *metav1.LabelSelectorArgs {
	return &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"kubernetes.io/metadata.name": name}}
}

func block(cidr string) *networkingv1.NetworkPolicyPeerArgs {
	return &networkingv1.NetworkPolicyPeerArgs{IpBlock: &networkingv1.IPBlockArgs{Cidr: pulumi.String(cidr)}}
}

func tcp(number pulumi.IntInput) networkingv1.NetworkPolicyPortArray {
	return networkingv1.NetworkPolicyPortArray{port("TCP", number)}
}

func port(protocol string, number pulumi.IntInput) *networkingv1.NetworkPolicyPortArgs {
	return &networkingv1.NetworkPolicyPortArgs{Protocol: pulumi.String(protocol), Port: number}
}
