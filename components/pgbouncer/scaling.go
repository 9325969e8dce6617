package pgbouncer

import (
	"fmt"

	autoscalingv2 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/autoscaling/v2"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/vertical"
)

// scaling declares who changes the Deployment's replicas, and who may take pods away.
func (d *declaration) scaling(deployment pulumi.StringOutput) error {
	if err := d.horizontalAutoscaler(deployment); err != nil {
		return err
	}
	if err := d.disruptionBudget(); err != nil {
		return err
	}
	// Requests alone: the memory limit must hold the pools, whatever memory they use at the time.
	return d.args.VerticalAutoscaling.Declare(d.ctx, d.name+"-pgbouncer-vpa", vertical.Workload{
		Kind: "Deployment", Name: deployment, Container: Name, Fewest: d.args.HPA.Min,
	}, d.metadata(), d.parent)
}

func (d *declaration) horizontalAutoscaler(deployment pulumi.StringOutput) error {
	hpa := d.args.HPA
	_, err := autoscalingv2.NewHorizontalPodAutoscaler(d.ctx, d.name+"-pgbouncer",
		&autoscalingv2.HorizontalPodAutoscalerArgs{
			Metadata: d.metadata(),
			Spec: &autoscalingv2.HorizontalPodAutoscalerSpecArgs{
				ScaleTargetRef: &autoscalingv2.CrossVersionObjectReferenceArgs{
					ApiVersion: pulumi.String("apps/v1"), Kind: pulumi.String("Deployment"), Name: deployment,
				},
				MinReplicas: pulumi.Int(hpa.Min),
				MaxReplicas: pulumi.Int(hpa.Max),
				// CPU alone: PgBouncer's memory follows its connections, which stay where they are when pods are added.
				Metrics: autoscalingv2.MetricSpecArray{&autoscalingv2.MetricSpecArgs{
					Type: pulumi.String("Resource"),
					Resource: &autoscalingv2.ResourceMetricSourceArgs{
						Name: pulumi.String("cpu"),
						Target: &autoscalingv2.MetricTargetArgs{
							Type: pulumi.String("Utilization"), AverageUtilization: pulumi.Int(hpa.CPUPercent),
						},
					},
				}},
				Behavior: behavior(hpa),
			},
		}, d.parent)
	if err != nil {
		return fmt.Errorf("horizontal autoscaler: %w", err)
	}
	return nil
}

// behavior doubles every 15 s at most, and takes one pod a minute away: each that goes makes its clients connect anew.
func behavior(hpa HPA) *autoscalingv2.HorizontalPodAutoscalerBehaviorArgs {
	policy := func(kind string, value, seconds int) autoscalingv2.HPAScalingPolicyArray {
		return autoscalingv2.HPAScalingPolicyArray{&autoscalingv2.HPAScalingPolicyArgs{
			Type: pulumi.String(kind), Value: pulumi.Int(value), PeriodSeconds: pulumi.Int(seconds),
		}}
	}
	down := &autoscalingv2.HPAScalingRulesArgs{Policies: policy("Pods", 1, 60)}
	if hpa.StabilizationSeconds > 0 {
		down.StabilizationWindowSeconds = pulumi.Int(hpa.StabilizationSeconds)
	}
	return &autoscalingv2.HorizontalPodAutoscalerBehaviorArgs{
		ScaleUp: &autoscalingv2.HPAScalingRulesArgs{
			StabilizationWindowSeconds: pulumi.Int(0), Policies: policy("Percent", 100, 15),
		},
		ScaleDown: down,
	}
}

// disruptionBudget lets one pod go at a time. It is never minAvailable: equal to the replicas, that hangs every drain.
func (d *declaration) disruptionBudget() error {
	_, err := policyv1.NewPodDisruptionBudget(d.ctx, d.name+"-pgbouncer", &policyv1.PodDisruptionBudgetArgs{
		Metadata: d.metadata(),
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			Selector:       &metav1.LabelSelectorArgs{MatchLabels: selector()},
			MaxUnavailable: pulumi.Int(1),
			// Pods that are broken anyway do not hold up a drain.
			UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
		},
	}, d.parent)
	if err != nil {
		return fmt.Errorf("disruption budget: %w", err)
	}
	return nil
}
