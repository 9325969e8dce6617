package autoscaling

import (
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// headroomName is the namespace and the Deployment of the pods that hold room.
const headroomName = "headroom"

// headroom declares pods that do nothing. A pod that finds no place takes that of one of them at once; the one that gave
// way waits, and for it the cluster autoscaler adds a node before anybody needs it.
func (d *declaration) headroom(classes []pulumi.Resource) error {
	if d.args.Headroom.Pods == 0 {
		return nil
	}
	namespace, err := d.headroomNamespace()
	if err != nil {
		return err
	}
	_, err = appsv1.NewDeployment(d.ctx, d.name+"-headroom", &appsv1.DeploymentArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(headroomName), Namespace: namespace, Labels: labels(headroomName),
			// Some wait for a node now and then, which is what they are for: nobody should wait for them.
			Annotations: pulumi.StringMap{"pulumi.com/skipAwait": pulumi.String("true")},
		},
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(d.args.Headroom.Pods),
			Selector: &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"app.kubernetes.io/name": pulumi.String(headroomName)}},
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: labels(headroomName)},
				Spec:     d.headroomPod(),
			},
		},
	}, d.parent, pulumi.DependsOn(classes)) // a pod of a class that does not exist is refused
	if err != nil {
		return fmt.Errorf("headroom: %w", err)
	}
	return nil
}

func (d *declaration) headroomNamespace() (pulumi.StringOutput, error) {
	all := labels(headroomName)
	for _, mode := range []string{"enforce", "audit", "warn"} {
		all["pod-security.kubernetes.io/"+mode] = pulumi.String("restricted")
		all["pod-security.kubernetes.io/"+mode+"-version"] = pulumi.String("latest")
	}
	namespace, err := corev1.NewNamespace(d.ctx, d.name+"-headroom", &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(headroomName), Labels: all},
	}, d.parent, pulumi.DependsOn(d.args.DependsOn))
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("headroom's namespace: %w", err)
	}
	return namespace.Metadata.Name().Elem(), nil
}

func (d *declaration) headroomPod() *corev1.PodSpecArgs {
	held := pulumi.StringMap{"cpu": pulumi.String(d.args.Headroom.CPU), "memory": pulumi.String(d.args.Headroom.Memory)}
	return &corev1.PodSpecArgs{
		PriorityClassName:            pulumi.String(headroomPriority),
		AutomountServiceAccountToken: pulumi.Bool(false),
		// It has nothing to finish, and who takes its place is in a hurry.
		TerminationGracePeriodSeconds: pulumi.Int(0),
		SecurityContext: &corev1.PodSecurityContextArgs{
			RunAsNonRoot: pulumi.Bool(true), RunAsUser: pulumi.Int(nobody), RunAsGroup: pulumi.Int(nobody),
			SeccompProfile: &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
		},
		Containers: corev1.ContainerArray{&corev1.ContainerArgs{
			Name:      pulumi.String(headroomName),
			Image:     pulumi.String(d.args.Headroom.Image),
			Resources: &corev1.ResourceRequirementsArgs{Requests: held, Limits: held},
			SecurityContext: &corev1.SecurityContextArgs{
				AllowPrivilegeEscalation: pulumi.Bool(false),
				ReadOnlyRootFilesystem:   pulumi.Bool(true),
				Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.ToStringArray([]string{"ALL"})},
			},
		}},
	}
}
