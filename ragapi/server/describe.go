package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/ragapi/openapi"
)

// description is the API as a document of OpenAPI, and its ETag.
type description struct {
	body []byte
	tag  string
}

func (a *api) describe(w *exchange, r *http.Request) error {
	return writeTagged(w, r, a.description.tag, a.description.body)
}

const descriptionText = `Errors are problems after RFC 9457: the type of a problem is for programs and stays, its texts may change.

HEAD works wherever GET does. Another method is answered by 405 with Allow, another path by 404, both by problems. A query parameter that is not known is ignored; a known one that is given twice is a 400.

Lists are read page by page: next of a page is the cursor of the one after, and the last has none.`

// describer writes routes down.
type describer struct {
	checked bool // requests need a token
	schemas *openapi.Schemas
	doc     *openapi.Document
}

// describe writes down the routes of the API, and those of the second port.
func describe(routes []route, checked bool) description {
	d := &describer{checked: checked, schemas: newSchemas(), doc: newDescribed()}
	for _, t := range routes {
		d.add(t, problemsOf(t, checked))
	}
	for _, t := range adminRoutes(nil, nil) {
		d.add(t, problemsOfBody(t))
	}
	// A path and a method that are none are answered, too.
	d.refusal(notFound)
	d.refusal(methodNotAllowed)
	if checked {
		d.doc.Components.SecuritySchemes = map[string]openapi.SecurityScheme{securityScheme: {
			Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "A token of the issuer. Its claim scope (or scp) has the scopes that an operation names.",
		}}
	}
	d.doc.Components.Schemas = d.schemas.Components()
	d.doc.Components.Schemas["Message"].Properties[messageRole.name] = messageRole.describe() // a text in package session
	body, err := d.doc.Encode()
	if err != nil {
		panic(fmt.Sprintf("describe the API: %v", err)) // a defect of the table of routes
	}
	return description{body: body, tag: hashTag(body)}
}

const securityScheme = "token"

func newDescribed() *openapi.Document {
	return &openapi.Document{
		OpenAPI: openapi.Version, Info: openapi.Info{Title: "RAG API", Version: "1", Description: descriptionText, License: openapi.License{Name: "Apache 2.0", Identifier: "Apache-2.0"}}, Servers: []openapi.Server{{URL: "/"}},
		Tags: []openapi.Tag{
			{Name: "documents", Description: "Texts that are searched, shared by all users."}, {Name: "search", Description: "Searches, and how they went."},
			{Name: "sessions", Description: "Conversations, each of one user."}, {Name: "operation", Description: "For balancers, operators and tools."},
		},
		Paths: map[string]*openapi.Path{}, Components: openapi.Components{
			Responses: map[string]openapi.Response{}, Headers: answerHeaders, Parameters: map[string]openapi.Parameter{requestIDHeader: *requestIDGiven.describe(false)},
		},
	}
}

// adminServer is where the second port may be.
var adminServer = openapi.Server{URL: "http://{host}", Description: "ADMIN_ADDR: for scrapers and operators, not for the public", Variables: map[string]openapi.Variable{
	"host": {Default: "localhost:9090"},
}}

// add writes a route down. What both ports serve is written once.
func (d *describer) add(t route, problems []*kind) {
	path := d.doc.Paths[t.path]
	if path == nil {
		path = &openapi.Path{Parameters: []openapi.Parameter{{Ref: "#/components/parameters/" + requestIDHeader}}}
		if t.admin {
			path.Servers = []openapi.Server{adminServer}
		}
		d.doc.Paths[t.path] = path
	}
	path.Set(t.method, d.operation(t, problems))
}

func (d *describer) operation(t route, problems []*kind) *openapi.Operation {
	op := &openapi.Operation{ID: t.id, Tags: []string{t.tag}, Summary: t.summary, Description: t.about, Security: []map[string][]string{}, Responses: map[string]openapi.Response{}}
	if d.checked && t.scope != anyone {
		op.Security = append(op.Security, map[string][]string{securityScheme: {string(t.scope)}})
	}
	op.Parameters = d.parameters(t)
	if t.body != nil {
		op.RequestBody = d.content(t.body)
	}
	d.answers(t, op.Responses)
	d.refusals(problems, op.Responses)
	return op
}

func (d *describer) parameters(t route) (all []openapi.Parameter) {
	if hasID(t.path) {
		all = append(all, openapi.Parameter{Name: "id", In: "path", Required: true, Schema: idSchema, Example: exampleDocumentID})
	}
	read := t.parameters
	if t.conditional() {
		read = append(slices.Clone(read), ifMatchHeader, ifNoneMatchHeader)
	}
	for _, p := range read {
		if described := p.describe(d.checked); described != nil {
			all = append(all, *described)
		}
	}
	return all
}

func hasID(path string) bool { return strings.Contains(path, "{id}") }

// problemsOf are all that a route of the API may answer.
func problemsOf(t route, checked bool) []*kind {
	all := append(problemsOfBody(t), headTooLarge, internal)
	if !isProbe(t.path) {
		all = append(all, overloaded)
	}
	if !t.idle {
		all = append(all, timedOut, unavailable)
	}
	if t.scope != anyone {
		all = append(all, rateLimited)
		if checked {
			all = append(all, invalidRequest, unauthenticated, forbidden)
		}
	}
	return all
}

// problemsOfBody are those of the request itself, and the route's own.
func problemsOfBody(t route) []*kind {
	all := append([]*kind{}, t.problems...)
	if len(t.parameters) > 0 || t.body != nil || hasID(t.path) {
		all = append(all, invalidRequest)
	}
	if hasID(t.path) {
		all = append(all, notFound)
	}
	if t.conditional() {
		all = append(all, preconditionFailed)
	}
	if t.body != nil {
		all = append(all, tooLarge, tooSlow, unsupportedMedia, overloaded)
	}
	return all
}
