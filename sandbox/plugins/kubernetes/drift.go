package kubernetes

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	k8sresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Read answers with the live object. Its inputs are the fields the program set, with the values they have now: what
// the server defaulted or a controller added is not drift, what somebody changed is.
func (p *provider) Read(ctx context.Context, r plugin.ReadRequest) (plugin.ReadResponse, error) {
	if isRelease(r.URN) {
		return p.readRelease(ctx, r)
	}
	known := r.State
	if len(known) == 0 {
		known = r.Inputs
	}
	if len(known) == 0 {
		return plugin.ReadResponse{}, errors.New("import needs apiVersion and kind, which only the program's declaration has: declare the object and run up")
	}
	u, client, err := p.clientFor(known)
	if meta.IsNoMatchError(errors.Unwrap(err)) {
		return plugin.ReadResponse{}, nil
	}
	if err != nil {
		return plugin.ReadResponse{}, err
	}
	_, name := splitID(r.ID)
	if name == "" {
		name = u.GetName()
	}
	live, err := client.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return plugin.ReadResponse{}, nil
	}
	if err != nil {
		return plugin.ReadResponse{}, err
	}
	inputs, err := currentInputs(live, r.Inputs)
	if err != nil {
		return plugin.ReadResponse{}, err
	}
	out, err := properties(live, inputs)
	if err != nil {
		return plugin.ReadResponse{}, err
	}
	return plugin.ReadResponse{ReadResult: plugin.ReadResult{ID: r.ID, Inputs: inputs, Outputs: out}, Status: resource.StatusOK}, nil
}

func currentInputs(live *unstructured.Unstructured, old resource.PropertyMap) (resource.PropertyMap, error) {
	o, err := object(old)
	if err != nil {
		return nil, err
	}
	now := project(foldStringData(o.Object, live.Object), live.Object)
	m, ok := now.(map[string]any)
	if !ok {
		return nil, errors.New("the live object is no object")
	}
	in, err := properties(&unstructured.Unstructured{Object: m}, old)
	if err != nil {
		return nil, err
	}
	for k, v := range old { // the engine's own bookkeeping
		if _, ok := in[k]; !ok && len(k) > 2 && k[:2] == "__" {
			in[k] = v
		}
	}
	return in, nil
}

// project gives every leaf of set the value it has in live; what live lacks is left out, and that is a difference.
func project(set, live any) any {
	switch s := set.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return live
		}
		out := map[string]any{}
		for k, v := range s {
			if lv, ok := l[k]; ok {
				out[k] = project(v, lv)
			} else if empty(v) {
				out[k] = v // the server drops empty values
			}
		}
		return out
	case []any:
		l, ok := live.([]any)
		if !ok {
			return live
		}
		return projectList(s, l)
	}
	if sameScalar(set, live) {
		return set
	}
	return live
}

// projectList matches elements by name where they have one: controllers append (a sidecar, a finalizer) and that is
// not drift of the elements declared. Lists of plain values are compared whole.
func projectList(set, live []any) []any {
	out := make([]any, 0, len(set))
	for i, s := range set {
		if l, ok := sibling(s, i, live); ok {
			out = append(out, project(s, l))
		}
	}
	if len(live) > len(set) && !named(set) {
		out = append(out, live[len(set):]...)
	}
	return out
}

func named(l []any) bool { return len(l) > 0 && nameOf(l[0]) != "" }

func nameOf(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	n, ok := m["name"].(string)
	if !ok {
		return ""
	}
	return n
}

func sibling(s any, i int, live []any) (any, bool) {
	if name := nameOf(s); name != "" {
		for _, l := range live {
			if nameOf(l) == name {
				return l, true
			}
		}
		return nil, false
	}
	if i < len(live) {
		return live[i], true
	}
	return nil, false
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case int64:
		return v == 0
	case map[string]any:
		for _, e := range v {
			if !empty(e) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	}
	return false
}

// sameScalar: the server writes quantities in their canonical form (1000m becomes 1).
func sameScalar(a, b any) bool {
	if equality.Semantic.DeepEqual(a, b) {
		return true
	}
	as, aok := quantity(a)
	bs, bok := quantity(b)
	return aok && bok && as.Cmp(bs) == 0
}

func quantity(v any) (k8sresource.Quantity, bool) {
	s, ok := v.(string)
	if !ok {
		if n, isInt := v.(int64); isInt {
			return *k8sresource.NewQuantity(n, k8sresource.DecimalSI), true
		}
		return k8sresource.Quantity{}, false
	}
	q, err := k8sresource.ParseQuantity(s)
	return q, err == nil
}

// foldStringData: a Secret's stringData is written only; it is unchanged when data says the same.
func foldStringData(set, live map[string]any) map[string]any {
	sd, ok := set["stringData"].(map[string]any)
	if !ok || set["kind"] != "Secret" {
		return set
	}
	data, ok := live["data"].(map[string]any)
	if !ok {
		return set
	}
	back := map[string]any{}
	for k, v := range sd {
		enc, isText := data[k].(string)
		if !isText {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(enc)
		if s, isString := v.(string); err == nil && isString && bytes.Equal(raw, []byte(s)) {
			back[k] = s
		} else if err == nil {
			back[k] = string(raw)
		}
	}
	live["stringData"] = back
	return set
}
