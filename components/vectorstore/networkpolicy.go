package vectorstore

import (
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/traffic"
)

// networkPolicies close the namespace, then open what is needed: clients and jobs to the server, which has no
// authentication of its own. The server itself reaches nothing, which ends all telemetry.
func (d *declaration) networkPolicies() ([]pulumi.Resource, error) {
	policies := []traffic.Policy{
		traffic.DefaultDeny(),
		{Name: "clients-to-chroma", Spec: traffic.In(serverPods(), traffic.From(d.clients(), pulumi.Int(port)))},
	}
	if d.args.Snapshot.Schedule != "" {
		server := &networkingv1.NetworkPolicyPeerArgs{PodSelector: serverPods()}
		policies = append(policies, traffic.Policy{
			Name: "jobs-to-chroma", Spec: traffic.Out(anyOf(jobNames), traffic.ToNames(), traffic.To(server, pulumi.Int(port))),
		})
	}
	metadata := func(object string) *metav1.ObjectMetaArgs { return d.metadata(object, "") }
	return traffic.New(d.ctx, d.name+"-", metadata, policies, d.parent)
}

func (d *declaration) clients() networkingv1.NetworkPolicyPeerArray {
	var peers networkingv1.NetworkPolicyPeerArray
	for _, client := range d.args.Clients {
		peers = append(peers, traffic.Pods(pulumi.String(client.Namespace), anyOf(client.Pods)))
	}
	if d.args.Snapshot.Schedule != "" {
		peers = append(peers, &networkingv1.NetworkPolicyPeerArgs{PodSelector: anyOf(jobNames)})
	}
	return peers
}

func anyOf(workloads []string) *metav1.LabelSelectorArgs {
	return &metav1.LabelSelectorArgs{MatchExpressions: metav1.LabelSelectorRequirementArray{
		&metav1.LabelSelectorRequirementArgs{
			Key: pulumi.String(nameLabel), Operator: pulumi.String("In"), Values: pulumi.ToStringArray(workloads),
		},
	}}
}
