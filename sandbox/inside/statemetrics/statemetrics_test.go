package statemetrics

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "rag", Name: name, UID: "u-1"}
}

var restConfig = rest.Config{Host: "https://127.0.0.1:1"}

func pointer[T any](v T) *T { return &v }

func autoscalerOf(name string) *autoscaling.HorizontalPodAutoscaler {
	quantity := resource.MustParse("1500m")
	return &autoscaling.HorizontalPodAutoscaler{
		ObjectMeta: named(name),
		Spec: autoscaling.HorizontalPodAutoscalerSpec{MinReplicas: pointer(int32(2)), MaxReplicas: 20, Metrics: []autoscaling.MetricSpec{
			{Resource: &autoscaling.ResourceMetricSource{Name: core.ResourceCPU, Target: autoscaling.MetricTarget{AverageUtilization: pointer(int32(70))}}},
			{Pods: &autoscaling.PodsMetricSource{Metric: autoscaling.MetricIdentifier{Name: "rate"}, Target: autoscaling.MetricTarget{AverageValue: &quantity}}},
		}},
		Status: autoscaling.HorizontalPodAutoscalerStatus{
			CurrentReplicas: 3, DesiredReplicas: 4,
			CurrentMetrics: []autoscaling.MetricStatus{{Resource: &autoscaling.ResourceMetricStatus{
				Name: core.ResourceCPU, Current: autoscaling.MetricValueStatus{AverageUtilization: pointer(int32(35)), AverageValue: &quantity},
			}}},
			Conditions: []autoscaling.HorizontalPodAutoscalerCondition{{Type: autoscaling.ScalingActive, Status: core.ConditionFalse}},
		},
	}
}

func waitingPod() *core.Pod {
	return &core.Pod{
		ObjectMeta: named("api-1"),
		Spec: core.PodSpec{NodeName: "n-1", Containers: []core.Container{{Name: "api", Resources: core.ResourceRequirements{Requests: core.ResourceList{
			core.ResourceCPU: resource.MustParse("250m"), core.ResourceMemory: resource.MustParse("64Mi"), core.ResourceEphemeralStorage: resource.MustParse("1Gi"),
		}}}}},
		Status: core.PodStatus{
			ContainerStatuses: []core.ContainerStatus{{Name: "api", RestartCount: 4}},
			Conditions:        []core.PodCondition{{Type: core.PodScheduled, Status: core.ConditionFalse, Reason: core.PodReasonUnschedulable}},
		},
	}
}

// all is what kube-state-metrics 2.18 serves of these objects, of the metrics that are played here.
const all = `
kube_deployment_status_replicas_ready{deployment="api",namespace="rag"} 3
kube_horizontalpodautoscaler_spec_max_replicas{horizontalpodautoscaler="api",namespace="rag"} 20
kube_horizontalpodautoscaler_spec_min_replicas{horizontalpodautoscaler="api",namespace="rag"} 2
kube_horizontalpodautoscaler_spec_target_metric{horizontalpodautoscaler="api",metric_name="cpu",metric_target_type="utilization",namespace="rag"} 70
kube_horizontalpodautoscaler_spec_target_metric{horizontalpodautoscaler="api",metric_name="rate",metric_target_type="average",namespace="rag"} 1.5
kube_horizontalpodautoscaler_status_condition{condition="ScalingActive",horizontalpodautoscaler="api",namespace="rag",status="false"} 1
kube_horizontalpodautoscaler_status_condition{condition="ScalingActive",horizontalpodautoscaler="api",namespace="rag",status="true"} 0
kube_horizontalpodautoscaler_status_condition{condition="ScalingActive",horizontalpodautoscaler="api",namespace="rag",status="unknown"} 0
kube_horizontalpodautoscaler_status_current_replicas{horizontalpodautoscaler="api",namespace="rag"} 3
kube_horizontalpodautoscaler_status_desired_replicas{horizontalpodautoscaler="api",namespace="rag"} 4
kube_horizontalpodautoscaler_status_target_metric{horizontalpodautoscaler="api",metric_name="cpu",metric_target_type="average",namespace="rag"} 1.5
kube_horizontalpodautoscaler_status_target_metric{horizontalpodautoscaler="api",metric_name="cpu",metric_target_type="utilization",namespace="rag"} 35
kube_pod_container_resource_requests{container="api",namespace="rag",node="n-1",pod="api-1",resource="cpu",uid="u-1",unit="core"} 0.25
kube_pod_container_resource_requests{container="api",namespace="rag",node="n-1",pod="api-1",resource="ephemeral_storage",uid="u-1",unit="byte"} 1.073741824e+09
kube_pod_container_resource_requests{container="api",namespace="rag",node="n-1",pod="api-1",resource="memory",uid="u-1",unit="byte"} 6.7108864e+07
kube_pod_container_status_restarts_total{container="api",namespace="rag",pod="api-1",uid="u-1"} 4
kube_pod_status_unschedulable{namespace="rag",pod="api-1",uid="u-1"} 1
`

