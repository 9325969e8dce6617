package statemetrics

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// customFileForm is the CustomResourceStateMetrics configuration, as far as it is played here: gauges.
// Source: https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/extend/customresourcestate-metrics.md
type customFileForm struct {
	Spec struct {
		Resources []customResource `json:"resources"`
	} `json:"spec"`
}

type customResource struct {
	GVK struct {
		Group   string `json:"group"`
		Version string `json:"version"`
		Kind    string `json:"kind"`
	} `json:"groupVersionKind"`
	Prefix string              `json:"metricNamePrefix"` // default kube_customresource
	Labels map[string][]string `json:"labelsFromPath"`
	Common map[string]string   `json:"commonLabels"`
	Gauges []customGauge       `json:"metrics"`
}

type customGauge struct {
	Name   string            `json:"name"`
	Common map[string]string `json:"commonLabels"`
	Each   struct {
		Gauge struct {
			Path   []string            `json:"path"`
			Value  []string            `json:"valueFrom"`
			Labels map[string][]string `json:"labelsFromPath"`
		} `json:"gauge"`
	} `json:"each"`
}

func (r customResource) list(ctx context.Context, client dynamic.Interface, emit sink) error {
	plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Group: r.GVK.Group, Version: r.GVK.Version, Kind: r.GVK.Kind})
	all, err := client.Resource(plural).List(ctx, cached)
	if err != nil {
		return err
	}
	prefix := "kube_customresource"
	if r.Prefix != "" {
		prefix = r.Prefix
	}
	for _, o := range all.Items {
		labels := append(constant(r.Common), constant(map[string]string{
			"customresource_group": r.GVK.Group, "customresource_version": r.GVK.Version, "customresource_kind": r.GVK.Kind,
		})...)
		labels = append(labels, at(o.Object, r.Labels)...)
		for _, g := range r.Gauges {
			g.emit(o, prefix+"_"+g.Name, append(labels[:len(labels):len(labels)], constant(g.Common)...), emit)
		}
	}
	return nil
}

// emit sends one gauge for each element at the path, or for the one thing there. What has no number there is left out.
func (g customGauge) emit(o unstructured.Unstructured, name string, labels []string, emit sink) {
	there, found, err := unstructured.NestedFieldNoCopy(o.Object, g.Each.Gauge.Path...)
	if err != nil || !found {
		return
	}
	elements, many := there.([]any)
	if !many {
		elements = []any{there}
	}
	for _, e := range elements {
		object, ok := e.(map[string]any)
		if !ok {
			continue
		}
		if v, ok := number(object, g.Each.Gauge.Value); ok {
			emit.gauge(name, v, append(labels[:len(labels):len(labels)], at(object, g.Each.Gauge.Labels)...)...)
		}
	}
}

// number reads a number, or a quantity in Kubernetes' form.
func number(object map[string]any, path []string) (float64, bool) {
	v, found, err := unstructured.NestedFieldNoCopy(object, path...)
	if err != nil || !found {
		return 0, false
	}
	q, err := resource.ParseQuantity(fmt.Sprint(v))
	return q.AsApproximateFloat64(), err == nil
}

func constant(labels map[string]string) []string {
	var out []string
	for name, value := range labels {
		out = append(out, name, value)
	}
	return out
}

// at are the labels whose values stand at paths of an object.
func at(object map[string]any, labels map[string][]string) []string {
	var out []string
	for name, path := range labels {
		v, found, err := unstructured.NestedFieldNoCopy(object, path...)
		if err == nil && found {
			out = append(out, strings.ReplaceAll(name, ".", "_"), fmt.Sprint(v))
		}
	}
	return out
}
