package pgbouncer

import (
	"fmt"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/traffic"
)

// networkPolicy lets clients and scrapers in, and PgBouncer out to names and servers. The kubelet's probes pass in any
// case.
func (d *declaration) networkPolicy() (*networkingv1.NetworkPolicy, error) {
	policy, err := networkingv1.NewNetworkPolicy(d.ctx, d.name+"-pgbouncer", &networkingv1.NetworkPolicyArgs{
		Metadata: d.metadata(),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{MatchLabels: selector()},
			PolicyTypes: pulumi.ToStringArray([]string{"Ingress", "Egress"}),
			Ingress:     d.ingress(),
			Egress:      d.egress(),
		},
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("network policy: %w", err)
	}
	return policy, nil
}

func (d *declaration) ingress() networkingv1.NetworkPolicyIngressRuleArray {
	var clients, scrapers networkingv1.NetworkPolicyPeerArray
	for _, client := range d.args.Clients {
		clients = append(clients, traffic.Pods(pulumi.String(client.Namespace), named(client.Name)))
	}
	rules := networkingv1.NetworkPolicyIngressRuleArray{traffic.From(clients, pulumi.Int(Port))}
	for _, namespace := range d.args.MetricsNamespaces {
		scrapers = append(scrapers, traffic.Pods(pulumi.String(namespace), nil))
	}
	for _, cidr := range d.args.ScraperCIDRs {
		scrapers = append(scrapers, traffic.Block(cidr))
	}
	if d.args.ExporterImage == "" || len(scrapers) == 0 {
		return rules
	}
	return append(rules, traffic.From(scrapers, pulumi.Int(MetricsPort)))
}

func (d *declaration) egress() networkingv1.NetworkPolicyEgressRuleArray {
	return networkingv1.NetworkPolicyEgressRuleArray{
		traffic.ToNames(), traffic.To(traffic.Block(d.args.VPCCIDR), d.args.Database.Port),
	}
}

// named selects an application's pods. Nil, for no name, is all.
func named(application string) *metav1.LabelSelectorArgs {
	if application == "" {
		return nil
	}
	return &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{nameLabel: pulumi.String(application)}}
}
