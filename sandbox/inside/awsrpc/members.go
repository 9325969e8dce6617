package awsrpc

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

var timeType = reflect.TypeFor[time.Time]()

// fromCBOR makes plain values: maps, lists, texts, numbers (float64), truth values; a time is its seconds.
func fromCBOR(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = fromCBOR(member)
		}
		return out
	case cbor.List:
		out := make([]any, len(v))
		for i, member := range v {
			out[i] = fromCBOR(member)
		}
		return out
	case *cbor.Tag:
		return fromCBOR(v.Value)
	}
	return leafFromCBOR(v)
}

func leafFromCBOR(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.String:
		return string(v)
	case cbor.Bool:
		return bool(v)
	case cbor.Uint:
		return float64(v)
	case cbor.NegInt:
		return -float64(v)
	case cbor.Float32:
		return float64(v)
	case cbor.Float64:
		return float64(v)
	}
	return nil
}

// fill sets the fields of a struct from the members of the same names. What has no field is passed over, as by AWS.
func fill(members, target any) error {
	if members == nil {
		return nil
	}
	var faults []error
	set(reflect.ValueOf(target).Elem(), members, "", func(err error) { faults = append(faults, err) })
	if len(faults) == 0 {
		return nil
	}
	return &Error{Shape: "SerializationException", Code: "MalformedInput", Message: errors.Join(faults...).Error()}
}

func set(to reflect.Value, from any, at string, fault func(error)) {
	wrong := func(want string) { fault(fmt.Errorf("%s is %v, want %s", at, from, want)) }
	switch {
	case from == nil:
	case to.Kind() == reflect.Pointer:
		fresh := reflect.New(to.Type().Elem())
		set(fresh.Elem(), from, at, fault)
		to.Set(fresh)
	case to.Type() == timeType:
		if when, ok := moment(from); ok {
			to.Set(reflect.ValueOf(when))
		} else {
			wrong("a time")
		}
	case to.Kind() == reflect.Struct:
		if m, ok := from.(map[string]any); ok {
			setFields(to, m, at, fault)
		} else {
			wrong("a structure")
		}
	case to.Kind() == reflect.Slice:
		setList(to, from, at, fault)
	case to.Kind() == reflect.Map:
		setMap(to, from, at, fault)
	default:
		setLeaf(to, from, wrong)
	}
}

func setList(to reflect.Value, from any, at string, fault func(error)) {
	list, ok := from.([]any)
	if !ok {
		fault(fmt.Errorf("%s is %v, want a list", at, from))
		return
	}
	out := reflect.MakeSlice(to.Type(), len(list), len(list))
	for i, v := range list {
		set(out.Index(i), v, fmt.Sprintf("%s[%d]", at, i), fault)
	}
	to.Set(out)
}

// setMap fills a map of texts.
func setMap(to reflect.Value, from any, at string, fault func(error)) {
	m, ok := from.(map[string]any)
	if !ok {
		fault(fmt.Errorf("%s is %v, want a map", at, from))
		return
	}
	out := reflect.MakeMap(to.Type())
	for key, v := range m {
		value := reflect.New(to.Type().Elem()).Elem()
		set(value, v, at+"."+key, fault)
		out.SetMapIndex(reflect.ValueOf(key), value)
	}
	to.Set(out)
}

func setFields(to reflect.Value, from map[string]any, at string, fault func(error)) {
	for i := range to.NumField() {
		if to.Type().Field(i).Anonymous && to.Field(i).Kind() == reflect.Struct {
			setFields(to.Field(i), from, at, fault)
			continue
		}
		name := nameOf(to.Type().Field(i))
		if v, ok := from[name]; ok {
			where := name
			if at != "" {
				where = at + "." + name
			}
			set(to.Field(i), v, where, fault)
		}
	}
}

// nameOf is the member that a field is: of its name, or as its tag aws says.
func nameOf(f reflect.StructField) string {
	if tag := f.Tag.Get("aws"); tag != "" {
		return tag
	}
	return f.Name
}

func setLeaf(to reflect.Value, from any, wrong func(string)) {
	set := false
	switch to.Kind() {
	case reflect.String:
		var text string
		if text, set = from.(string); set {
			to.SetString(text)
		}
	case reflect.Bool:
		var truth bool
		if truth, set = from.(bool); !set {
			truth, set = from == "true", from == "true" || from == "false"
		}
		to.SetBool(truth)
	case reflect.Int:
		var n float64
		if n, set = number(from); set {
			set = n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32
			to.SetInt(int64(n))
		}
	case reflect.Float64:
		var n float64
		n, set = number(from)
		to.SetFloat(n)
	}
	if !set {
		wrong("a value of kind " + to.Kind().String())
	}
}

func number(from any) (float64, bool) {
	switch v := from.(type) {
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil
	}
	return 0, false
}

// moment reads a time: seconds since 1970, or a text.
func moment(from any) (time.Time, bool) {
	switch v := from.(type) {
	case float64:
		if math.Abs(v) > 1e11 { // some thousand years
			return time.Time{}, false
		}
		seconds, part := math.Modf(v)
		return time.Unix(int64(seconds), int64(part*1e9)).UTC(), true
	case string:
		for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", time.DateOnly} {
			if t, err := time.Parse(form, v); err == nil {
				return t.UTC(), true
			}
		}
		if n, ok := number(v); ok {
			return moment(n)
		}
	}
	return time.Time{}, false
}

// record is a structure's members, in order.
type record []member

type member struct {
	name  string
	value any // record, []any, string, int64, float64, bool or time.Time
}

// treeOf is a struct as members. Left out are nil pointers and lists, empty texts, zero times.
func treeOf(v any) any {
	if v == nil {
		return record{}
	}
	return branch(reflect.ValueOf(v))
}

func branch(v reflect.Value) any {
	switch {
	case v.Type() == timeType:
		return v.Interface()
	case v.Kind() == reflect.Pointer:
		return branch(v.Elem())
	case v.Kind() == reflect.Struct:
		return fields(v)
	case v.Kind() == reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = branch(v.Index(i))
		}
		return out
	case v.Kind() == reflect.Map:
		return mapped(v)
	case v.Kind() == reflect.Int:
		return v.Int()
	case v.Kind() == reflect.String:
		return v.String()
	}
	return v.Interface()
}

func fields(v reflect.Value) record {
	out := record{}
	for i := range v.NumField() {
		f, part := v.Field(i), v.Type().Field(i)
		if inner, ok := branchOf(part, f); ok {
			out = append(out, inner...)
		} else if !omitted(f) {
			out = append(out, member{nameOf(part), branch(f)})
		}
	}
	return out
}

// branchOf is an embedded structure, whose members are those of the structure around it.
func branchOf(part reflect.StructField, f reflect.Value) (record, bool) {
	if !part.Anonymous {
		return nil, false
	}
	inner, ok := branch(f).(record)
	return inner, ok
}

// mapping is a map's members: its keys are the caller's words.
type mapping record

func mapped(v reflect.Value) mapping {
	out := mapping{}
	for _, key := range v.MapKeys() {
		out = append(out, member{key.String(), branch(v.MapIndex(key))})
	}
	slices.SortFunc(out, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return out
}

func omitted(f reflect.Value) bool {
	switch f.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return f.IsNil()
	case reflect.String, reflect.Struct:
		return f.IsZero()
	default:
		return false
	}
}
