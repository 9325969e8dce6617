package autoscaling

import (
	"fmt"
	"slices"

	helm "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/helm/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/kinds"
)

const verticalPodAutoscaler = "vertical-pod-autoscaler" // release and chart

// verticalAutoscaler declares the release: the kinds VerticalPodAutoscaler and its checkpoint, the recommender, and,
// where recommendations are applied, updater and admission controller. A Helm Release and not a Chart, for the chart
// makes its webhook's certificate in hooks.
func (d *declaration) verticalAutoscaler() (pulumi.Resource, error) {
	// The tag of the chart's version has the file that its crds folder has.
	definitions, err := kinds.Declare(d.ctx, d.name+"-vertical-pod-autoscaler", map[string]string{
		"-kinds": "https://raw.githubusercontent.com/kubernetes/autoscaler/vertical-pod-autoscaler-chart-" +
			d.args.Vertical.ChartVersion +
			"/vertical-pod-autoscaler/charts/vertical-pod-autoscaler/crds/vpa-v1-crd-gen.yaml",
	}, d.parent)
	if err != nil {
		return nil, err
	}
	release, err := helm.NewRelease(d.ctx, d.name+"-vertical-pod-autoscaler", &helm.ReleaseArgs{
		Name:           pulumi.String(verticalPodAutoscaler),
		Namespace:      pulumi.String(systemNamespace),
		Chart:          pulumi.String(verticalPodAutoscaler),
		Version:        pulumi.String(d.args.Vertical.ChartVersion),
		RepositoryOpts: &helm.RepositoryOptsArgs{Repo: pulumi.String(chartRepository)},
		Atomic:         pulumi.Bool(true),
		Timeout:        pulumi.Int(chartTimeoutSeconds),
		SkipCrds:       pulumi.Bool(true), // declared above, so that they are raised with the chart
		// The two contexts hold for all three programs (values.yaml of chart 0.11.0; read 2026-11-30).
		Values: pulumi.Map{
			"podSecurityContext":       podSecurity(),
			"containerSecurityContext": containerSecurity(),
			"recommender":              part("512Mi", true),
			"updater":                  part("256Mi", d.args.Vertical.Acts),
			"admissionController":      part("256Mi", d.args.Vertical.Acts),
		},
	}, d.parent, pulumi.DependsOn(slices.Concat(definitions, d.args.DependsOn)))
	if err != nil {
		return nil, fmt.Errorf("vertical autoscaler: %w", err)
	}
	return release, nil
}

// part is the values of one of the three programs. Each has two pods, of which one leads, and a disruption budget.
func part(memory string, enabled bool) pulumi.Map {
	if !enabled {
		return pulumi.Map{"enabled": pulumi.Bool(false)}
	}
	return pulumi.Map{
		"enabled":           pulumi.Bool(true),
		"replicas":          pulumi.Int(2),
		"priorityClassName": pulumi.String("system-cluster-critical"),
		"resources":         resources("50m", memory),
	}
}
