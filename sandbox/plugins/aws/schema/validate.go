package schema

import (
	"fmt"
	"sort"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/spelling"
)

// Failure is one fault of a property map: the path to it, and what is wrong there.
type Failure struct {
	Path   string
	Reason string
}

// Validate compares inputs with the properties they may have. Failures are sorted by path. Unknown values pass; keys
// that begin with two underscores are the engine's own.
func (s *Schema) Validate(want *Properties, inputs resource.PropertyMap) []Failure {
	c := checker{schema: s}
	c.object("", want, inputs)
	sort.SliceStable(c.failures, func(i, j int) bool { return c.failures[i].Path < c.failures[j].Path })
	return c.failures
}

type checker struct {
	schema   *Schema
	failures []Failure
}

func (c *checker) fail(path, format string, args ...any) {
	c.failures = append(c.failures, Failure{Path: path, Reason: fmt.Sprintf(format, args...)})
}

func (c *checker) object(path string, want *Properties, m resource.PropertyMap) {
	for k, v := range m {
		name := string(k)
		if strings.HasPrefix(name, "__") {
			continue
		}
		p, ok := want.Get(name)
		if !ok {
			c.fail(join(path, name), "unknown property%s", DidYouMean(name, want.Names()))
			continue
		}
		c.value(join(path, name), p.Type, v)
	}
	for _, name := range want.Names() {
		if p, ok := want.Get(name); ok && p.Required && props.Absent(m[resource.PropertyKey(name)]) {
			c.fail(join(path, name), "missing, want %s", describe(p.Type))
		}
	}
}

func (c *checker) value(path string, t Type, v resource.PropertyValue) {
	v, known := props.Plain(v)
	if !known || v.IsNull() {
		return
	}
	switch t.Kind {
	case List:
		if c.expect(path, t, v, v.IsArray()) {
			for i, e := range v.ArrayValue() {
				c.value(fmt.Sprintf("%s[%d]", path, i), *t.Elem, e)
			}
		}
	case Map:
		if c.expect(path, t, v, v.IsObject()) {
			for k, e := range v.ObjectValue() {
				c.value(fmt.Sprintf("%s[%q]", path, string(k)), *t.Elem, e)
			}
		}
	case Object:
		if c.expect(path, t, v, v.IsObject()) {
			c.object(path, c.schema.Types[t.Ref], v.ObjectValue())
		}
	default:
		c.expect(path, t, v, scalarIs(t.Kind, v))
	}
}

func scalarIs(k Kind, v resource.PropertyValue) bool {
	switch k {
	case String:
		return v.IsString()
	case Bool:
		return v.IsBool()
	case Number:
		return v.IsNumber()
	case Int:
		return v.IsNumber() && v.NumberValue() == float64(int64(v.NumberValue()))
	case Asset:
		return v.IsAsset() || v.IsArchive()
	default:
		return true
	}
}

func (c *checker) expect(path string, t Type, v resource.PropertyValue, ok bool) bool {
	if !ok {
		got := v.TypeString()
		if t.Kind == Int && v.IsNumber() {
			got = fmt.Sprint(v.NumberValue())
		}
		c.fail(path, "is %s, want %s", got, describe(t))
	}
	return ok
}

func describe(t Type) string {
	switch t.Kind {
	case String:
		return "a string"
	case Int:
		return "an integer"
	case Number:
		return "a number"
	case Bool:
		return "true or false"
	case Asset:
		return "an asset or archive"
	case List:
		return "a list"
	case Map:
		return "a map"
	case Object:
		return "an object"
	default:
		return "a value"
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// DidYouMean returns ` (did you mean "x"?)` with the nearest of the known names, or "" when none is near.
func DidYouMean(name string, known []string) string {
	if near := spelling.Near(name, known); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}
