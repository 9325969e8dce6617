package openapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	faults "github.com/pb33f/libopenapi-validator/errors"
)

// Document is one of OpenAPI, ready to be asked about answers.
type Document struct {
	text      []byte
	routes    *http.ServeMux       // its paths and methods
	reads     map[string][]reading // by path and method
	requests  validator.Validator
	responses validator.Validator
}

// reading is a parameter of an operation.
type reading struct {
	Name       string `json:"name"`
	In         string `json:"in"`
	MayBeEmpty bool   `json:"allowEmptyValue"` // then it counts as none
	Style      string `json:"style"`
}

// elsewhere is the path under which a copy of a document has what is answered where there is no path or no method.
const elsewhere = "/-/elsewhere"

// What need not be declared: of the connection, of every request or answer, or what nobody reads.
var (
	passingHeaders    = []string{"Content-Type", "Content-Length", "Connection", "Date", "X-Content-Type-Options"}
	passingParameters = []string{"Content-Type", "Content-Length", "Content-Encoding", "Connection", "Accept-Encoding", "User-Agent", "Authorization", "X-Request-Id", "X-User-Id", "X-Forwarded-For", "utm_source"}
)

// Read reads a document, which must be valid as the specification's own schema has it.
func Read(text []byte) (*Document, error) {
	d := &Document{text: text, routes: http.NewServeMux(), reads: map[string][]reading{}}
	parsed, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	whole, faults := validator.NewValidator(parsed)
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if ok, found := whole.ValidateDocument(); !ok {
		return nil, joined(found)
	}
	asked, err := d.completed()
	if err != nil {
		return nil, err
	}
	if parsed, err = libopenapi.NewDocument(asked); err != nil {
		return nil, err
	}
	formats, bodies := config.WithFormatAssertions(), config.WithStandardBodyDecoders()
	d.requests, faults = validator.NewValidator(parsed, formats, bodies)
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	// Strict, that undeclared headers are found. Of bodies the schemas themselves say what else there may be.
	d.responses, faults = validator.NewValidator(parsed, formats, bodies, config.WithStrictMode(), config.WithStrictIgnorePaths("$.body", "$.body.**"), config.WithStrictIgnoredHeaders(passingHeaders...))
	return d, errors.Join(faults...)
}

// completed is the document and what it can only tell in words: HEAD, which GET implies, and the answers where there is no path
// or no method.
func (d *Document) completed() ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(d.text, &doc); err != nil {
		return nil, err
	}
	paths, _ := doc["paths"].(map[string]any)
	for path, item := range paths {
		item, _ := item.(map[string]any)
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete} {
			if op := item[strings.ToLower(method)]; op != nil {
				if err := d.route(method+" "+path, op); err != nil {
					return nil, err
				}
			}
		}
		if get, ok := item["get"].(map[string]any); ok {
			item["head"] = headOf(get)
		}
	}
	answers := map[string]any{}
	components, _ := doc["components"].(map[string]any)
	responses, _ := components["responses"].(map[string]any)
	for status, name := range map[string]string{"404": "not-found", "405": "method-not-allowed", "503": "overloaded"} {
		answers[status] = responses[name]
	}
	paths[elsewhere] = map[string]any{"get": map[string]any{"operationId": "elsewhere", "responses": answers}}
	return json.Marshal(doc)
}

// route makes requests be known as those of an operation.
func (d *Document) route(pattern string, op any) error {
	d.routes.Handle(pattern, http.NotFoundHandler())
	raw, err := json.Marshal(op)
	if err != nil {
		return err
	}
	var reads struct {
		Parameters []reading `json:"parameters"`
	}
	err = json.Unmarshal(raw, &reads)
	d.reads[pattern] = reads.Parameters
	return err
}

// headOf is an operation whose answers have no bodies.
func headOf(get map[string]any) map[string]any {
	head := map[string]any{}
	for key, value := range get {
		head[key] = value
	}
	head["operationId"] = fmt.Sprint("head ", get["operationId"])
	answers := map[string]any{}
	responses, _ := get["responses"].(map[string]any)
	for status, answer := range responses {
		answer, _ := answer.(map[string]any)
		bare := map[string]any{"description": "as GET"}
		if answer["headers"] != nil {
			bare["headers"] = answer["headers"]
		}
		answers[status] = bare
	}
	head["responses"] = answers
	return head
}

// Faults says in what an answer, and a request that was accepted, are not as the document says. Of a request whose body was not kept
// only the answer is looked at.
func (d *Document) Faults(asked *http.Request, sent []byte, answer *http.Response) (all []string) {
	const clientClosed = 499 // nobody gets it
	if answer.StatusCode == clientClosed || strings.HasPrefix(asked.URL.Path, "/debug/pprof/") {
		return nil
	}
	r := asked.Clone(asked.Context())
	r.Body = io.NopCloser(bytes.NewReader(sent))
	_, pattern := d.routes.Handler(r)
	if pattern == "" {
		r.Method, r.URL = http.MethodGet, &url.URL{Path: elsewhere}
	}
	_, found := d.responses.ValidateHttpResponse(r, answer)
	all = texts(found)
	if answer.StatusCode < http.StatusMultipleChoices && (sent != nil || asked.ContentLength == 0) {
		all = append(all, d.undeclared(pattern, r)...)
		d.withoutEmpty(pattern, r)
		_, found := d.requests.ValidateHttpRequestSync(r)
		all = append(all, texts(found)...)
	}
	return all
}

// undeclared says which parameters of a request an operation does not declare.
func (d *Document) undeclared(pattern string, r *http.Request) (all []string) {
	query := r.URL.Query()
	known := func(in, name string) bool {
		return slices.Contains(passingParameters, name) || slices.ContainsFunc(d.reads[pattern], func(p reading) bool {
			return p.In == in && (p.Name == name || p.Style == "form" && strings.HasPrefix(name, p.Name+"."))
		})
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !known("query", name) {
			all = append(all, "it reads no query parameter "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if !known("header", name) {
			all = append(all, "it reads no header "+name)
		}
	}
	return all
}

// withoutEmpty takes from a request the parameters that are empty and count as none.
func (d *Document) withoutEmpty(pattern string, r *http.Request) {
	query := r.URL.Query()
	for _, p := range d.reads[pattern] {
		if p.MayBeEmpty && query.Get(p.Name) == "" {
			query.Del(p.Name)
		}
	}
	r.URL.RawQuery = query.Encode()
}

func joined(found []*faults.ValidationError) error {
	return errors.New(strings.Join(texts(found), "\n"))
}

// texts say each fault in one line.
func texts(found []*faults.ValidationError) (all []string) {
	for _, f := range found {
		text := f.Message + ": " + f.Reason
		for _, s := range f.SchemaValidationErrors {
			text += fmt.Sprintf("; %s at %s", s.Reason, s.KeywordLocation)
		}
		all = append(all, text)
	}
	return all
}
