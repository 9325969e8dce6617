package statemetrics

import (
	"context"
	"iter"
	"maps"
	"regexp"
	"strings"

	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// lists are the kinds that can be asked for, each with how to list it and send its metrics.
var lists = map[string]func(context.Context, kubernetes.Interface, sink) error{
	"deployments":              deployments,
	"horizontalpodautoscalers": autoscalers,
	"pods":                     pods,
}

func kinds() iter.Seq[string] { return maps.Keys(lists) }

// cached asks for what the API server has in memory.
var cached = metav1.ListOptions{ResourceVersion: "0"}

func deployments(ctx context.Context, client kubernetes.Interface, emit sink) error {
	all, err := client.AppsV1().Deployments("").List(ctx, cached)
	if err != nil {
		return err
	}
	for _, d := range all.Items {
		emit.gauge("kube_deployment_status_replicas_ready", float64(d.Status.ReadyReplicas), "namespace", d.Namespace, "deployment", d.Name)
	}
	return nil
}

func autoscalers(ctx context.Context, client kubernetes.Interface, emit sink) error {
	all, err := client.AutoscalingV2().HorizontalPodAutoscalers("").List(ctx, cached)
	if err != nil {
		return err
	}
	for _, h := range all.Items {
		autoscaler(h, emit)
	}
	return nil
}

func autoscaler(h autoscaling.HorizontalPodAutoscaler, emit sink) {
	const prefix = "kube_horizontalpodautoscaler_"
	of := []string{"namespace", h.Namespace, "horizontalpodautoscaler", h.Name}
	emit.gauge(prefix+"spec_max_replicas", float64(h.Spec.MaxReplicas), of...)
	if h.Spec.MinReplicas != nil {
		emit.gauge(prefix+"spec_min_replicas", float64(*h.Spec.MinReplicas), of...)
	}
	emit.gauge(prefix+"status_current_replicas", float64(h.Status.CurrentReplicas), of...)
	emit.gauge(prefix+"status_desired_replicas", float64(h.Status.DesiredReplicas), of...)
	for _, m := range h.Spec.Metrics {
		name, t := target(m)
		targets(emit, prefix+"spec_target_metric", of, name, t.Value, t.AverageValue, t.AverageUtilization)
	}
	for _, m := range h.Status.CurrentMetrics {
		name, v := current(m)
		targets(emit, prefix+"status_target_metric", of, name, v.Value, v.AverageValue, v.AverageUtilization)
	}
	for _, c := range h.Status.Conditions {
		for _, status := range []core.ConditionStatus{core.ConditionTrue, core.ConditionFalse, core.ConditionUnknown} {
			labels := append(of[:4:4], "condition", string(c.Type), "status", strings.ToLower(string(status)))
			emit.gauge(prefix+"status_condition", truth(c.Status == status), labels...)
		}
	}
}

func targets(emit sink, metric string, of []string, name string, whole, average *resource.Quantity, utilization *int32) {
	labels := func(kind string) []string { return append(of[:4:4], "metric_name", name, "metric_target_type", kind) }
	if whole != nil {
		emit.gauge(metric, whole.AsApproximateFloat64(), labels("value")...)
	}
	if average != nil {
		emit.gauge(metric, average.AsApproximateFloat64(), labels("average")...)
	}
	if utilization != nil {
		emit.gauge(metric, float64(*utilization), labels("utilization")...)
	}
}

// target is a metric's name and what an autoscaler wants of it.
func target(m autoscaling.MetricSpec) (string, autoscaling.MetricTarget) {
	switch {
	case m.Resource != nil:
		return string(m.Resource.Name), m.Resource.Target
	case m.ContainerResource != nil:
		return string(m.ContainerResource.Name), m.ContainerResource.Target
	case m.Pods != nil:
		return m.Pods.Metric.Name, m.Pods.Target
	case m.Object != nil:
		return m.Object.Metric.Name, m.Object.Target
	case m.External != nil:
		return m.External.Metric.Name, m.External.Target
	}
	return "", autoscaling.MetricTarget{}
}

// current is a metric's name and what an autoscaler read last.
func current(m autoscaling.MetricStatus) (string, autoscaling.MetricValueStatus) {
	switch {
	case m.Resource != nil:
		return string(m.Resource.Name), m.Resource.Current
	case m.ContainerResource != nil:
		return string(m.ContainerResource.Name), m.ContainerResource.Current
	case m.Pods != nil:
		return m.Pods.Metric.Name, m.Pods.Current
	case m.Object != nil:
		return m.Object.Metric.Name, m.Object.Current
	case m.External != nil:
		return m.External.Metric.Name, m.External.Current
	}
	return "", autoscaling.MetricValueStatus{}
}

func pods(ctx context.Context, client kubernetes.Interface, emit sink) error {
	all, err := client.CoreV1().Pods("").List(ctx, cached)
	if err != nil {
		return err
	}
	for _, p := range all.Items {
		pod(p, emit)
	}
	return nil
}

func pod(p core.Pod, emit sink) {
	of := []string{"namespace", p.Namespace, "pod", p.Name, "uid", string(p.UID)}
	for _, c := range p.Spec.Containers {
		for name, quantity := range c.Resources.Requests {
			labels := append(of[:6:6], "container", c.Name, "node", p.Spec.NodeName, "resource", labelled(name), "unit", unit(name))
			emit.gauge("kube_pod_container_resource_requests", quantity.AsApproximateFloat64(), labels...)
		}
	}
	for _, s := range p.Status.ContainerStatuses {
		emit.counter("kube_pod_container_status_restarts_total", float64(s.RestartCount), append(of[:6:6], "container", s.Name)...)
	}
	for _, c := range p.Status.Conditions {
		if c.Type == core.PodScheduled && c.Status == core.ConditionFalse && c.Reason == core.PodReasonUnschedulable {
			emit.gauge("kube_pod_status_unschedulable", 1, of...)
		}
	}
}

var notLabel = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// labelled is a resource's name as a label has it: ephemeral_storage.
func labelled(name core.ResourceName) string { return notLabel.ReplaceAllString(string(name), "_") }

func unit(name core.ResourceName) string {
	switch {
	case name == core.ResourceCPU:
		return "core"
	case name == core.ResourceMemory, name == core.ResourceStorage, name == core.ResourceEphemeralStorage,
		strings.HasPrefix(string(name), core.ResourceHugePagesPrefix):
		return "byte"
	}
	return "integer"
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
