package server

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/openapi"
	"github.com/ragscale/ragscale/ragapi/search"
)

var (
	anyText   = &jsonschema.Schema{Type: "string"}
	anyObject = &jsonschema.Schema{Type: "object"}
	idSchema  = &jsonschema.Schema{Type: "string", Format: "uuid"}
	onlyTrue  = &jsonschema.Schema{Type: "boolean", Enum: []any{true}}
	counted   = &jsonschema.Schema{Type: "integer", Minimum: bound(0)}
)

// newSchemas are schemas of what is answered. Numbers that are answered count something.
func newSchemas() *openapi.Schemas {
	return openapi.NewSchemas(map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[uuid.UUID]():       idSchema,
		reflect.TypeFor[time.Time]():       {Type: "string", Format: "date-time"},
		reflect.TypeFor[json.RawMessage](): anyObject,
		reflect.TypeFor[document.Status](): wordSchema(words(document.Statuses), ""),
		reflect.TypeFor[search.Mode]():     wordSchema(words(search.Modes), ""),
		reflect.TypeFor[search.Match]():    wordSchema(words(search.Matches), ""),
		reflect.TypeFor[int]():             counted,
		reflect.TypeFor[int64]():           counted,
		reflect.TypeFor[float64]():         {Type: "number", Minimum: bound(0)},
	})
}

// schemaOf is that of an example's type. That there is none is a defect of the type.
func (d *describer) schemaOf(example any) *jsonschema.Schema {
	schema, err := d.schemas.Of(reflect.TypeOf(example))
	if err != nil {
		panic(fmt.Sprintf("describe the API: %v", err))
	}
	return schema
}

// words are those that a text may be.
func words[T ~string](texts []T) []string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = string(t)
	}
	return all
}

// bound is one of a number.
func bound(n int) *float64 {
	f := float64(n)
	return &f
}

// shortText is the schema of a text of so many bytes at most.
func shortText(most int) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", MaxLength: &most}
}

// textSchema is that of a text which is not blank, of so many bytes at most; 0 is no bound. JSON Schema counts characters, of
// which there are no more than bytes, so that what is longer is too long.
func textSchema(most int, about string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	if most > 0 {
		s = shortText(most)
		about = strings.TrimSpace(fmt.Sprintf("%s 1 to %d bytes of UTF-8 in the form NFC.", about, most))
	}
	s.Description, s.Pattern = about, `\S`
	return s
}

func wordSchema(words []string, about string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string", Description: about}
	for _, word := range words {
		s.Enum = append(s.Enum, word)
	}
	return s
}

// patternSchema is that of a text of 1 to most such characters.
func patternSchema(character string, most int) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: fmt.Sprintf("^%s{1,%d}$", character, most)}
}
