package pgbouncer

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func (d *declaration) service(deployment pulumi.Resource) (*corev1.Service, error) {
	service, err := corev1.NewService(d.ctx, d.name+"-pgbouncer", &corev1.ServiceArgs{
		Metadata: d.metadata(),
		Spec: &corev1.ServiceSpecArgs{
			Type:     pulumi.String("ClusterIP"),
			Selector: selector(),
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String(serverPortName), Port: pulumi.Int(Port), TargetPort: pulumi.String(serverPortName),
				Protocol: pulumi.String("TCP"),
			}},
		},
	}, d.parent, pulumi.DependsOn([]pulumi.Resource{deployment}))
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	return service, nil
}

// metadata of every object here: one name, told apart by kind.
func (d *declaration) metadata() *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{
		Name:      pulumi.String(Name),
		Namespace: d.args.Namespace.ToStringOutput().ToStringPtrOutput(),
		Labels:    labels(),
	}
}

// nameLabel is what selectors select by. A Deployment's selector cannot change.
const nameLabel = "app.kubernetes.io/name"

func selector() pulumi.StringMap { return pulumi.StringMap{nameLabel: pulumi.String(Name)} }

func labels() pulumi.StringMap {
	return pulumi.StringMap{nameLabel: pulumi.String(Name), "app.kubernetes.io/part-of": pulumi.String("ragscale")}
}
