package vectorstore

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/restricted"
)

// nameLabel is what selectors select by. A StatefulSet's selector cannot change.
const nameLabel = "app.kubernetes.io/name"

// newNamespace waits for Args.DependsOn, and everything in it waits for it.
func (d *declaration) newNamespace() (*corev1.Namespace, error) {
	return restricted.NewNamespace(d.ctx, d.name, d.args.Namespace, labels(""), d.parent,
		pulumi.DependsOn(d.args.DependsOn))
}

// metadata of an object in the namespace. workload is what it serves, or "" for all.
func (d *declaration) metadata(object, workload string) *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{Name: pulumi.String(object), Namespace: d.namespace, Labels: labels(workload)}
}

func labels(workload string) pulumi.StringMap {
	all := pulumi.StringMap{"app.kubernetes.io/part-of": pulumi.String("ragscale")}
	if workload != "" {
		all[nameLabel] = pulumi.String(workload)
	}
	return all
}

func serverPods() *metav1.LabelSelectorArgs {
	return &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{nameLabel: pulumi.String(ServerName)}}
}
