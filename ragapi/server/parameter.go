package server

import (
	"math"
	"regexp"
	"strconv"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ragscale/ragscale/ragapi/openapi"
	"github.com/ragscale/ragscale/ragapi/search"
)

// parameter is one that a route reads, of the query or of the headers.
type parameter interface {
	// describe returns nil where there is none: for callers with a token or without.
	describe(checked bool) *openapi.Parameter
}

func inQuery(name, about string, schema *jsonschema.Schema) *openapi.Parameter {
	return &openapi.Parameter{Name: name, In: "query", Description: about, Schema: schema}
}

// orEmpty is p where an empty value counts as none.
func orEmpty(p *openapi.Parameter) *openapi.Parameter {
	p.AllowEmptyValue = true
	return p
}

func (n number) describe(bool) *openapi.Parameter {
	schema := &jsonschema.Schema{Type: "integer", Minimum: bound(n.low)}
	if n.high < math.MaxInt {
		schema.Maximum = bound(n.high)
	}
	if n.fallback >= n.low {
		schema.Default = strconv.AppendInt(nil, int64(n.fallback), 10)
	}
	return orEmpty(inQuery(n.name, n.about, schema))
}

func (c choice) describe(bool) *openapi.Parameter {
	schema := wordSchema(c.words, "")
	if !c.orNone {
		schema.Default = []byte(strconv.Quote(c.words[0]))
	}
	return orEmpty(inQuery(c.name, c.about, schema))
}

func (t phrase) describe(checked bool) *openapi.Parameter {
	schema := textSchema(t.most, t.about)
	p := inQuery(t.name, schema.Description, schema)
	schema.Description = ""
	p.Required = t.need.isRequired(checked)
	return p
}

func (t token) describe(bool) *openapi.Parameter {
	return orEmpty(inQuery(t.name, t.about, anyText))
}

// filter is the parameters that name a key of metadata.
type filter struct{ about string }

var searchFilter = filter{"Only documents whose metadata has this value under this key, or a list with it; as " + filterPrefix + "KEY=VALUE, " +
	strconv.Itoa(search.MaxConditions) + " at most, which must all hold. Keys and values have " + strconv.Itoa(maxFilterBytes) + " bytes at most."}

func (f filter) describe(bool) *openapi.Parameter {
	exploded := true
	value := shortText(maxFilterBytes)
	value.Type, value.Types = "", []string{"string", "number", "boolean"}
	values := &jsonschema.Schema{Type: "array", Items: value}
	p := inQuery("metadata", f.about, &jsonschema.Schema{Type: "object", PatternProperties: map[string]*jsonschema.Schema{
		"^" + regexp.QuoteMeta(filterPrefix): {AnyOf: []*jsonschema.Schema{value, values}},
	}})
	p.Style, p.Explode = "form", &exploded // each of its members is a parameter by itself
	return p
}

// header is a parameter in the headers.
type header struct {
	name   string
	schema *jsonschema.Schema
	about  string
	// unchecked ones are for callers without a token.
	unchecked bool
}

func (h header) describe(checked bool) *openapi.Parameter {
	if h.unchecked && checked {
		return nil
	}
	return &openapi.Parameter{Name: h.name, In: "header", Description: h.about, Schema: h.schema}
}

var (
	idempotencyKey    = header{name: keyHeader, schema: patternSchema(`[!-~]`, maxKeyBytes), about: "What the sender calls this request: sent again within 24 hours it is answered as the first time."}
	ifMatchHeader     = header{name: matchHeader, schema: anyText, about: "ETags, one of which must be that of what it is about, or *; else it is a 412. What is made here has none yet."}
	ifNoneMatchHeader = header{name: noneMatchHeader, schema: anyText, about: "ETags that what it is about must not have: of answers that the client has, for a 304; where it would be changed, it is a 412."}
	requestIDGiven    = header{name: requestIDHeader, schema: anyText, about: "What the sender calls this request in the log, at most 128 of letters, digits and -_.=; what is otherwise is replaced."}
	userName          = header{name: userHeader, schema: shortText(maxUserBytes), about: "The user, for the query log and for the Idempotency-Key.", unchecked: true}
)
