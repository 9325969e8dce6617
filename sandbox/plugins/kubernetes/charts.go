package kubernetes

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/template"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// chart is what the sandbox runs in place of a Helm chart.
type chart struct {
	// required are values without which the real chart installs nothing that works: a path, or several of which one will do.
	required [][]string
	// objects are what programs rely on, in the order in which they can be made.
	objects func(release) ([]*unstructured.Unstructured, error)
}

// release is what a chart is installed with.
type release struct {
	namespace string
	values    resource.PropertyMap
	tools     layout.Layout
}

// charts by chart name.
//
// aws-load-balancer-controller: the part of it that this kind of program uses, binding pods to target groups, is played
// by the sandbox's own service network, which watches TargetGroupBindings; here comes the kind.
//
// vertical-pod-autoscaler: the real recommender runs, so that recommendations appear. Updater and admission controller
// do not: a VerticalPodAutoscaler changes no pod here, whatever its mode.
//
// cluster-autoscaler, kube-state-metrics: neither can be had as a Go module, both are played. The first looks at nodes and pods
// and scales nothing: what it would drive are autoscaling groups, and a sandbox's node groups have their desired size. Source of
// what its chart needs: the README of https://github.com/kubernetes/autoscaler/tree/master/charts/cluster-autoscaler ; read
// 2026-11-24.
var charts = map[string]chart{
	"aws-load-balancer-controller": {required: [][]string{{"clusterName"}}, objects: fixed(targetGroupBinding)},
	"vertical-pod-autoscaler":      {objects: verticalAutoscaler},
	"kube-state-metrics":           {objects: stateMetrics},
	"cluster-autoscaler": {
		required: [][]string{{"autoDiscovery.clusterName", "autoscalingGroups"}, {"awsRegion"}, {"rbac.serviceAccount.name"}},
		objects:  nodeScaler,
	},
}

//go:embed targetgroupbinding.yaml
var targetGroupBinding []byte

func chartNames() []string {
	var out []string
	for n := range charts {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// fixed is a manifest that is the same for every release.
func fixed(manifest []byte) func(release) ([]*unstructured.Unstructured, error) {
	return func(release) ([]*unstructured.Unstructured, error) { return decode(manifest) }
}

// decode reads a manifest of any number of objects.
func decode(manifest []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		var m map[string]any
		err := dec.Decode(&m)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if len(m) > 0 {
			out = append(out, &unstructured.Unstructured{Object: m})
		}
	}
}

// missing lists what a chart needs and values lack.
func (c chart) missing(values resource.PropertyMap) []string {
	var out []string
	for _, oneOf := range c.required {
		given := func(path string) bool { return !reveal(at(values, path)).IsNull() }
		if !slices.ContainsFunc(oneOf, given) {
			out = append(out, "values."+strings.Join(oneOf, " or values."))
		}
	}
	return out
}

// at is the value at a path of names, null where there is none; what is yet unknown on the way is unknown.
func at(m resource.PropertyMap, path string) resource.PropertyValue {
	first, rest, deeper := strings.Cut(path, ".")
	v := reveal(m[resource.PropertyKey(first)])
	switch {
	case !deeper || v.IsComputed():
		return v
	case !v.IsObject():
		return resource.NewNullProperty()
	}
	return at(v.ObjectValue(), rest)
}

// vpaDefinitions is the file of the tools folder that holds the kinds, as the recommender's module has them.
const vpaDefinitions = "vpa-crds.yaml"

//go:embed vertical-pod-autoscaler.yaml
var vpaRecommender []byte

// verticalAutoscaler installs the kinds and the recommender, with the values that decide where and how it runs. It has
// one pod, whatever values say: a second one would only wait for the first one's lease.
func verticalAutoscaler(r release) ([]*unstructured.Unstructured, error) {
	out, err := verticalDefinitions(r.tools)
	if err != nil {
		return nil, err
	}
	if on := at(r.values, "recommender.enabled"); on.IsBool() && !on.BoolValue() {
		return out, nil
	}
	parts, err := decode(vpaRecommender)
	if err != nil {
		return nil, err
	}
	for _, o := range parts {
		if err := r.adapt(o); err != nil {
			return nil, err
		}
	}
	return append(out, parts...), nil
}

// verticalDefinitions are the kinds of the vertical autoscaler.
func verticalDefinitions(tools layout.Layout) ([]*unstructured.Unstructured, error) {
	raw, err := os.ReadFile(tools.Tool(vpaDefinitions))
	if err != nil {
		return nil, fmt.Errorf("its kinds: %w: run `make build`", err)
	}
	out, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tools.Tool(vpaDefinitions), err)
	}
	return out, nil
}

// adapt puts an object of the recommender into the release's namespace and gives the Deployment its values.
func (r release) adapt(o *unstructured.Unstructured) error {
	switch o.GetKind() {
	case "ClusterRole":
		return nil
	case "ClusterRoleBinding":
		subjects := []any{map[string]any{"kind": "ServiceAccount", "name": o.GetName(), "namespace": r.namespace}}
		return unstructured.SetNestedSlice(o.Object, subjects, "subjects")
	}
	o.SetNamespace(r.namespace)
	if o.GetKind() != "Deployment" {
		return nil
	}
	return r.configure(o, "recommender.", []string{"priorityClassName", "nodeSelector", "tolerations", "resources", "extraArgs"})
}

// configure gives the Deployment the values that decide where and how its pod runs: those of settings, which stand below a path.
func (r release) configure(deployment *unstructured.Unstructured, below string, settings []string) error {
	pod, _, err := unstructured.NestedMap(deployment.Object, "spec", "template", "spec")
	if err != nil {
		return err
	}
	container, ok := pod["containers"].([]any)[0].(map[string]any)
	if !ok {
		return errors.New("the pod has no container")
	}
	for _, name := range settings {
		path := below + name
		v := at(r.values, path)
		if v.IsNull() {
			continue
		}
		plain, err := plainValue("values."+path, v)
		switch {
		case err != nil:
		case name == "extraArgs":
			err = appendArgs(container, plain)
		case name == "resources":
			container[name] = plain
		default:
			pod[name] = plain
		}
		if err != nil {
			return fmt.Errorf("values.%s: %w", path, err)
		}
	}
	return unstructured.SetNestedMap(deployment.Object, pod, "spec", "template", "spec")
}

// appendArgs puts the program's flags after the sandbox's own: the last one holds.
func appendArgs(container map[string]any, flags any) error {
	list, ok := flags.([]any)
	if !ok {
		return errors.New("is no list, want flags such as --pod-recommendation-min-memory-mb=50")
	}
	own, ok := container["args"].([]any)
	if !ok {
		return errors.New("the recommender has no flags to add to")
	}
	container["args"] = append(own, list...)
	return nil
}

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
