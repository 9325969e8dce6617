package ragapi

import (
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// service names the API's pods.
func (d *declaration) service() (*corev1.Service, error) {
	metadata := d.metadata(APIName, APIName)
	// The binding needs the Service, the pods' readiness gate needs the binding: waiting here for pods, as the provider
	// does by default, would wait for ever.
	metadata.Annotations = pulumi.StringMap{"pulumi.com/skipAwait": pulumi.String("true")}
	service, err := corev1.NewService(d.ctx, d.name, &corev1.ServiceArgs{
		Metadata: metadata,
		Spec: &corev1.ServiceSpecArgs{
			Type:     pulumi.String("ClusterIP"),
			Selector: pulumi.StringMap{nameLabel: pulumi.String(APIName)},
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String(httpPort), Port: pulumi.Int(d.args.Port), TargetPort: pulumi.String(httpPort),
				Protocol: pulumi.String("TCP"),
			}},
		},
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	return service, nil
}

// targetGroupBinding makes the AWS Load Balancer Controller register the Service's pods in the target group. It has no
// networking rules: the security groups' rules are declared here.
func (d *declaration) targetGroupBinding(f front) (*apiextensions.CustomResource, error) {
	service, err := d.service()
	if err != nil {
		return nil, err
	}
	binding, err := apiextensions.NewCustomResource(d.ctx, d.name, &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("elbv2.k8s.aws/v1beta1"),
		Kind:       pulumi.String("TargetGroupBinding"),
		Metadata:   d.metadata(APIName, APIName),
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"serviceRef": pulumi.Map{
				"name": service.Metadata.Name().Elem(), "port": pulumi.Int(d.args.Port),
			},
			"targetGroupARN": f.targets.Arn,
			"targetType":     pulumi.String("ip"),
		}},
		// Pods that are bound before there is a listener are not health-checked. The controller's webhook refuses another
		// target group in place, which a changed port makes, and two bindings of one name cannot be.
		// Source: https://github.com/kubernetes-sigs/aws-load-balancer-controller , checkImmutableFields of
		// webhooks/elbv2/targetgroupbinding_validator.go at v3.5.0; read 2026-11-29.
	}, d.parent, pulumi.DependsOn(f.listeners), pulumi.ReplaceOnChanges([]string{"spec.targetGroupARN"}),
		pulumi.DeleteBeforeReplace(true))
	if err != nil {
		return nil, fmt.Errorf("target group binding: %w", err)
	}
	return binding, nil
}
