package autoscaling

import (
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/restricted"
	"github.com/ragscale/ragscale/components/internal/traffic"
)

// headroomName is the namespace and the Deployment of the pods that hold room.
const headroomName = "headroom"

// headroom declares pods that do nothing. A pod that finds no place takes that of one of them at once; the one that
// gave way waits, and for it the cluster autoscaler adds a node before anybody needs it.
func (d *declaration) headroom(classes []pulumi.Resource) error {
	if d.args.Headroom.Pods == 0 {
		return nil
	}
	namespace, err := d.headroomNamespace()
	if err != nil {
		return err
	}
	closed, err := d.headroomClosed(namespace)
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
			Selector: &metav1.LabelSelectorArgs{
				MatchLabels: pulumi.StringMap{"app.kubernetes.io/name": pulumi.String(headroomName)},
			},
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: labels(headroomName)},
				Spec:     d.headroomPod(),
			},
		},
	}, d.parent, pulumi.DependsOn(append(closed, classes...))) // a pod of a class that does not exist is refused
	if err != nil {
		return fmt.Errorf("headroom: %w", err)
	}
	return nil
}

func (d *declaration) headroomNamespace() (pulumi.StringOutput, error) {
	namespace, err := restricted.NewNamespace(d.ctx, d.name+"-headroom", headroomName, labels(headroomName), d.parent,
		pulumi.DependsOn(d.args.DependsOn))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return namespace.Metadata.Name().Elem(), nil
}

// headroomClosed lets nothing in or out: what does nothing needs no network.
func (d *declaration) headroomClosed(namespace pulumi.StringOutput) ([]pulumi.Resource, error) {
	metadata := func(object string) *metav1.ObjectMetaArgs {
		return &metav1.ObjectMetaArgs{Name: pulumi.String(object), Namespace: namespace, Labels: labels(headroomName)}
	}
	return traffic.New(d.ctx, d.name+"-headroom-", metadata, []traffic.Policy{traffic.DefaultDeny()}, d.parent)
}

func (d *declaration) headroomPod() *corev1.PodSpecArgs {
	held := pulumi.StringMap{"cpu": pulumi.String(d.args.Headroom.CPU), "memory": pulumi.String(d.args.Headroom.Memory)}
	return &corev1.PodSpecArgs{
		PriorityClassName:            pulumi.String(headroomPriority),
		AutomountServiceAccountToken: pulumi.Bool(false),
		// It has nothing to finish, and who takes its place is in a hurry.
		TerminationGracePeriodSeconds: pulumi.Int(0),
		SecurityContext:               restricted.Pod(nobody),
		Containers: corev1.ContainerArray{&corev1.ContainerArgs{
			Name:            pulumi.String(headroomName),
			Image:           pulumi.String(d.args.Headroom.Image),
			Resources:       &corev1.ResourceRequirementsArgs{Requests: held, Limits: held},
			SecurityContext: restricted.Container(),
		}},
	}
}
