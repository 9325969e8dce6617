package kubernetes

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func secondsToDuration(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// reveal returns what a secret or an output holds.
func reveal(v resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput() && v.OutputValue().Known:
			v = v.OutputValue().Element
		default:
			return v
		}
	}
}

// object turns known inputs into the manifest they are.
func object(in resource.PropertyMap) (*unstructured.Unstructured, error) {
	m := map[string]any{}
	for k, v := range in {
		if strings.HasPrefix(string(k), "__") {
			continue
		}
		plain, err := plainValue(string(k), v)
		if err != nil {
			return nil, err
		}
		if plain != nil {
			m[string(k)] = plain
		}
	}
	u := &unstructured.Unstructured{Object: m}
	if u.GetKind() == "" || u.GetAPIVersion() == "" {
		return nil, fmt.Errorf("apiVersion and kind are %q and %q, want both", u.GetAPIVersion(), u.GetKind())
	}
	return u, nil
}

func plainValue(path string, v resource.PropertyValue) (any, error) {
	v = reveal(v)
	switch {
	case v.IsNull():
		return nil, nil
	case v.IsBool():
		return v.BoolValue(), nil
	case v.IsString():
		return v.StringValue(), nil
	case v.IsNumber():
		return plainNumber(v.NumberValue()), nil
	case v.IsArray():
		return plainList(path, v.ArrayValue())
	case v.IsObject():
		return plainMap(path, v.ObjectValue())
	}
	return nil, fmt.Errorf("%s is %s, want a plain value", path, v.TypeString())
}

// plainNumber: the API server tells integers from floats, Pulumi's wire format does not.
func plainNumber(n float64) any {
	if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		return int64(n)
	}
	return n
}

func plainList(path string, l []resource.PropertyValue) (any, error) {
	out := make([]any, 0, len(l))
	for i, e := range l {
		p, err := plainValue(fmt.Sprintf("%s[%d]", path, i), e)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func plainMap(path string, m resource.PropertyMap) (any, error) {
	out := make(map[string]any, len(m))
	for k, e := range m {
		p, err := plainValue(path+"."+string(k), e)
		if err != nil {
			return nil, err
		}
		if p != nil {
			out[string(k)] = p
		}
	}
	return out, nil
}

// properties turns a live object into outputs. What was secret in the inputs stays secret.
func properties(u *unstructured.Unstructured, inputs resource.PropertyMap) (resource.PropertyMap, error) {
	c := u.DeepCopy()
	unstructured.RemoveNestedField(c.Object, "metadata", "managedFields")
	raw, err := json.Marshal(c.Object)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	out := resource.NewPropertyMapFromMap(m)
	keepSecret(inputs, out)
	if u.GetKind() == "Secret" {
		for _, k := range []resource.PropertyKey{"data", "stringData"} {
			if v, ok := out[k]; ok && !v.IsSecret() {
				out[k] = resource.MakeSecret(v)
			}
		}
	}
	return out, nil
}

// keepSecret marks in to what is secret in from.
func keepSecret(from, to resource.PropertyMap) {
	for k, f := range from {
		if t, ok := to[k]; ok {
			to[k] = secretLike(f, t)
		}
	}
}

func secretLike(from, to resource.PropertyValue) resource.PropertyValue {
	switch {
	case to.IsSecret():
		return to
	case from.IsSecret() || from.IsOutput() && from.OutputValue().Secret:
		return resource.MakeSecret(to)
	case from.IsObject() && to.IsObject():
		keepSecret(from.ObjectValue(), to.ObjectValue())
	case from.IsArray() && to.IsArray():
		f, t := from.ArrayValue(), to.ArrayValue()
		for i := range min(len(f), len(t)) {
			t[i] = secretLike(f[i], t[i])
		}
	}
	return to
}

func hasUnknowns(m resource.PropertyMap) bool {
	return resource.NewObjectProperty(m).ContainsUnknowns()
}

// text returns the string at path, or "".
func text(m resource.PropertyMap, path ...string) string {
	v := resource.NewObjectProperty(m)
	for _, k := range path {
		v = reveal(v)
		if !v.IsObject() {
			return ""
		}
		v = v.ObjectValue()[resource.PropertyKey(k)]
	}
	if v = reveal(v); v.IsString() {
		return v.StringValue()
	}
	return ""
}
