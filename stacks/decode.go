package stacks

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// decoder writes parsed JSON over a value that holds the defaults. A faulty value leaves its default in place.
type decoder struct{ *faults }

// decode writes node, found at path, into the settable value into.
func (d decoder) decode(path string, node any, into reflect.Value, r rule) {
	if text, isText := into.Addr().Interface().(encoding.TextUnmarshaler); isText {
		d.text(path, node, text, r.want(into.Type()))
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.object(path, node, into)
	case reflect.Map:
		d.mapping(path, node, into, r)
	case reflect.Slice:
		d.list(path, node, into, r)
	default:
		d.scalar(path, node, into, r)
	}
}

func (d decoder) wrong(path string, node any, r rule, t reflect.Type) {
	d.add(path, describe(node), r.want(t))
}

// describe shows a node as the configuration has it.
func describe(node any) string {
	switch v := node.(type) {
	case nil:
		return "is null"
	case map[string]any:
		return "is an object"
	case []any:
		return "is a list"
	default:
		return show(v)
	}
}

func (d decoder) object(path string, node any, into reflect.Value) {
	object, isObject := node.(map[string]any)
	if !isObject {
		d.wrong(path, node, rule{}, into.Type())
		return
	}
	fields := fieldsOf(into.Type())
	for _, key := range slices.Sorted(maps.Keys(object)) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
		if i < 0 {
			keys := keysOf(fields)
			d.add(at(path, key), "is no known key"+didYouMean(key, keys), "one of "+join(keys))
			continue
		}
		d.decode(at(path, key), object[key], into.FieldByIndex(fields[i].Index), fields[i].rule)
	}
	for _, f := range fields {
		if _, said := object[f.key]; f.rule.required && !said && unset(into.FieldByIndex(f.Index)) {
			d.add(at(path, f.key), "is not set", f.rule.want(f.Type))
		}
	}
}

func unset(v reflect.Value) bool {
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// named is an entry of a map that has defaults of its own even where the map's defaults lack it.
type named interface{ startAs(key string) }

// mapping replaces a map. An entry starts from the default entry of the same key, if there is one.
func (d decoder) mapping(path string, node any, into reflect.Value, r rule) {
	object, isObject := node.(map[string]any)
	if !isObject {
		d.wrong(path, node, r, into.Type())
		return
	}
	d.count(path, len(object), r)
	result := reflect.MakeMap(into.Type())
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if want, fine := forms[r.keys].fault(key); !fine {
			d.add(at(path, key), "is no key here", want)
			continue
		}
		entry := reflect.New(into.Type().Elem()).Elem()
		if seed := into.MapIndex(reflect.ValueOf(key)); seed.IsValid() {
			entry.Set(seed)
		} else if named, isNamed := entry.Addr().Interface().(named); isNamed {
			named.startAs(key)
		}
		d.decode(at(path, key), object[key], entry, r)
		result.SetMapIndex(reflect.ValueOf(key), entry)
	}
	into.Set(result)
}

func (d decoder) list(path string, node any, into reflect.Value, r rule) {
	array, isArray := node.([]any)
	if !isArray {
		d.wrong(path, node, r, into.Type())
		return
	}
	d.count(path, len(array), r)
	result := reflect.MakeSlice(into.Type(), len(array), len(array))
	for i, element := range array {
		d.decode(fmt.Sprintf("%s[%d]", path, i), element, result.Index(i), r)
	}
	into.Set(result)
}

func (d decoder) count(path string, n int, r rule) {
	switch {
	case n < r.minItems:
		d.add(path, fmt.Sprintf("has %d entries", n), fmt.Sprintf("at least %d", r.minItems))
	case r.maxItems > 0 && n > r.maxItems:
		d.add(path, fmt.Sprintf("has %d entries", n), fmt.Sprintf("at most %d", r.maxItems))
	}
}

func (d decoder) text(path string, node any, into encoding.TextUnmarshaler, want string) {
	text, isString := node.(string)
	if !isString || into.UnmarshalText([]byte(text)) != nil {
		d.add(path, describe(node), want)
	}
}

func (d decoder) scalar(path string, node any, into reflect.Value, r rule) {
	fine := false
	switch v := node.(type) {
	case bool:
		if fine = into.Kind() == reflect.Bool; fine {
			into.SetBool(v)
		}
	case string:
		if into.Kind() == reflect.String {
			d.setString(path, v, into, r)
			return
		}
	case json.Number:
		fine = setNumber(v, into, r)
	}
	if !fine {
		d.wrong(path, node, r, into.Type())
	}
}

// setString sets a string of the wanted form, or reports it.
func (d decoder) setString(path, text string, into reflect.Value, r rule) {
	if !r.allows(text) {
		d.add(path, show(text)+didYouMean(text, r.one), "one of "+join(r.one))
		return
	}
	if want, fine := forms[r.match].fault(text); !fine {
		d.add(path, show(text), want)
		return
	}
	into.SetString(text)
}

// setNumber sets a number within the rule's bounds and reports whether it did. Whole numbers are written without point
// or exponent; what overflows is out of any bounds.
func setNumber(n json.Number, into reflect.Value, r rule) bool {
	value, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || r.bounded && (value < r.min || value > r.max) || !r.allows(n.String()) {
		return false
	}
	switch into.Kind() {
	case reflect.Int:
		whole, err := strconv.ParseInt(n.String(), 10, 64)
		if err != nil {
			return false
		}
		into.SetInt(whole)
	case reflect.Float64:
		into.SetFloat(value)
	default:
		return false
	}
	return true
}
