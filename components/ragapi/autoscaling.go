package ragapi

import (
	"fmt"

	autoscalingv2 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/autoscaling/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/vertical"
)

func (d *declaration) autoscalers(w workload, deployment pulumi.StringOutput) error {
	_, err := autoscalingv2.NewHorizontalPodAutoscaler(d.ctx, d.name+w.suffix, &autoscalingv2.HorizontalPodAutoscalerArgs{
		Metadata: d.metadata(w.name, w.name),
		Spec: &autoscalingv2.HorizontalPodAutoscalerSpecArgs{
			ScaleTargetRef: &autoscalingv2.CrossVersionObjectReferenceArgs{
				ApiVersion: pulumi.String("apps/v1"), Kind: pulumi.String("Deployment"), Name: deployment,
			},
			MinReplicas: pulumi.Int(w.hpa.Min),
			MaxReplicas: pulumi.Int(w.hpa.Max),
			Metrics:     metrics(w.hpa),
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehaviorArgs{
				ScaleUp: scaleUp(), ScaleDown: scaleDown(w.hpa.ScaleDown),
			},
		},
	}, d.parent)
	if err != nil {
		return fmt.Errorf("horizontal autoscaler %s: %w", w.name, err)
	}
	// Requests alone: the memory limit is what GOMEMLIMIT is made of, which a pod is told once.
	return w.vertical.Declare(d.ctx, d.name+w.suffix+"-vpa", vertical.Workload{
		Kind: "Deployment", Name: deployment, Container: w.name, Fewest: w.hpa.Min,
	}, d.metadata(w.name, w.name), d.parent)
}

func metrics(h HPA) autoscalingv2.MetricSpecArray {
	all := autoscalingv2.MetricSpecArray{utilization("cpu", h.CPUPercent)}
	if h.MemoryPercent > 0 {
		all = append(all, utilization("memory", h.MemoryPercent))
	}
	return all
}

func utilization(resource string, percent int) *autoscalingv2.MetricSpecArgs {
	return &autoscalingv2.MetricSpecArgs{
		Type: pulumi.String("Resource"),
		Resource: &autoscalingv2.ResourceMetricSourceArgs{
			Name: pulumi.String(resource),
			Target: &autoscalingv2.MetricTargetArgs{
				Type: pulumi.String("Utilization"), AverageUtilization: pulumi.Int(percent),
			},
		},
	}
}

// scaleUp is at once: double, or 4 more, whichever is more, every 15 s (the controller's own sync period). 3 replicas
// are 20 after 45 s; a peak that ramps up in 2 minutes is met.
func scaleUp() *autoscalingv2.HPAScalingRulesArgs {
	return &autoscalingv2.HPAScalingRulesArgs{
		StabilizationWindowSeconds: pulumi.Int(0),
		SelectPolicy:               pulumi.String("Max"),
		Policies:                   autoscalingv2.HPAScalingPolicyArray{policy("Percent", 100, 15), policy("Pods", 4, 15)},
	}
}

// scaleDown is slow, since a replica that goes too early costs a cold start, and one that stays too long costs cents.
func scaleDown(s ScaleDown) *autoscalingv2.HPAScalingRulesArgs {
	rules := &autoscalingv2.HPAScalingRulesArgs{
		SelectPolicy: pulumi.String("Max"),
		Policies: autoscalingv2.HPAScalingPolicyArray{
			policy("Percent", orDefault(s.Percent, 25), orDefault(s.PeriodSeconds, 60)),
		},
	}
	if s.StabilizationSeconds > 0 {
		rules.StabilizationWindowSeconds = pulumi.Int(s.StabilizationSeconds)
	}
	return rules
}

func policy(kind string, value, seconds int) *autoscalingv2.HPAScalingPolicyArgs {
	return &autoscalingv2.HPAScalingPolicyArgs{
		Type: pulumi.String(kind), Value: pulumi.Int(value), PeriodSeconds: pulumi.Int(seconds),
	}
}

func orDefault(value, otherwise int) int {
	if value == 0 {
		return otherwise
	}
	return value
}
