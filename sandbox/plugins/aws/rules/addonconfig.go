package rules

import (
	_ "embed"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

//go:embed addonconfig.txt
var addonConfigTable string

// addonKeys are the types of an add-on's configuration by path: "autoScaling.enabled" is a boolean.
type addonKeys map[string]string

var addonConfigs = readAddonConfigs(addonConfigTable)

func readAddonConfigs(table string) map[string]addonKeys {
	out := map[string]addonKeys{}
	for line := range strings.Lines(table) {
		columns := strings.Fields(line)
		if len(columns) != 3 || columns[0] == "#" {
			continue
		}
		if out[columns[0]] == nil {
			out[columns[0]] = addonKeys{}
		}
		out[columns[0]][columns[1]] = columns[2]
	}
	return out
}

// addonConfiguration holds configurationValues, JSON or YAML, against the add-on's own keys. EKS answers what is unknown
// with InvalidParameterException (https://github.com/awsdocs/amazon-eks-user-guide/pull/768 ; read 2026-11-30).
func addonConfiguration(c *check) {
	text, ok := props.String(c.Inputs, "configurationValues")
	if !ok || strings.TrimSpace(text) == "" {
		return
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
		c.fail("configurationValues", "is neither a JSON nor a YAML object: %v", err)
		return
	}
	keys, known := addonConfigs[c.str("addonName")]
	if !known {
		return
	}
	for _, fault := range keys.faults("", values) {
		c.fail("configurationValues", "%s", fault)
	}
}

// faults are what the add-on does not take of an object at a path, in order.
func (k addonKeys) faults(path string, object map[string]any) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at, value := path+name, object[name]
		want, ok := k[at]
		if !ok {
			want, ok = k[path+"*"]
		}
		inner, isObject := value.(map[string]any)
		switch {
		case ok && !ofType(value, want):
			out = append(out, fmt.Sprintf("has %v at %s, want a value of type %s", value, at, want))
		case ok:
		case isObject && len(k.below(at+".")) > 0:
			out = append(out, k.faults(at+".", inner)...)
		case len(k.below(at+".")) > 0:
			out = append(out, fmt.Sprintf("has %v at %s, want an object", value, at))
		default:
			out = append(out, fmt.Sprintf("has %s, which the add-on's schema does not define%s", at, schema.DidYouMean(name, k.below(path))))
		}
	}
	return out
}

// below are the names directly below a path that ends in a dot.
func (k addonKeys) below(path string) []string {
	names := map[string]bool{}
	for key := range k {
		if rest, ok := strings.CutPrefix(key, path); ok {
			name, _, _ := strings.Cut(rest, ".")
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func ofType(value any, want string) bool {
	if want == "any" {
		return true
	}
	switch v := value.(type) {
	case string:
		return want == "string" || want == "boolean-string" && (v == "true" || v == "false")
	case bool:
		return want == "boolean"
	case float64:
		return want == "integer" && v == math.Trunc(v)
	case []any:
		return want == "array"
	}
	return false
}
