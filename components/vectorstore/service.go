package vectorstore

import (
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// headlessName is the Service that a StatefulSet must have: it names the pod.
const headlessName = "chroma-headless"

// services are the one that clients use, which is returned, and the headless one.
func (d *declaration) services() (*corev1.Service, error) {
	if _, err := d.service(headlessName, "-headless", "None"); err != nil {
		return nil, err
	}
	return d.service(ServerName, "", "")
}

// service without an address is given one.
func (d *declaration) service(name, suffix, clusterIP string) (*corev1.Service, error) {
	spec := &corev1.ServiceSpecArgs{
		Type:     pulumi.String("ClusterIP"),
		Selector: pulumi.StringMap{nameLabel: pulumi.String(ServerName)},
		Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
			Name: pulumi.String(httpPort), Port: pulumi.Int(port), TargetPort: pulumi.String(httpPort), Protocol: pulumi.String("TCP"),
		}},
	}
	if clusterIP != "" {
		spec.ClusterIP = pulumi.String(clusterIP)
	}
	service, err := corev1.NewService(d.ctx, d.name+suffix, &corev1.ServiceArgs{
		Metadata: d.metadata(name, ServerName), Spec: spec,
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", name, err)
	}
	return service, nil
}

// disruptionBudget allows the only pod to be drained: a node that cannot be drained cannot be patched either. Searches do
// without vectors for as long as the pod takes to start elsewhere.
func (d *declaration) disruptionBudget() error {
	_, err := policyv1.NewPodDisruptionBudget(d.ctx, d.name, &policyv1.PodDisruptionBudgetArgs{
		Metadata: d.metadata(ServerName, ServerName),
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			Selector:                   serverPods(),
			MaxUnavailable:             pulumi.Int(1),
			UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
		},
	}, d.parent)
	if err != nil {
		return fmt.Errorf("disruption budget: %w", err)
	}
	return nil
}

// verticalAutoscaler recommends and changes nothing: to act it would restart the only server.
func (d *declaration) verticalAutoscaler(server pulumi.StringOutput) error {
	_, err := apiextensions.NewCustomResource(d.ctx, d.name+"-vpa", &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("autoscaling.k8s.io/v1"),
		Kind:       pulumi.String("VerticalPodAutoscaler"),
		Metadata:   d.metadata(ServerName, ServerName),
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"targetRef": pulumi.Map{
				"apiVersion": pulumi.String("apps/v1"), "kind": pulumi.String("StatefulSet"), "name": server,
			},
			"updatePolicy": pulumi.Map{"updateMode": pulumi.String("Off")},
			"resourcePolicy": pulumi.Map{"containerPolicies": pulumi.Array{pulumi.Map{
				"containerName":       pulumi.String(ServerName),
				"controlledResources": pulumi.ToStringArray([]string{"cpu", "memory"}),
			}}},
		}},
	}, d.parent)
	if err != nil {
		return fmt.Errorf("vertical autoscaler: %w", err)
	}
	return nil
}
