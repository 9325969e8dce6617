package readback

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// Old are the inputs with which the provider compares a program's next ones, so that what differs between both differs to the
// provider: what was sent, with AWS's answers, and written as the next inputs are wherever that says the same.
func Old(token string, want *schema.Resource, sent, state, news resource.PropertyMap) resource.PropertyMap {
	how := forms[token]
	old := Inputs(token, sent, state)
	for key, v := range old {
		p, known := want.Inputs.Get(string(key))
		switch {
		case !known: // the engine's own
		case props.Absent(news[key]) && (p.Computed || how.keeps[string(key)]):
			delete(old, key)
		default:
			old[key] = how.aligned(string(key), v, news[key])
		}
	}
	return old
}

// Keeps lists the inputs of a type that stay as they are when a program takes them back.
func Keeps(token string, want *schema.Resource) []resource.PropertyKey {
	var keys []resource.PropertyKey
	for _, name := range want.Inputs.Names() {
		if p, _ := want.Inputs.Get(name); p.Computed || forms[token].keeps[name] {
			keys = append(keys, resource.PropertyKey(name))
		}
	}
	return keys
}

// aligned is an old value as the new one is written.
func (c comparison) aligned(path string, old, new resource.PropertyValue) resource.PropertyValue {
	was, known := props.Plain(old)
	will, told := props.Plain(new)
	if !known || !told {
		return old
	}
	if spelt := c.spelt[path]; spelt != nil {
		if a, ok := spelt(was); ok {
			if b, ok := spelt(will); ok && a == b {
				return new
			}
		}
		return old
	}
	switch {
	case was.IsObject() && will.IsObject():
		out := was.ObjectValue().Copy()
		for key, v := range out {
			out[key] = c.aligned(path+"."+string(key), v, will.ObjectValue()[key])
		}
		return resource.NewObjectProperty(out)
	case was.IsArray() && will.IsArray():
		return resource.NewArrayProperty(c.list(path, was.ArrayValue(), will.ArrayValue()))
	}
	return old
}

// list is an old list as the new one is written.
func (c comparison) list(path string, old, new []resource.PropertyValue) []resource.PropertyValue {
	if c.sets[path] {
		return c.inOrder(path, old, new)
	}
	out := slices.Clone(old)
	for i := range min(len(out), len(new)) {
		out[i] = c.aligned(path, out[i], new[i])
	}
	return out
}

// inOrder is an old set in the order of the new one: what both have stands where the new one has it, what only the old one
// has fills the places of what only the new one has, and stands behind.
func (c comparison) inOrder(path string, old, new []resource.PropertyValue) []resource.PropertyValue {
	had := map[string]bool{}
	for _, v := range old {
		had[c.written(path, v)] = true
	}
	wanted := map[string]bool{}
	out := slices.Clone(new)
	var free []int
	for i, v := range new {
		key := c.written(path, v)
		wanted[key] = true
		if !had[key] {
			free, out[i] = append(free, i), resource.NewNullProperty()
		}
	}
	for _, v := range old {
		switch {
		case wanted[c.written(path, v)]:
		case len(free) > 0:
			out[free[0]], free = c.aligned(path, v, new[free[0]]), free[1:]
		default:
			out = append(out, v)
		}
	}
	return out
}

// written is a value in a form that all which are the same to the provider share. Nothing and what is empty are the same.
func (c comparison) written(path string, v resource.PropertyValue) string {
	plain, known := props.Plain(v)
	if !known {
		return "unknown"
	}
	if spelt := c.spelt[path]; spelt != nil {
		if same, ok := spelt(plain); ok {
			return same
		}
	}
	switch {
	case plain.IsObject():
		var b strings.Builder
		for _, key := range slices.Sorted(maps.Keys(plain.ObjectValue())) {
			if member := c.written(path+"."+string(key), plain.ObjectValue()[key]); member != "" {
				fmt.Fprintf(&b, "%q: %s, ", key, member)
			}
		}
		return b.String()
	case plain.IsArray():
		list := make([]string, len(plain.ArrayValue()))
		for i, e := range plain.ArrayValue() {
			list[i] = c.written(path, e)
		}
		if c.sets[path] {
			slices.Sort(list)
			list = slices.Compact(list)
		}
		return strings.Join(list, "; ")
	case plain.IsNull():
		return ""
	}
	return fmt.Sprintf("%#v", plain.V)
}
