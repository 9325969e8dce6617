package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// A release is recorded where Helm records it, in a Secret sh.helm.release.v1.<name>.v<revision> of its namespace, so
// that it is found again, drifts when somebody removes it, and shows in `kubectl get secret -l owner=helm`.
const releaseSecretType = "helm.sh/release.v1"

var secrets = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}

func nameRelease(r plugin.CheckRequest) resource.PropertyMap {
	news := r.News.Copy()
	if v := news["name"]; v.IsNull() {
		news["name"] = resource.NewStringProperty(stableName(text(r.Olds, "name"), r))
	}
	return news
}

// checkRelease refuses what the sandbox cannot run, and what would not be the same release tomorrow.
func checkRelease(in resource.PropertyMap) []plugin.CheckFailure {
	var out []plugin.CheckFailure
	if v := reveal(in["version"]); !v.IsComputed() && (!v.IsString() || v.StringValue() == "") {
		out = append(out, plugin.CheckFailure{Property: "version", Reason: "version is not set: pin the chart"})
	}
	name := reveal(in["chart"])
	if !name.IsString() {
		if !name.IsComputed() {
			out = append(out, plugin.CheckFailure{Property: "chart", Reason: "chart is not set"})
		}
		return out
	}
	c, ok := charts[name.StringValue()]
	if !ok {
		return append(out, plugin.CheckFailure{Property: "chart", Reason: fmt.Sprintf(
			"chart is %q, for which the sandbox has no controller: it knows %v", name.StringValue(), chartNames())})
	}
	if reveal(in["values"]).IsComputed() {
		return out
	}
	for _, m := range c.missing(valuesOf(in)) {
		out = append(out, plugin.CheckFailure{Property: "values", Reason: fmt.Sprintf("%s is not set, which chart %s needs", m, name.StringValue())})
	}
	return out
}

func valuesOf(in resource.PropertyMap) resource.PropertyMap {
	if v := reveal(in["values"]); v.IsObject() {
		return v.ObjectValue()
	}
	return resource.PropertyMap{}
}

// releaseObjects are the objects of the chart's stand-in.
func (p *provider) releaseObjects(in resource.PropertyMap) ([]*unstructured.Unstructured, error) {
	tools, err := layout.New("/") // the environment names the folder
	if err != nil {
		return nil, err
	}
	name := text(in, "chart")
	objects, err := charts[name].objects(release{namespace: p.releaseNamespace(in), values: valuesOf(in), tools: tools})
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", name, err)
	}
	if skip := reveal(in["skipCrds"]); skip.IsBool() && skip.BoolValue() {
		objects = slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == "CustomResourceDefinition" })
	}
	return objects, nil
}

func (p *provider) createRelease(ctx context.Context, r plugin.CreateRequest) (plugin.CreateResponse, error) {
	ctx, cancel := p.waitContext(ctx, r.Timeout)
	defer cancel()
	out, err := p.installRelease(ctx, r.URN, r.Properties, r.Timeout)
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	id := p.releaseNamespace(r.Properties) + "/" + text(r.Properties, "name")
	return plugin.CreateResponse{ID: resource.ID(id), Properties: out, Status: resource.StatusOK}, nil
}

func (p *provider) updateRelease(ctx context.Context, r plugin.UpdateRequest) (plugin.UpdateResponse, error) {
	ctx, cancel := p.waitContext(ctx, r.Timeout)
	defer cancel()
	out, err := p.installRelease(ctx, r.URN, r.NewInputs, r.Timeout)
	return plugin.UpdateResponse{Properties: out, Status: resource.StatusOK}, err
}

// installRelease applies the objects of the chart's stand-in, waits for them, and records the release.
func (p *provider) installRelease(ctx context.Context, urn resource.URN, in resource.PropertyMap, seconds float64) (resource.PropertyMap, error) {
	c, err := p.connected()
	if err != nil {
		return nil, err
	}
	objects, err := p.releaseObjects(in)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		live, err := c.applyObject(ctx, o, manager(urn))
		if err != nil {
			return nil, fmt.Errorf("chart %s: %w", text(in, "chart"), err)
		}
		if _, err := p.await(ctx, urn, live, seconds); err != nil {
			return nil, fmt.Errorf("chart %s: %w", text(in, "chart"), err)
		}
	}
	if _, err := c.applyObject(ctx, p.releaseRecord(in), manager(urn)); err != nil {
		return nil, err
	}
	return p.releaseOutputs(in, objects), nil
}

