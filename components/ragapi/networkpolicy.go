package ragapi

import (
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/traffic"
)

// networkPolicies close the namespace, then open what is needed.
func (d *declaration) networkPolicies() ([]pulumi.Resource, error) {
	issuer, err := d.toIssuer()
	if err != nil {
		return nil, err
	}
	balancer := networkingv1.NetworkPolicyPeerArray{traffic.Block(d.args.VPCCIDR)}
	policies := []traffic.Policy{
		traffic.DefaultDeny(),
		{Name: "load-balancer-to-api", Spec: traffic.In(selector(APIName), traffic.From(balancer, pulumi.Int(d.args.Port)))},
		{Name: "egress", Spec: traffic.Out(traffic.EveryPod(), append(d.egress(), issuer...)...)},
	}
	if scrapers := d.scrapers(); len(scrapers) > 0 {
		policies = append(policies, traffic.Policy{
			Name: "metrics-scrape", Spec: traffic.In(traffic.EveryPod(), traffic.From(scrapers, pulumi.Int(d.args.MetricsPort))),
		})
	}
	metadata := func(object string) *metav1.ObjectMetaArgs { return d.metadata(object, "") }
	return traffic.New(d.ctx, d.name+"-", metadata, policies, d.parent)
}

// egress is names, the database and what stands beside it, and AWS's APIs.
func (d *declaration) egress() []networkingv1.NetworkPolicyEgressRuleInput {
	servers := traffic.Block(d.args.VPCCIDR)
	rules := append([]networkingv1.NetworkPolicyEgressRuleInput{
		traffic.ToNames(), traffic.To(servers, d.args.Database.Port),
	}, traffic.ToAWS()...)
	if p := d.args.Database.Pooler; p != nil {
		rules = append(rules, traffic.To(&networkingv1.NetworkPolicyPeerArgs{PodSelector: traffic.EveryPod()}, p.Port))
	}
	if c := d.args.Cache; c != nil {
		rules = append(rules, traffic.To(servers, c.Port))
	}
	if v := d.args.VectorStore; v != nil {
		rules = append(rules, traffic.To(traffic.Pods(v.Namespace, nil), v.Port))
	}
	return rules
}

func (d *declaration) scrapers() networkingv1.NetworkPolicyPeerArray {
	var peers networkingv1.NetworkPolicyPeerArray
	for _, namespace := range d.args.MetricsNamespaces {
		peers = append(peers, traffic.Pods(pulumi.String(namespace), nil))
	}
	for _, cidr := range d.args.ScraperCIDRs {
		peers = append(peers, traffic.Block(cidr))
	}
	return peers
}
