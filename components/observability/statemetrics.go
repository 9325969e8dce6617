package observability

import (
	"fmt"

	helm "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/helm/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/observability/rules"
)

const (
	stateMetrics          = "kube-state-metrics" // release, chart and pods
	stateMetricsNamespace = "kube-system"
	// stateMetricsTimeoutSeconds is for an image to be pulled.
	stateMetricsTimeoutSeconds = 300
)

// stateMetricsServer declares kube-state-metrics, which tells Prometheus what Kubernetes' objects say. A Helm release
// and not the EKS add-on: what an add-on can be configured with is published by its API alone, and without the custom
// resource configuration nothing tells what the VPA recommends. Source of the values:
// https://github.com/prometheus-community/helm-charts (charts/kube-state-metrics: values.yaml, templates/role.yaml);
// read 2026-11-24.
func (d *declaration) stateMetricsServer() error {
	_, err := helm.NewRelease(d.ctx, d.name+"-"+stateMetrics, &helm.ReleaseArgs{
		Name:           pulumi.String(stateMetrics),
		Namespace:      pulumi.String(stateMetricsNamespace),
		Chart:          pulumi.String(stateMetrics),
		Version:        pulumi.String(d.args.StateMetricsChartVersion),
		RepositoryOpts: &helm.RepositoryOptsArgs{Repo: pulumi.String("https://prometheus-community.github.io/helm-charts")},
		Atomic:         pulumi.Bool(true),
		Timeout:        pulumi.Int(stateMetricsTimeoutSeconds),
		Values:         stateMetricsValues(),
	}, d.parent, pulumi.DependsOn(d.args.DependsOn))
	if err != nil {
		return fmt.Errorf("%s: %w", stateMetrics, err)
	}
	return nil
}

// stateMetricsValues let it read what the rules ask for, and nothing else: by default it may list every Secret.
func stateMetricsValues() pulumi.Map {
	return pulumi.Map{
		"fullnameOverride":  pulumi.String(stateMetrics),
		"priorityClassName": pulumi.String("system-cluster-critical"),
		// One pod: two would count everything twice. The budget says that a drain may move it.
		"podDisruptionBudget": pulumi.Map{"maxUnavailable": pulumi.Int(1)},
		"collectors":          pulumi.ToStringArray([]string{"deployments", "horizontalpodautoscalers", "pods"}),
		"customResourceState": pulumi.Map{
			"enabled": pulumi.Bool(true), "config": pulumi.ToMap(rules.StateMetricsConfig()),
		},
		"rbac": pulumi.Map{"extraRules": pulumi.Array{pulumi.Map{
			"apiGroups": pulumi.ToStringArray([]string{"autoscaling.k8s.io"}),
			"resources": pulumi.ToStringArray([]string{"verticalpodautoscalers"}),
			"verbs":     pulumi.ToStringArray([]string{"list", "watch"}),
		}}},
		"resources": pulumi.Map{
			"requests": pulumi.Map{"cpu": pulumi.String("20m"), "memory": pulumi.String("64Mi")},
			"limits":   pulumi.Map{"memory": pulumi.String("256Mi")},
		},
	}
}
