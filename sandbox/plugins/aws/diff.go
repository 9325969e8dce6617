package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/outputs"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/readback"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/rules"
)

// change is one difference between two sets of inputs.
type change struct {
	path string // "scalingConfig.minSize", "subnetIds[0]"
	kind plugin.DiffKind
}

func (c change) top() resource.PropertyKey {
	return resource.PropertyKey(c.path[:len(c.path)-len(strings.TrimLeft(c.path, letters))])
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-$"

// Diff compares the inputs. After a refresh the old ones are those that Read found, so that drift shows here; what AWS
// answers otherwise than it was sent shows without one.
func (p *Provider) Diff(_ context.Context, r plugin.DiffRequest) (plugin.DiffResponse, error) {
	token := string(r.Type)
	want, err := p.resourceType(token)
	if err != nil {
		return plugin.DiffResult{}, err
	}
	result := plugin.DiffResult{Changes: plugin.DiffNone, DetailedDiff: map[string]plugin.PropertyDiff{}}
	for _, c := range compare(readback.Old(token, want, r.OldInputs, r.OldOutputs, r.NewInputs), r.NewInputs) {
		if ignored(r.IgnoreChanges, c.path) || readback.Same(token, c.top(), r.OldOutputs, r.NewInputs) {
			continue
		}
		d := plugin.PropertyDiff{Kind: c.kind, InputDiff: true}
		prop, _ := want.Inputs.Get(string(c.top()))
		if prop.ForceNew || rules.Replaces(token, indexFree(c.path)) {
			d.Kind = d.Kind.AsReplace()
			result.ReplaceKeys = append(result.ReplaceKeys, c.top())
		}
		result.Changes = plugin.DiffSome
		result.DetailedDiff[c.path] = d
		result.ChangedKeys = append(result.ChangedKeys, c.top())
	}
	if len(result.ReplaceKeys) == 0 {
		result.StableKeys = []resource.PropertyKey{"arn", "id"}
	} else {
		result.DeleteBeforeReplace = p.sameIdentity(token, r)
	}
	return result, nil
}

// sameIdentity says whether old and new could not exist side by side: the name is the program's own and stays, or the
// id follows from inputs that stay.
func (p *Provider) sameIdentity(token string, r plugin.DiffRequest) bool {
	n := outputs.NamingOf(p.schema, token).Property
	if n != "" {
		if slices.Contains(props.Strings(r.NewInputs, defaultsKey), n) {
			return false // a replacement gets a name of its own
		}
		name, known := props.String(r.NewInputs, n)
		if known && name == props.Str(r.OldInputs, n) {
			return true
		}
	}
	if !outputs.ByInputs(token) || r.NewInputs.ContainsUnknowns() {
		return false
	}
	return p.maker(token, r.URN, p.settings().region, 0, r.NewInputs).ID() == string(r.ID)
}

// ignored says whether a path is at or below one of those that ignoreChanges names; * stands for any step.
func ignored(patterns []string, path string) bool {
	for _, pattern := range patterns {
		want, err := resource.ParsePropertyPath(pattern)
		if err != nil {
			continue
		}
		got, err := resource.ParsePropertyPath(path)
		if err == nil && want.Contains(got) {
			return true
		}
	}
	return false
}

// indexFree removes list indices: "ingress[0].cidrBlocks[1]" is "ingress.cidrBlocks".
func indexFree(path string) string {
	var b strings.Builder
	depth := 0
	for _, r := range path {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// compare returns the differences between two property maps in order of path. Null, an empty list and an empty map
// are the same as nothing; a known value that becomes unknown is a change, so that a preview shows what depends on a
// replacement.
func compare(old, new resource.PropertyMap) []change {
	var out []change
	compareObjects("", old, new, &out)
	slices.SortFunc(out, func(a, b change) int { return strings.Compare(a.path, b.path) })
	return out
}

func compareObjects(path string, old, new resource.PropertyMap, out *[]change) {
	keys := map[resource.PropertyKey]bool{}
	for k := range maps.Keys(old) {
		keys[k] = true
	}
	for k := range maps.Keys(new) {
		keys[k] = true
	}
	for k := range keys {
		if strings.HasPrefix(string(k), "__") {
			continue
		}
		compareValues(step(path, string(k)), old[k], new[k], out)
	}
}

func step(path, key string) string {
	switch {
	case strings.ContainsAny(key, `.[]"`):
		return fmt.Sprintf("%s[%q]", path, key)
	case path == "":
		return key
	}
	return path + "." + key
}

func compareValues(path string, old, new resource.PropertyValue, out *[]change) {
	o, oldKnown := props.Plain(old)
	n, newKnown := props.Plain(new)
	switch {
	case !newKnown && !oldKnown: // nothing to say
	case !newKnown && empty(o):
		*out = append(*out, change{path, plugin.DiffAdd})
	case !newKnown || !oldKnown:
		*out = append(*out, change{path, plugin.DiffUpdate})
	default:
		compareKnown(path, o, n, out)
	}
}

func compareKnown(path string, o, n resource.PropertyValue, out *[]change) {
	switch {
	case empty(o) && empty(n):
	case empty(o):
		*out = append(*out, change{path, plugin.DiffAdd})
	case empty(n):
		*out = append(*out, change{path, plugin.DiffDelete})
	case o.IsObject() && n.IsObject():
		compareObjects(path, o.ObjectValue(), n.ObjectValue(), out)
	case o.IsArray() && n.IsArray():
		compareLists(path, o.ArrayValue(), n.ArrayValue(), out)
	case !o.DeepEquals(n):
		*out = append(*out, change{path, plugin.DiffUpdate})
	}
}

func compareLists(path string, old, new []resource.PropertyValue, out *[]change) {
	for i := range max(len(old), len(new)) {
		var o, n resource.PropertyValue
		if i < len(old) {
			o = old[i]
		}
		if i < len(new) {
			n = new[i]
		}
		compareValues(fmt.Sprintf("%s[%d]", path, i), o, n, out)
	}
}

func empty(v resource.PropertyValue) bool {
	switch {
	case v.IsNull():
		return true
	case v.IsArray():
		return len(v.ArrayValue()) == 0
	case v.IsObject():
		return len(v.ObjectValue()) == 0
	}
	return false
}
