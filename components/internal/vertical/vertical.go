// Package vertical declares the vertical autoscaler of a workload.
//
// Owns: what may be said of one, the VerticalPodAutoscaler. Does not own: the VPA's kinds and controllers in the
// cluster, the workload, its horizontal autoscaler.
package vertical

import (
	"fmt"
	"slices"
	"strings"

	k8s "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue/kubernetes"
	"github.com/ragscale/ragscale/components/internal/fault"
	"github.com/ragscale/ragscale/components/internal/quantity"
)

// Autoscaling is what a VerticalPodAutoscaler does. The zero value declares none. It changes pods and never the
// workload, whose requests stay what a pod has without it.
type Autoscaling struct {
	// Mode is Off, which only recommends, Initial, which sizes new pods, or InPlaceOrRecreate, which resizes running ones.
	Mode string
	// Resources that it looks at: cpu, memory. In a mode that acts none that a horizontal autoscaler acts on.
	Resources []string
	// Min and Max bound what it sets, for each of Resources. Only in a mode that acts.
	Min, Max quantity.Resources
}

func (a Autoscaling) acts() bool {
	return a.Mode != kubernetes.VPAOff && slices.Contains(kubernetes.VPAModes, a.Mode)
}

// Workload is whose pods are sized.
type Workload struct {
	Kind      string // Deployment or StatefulSet
	Name      pulumi.StringOutput
	Container string
	// Fewest pods that there may be: 1 or more.
	Fewest int
	// LimitsFollow requests in their proportion, where a limit that stays would be the end of growing. Else they stay.
	LimitsFollow bool
}

// Declare declares the autoscaler, if any.
func (a Autoscaling) Declare(ctx *pulumi.Context, name string, w Workload, metadata *metav1.ObjectMetaArgs,
	opts ...pulumi.ResourceOption) error {
	if a.Mode == "" {
		return nil
	}
	_, err := apiextensions.NewCustomResource(ctx, name, &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("autoscaling.k8s.io/v1"),
		Kind:       pulumi.String("VerticalPodAutoscaler"),
		Metadata:   metadata,
		OtherFields: k8s.UntypedArgs{"spec": pulumi.Map{
			"targetRef": pulumi.Map{
				"apiVersion": pulumi.String("apps/v1"), "kind": pulumi.String(w.Kind), "name": w.Name,
			},
			"updatePolicy":   a.updatePolicy(w.Fewest),
			"resourcePolicy": pulumi.Map{"containerPolicies": pulumi.Array{a.containerPolicy(w)}},
		}},
	}, opts...)
	if err != nil {
		return fmt.Errorf("vertical autoscaler of %s: %w", w.Container, err)
	}
	return nil
}

// updatePolicy lets the updater work where only one pod may be: by itself it leaves fewer than two alone.
func (a Autoscaling) updatePolicy(fewest int) pulumi.Map {
	update := pulumi.Map{"updateMode": pulumi.String(a.Mode)}
	if a.Mode == kubernetes.VPAInPlace && fewest < 2 {
		update["minReplicas"] = pulumi.Int(fewest)
	}
	return update
}

func (a Autoscaling) containerPolicy(w Workload) pulumi.Map {
	policy := pulumi.Map{
		"containerName":       pulumi.String(w.Container),
		"controlledResources": pulumi.ToStringArray(a.Resources),
	}
	if !a.acts() {
		return policy
	}
	least, most := pulumi.StringMap{}, pulumi.StringMap{}
	for _, r := range a.Resources {
		least[r], most[r] = pulumi.String(a.Min.Of(r)), pulumi.String(a.Max.Of(r))
	}
	policy["controlledValues"] = pulumi.String("RequestsOnly")
	if w.LimitsFollow {
		policy["controlledValues"] = pulumi.String("RequestsAndLimits")
	}
	policy["minAllowed"], policy["maxAllowed"] = least, most
	return policy
}

// Check refuses, beside what is no autoscaling, two autoscalers on one resource: more pods lower the use that the one
// sees, smaller pods raise the use that the other sees, and neither comes to rest. horizontal is what the other acts
// on.
func (a Autoscaling) Check(faults *fault.List, field string, horizontal ...string) {
	if a.Mode == "" {
		return
	}
	if !slices.Contains(kubernetes.VPAModes, a.Mode) {
		faults.Add("%s.Mode is %q, want one of %s", field, a.Mode, strings.Join(kubernetes.VPAModes, ", "))
	}
	if len(a.Resources) == 0 {
		faults.Add("%s.Resources is empty, want cpu, memory or both", field)
	}
	for i, r := range a.Resources {
		switch {
		case r != "cpu" && r != "memory":
			faults.Add("%s.Resources[%d] is %q, want cpu or memory", field, i, r)
		case !a.acts():
		case slices.Contains(horizontal, r):
			faults.Add("%s.Mode is %s for %s, which the horizontal autoscaler acts on, want %s", field, a.Mode, r,
				instead(horizontal))
		default:
			a.bounds(faults, field, r)
		}
	}
}

// instead is what there may be beside a horizontal autoscaler.
func instead(horizontal []string) string {
	if slices.Contains(horizontal, "memory") {
		return kubernetes.VPAOff
	}
	return kubernetes.VPAOff + " or memory alone"
}

func (a Autoscaling) bounds(faults *fault.List, field, resource string) {
	word := map[string]string{"cpu": "CPU", "memory": "Memory"}[resource]
	faults.Ordered(field+".", fault.Amount{Field: "Min." + word, Value: a.Min.Of(resource)},
		fault.Amount{Field: "Max." + word, Value: a.Max.Of(resource)})
}
