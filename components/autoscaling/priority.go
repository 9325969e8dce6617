package autoscaling

import (
	"fmt"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	schedulingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/scheduling/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The priority classes, by what a pod is to the platform. Pods name them once Autoscaling.Ready is.
const (
	DataPriority       = "rag-data"       // what every request needs: PgBouncer, Chroma
	ServingPriority    = "rag-serving"    // the API
	BackgroundPriority = "rag-background" // what can wait: load generators

	headroomPriority = "rag-headroom"
)

// priorities order the classes; only the order matters, but for headroom: the cluster autoscaler makes room for pods of
// -10 and above (expendable-pods-priority-cutoff), and all pods without a class have 0.
var priorities = []struct {
	name, description string
	value             int
	preempts          bool
}{
	{DataPriority, "What every request needs: the connection pooler, the vector store", 3000, true},
	{ServingPriority, "The API's pods", 2000, true},
	{BackgroundPriority, "What can wait: load generators", 1000, false},
	{headroomPriority, "Room kept free: gives way to any pod", -10, false},
}

// priorityClasses declares the classes. Kubernetes changes none in place, which the provider does not know, and its
// name is what pods carry: it goes before the new one comes.
func (d *declaration) priorityClasses() ([]pulumi.Resource, error) {
	var classes []pulumi.Resource
	for _, p := range priorities {
		preemption := "Never"
		if p.preempts {
			preemption = "PreemptLowerPriority"
		}
		class, err := schedulingv1.NewPriorityClass(d.ctx, d.name+"-"+p.name, &schedulingv1.PriorityClassArgs{
			Metadata:         &metav1.ObjectMetaArgs{Name: pulumi.String(p.name), Labels: labels(p.name)},
			Description:      pulumi.String(p.description),
			Value:            pulumi.Int(p.value),
			GlobalDefault:    pulumi.Bool(false),
			PreemptionPolicy: pulumi.String(preemption),
		}, d.parent, pulumi.DependsOn(d.args.DependsOn), pulumi.DeleteBeforeReplace(true),
			pulumi.ReplaceOnChanges([]string{"value", "preemptionPolicy"}))
		if err != nil {
			return nil, fmt.Errorf("priority class %s: %w", p.name, err)
		}
		classes = append(classes, class)
	}
	return classes, nil
}

func labels(workload string) pulumi.StringMap {
	return pulumi.StringMap{
		"app.kubernetes.io/part-of": pulumi.String("ragscale"),
		"app.kubernetes.io/name":    pulumi.String(workload),
	}
}
