package loadtest

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
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

// podSecurityModes are enforced, audited and warned about alike.
var podSecurityModes = []string{"enforce", "audit", "warn"}

// newNamespace waits for Args.DependsOn, and everything in it waits for it.
func (d *declaration) newNamespace() (*corev1.Namespace, error) {
	all := labels()
	for _, mode := range podSecurityModes {
		all["pod-security.kubernetes.io/"+mode] = pulumi.String("restricted")
		all["pod-security.kubernetes.io/"+mode+"-version"] = pulumi.String("latest")
	}
	namespace, err := corev1.NewNamespace(d.ctx, d.name+"-load", &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(d.args.Namespace), Labels: all},
	}, d.parent, pulumi.DependsOn(d.args.DependsOn))
	if err != nil {
		return nil, fmt.Errorf("namespace: %w", err)
	}
	return namespace, nil
}

func (d *declaration) metadata(object string) *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{Name: pulumi.String(object), Namespace: d.namespace, Labels: labels()}
}

func labels() pulumi.StringMap {
	return pulumi.StringMap{"app.kubernetes.io/part-of": pulumi.String("ragscale")}
}

// networkPolicies close the namespace, then let generators reach names, the target and S3. Nobody reaches them.
func (d *declaration) networkPolicies() ([]pulumi.Resource, error) {
	specs := []struct {
		object string
		spec   *networkingv1.NetworkPolicySpecArgs
	}{
		{"default-deny", &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{}, PolicyTypes: pulumi.ToStringArray([]string{"Ingress", "Egress"}),
		}},
		{"egress", &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{}, PolicyTypes: pulumi.ToStringArray([]string{"Egress"}), Egress: d.egress(),
		}},
	}
	var policies []pulumi.Resource
	for _, s := range specs {
		policy, err := networkingv1.NewNetworkPolicy(d.ctx, d.name+"-load-"+s.object, &networkingv1.NetworkPolicyArgs{
			Metadata: d.metadata(s.object), Spec: s.spec,
		}, d.parent)
		if err != nil {
			return nil, fmt.Errorf("network policy %s: %w", s.object, err)
		}
		policies = append(policies, policy)
	}
	return policies, nil
}

// egress to the target goes by port: it may be a Service, a load balancer or the CDN, whose addresses are not fixed.
func (d *declaration) egress() networkingv1.NetworkPolicyEgressRuleArray {
	names := &networkingv1.NetworkPolicyPeerArgs{
		NamespaceSelector: &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"kubernetes.io/metadata.name": pulumi.String("kube-system")}},
		PodSelector:       &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"k8s-app": pulumi.String("kube-dns")}},
	}
	public := &networkingv1.NetworkPolicyPeerArgs{IpBlock: &networkingv1.IPBlockArgs{
		Cidr: pulumi.String(anywhere), Except: pulumi.ToStringArray([]string{instanceMetadata}),
	}}
	agent := &networkingv1.NetworkPolicyPeerArgs{IpBlock: &networkingv1.IPBlockArgs{Cidr: pulumi.String(podIdentityAgent)}}
	to := func(peer networkingv1.NetworkPolicyPeerInput, ports ...networkingv1.NetworkPolicyPortInput) *networkingv1.NetworkPolicyEgressRuleArgs {
		return &networkingv1.NetworkPolicyEgressRuleArgs{To: networkingv1.NetworkPolicyPeerArray{peer}, Ports: networkingv1.NetworkPolicyPortArray(ports)}
	}
	rules := networkingv1.NetworkPolicyEgressRuleArray{
		to(names, port("TCP", dnsPort), port("UDP", dnsPort)),
		to(public, port("TCP", httpsPort)),
		to(agent, port("TCP", httpPort)),
	}
	for _, target := range d.args.TargetPorts {
		if target != httpsPort {
			rules = append(rules, to(public, port("TCP", target)))
		}
	}
	return rules
}

func port(protocol string, number int) *networkingv1.NetworkPolicyPortArgs {
	return &networkingv1.NetworkPolicyPortArgs{Protocol: pulumi.String(protocol), Port: pulumi.Int(number)}
}
