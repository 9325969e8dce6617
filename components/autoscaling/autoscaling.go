// Package autoscaling declares what makes room for pods: the cluster autoscaler that adds and removes nodes, the
// vertical pod autoscaler that sizes pods, the priorities by which pods give way, and the room kept free on the nodes.
//
// Owns: the two Helm releases and what the cluster autoscaler may do in AWS, the priority classes, the
// over-provisioning pods.
//
// Does not own: the node groups and their discovery tags (cluster), the horizontal and vertical autoscalers of a
// workload (each stands beside its workload), and every number: how many pods of room, when a node goes, which group is
// asked first.
package autoscaling

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
	"github.com/ragscale/ragscale/components/internal/tag"
)

const typeToken = "ragscale:autoscaling:Autoscaling"

// Args says how nodes and pods scale. Everything plain is checked before anything is declared.
type Args struct {
	// ClusterName of the EKS cluster. It is plain because the role's conditions name the cluster's discovery tag.
	ClusterName string
	// Region is given to the cluster autoscaler, whose pod cannot ask the instance metadata service.
	Region string
	// DependsOn is what must stand before any pod: nodes and add-ons.
	DependsOn []pulumi.Resource

	Nodes    Nodes
	Vertical Vertical
	Headroom Headroom

	Tags map[string]string
}

// Nodes is how the cluster autoscaler works.
type Nodes struct {
	// ChartVersion of chart cluster-autoscaler.
	ChartVersion string
	// KubernetesVersion is the cluster's minor, "1.36".
	KubernetesVersion string
	// ImageTag of the autoscaler, "v1.36.0": of the cluster's minor, whose scheduler it simulates. The chart's own is that
	// of whatever minor was newest when it was made.
	ImageTag string
	// Priorities are the names of the node groups by preference: the highest number is asked first.
	Priorities map[int][]string
	// ScaleDownUnneededSeconds is how long a node has been unneeded before it goes.
	ScaleDownUnneededSeconds int
	// ScaleDownDelayAfterAddSeconds is how long no node goes after one came.
	ScaleDownDelayAfterAddSeconds int
	// ScaleDownUtilization is the share of a node's capacity, 0 to 1, below which its requests leave it unneeded.
	ScaleDownUtilization float64
	// MaxNodeProvisionSeconds is when a node that has not come is looked for in another group.
	MaxNodeProvisionSeconds int
}

// Vertical is which parts of the vertical pod autoscaler run.
type Vertical struct {
	// ChartVersion of chart vertical-pod-autoscaler.
	ChartVersion string
	// Acts runs the updater and the admission controller, which apply recommendations. Without them it only recommends.
	Acts bool
}

// Headroom is room that is kept free: pods that do nothing hold it and give way to any other.
type Headroom struct {
	// Pods is how many; 0 keeps no room.
	Pods int
	// CPU and Memory that each holds, Kubernetes quantities: "500m", "512Mi".
	CPU, Memory string
	// Image of a program that waits, "registry.k8s.io/pause:3.10".
	Image string
}

// Autoscaling is what was declared.
type Autoscaling struct {
	pulumi.ResourceState

	// Ready is what pods with a priority class and a VerticalPodAutoscaler wait for: the classes and the kind exist.
	Ready []pulumi.Resource
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx    *pulumi.Context
	name   string
	args   Args
	parent pulumi.ResourceOption
}

// New declares autoscaling. It needs a Kubernetes provider among opts. Faults of args are reported all at once, each
// with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Autoscaling, error) {
	if err := validate(name, args); err != nil {
		return nil, err
	}
	a := &Autoscaling{}
	d := &declaration{ctx: ctx, name: name, args: args, parent: pulumi.Parent(a)}
	return component.Declare(ctx, typeToken, name, a, opts, d.declare, (*Autoscaling).outputs)
}

func (a *Autoscaling) outputs() pulumi.Map {
	return pulumi.Map{}
}

func (d *declaration) declare(a *Autoscaling) error {
	classes, err := d.priorityClasses()
	if err != nil {
		return err
	}
	if err := d.clusterAutoscaler(); err != nil {
		return err
	}
	vertical, err := d.verticalAutoscaler()
	if err != nil {
		return err
	}
	a.Ready = append(classes, vertical)
	return d.headroom(classes)
}

func (d *declaration) tags(suffix string) pulumi.StringMap {
	return tag.Of(d.args.Tags, "autoscaling", d.name+suffix)
}
