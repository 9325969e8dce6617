package kubernetes

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

//go:embed kube-state-metrics.yaml
var stateMetricsManifest string

//go:embed cluster-autoscaler.yaml
var nodeScalerManifest string

// stateMetricsKinds are the collectors that are played, with their API group.
var stateMetricsKinds = map[string]string{"deployments": "apps", "horizontalpodautoscalers": "autoscaling", "pods": ""}

// stateMetrics runs with the rights that the real chart would give it: those of its collectors, and the extra ones.
func stateMetrics(r release) ([]*unstructured.Unstructured, error) {
	kinds := []string{"deployments", "horizontalpodautoscalers", "pods"}
	if wanted, err := r.list("collectors"); err != nil {
		return nil, err
	} else if wanted != nil {
		kinds = slices.DeleteFunc(kinds, func(k string) bool { return !slices.Contains(wanted, any(k)) })
	}
	rules := []any{}
	for _, k := range kinds {
		rules = append(rules, map[string]any{
			"apiGroups": []string{stateMetricsKinds[k]}, "resources": []string{k}, "verbs": []string{"list", "watch"},
		})
	}
	extra, err := r.list("rbac.extraRules")
	if err != nil {
		return nil, err
	}
	config := any(map[string]any{})
	if on := at(r.values, "customResourceState.enabled"); on.IsBool() && on.BoolValue() {
		if config, err = plainValue("values.customResourceState.config", at(r.values, "customResourceState.config")); err != nil {
			return nil, err
		}
	}
	inner, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	return r.fill(stateMetricsManifest, "", []string{"priorityClassName", "nodeSelector", "tolerations", "resources"}, map[string]any{
		"Name": r.name("kube-state-metrics"), "Resources": strings.Join(kinds, ","), "Rules": append(rules, extra...), "Config": string(inner),
	})
}

// nodeScaler runs as the service account that the program names.
func nodeScaler(r release) ([]*unstructured.Unstructured, error) {
	account := "cluster-autoscaler"
	if v := at(r.values, "rbac.serviceAccount.name"); v.IsString() {
		account = v.StringValue()
	}
	return r.fill(nodeScalerManifest, "", []string{"priorityClassName", "nodeSelector", "tolerations", "resources"}, map[string]any{
		"Name": r.name("cluster-autoscaler"), "Account": account,
	})
}

// name is what the objects of the chart are called.
func (r release) name(chart string) string {
	if v := at(r.values, "fullnameOverride"); v.IsString() && v.StringValue() != "" {
		return v.StringValue()
	}
	return chart
}

// list is the value at a path, nil where there is none.
func (r release) list(path string) ([]any, error) {
	v := at(r.values, path)
	if v.IsNull() {
		return nil, nil
	}
	plain, err := plainValue("values."+path, v)
	if err != nil {
		return nil, err
	}
	out, ok := plain.([]any)
	if !ok {
		return nil, fmt.Errorf("values.%s is no list", path)
	}
	return out, nil
}

// fill makes the objects of a manifest, whose fields get data in JSON's form, and gives the Deployment its values.
func (r release) fill(manifest, below string, settings []string, data map[string]any) ([]*unstructured.Unstructured, error) {
	t, err := template.New("chart").Parse(manifest)
	if err != nil {
		return nil, err
	}
	data["Namespace"] = r.namespace
	for _, field := range []string{"Rules", "Config"} {
		raw, err := json.Marshal(data[field])
		if err != nil {
			return nil, err
		}
		data[field] = string(raw)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, data); err != nil {
		return nil, err
	}
	objects, err := decode(text.Bytes())
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if o.GetKind() == "Deployment" {
			err = r.configure(o, below, settings)
		}
	}
	return objects, err
}
