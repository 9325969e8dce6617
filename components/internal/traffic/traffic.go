// Package traffic declares who in the cluster may talk to whom.
//
// Owns: network policies in the words of their rules, and the ways out that many pods need: names, AWS's APIs, the
// pods' identity. Does not own: which ways a component opens.
package traffic

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

	dnsPort, httpPort, httpsPort = 53, 80, 443
)

// Policy is a network policy and its name in the namespace.
type Policy struct {
	Name string
	Spec *networkingv1.NetworkPolicySpecArgs
}

// New declares policies, each as a resource of the prefix and its name. The kubelet's probes pass in any case.
func New(ctx *pulumi.Context, prefix string, metadata func(name string) *metav1.ObjectMetaArgs, policies []Policy,
	opts ...pulumi.ResourceOption) ([]pulumi.Resource, error) {
	var declared []pulumi.Resource
	for _, p := range policies {
		policy, err := networkingv1.NewNetworkPolicy(ctx, prefix+p.Name, &networkingv1.NetworkPolicyArgs{
			Metadata: metadata(p.Name), Spec: p.Spec,
		}, opts...)
		if err != nil {
			return nil, fmt.Errorf("network policy %s: %w", p.Name, err)
		}
		declared = append(declared, policy)
	}
	return declared, nil
}

// DefaultDeny closes a namespace; the others open it.
func DefaultDeny() Policy {
	return Policy{"default-deny", &networkingv1.NetworkPolicySpecArgs{
		PodSelector: EveryPod(), PolicyTypes: pulumi.ToStringArray([]string{"Ingress", "Egress"}),
	}}
}

// In lets the rules' peers reach pods.
func In(pods *metav1.LabelSelectorArgs,
	rules ...networkingv1.NetworkPolicyIngressRuleInput) *networkingv1.NetworkPolicySpecArgs {
	return &networkingv1.NetworkPolicySpecArgs{
		PodSelector: pods, PolicyTypes: pulumi.ToStringArray([]string{"Ingress"}),
		Ingress: networkingv1.NetworkPolicyIngressRuleArray(rules),
	}
}

// Out lets pods reach the rules' peers.
func Out(pods *metav1.LabelSelectorArgs,
	rules ...networkingv1.NetworkPolicyEgressRuleInput) *networkingv1.NetworkPolicySpecArgs {
	return &networkingv1.NetworkPolicySpecArgs{
		PodSelector: pods, PolicyTypes: pulumi.ToStringArray([]string{"Egress"}),
		Egress: networkingv1.NetworkPolicyEgressRuleArray(rules),
	}
}

// From is a rule for peers that come in at a TCP port.
func From(peers networkingv1.NetworkPolicyPeerArray, port pulumi.IntInput) *networkingv1.NetworkPolicyIngressRuleArgs {
	return &networkingv1.NetworkPolicyIngressRuleArgs{From: peers, Ports: ports("TCP", port)}
}

// To is a rule for a peer that is reached at a TCP port.
func To(peer networkingv1.NetworkPolicyPeerInput, port pulumi.IntInput) *networkingv1.NetworkPolicyEgressRuleArgs {
	return &networkingv1.NetworkPolicyEgressRuleArgs{To: networkingv1.NetworkPolicyPeerArray{peer},
		Ports: ports("TCP", port)}
}

// ToNames reaches the cluster's DNS.
func ToNames() *networkingv1.NetworkPolicyEgressRuleArgs {
	rule := To(Pods(pulumi.String("kube-system"),
		&metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"k8s-app": pulumi.String("kube-dns")}}), pulumi.Int(dnsPort))
	rule.Ports = append(ports("TCP", pulumi.Int(dnsPort)), ports("UDP", pulumi.Int(dnsPort))...)
	return rule
}

// ToPublic reaches any address at a TCP port, but not the node's metadata.
func ToPublic(port int) *networkingv1.NetworkPolicyEgressRuleArgs {
	return To(&networkingv1.NetworkPolicyPeerArgs{IpBlock: &networkingv1.IPBlockArgs{
		Cidr: pulumi.String(anywhere), Except: pulumi.ToStringArray([]string{instanceMetadata}),
	}}, pulumi.Int(port))
}

// ToAWS reaches AWS's APIs, which answer on 443 at addresses that are not fixed, and the pod's identity for them.
func ToAWS() []networkingv1.NetworkPolicyEgressRuleInput {
	return []networkingv1.NetworkPolicyEgressRuleInput{ToPublic(httpsPort),
		To(Block(podIdentityAgent), pulumi.Int(httpPort))}
}

// EveryPod of the policy's own namespace.
func EveryPod() *metav1.LabelSelectorArgs { return &metav1.LabelSelectorArgs{} }

// Pods of a namespace, all for a nil selector. Kubernetes itself labels namespaces by name.
func Pods(namespace pulumi.StringInput, selector *metav1.LabelSelectorArgs) *networkingv1.NetworkPolicyPeerArgs {
	peer := &networkingv1.NetworkPolicyPeerArgs{NamespaceSelector: &metav1.LabelSelectorArgs{
		MatchLabels: pulumi.StringMap{"kubernetes.io/metadata.name": namespace},
	}}
	if selector != nil {
		peer.PodSelector = selector
	}
	return peer
}

// Block is a range of addresses.
func Block(cidr string) *networkingv1.NetworkPolicyPeerArgs {
	return &networkingv1.NetworkPolicyPeerArgs{IpBlock: &networkingv1.IPBlockArgs{Cidr: pulumi.String(cidr)}}
}

func ports(protocol string, number pulumi.IntInput) networkingv1.NetworkPolicyPortArray {
	return networkingv1.NetworkPolicyPortArray{&networkingv1.NetworkPolicyPortArgs{Protocol: pulumi.String(protocol),
		Port: number}}
}
