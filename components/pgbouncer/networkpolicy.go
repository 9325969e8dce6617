package pgbouncer

import (
	"fmt"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const dnsPort = 53

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
		clients = append(clients, pods(client.Namespace, nameLabel, client.Name))
	}
	rules := networkingv1.NetworkPolicyIngressRuleArray{&networkingv1.NetworkPolicyIngressRuleArgs{
		From: clients, Ports: networkingv1.NetworkPolicyPortArray{port("TCP", pulumi.Int(Port))},
	}}
	for _, namespace := range d.args.MetricsNamespaces {
		scrapers = append(scrapers, pods(namespace, "", ""))
	}
	for _, cidr := range d.args.ScraperCIDRs {
		scrapers = append(scrapers, &networkingv1.NetworkPolicyPeerArgs{IpBlock: &networkingv1.IPBlockArgs{Cidr: pulumi.String(cidr)}})
	}
	if d.args.ExporterImage == "" || len(scrapers) == 0 {
		return rules
	}
	return append(rules, &networkingv1.NetworkPolicyIngressRuleArgs{
		From: scrapers, Ports: networkingv1.NetworkPolicyPortArray{port("TCP", pulumi.Int(MetricsPort))},
	})
}

func (d *declaration) egress() networkingv1.NetworkPolicyEgressRuleArray {
	servers := &networkingv1.NetworkPolicyPeerArgs{IpBlock: &networkingv1.IPBlockArgs{Cidr: pulumi.String(d.args.VPCCIDR)}}
	return networkingv1.NetworkPolicyEgressRuleArray{
		&networkingv1.NetworkPolicyEgressRuleArgs{
			To:    networkingv1.NetworkPolicyPeerArray{pods("kube-system", "k8s-app", "kube-dns")},
			Ports: networkingv1.NetworkPolicyPortArray{port("TCP", pulumi.Int(dnsPort)), port("UDP", pulumi.Int(dnsPort))},
		},
		&networkingv1.NetworkPolicyEgressRuleArgs{
			To:    networkingv1.NetworkPolicyPeerArray{servers},
			Ports: networkingv1.NetworkPolicyPortArray{port("TCP", d.args.Database.Port)},
		},
	}
}

// pods of a namespace with the label, or all of them for an empty value. Kubernetes itself labels namespaces by name.
func pods(namespace, label, value string) *networkingv1.NetworkPolicyPeerArgs {
	peer := &networkingv1.NetworkPolicyPeerArgs{NamespaceSelector: &metav1.LabelSelectorArgs{
		MatchLabels: pulumi.StringMap{"kubernetes.io/metadata.name": pulumi.String(namespace)},
	}}
	if value != "" {
		peer.PodSelector = &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{label: pulumi.String(value)}}
	}
	return peer
}

func port(protocol string, number pulumi.IntInput) *networkingv1.NetworkPolicyPortArgs {
	return &networkingv1.NetworkPolicyPortArgs{Protocol: pulumi.String(protocol), Port: number}
}
