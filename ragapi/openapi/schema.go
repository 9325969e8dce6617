package openapi

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schemas are made of Go types as encoding/json writes them: each struct has a schema of its own, which others refer to. Nothing
// else than its fields may stand in an answer, and nothing is null.
type Schemas struct {
	known map[reflect.Type]*jsonschema.Schema
	named map[string]*jsonschema.Schema
}

// NewSchemas returns schemas of which some are known: of types whose JSON their fields do not tell.
func NewSchemas(known map[reflect.Type]*jsonschema.Schema) *Schemas {
	return &Schemas{known: known, named: map[string]*jsonschema.Schema{}}
}

// Components are the schemas that have a name.
func (s *Schemas) Components() map[string]*jsonschema.Schema { return s.named }

// Of returns the schema of a type; of a struct it is a reference.
func (s *Schemas) Of(t reflect.Type) (*jsonschema.Schema, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := nameOf(t)
	if s.known[t] != nil || t.Kind() != reflect.Struct {
		return s.infer(t)
	}
	if s.named[name] == nil {
		schema, err := s.infer(t)
		if err != nil {
			return nil, err
		}
		return s.Name(name, schema), nil
	}
	return reference(name), nil
}

// Name gives a schema a name, and returns a reference to it.
func (s *Schemas) Name(name string, schema *jsonschema.Schema) *jsonschema.Schema {
	s.named[name] = schema
	return reference(name)
}

// infer returns the schema of a type whose parts refer to others.
func (s *Schemas) infer(t reflect.Type) (*jsonschema.Schema, error) {
	parts := map[reflect.Type]*jsonschema.Schema{}
	for known, schema := range s.known {
		parts[known] = schema
	}
	for _, part := range structsIn(t) {
		if s.known[part] != nil {
			continue
		}
		schema, err := s.Of(part)
		if err != nil {
			return nil, err
		}
		parts[part] = schema
	}
	schema, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: parts})
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", t, err)
	}
	withoutNull(schema)
	return schema, nil
}

// structsIn are the structs that a type has parts of. Fields of embedded ones are the type's own.
func structsIn(t reflect.Type) (found []reflect.Type) {
	switch t.Kind() {
	case reflect.Struct:
		for _, field := range reflect.VisibleFields(t) {
			if !field.Anonymous && field.IsExported() {
				found = append(found, structsOf(field.Type)...)
			}
		}
	case reflect.Slice, reflect.Array, reflect.Map, reflect.Pointer:
		found = structsOf(t.Elem())
	}
	return found
}

func structsOf(t reflect.Type) []reflect.Type {
	if t.Kind() == reflect.Struct {
		return []reflect.Type{t}
	}
	return structsIn(t)
}

func reference(name string) *jsonschema.Schema {
	return &jsonschema.Schema{Ref: "#/components/schemas/" + name}
}

// nameOf is a type's name as readers of the document know it.
func nameOf(t reflect.Type) string {
	name := strings.TrimSuffix(t.Name(), "Body")
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(first)) + name[size:]
}

// withoutNull takes null from the types of pointers and slices: it would be written, but handlers never leave them nil.
func withoutNull(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	s.Types = slices.DeleteFunc(s.Types, func(kind string) bool { return kind == "null" })
	if len(s.Types) == 1 {
		s.Type = s.Types[0]
	}
	if len(s.Types) < 2 {
		s.Types = nil
	}
	withoutNull(s.Items)
	withoutNull(s.AdditionalProperties)
	for _, property := range s.Properties {
		withoutNull(property)
	}
}
