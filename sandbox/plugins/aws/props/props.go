// Package props reads property maps as the engine hands them over: any value may be unknown, secret or absent.
//
// Owns: look-up by path, and the three answers a value can give: absent, unknown, known.
// Does not own: what values mean.
package props

import (
	"iter"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Plain removes the wrappings of a value (secret, output). known is false for what only an update will tell.
func Plain(v resource.PropertyValue) (plain resource.PropertyValue, known bool) {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput():
			if !v.OutputValue().Known {
				return v, false
			}
			v = v.OutputValue().Element
		case v.IsComputed():
			return v, false
		default:
			return v, true
		}
	}
}

// Absent says whether a value is missing or null; an unknown value is not absent.
func Absent(v resource.PropertyValue) bool {
	p, known := Plain(v)
	return known && p.IsNull()
}

// Get finds a value by path: "scalingConfig.minSize", "settings.0.name". A missing step gives null, an unknown step unknown.
func Get(m resource.PropertyMap, path string) resource.PropertyValue {
	v := resource.NewObjectProperty(m)
	for _, step := range strings.Split(path, ".") {
		plain, known := Plain(v)
		switch {
		case !known:
			return plain
		case plain.IsObject():
			v = plain.ObjectValue()[resource.PropertyKey(step)]
		case plain.IsArray():
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(plain.ArrayValue()) {
				return resource.NewNullProperty()
			}
			v = plain.ArrayValue()[i]
		default:
			return resource.NewNullProperty()
		}
	}
	return v
}

// Has says whether something is given at path, be it unknown.
func Has(m resource.PropertyMap, path string) bool { return !Absent(Get(m, path)) }

// Known says whether something is given at path and known.
func Known(m resource.PropertyMap, path string) bool {
	v, known := Plain(Get(m, path))
	return known && !v.IsNull()
}

// Unknown says whether the value at path is given but not known yet.
func Unknown(m resource.PropertyMap, path string) bool {
	_, known := Plain(Get(m, path))
	return !known
}

// String returns the string at path; ok is false when it is absent, unknown or something else.
func String(m resource.PropertyMap, path string) (s string, ok bool) {
	v, known := Plain(Get(m, path))
	if !known || !v.IsString() {
		return "", false
	}
	return v.StringValue(), true
}

// Str is String with "" for what is not there.
func Str(m resource.PropertyMap, path string) string {
	s, ok := String(m, path)
	if !ok {
		return ""
	}
	return s
}

// Number returns the number at path; ok is false when it is absent, unknown or something else.
func Number(m resource.PropertyMap, path string) (n float64, ok bool) {
	v, known := Plain(Get(m, path))
	if !known || !v.IsNumber() {
		return 0, false
	}
	return v.NumberValue(), true
}

// Int returns the number at path, or def when it is absent, unknown or something else.
func Int(m resource.PropertyMap, path string, def int) int {
	if n, ok := Number(m, path); ok {
		return int(n)
	}
	return def
}

// Bool returns the truth value at path, or def when it is absent, unknown or something else.
func Bool(m resource.PropertyMap, path string, def bool) bool {
	if v, known := Plain(Get(m, path)); known && v.IsBool() {
		return v.BoolValue()
	}
	return def
}

// List returns the elements at path, unwrapped as far as they are known; nil when there are none.
func List(m resource.PropertyMap, path string) []resource.PropertyValue {
	v, known := Plain(Get(m, path))
	if !known || !v.IsArray() {
		return nil
	}
	return v.ArrayValue()
}

// Objects goes through the known objects in the list at path, in order, with their index.
func Objects(m resource.PropertyMap, path string) iter.Seq2[int, resource.PropertyMap] {
	return func(yield func(int, resource.PropertyMap) bool) {
		for i, e := range List(m, path) {
			if v, known := Plain(e); known && v.IsObject() && !yield(i, v.ObjectValue()) {
				return
			}
		}
	}
}

// Object returns the object at path; nil when it is absent or unknown.
func Object(m resource.PropertyMap, path string) resource.PropertyMap {
	if v, known := Plain(Get(m, path)); known && v.IsObject() {
		return v.ObjectValue()
	}
	return nil
}

// Strings returns the known strings of the list at path.
func Strings(m resource.PropertyMap, path string) []string {
	var out []string
	for _, e := range List(m, path) {
		if v, known := Plain(e); known && v.IsString() {
			out = append(out, v.StringValue())
		}
	}
	return out
}

// StringMap returns the known strings of the map at path.
func StringMap(m resource.PropertyMap, path string) map[string]string {
	out := map[string]string{}
	for k, e := range Object(m, path) {
		if v, known := Plain(e); known && v.IsString() {
			out[string(k)] = v.StringValue()
		}
	}
	return out
}
