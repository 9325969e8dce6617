package server

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ragscale/ragscale/ragapi/openapi"
)

// answer is how a route answers what it accepts.
type answer struct {
	status  int // 0 is 200
	about   string
	body    any    // an example, of the type that is answered; nil for none
	media   *media // of what is no JSON of a Go type
	located bool   // has a Location
	etag    bool   // has an ETag
	reduced bool   // may say what it was made without
}

// media is a body of a media type.
type media struct {
	kind   string
	schema *jsonschema.Schema
}

// acceptedDocument answers what changes a document.
var acceptedDocument = answer{status: http.StatusAccepted, about: "The document, pending.", body: examplePending, located: true, etag: true}

// answerHeaders are those of answers, by name.
var answerHeaders = map[string]openapi.Header{
	requestIDHeader:    {Description: "What the log calls the request.", Required: true, Schema: patternSchema("[A-Za-z0-9_.=-]", maxRequestID)},
	"ETag":             {Description: "Of what is answered, for If-None-Match; of a document also for If-Match.", Required: true, Schema: anyText},
	"Location":         {Description: "Where it is from now on.", Required: true, Schema: anyText},
	"Allow":            {Description: "The methods that are allowed.", Required: true, Schema: anyText},
	"WWW-Authenticate": {Description: "What is wanted, after RFC 6750.", Required: true, Schema: anyText},
	"Retry-After":      {Description: "Seconds after which the request may be sent again.", Required: true, Schema: &jsonschema.Schema{Type: "integer", Minimum: bound(1)}},
	degradedHeader:     {Description: "vector: a complex search was answered by words alone, since the vector store did not answer.", Schema: wordSchema([]string{degradedVector}, "")},
	"Vary":             {Description: "Authorization, where callers have tokens.", Schema: anyText},
	"RateLimit":        {Description: "What is left, where there is a limit (draft-ietf-httpapi-ratelimit-headers-10).", Schema: anyText},
	"RateLimit-Policy": {Description: "What there is at all.", Schema: anyText},
}

// ofCallers are headers that answers to callers may have.
var ofCallers = []string{"Vary", "RateLimit", "RateLimit-Policy"}

// headers are references to some of them, and what caches may do.
func headers(kept string, names ...string) map[string]openapi.Header {
	all := map[string]openapi.Header{}
	for _, name := range append(names, requestIDHeader) {
		all[name] = openapi.Header{Ref: "#/components/headers/" + name}
	}
	if kept != "" {
		all["Cache-Control"] = openapi.Header{Required: true, Schema: wordSchema([]string{kept}, "")}
	}
	return all
}

// answers writes down how a route answers what it accepts.
func (d *describer) answers(t route, to map[string]openapi.Response) {
	for _, a := range t.answers {
		var names []string
		if t.scope != anyone {
			names = slices.Clone(ofCallers)
		}
		if a.reduced {
			names = append(names, degradedHeader)
		}
		if t.tagged() {
			to[strconv.Itoa(http.StatusNotModified)] = openapi.Response{Description: "The client has it already.", Headers: headers(t.kept(d.checked), append(names, "ETag")...)}
		}
		if t.tagged() || a.etag {
			names = append(names, "ETag")
		}
		if a.located {
			names = append(names, "Location")
		}
		described := openapi.Response{Description: a.about, Headers: headers(t.kept(d.checked), names...)}
		switch {
		case a.media != nil:
			described.Content = map[string]openapi.MediaType{a.media.kind: {Schema: a.media.schema}}
		case a.body != nil:
			described.Content = map[string]openapi.MediaType{mediaJSON: {Schema: d.schemaOf(a.body), Example: a.body}}
		}
		to[strconv.Itoa(cmp.Or(a.status, http.StatusOK))] = described
	}
}

// refusals writes down the problems that a route answers.
func (d *describer) refusals(problems []*kind, to map[string]openapi.Response) {
	byStatus := map[int][]*kind{}
	for _, k := range problemKinds { // in their order, each once
		if slices.Contains(problems, k) {
			byStatus[k.status] = append(byStatus[k.status], k)
		}
	}
	for status, same := range byStatus {
		to[strconv.Itoa(status)] = d.refusal(same...)
	}
}

// refusal is a reference to the answer that is one of some problems of one status.
func (d *describer) refusal(same ...*kind) openapi.Response {
	var codes, abouts []string
	types := &jsonschema.Schema{}
	for _, k := range same {
		codes, abouts = append(codes, k.code), append(abouts, k.about)
		types.Enum = append(types.Enum, k.uri())
	}
	name, status := strings.Join(codes, "-or-"), any(same[0].status)
	described := headers("no-store", ofCallers...)
	maps.Copy(described, headersOf(same))
	d.doc.Components.Responses[name] = openapi.Response{
		Description: strings.Join(abouts, " Or: "), Headers: described,
		Content: map[string]openapi.MediaType{mediaProblem: {Example: exampleProblem(same[0]), Schema: &jsonschema.Schema{AllOf: []*jsonschema.Schema{
			d.schemaOf(Problem{}), {Properties: map[string]*jsonschema.Schema{"type": types, "status": {Const: &status}}},
		}}}},
	}
	return openapi.Response{Ref: "#/components/responses/" + name}
}

// headersOf are those that answers have because of their problem.
func headersOf(same []*kind) map[string]openapi.Header {
	all := map[string]openapi.Header{}
	switch same[0].status {
	case http.StatusBadRequest: // of two tokens
		all["WWW-Authenticate"] = sometimes("WWW-Authenticate")
	case http.StatusUnauthorized, http.StatusForbidden:
		all = headers("", "WWW-Authenticate")
	case http.StatusMethodNotAllowed:
		all = headers("", "Allow")
	}
	passing := 0
	for _, k := range same {
		if k.again {
			passing++
		}
	}
	switch passing {
	case 0:
	case len(same):
		maps.Copy(all, headers("", "Retry-After"))
	default:
		all["Retry-After"] = sometimes("Retry-After")
	}
	return all
}

// sometimes is a header that not all of these answers have.
func sometimes(name string) openapi.Header {
	h := answerHeaders[name]
	h.Required = false
	return h
}