func collected(t *testing.T, c *collector) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text, out strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(text.String()) {
		if !strings.HasPrefix(line, "#") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func TestObjectsAreTheMetricsThatKubeStateMetricsDocuments(t *testing.T) {
	client := kubefake.NewClientset(
		&apps.Deployment{ObjectMeta: named("api"), Status: apps.DeploymentStatus{ReadyReplicas: 3}}, autoscalerOf("api"), waitingPod())
	c := &collector{client: client, resources: []string{"deployments", "horizontalpodautoscalers", "pods"}}
	if got := collected(t, c); got != strings.TrimPrefix(all, "\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestAKindThatIsNotAskedForIsNotServed(t *testing.T) {
	c := &collector{client: kubefake.NewClientset(waitingPod(), autoscalerOf("api")), resources: []string{"pods"}}
	if got := collected(t, c); strings.Contains(got, "horizontalpodautoscaler") || !strings.Contains(got, "kube_pod_") {
		t.Errorf("got\n%s", got)
	}
}

const vpaConfig = `
kind: CustomResourceStateMetrics
spec:
  resources:
  - groupVersionKind: {group: autoscaling.k8s.io, version: v1, kind: VerticalPodAutoscaler}
    labelsFromPath: {namespace: [metadata, namespace], verticalpodautoscaler: [metadata, name]}
    metrics:
    - name: target
      commonLabels: {resource: cpu}
      each: {type: Gauge, gauge: {path: [status, recommendation, containerRecommendations], valueFrom: [target, cpu], labelsFromPath: {container: [containerName]}}}
`

func TestACustomResourceTellsWhatIsConfigured(t *testing.T) {
	vpa := func(name string, status map[string]any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler", "metadata": map[string]any{"namespace": "rag", "name": name}, "status": status,
		}}
	}
	recommended := map[string]any{"recommendation": map[string]any{"containerRecommendations": []any{
		map[string]any{"containerName": "api", "target": map[string]any{"cpu": "35m"}},
		map[string]any{"containerName": "sidecar", "target": map[string]any{"memory": "1Mi"}},
	}}}
	kinds := map[schema.GroupVersionResource]string{{Group: "autoscaling.k8s.io", Version: "v1", Resource: "verticalpodautoscalers"}: "VerticalPodAutoscalerList"}
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, vpa("api", recommended), vpa("new", nil))
	var file customFileForm
	if err := yaml.Unmarshal([]byte(vpaConfig), &file); err != nil {
		t.Fatal(err)
	}
	const want = `kube_customresource_target{container="api",customresource_group="autoscaling.k8s.io",customresource_kind="VerticalPodAutoscaler",` +
		`customresource_version="v1",namespace="rag",resource="cpu",verticalpodautoscaler="api"} 0.035` + "\n"
	if got := collected(t, &collector{dynamic: client, custom: file.Spec.Resources}); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestFaultsOfTheFlagsAreNamed(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(broken, []byte("spec: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		resources []string
		file      string
	}{
		`--resources: "secrets", want some of [deployments horizontalpodautoscalers pods]`: {[]string{"pods", "secrets"}, ""},
		"no such file": {nil, filepath.Join(t.TempDir(), "none")},
		broken + ": ":  {nil, broken},
	} {
		if _, err := newCollector(&restConfig, c.resources, c.file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
