package server

import (
	"github.com/google/jsonschema-go/jsonschema"
)

// shape is what a JSON object of a request may hold. Handlers read bodies by it, and the document tells it.
type shape struct {
	name   string
	about  string
	fields []field
	least  int // members
	names  []string
}

// need is whether something may be left out.
type need int

const (
	required      need = iota
	optional           // may be left out
	unlessChecked      // may be left out by callers with a token, which tells it
)

func (n need) isRequired(checked bool) bool { return n == required || n == unlessChecked && !checked }

// field is a member of an object.
type field struct {
	name  string
	need  need
	most  int      // bytes of a text in its normal form
	words []string // that a text may be; nil for any
	about string
	// schema is that of what is no text.
	schema *jsonschema.Schema
}

func shapeOf(name, about string, fields ...field) *shape {
	s := &shape{name: name, about: about, fields: fields}
	for _, f := range fields {
		s.names = append(s.names, f.name)
	}
	return s
}

// atLeast is a shape that has so many members.
func (s *shape) atLeast(members int) *shape {
	s.least = members
	return s
}

// schema describes the shape, for callers with tokens or without.
func (s *shape) schema(checked bool) *jsonschema.Schema {
	all := &jsonschema.Schema{
		Type: "object", Description: s.about, Properties: map[string]*jsonschema.Schema{}, PropertyOrder: s.names,
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	if s.least > 0 {
		all.MinProperties = &s.least
	}
	for _, f := range s.fields {
		all.Properties[f.name] = f.describe()
		if f.need.isRequired(checked) {
			all.Required = append(all.Required, f.name)
		}
	}
	return all
}

func (f field) describe() *jsonschema.Schema {
	if f.schema != nil {
		described := *f.schema
		described.Description = f.about
		return &described
	}
	if f.words != nil {
		return wordSchema(f.words, f.about)
	}
	return textSchema(f.most, f.about)
}
