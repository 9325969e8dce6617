package observability

import (
	"fmt"
	"maps"
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/observability/dashboards"
)

// Dashboards are Grafana's, as JSON, by file name. They ask for a Prometheus data source when they are opened.
func Dashboards(args Args) (map[string][]byte, error) {
	return dashboards.Files(args.withDefaults().Rules())
}

// grafanaDashboards declares the dashboards where Grafana's sidecar looks for them: ConfigMaps with its label.
func (d *declaration) grafanaDashboards() error {
	if d.args.GrafanaNamespace == "" {
		return nil
	}
	files, err := Dashboards(d.args)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		_, err := corev1.NewConfigMap(d.ctx, d.name+"-"+name, &corev1.ConfigMapArgs{
			Metadata: &metav1.ObjectMetaArgs{
				Name:      pulumi.String(d.name + "-" + name),
				Namespace: pulumi.String(d.args.GrafanaNamespace),
				Labels: pulumi.StringMap{
					"grafana_dashboard":            pulumi.String("1"),
					"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
				},
			},
			Data: pulumi.StringMap{name + ".json": pulumi.String(files[name])},
		}, d.parent)
		if err != nil {
			return fmt.Errorf("dashboard %s: %w", name, err)
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
