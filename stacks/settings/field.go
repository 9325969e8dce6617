package settings

import (
	"reflect"
	"strings"
)

// Field is a configuration key: a struct field with its tags read. Its meaning stands in its comment.
type Field struct {
	reflect.StructField
	Owner string // the struct's name
	Key   string
	Rule  Rule
}

// Fields lists the configuration keys of a struct type in the order of declaration.
func (v *Vocabulary) Fields(t reflect.Type) []Field {
	var fields []Field
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "-" {
			continue
		}
		fields = append(fields, Field{StructField: f, Owner: t.Name(), Key: key, Rule: v.rule(f)})
	}
	return fields
}

// Keys are the names of fields.
func Keys(fields []Field) []string {
	keys := make([]string, 0, len(fields))
	for _, f := range fields {
		keys = append(keys, f.Key)
	}
	return keys
}

// Join lists words.
func Join(words []string) string { return strings.Join(words, ", ") }
