package settings

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// Decoder writes parsed JSON over a value that holds the defaults. A faulty value leaves its default in place.
type Decoder struct {
	*Faults
	Words *Vocabulary
}

// Decode writes node, found at path, into the settable value into.
func (d Decoder) Decode(path string, node any, into reflect.Value, r Rule) {
	if text, isText := into.Addr().Interface().(encoding.TextUnmarshaler); isText {
		d.text(path, node, text, r.Want(into.Type()))
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

// Top decodes a value as the engine hands it over: strings are plain text, anything else is JSON.
func (d Decoder) Top(path, text string, into reflect.Value, r Rule) {
	if into.Kind() == reflect.String {
		d.setString(path, text, into, r)
		return
	}
	if node, fine := ParseTree(path, text, d.Faults); fine {
		d.Decode(path, node, into, r)
	}
}

func (d Decoder) wrong(path string, node any, r Rule, t reflect.Type) {
	d.Add(path, describe(node), r.Want(t))
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
		return Show(v)
	}
}

func (d Decoder) object(path string, node any, into reflect.Value) {
	object, isObject := node.(map[string]any)
	if !isObject {
		d.wrong(path, node, Rule{}, into.Type())
		return
	}
	fields := d.Words.Fields(into.Type())
	for _, key := range slices.Sorted(maps.Keys(object)) {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key })
		if i < 0 {
			keys := Keys(fields)
			d.Add(At(path, key), "is no known key"+DidYouMean(key, keys), "one of "+Join(keys))
			continue
		}
		d.Decode(At(path, key), object[key], into.FieldByIndex(fields[i].Index), fields[i].Rule)
	}
	for _, f := range fields {
		if _, said := object[f.Key]; f.Rule.Required && !said && unset(into.FieldByIndex(f.Index)) {
			d.Add(At(path, f.Key), "is not set", f.Rule.Want(f.Type))
		}
	}
}

func unset(v reflect.Value) bool {
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// named is an entry of a map that has defaults of its own even where the map's defaults lack it.
type named interface{ StartAs(key string) }

// mapping replaces a map. An entry starts from the default entry of the same key, if there is one.
func (d Decoder) mapping(path string, node any, into reflect.Value, r Rule) {
	object, isObject := node.(map[string]any)
	if !isObject {
		d.wrong(path, node, r, into.Type())
		return
	}
	d.count(path, len(object), r)
	result := reflect.MakeMap(into.Type())
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if want, fine := r.Form(r.Keys).fault(key); !fine {
			d.Add(At(path, key), "is no key here", want)
			continue
		}
		entry := reflect.New(into.Type().Elem()).Elem()
		if seed := into.MapIndex(reflect.ValueOf(key)); seed.IsValid() {
			entry.Set(seed)
		} else if named, isNamed := entry.Addr().Interface().(named); isNamed {
			named.StartAs(key)
		}
		d.Decode(At(path, key), object[key], entry, r)
		result.SetMapIndex(reflect.ValueOf(key), entry)
	}
	into.Set(result)
}

func (d Decoder) list(path string, node any, into reflect.Value, r Rule) {
	array, isArray := node.([]any)
	if !isArray {
		d.wrong(path, node, r, into.Type())
		return
	}
	d.count(path, len(array), r)
	result := reflect.MakeSlice(into.Type(), len(array), len(array))
	for i, element := range array {
		d.Decode(fmt.Sprintf("%s[%d]", path, i), element, result.Index(i), r)
	}
	into.Set(result)
}

func (d Decoder) count(path string, n int, r Rule) {
	switch {
	case n < r.MinItems:
		d.Add(path, fmt.Sprintf("has %d entries", n), fmt.Sprintf("at least %d", r.MinItems))
	case r.MaxItems > 0 && n > r.MaxItems:
		d.Add(path, fmt.Sprintf("has %d entries", n), fmt.Sprintf("at most %d", r.MaxItems))
	}
}

func (d Decoder) text(path string, node any, into encoding.TextUnmarshaler, want string) {
	text, isString := node.(string)
	if !isString || into.UnmarshalText([]byte(text)) != nil {
		d.Add(path, describe(node), want)
	}
}

func (d Decoder) scalar(path string, node any, into reflect.Value, r Rule) {
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
func (d Decoder) setString(path, text string, into reflect.Value, r Rule) {
	if !r.allows(text) {
		d.Add(path, Show(text)+DidYouMean(text, r.One), "one of "+Join(r.One))
		return
	}
	if want, fine := r.Form(r.Match).fault(text); !fine {
		d.Add(path, Show(text), want)
		return
	}
	into.SetString(text)
}

// setNumber sets a number within the rule's bounds and reports whether it did. Whole numbers are written without point
// or exponent; what overflows is out of any bounds.
func setNumber(n json.Number, into reflect.Value, r Rule) bool {
	value, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || r.Bounded && (value < r.Min || value > r.Max) || !r.allows(n.String()) {
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
