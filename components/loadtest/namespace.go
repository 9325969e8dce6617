package loadtest

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/restricted"
	"github.com/ragscale/ragscale/components/internal/traffic"
)

// httpsPort is open for S3 in any case.
const httpsPort = 443

// newNamespace waits for Args.DependsOn, and everything in it waits for it.
func (d *declaration) newNamespace() (*corev1.Namespace, error) {
	return restricted.NewNamespace(d.ctx, d.name+"-load", d.args.Namespace, labels(), d.parent,
		pulumi.DependsOn(d.args.DependsOn))
}

func (d *declaration) metadata(object string) *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{Name: pulumi.String(object), Namespace: d.namespace, Labels: labels()}
}

func labels() pulumi.StringMap {
	return pulumi.StringMap{"app.kubernetes.io/part-of": pulumi.String("ragscale")}
}

// networkPolicies close the namespace, then let generators reach names, the target and S3. Nobody reaches them.
func (d *declaration) networkPolicies() ([]pulumi.Resource, error) {
	return traffic.New(d.ctx, d.name+"-load-", d.metadata, []traffic.Policy{
		traffic.DefaultDeny(), {Name: "egress", Spec: traffic.Out(traffic.EveryPod(), d.egress()...)},
	}, d.parent)
}

// egress to the target goes by port: it may be a Service, a load balancer or the CDN, whose addresses are not fixed.
func (d *declaration) egress() []networkingv1.NetworkPolicyEgressRuleInput {
	rules := append([]networkingv1.NetworkPolicyEgressRuleInput{traffic.ToNames()}, traffic.ToAWS()...)
	for _, target := range d.args.TargetPorts {
		if target != httpsPort {
			rules = append(rules, traffic.ToPublic(target))
		}
	}
	return rules
}
