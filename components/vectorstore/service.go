package vectorstore

import (
	"fmt"

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
			Name: pulumi.String(httpPort), Port: pulumi.Int(port), TargetPort: pulumi.String(httpPort),
			Protocol: pulumi.String("TCP"),
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

// disruptionBudget allows the only pod to be drained: a node that cannot be drained cannot be patched either. Searches
// do without vectors for as long as the pod takes to start elsewhere.
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
