package rules

// StateMetricsConfig is what kube-state-metrics needs, as its customResourceState configuration, to serve
// kube_customresource_vpa_containerrecommendations_target. It also needs list and watch on verticalpodautoscalers.
// Tried with its own code (v2.18.0, 2026-11-24): cpu 35m is served as 0.035, memory 262144k as 2.62144e+08.
// Source: https://github.com/kubernetes/kube-state-metrics (docs/metrics/extend/customresourcestate-metrics.md); read
// 2026-11-24.
func StateMetricsConfig() map[string]any {
	return map[string]any{
		"kind": "CustomResourceStateMetrics",
		"spec": map[string]any{"resources": []any{map[string]any{
			"groupVersionKind": map[string]any{"group": "autoscaling.k8s.io", "version": "v1", "kind": "VerticalPodAutoscaler"},
			"labelsFromPath": map[string]any{
				"namespace": []string{"metadata", "namespace"}, "verticalpodautoscaler": []string{"metadata", "name"},
				"target_kind": []string{"spec", "targetRef", "kind"}, "target_name": []string{"spec", "targetRef", "name"},
			},
			"metrics": []any{recommendation("cpu", "core"), recommendation("memory", "byte")},
		}}},
	}
}

func recommendation(resource, unit string) map[string]any {
	return map[string]any{
		"name": "vpa_containerrecommendations_target",
		"help": "The " + resource + " that the VPA recommends for a container.",
		"each": map[string]any{"type": "Gauge", "gauge": map[string]any{
			"path":           []string{"status", "recommendation", "containerRecommendations"},
			"valueFrom":      []string{"target", resource},
			"labelsFromPath": map[string]any{"container": []string{"containerName"}},
		}},
		"commonLabels": map[string]string{"resource": resource, "unit": unit},
	}
}