func (c *cluster) applyObject(ctx context.Context, o *unstructured.Unstructured, owner string) (*unstructured.Unstructured, error) {
	client, err := c.resourceFor(o, o.GetNamespace())
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(o.Object)
	if err != nil {
		return nil, err
	}
	force := true
	return client.Patch(ctx, o.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: owner, Force: &force})
}

func (p *provider) releaseNamespace(in resource.PropertyMap) string {
	if ns := text(in, "namespace"); ns != "" {
		return ns
	}
	return p.namespace
}

func recordName(release string) string { return "sh.helm.release.v1." + release + ".v1" }

func (p *provider) releaseRecord(in resource.PropertyMap) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": releaseSecretType,
		"metadata": map[string]any{
			"name": recordName(text(in, "name")), "namespace": p.releaseNamespace(in),
			"labels": map[string]any{"owner": "helm", "name": text(in, "name"), "status": "deployed", "version": "1"},
		},
		"stringData": map[string]any{"chart": text(in, "chart"), "version": text(in, "version")},
	}}
}

func (p *provider) releaseOutputs(in resource.PropertyMap, objects []*unstructured.Unstructured) resource.PropertyMap {
	s := resource.NewStringProperty
	out := in.Copy()
	out["status"] = resource.NewObjectProperty(resource.PropertyMap{
		"name": s(text(in, "name")), "namespace": s(p.releaseNamespace(in)), "chart": s(text(in, "chart")),
		"version": s(text(in, "version")), "revision": resource.NewNumberProperty(1), "status": s("deployed"),
	})
	names := resource.PropertyMap{}
	for _, o := range objects {
		kind := resource.PropertyKey(o.GetKind() + "." + o.GetAPIVersion())
		var list []resource.PropertyValue
		if names[kind].IsArray() {
			list = names[kind].ArrayValue()
		}
		names[kind] = resource.NewArrayProperty(append(list, s(o.GetName())))
	}
	out["resourceNames"] = resource.NewObjectProperty(names)
	return out
}

func (p *provider) readRelease(ctx context.Context, r plugin.ReadRequest) (plugin.ReadResponse, error) {
	c, err := p.connected()
	if err != nil {
		return plugin.ReadResponse{}, err
	}
	ns, name := splitID(r.ID)
	_, err = c.dynamic.Resource(secrets).Namespace(ns).Get(ctx, recordName(name), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return plugin.ReadResponse{}, nil
	}
	if err != nil {
		return plugin.ReadResponse{}, err
	}
	return plugin.ReadResponse{ReadResult: plugin.ReadResult{ID: r.ID, Inputs: r.Inputs, Outputs: r.State}, Status: resource.StatusOK}, nil
}

// deleteRelease removes the chart's objects, the last made first, and the record. Custom resource definitions go too: Helm would keep them,
// but in the sandbox a cluster outlives no release's definitions.
func (p *provider) deleteRelease(ctx context.Context, r plugin.DeleteRequest) error {
	c, err := p.connected()
	if err != nil {
		return err
	}
	ctx, cancel := p.waitContext(ctx, r.Timeout)
	defer cancel()
	objects, err := p.releaseObjects(r.Inputs)
	if err != nil {
		return err
	}
	for _, o := range slices.Backward(append([]*unstructured.Unstructured{p.releaseRecord(r.Inputs)}, objects...)) {
		client, err := c.resourceFor(o, o.GetNamespace())
		if err != nil {
			return err
		}
		err = client.Delete(ctx, o.GetName(), metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		if err := awaitGone(ctx, client, o); err != nil {
			return err
		}
	}
	return nil
}
