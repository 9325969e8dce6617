package vectorstore

import (
	"fmt"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const dnsPort = 53

// networkPolicies close the namespace, then open what is needed: clients and jobs to the server, which has no
// authentication of its own. The server itself reaches nothing, which ends all telemetry. The kubelet's probes pass in any
// case.
func (d *declaration) networkPolicies() ([]pulumi.Resource, error) {
	specs := []struct {
		object string
		spec   *networkingv1.NetworkPolicySpecArgs
	}{
		{"default-deny", &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{}, PolicyTypes: pulumi.ToStringArray([]string{"Ingress", "Egress"}),
		}},
		{"clients-to-chroma", &networkingv1.NetworkPolicySpecArgs{
			PodSelector: serverPods(), PolicyTypes: pulumi.ToStringArray([]string{"Ingress"}),
			Ingress: networkingv1.NetworkPolicyIngressRuleArray{&networkingv1.NetworkPolicyIngressRuleArgs{
				From: d.clients(), Ports: networkingv1.NetworkPolicyPortArray{openPort("TCP", port)},
			}},
		}},
	}
	if d.args.Snapshot.Schedule != "" {
		specs = append(specs, struct {
			object string
			spec   *networkingv1.NetworkPolicySpecArgs
		}{"jobs-to-chroma", jobEgress()})
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

func (d *declaration) clients() networkingv1.NetworkPolicyPeerArray {
	var peers networkingv1.NetworkPolicyPeerArray
	for _, client := range d.args.Clients {
		peers = append(peers, &networkingv1.NetworkPolicyPeerArgs{
			NamespaceSelector: inNamespace(client.Namespace), PodSelector: anyOf(client.Pods),
		})
	}
	if d.args.Snapshot.Schedule != "" {
		peers = append(peers, &networkingv1.NetworkPolicyPeerArgs{PodSelector: anyOf(jobNames)})
	}
	return peers
}

// jobEgress is names and the server.
func jobEgress() *networkingv1.NetworkPolicySpecArgs {
	dns := &networkingv1.NetworkPolicyPeerArgs{
		NamespaceSelector: inNamespace("kube-system"),
		PodSelector:       &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"k8s-app": pulumi.String("kube-dns")}},
	}
	return &networkingv1.NetworkPolicySpecArgs{
		PodSelector: anyOf(jobNames), PolicyTypes: pulumi.ToStringArray([]string{"Egress"}),
		Egress: networkingv1.NetworkPolicyEgressRuleArray{
			&networkingv1.NetworkPolicyEgressRuleArgs{
				To:    networkingv1.NetworkPolicyPeerArray{dns},
				Ports: networkingv1.NetworkPolicyPortArray{openPort("TCP", dnsPort), openPort("UDP", dnsPort)},
			},
			&networkingv1.NetworkPolicyEgressRuleArgs{
				To:    networkingv1.NetworkPolicyPeerArray{&networkingv1.NetworkPolicyPeerArgs{PodSelector: serverPods()}},
				Ports: networkingv1.NetworkPolicyPortArray{openPort("TCP", port)},
			},
		},
	}
}

// inNamespace selects by the label that Kubernetes itself puts on every namespace.
func inNamespace(name string) *metav1.LabelSelectorArgs {
	return &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"kubernetes.io/metadata.name": pulumi.String(name)}}
}

func anyOf(workloads []string) *metav1.LabelSelectorArgs {
	return &metav1.LabelSelectorArgs{MatchExpressions: metav1.LabelSelectorRequirementArray{&metav1.LabelSelectorRequirementArgs{
		Key: pulumi.String(nameLabel), Operator: pulumi.String("In"), Values: pulumi.ToStringArray(workloads),
	}}}
}

func openPort(protocol string, number int) *networkingv1.NetworkPolicyPortArgs {
	return &networkingv1.NetworkPolicyPortArgs{Protocol: pulumi.String(protocol), Port: pulumi.Int(number)}
}
