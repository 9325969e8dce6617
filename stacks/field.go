package stacks

import (
	"reflect"
	"strings"
)

// field is a configuration key: a struct field with its tags read. Its meaning stands in its comment.
type field struct {
	reflect.StructField
	owner string // the struct's name
	key   string
	rule  rule
}

// fieldsOf lists the configuration keys of a struct type in the order of declaration.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "-" {
			continue
		}
		fields = append(fields, field{StructField: f, owner: t.Name(), key: key, rule: ruleOf(f)})
	}
	return fields
}

func keysOf(fields []field) []string {
	keys := make([]string, 0, len(fields))
	for _, f := range fields {
		keys = append(keys, f.key)
	}
	return keys
}

func join(words []string) string { return strings.Join(words, ", ") }
