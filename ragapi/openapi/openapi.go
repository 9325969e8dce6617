// Package openapi writes an API down as a document of OpenAPI 3.1.
//
// Owns: the parts of such a document that are in use here, schemas of Go types. Does not own: what there is to be written down.
package openapi

import (
	"encoding/json"
	"net/http"

	"github.com/google/jsonschema-go/jsonschema"
)

// Version is that of the specification.
const Version = "3.1.1"

// Document is the whole.
type Document struct {
	OpenAPI    string                `json:"openapi"`
	Info       Info                  `json:"info"`
	Servers    []Server              `json:"servers,omitempty"`
	Security   []map[string][]string `json:"security,omitempty"` // one of these will do
	Tags       []Tag                 `json:"tags,omitempty"`
	Paths      map[string]*Path      `json:"paths"`
	Components Components            `json:"components"`
}

// Info says what API it is.
type Info struct {
	Title       string  `json:"title"`
	Summary     string  `json:"summary,omitempty"`
	Description string  `json:"description,omitempty"`
	License     License `json:"license"`
	Version     string  `json:"version"`
}

// License is one by its SPDX identifier.
type License struct {
	Name       string `json:"name"`
	Identifier string `json:"identifier"`
}

// Server is where it answers; the URL is relative to the document's.
type Server struct {
	URL         string              `json:"url"`
	Description string              `json:"description,omitempty"`
	Variables   map[string]Variable `json:"variables,omitempty"`
}

// Variable stands in a server's URL.
type Variable struct {
	Default     string `json:"default"`
	Description string `json:"description,omitempty"`
}

// Tag is a group of operations.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// Path is what can be done at one.
type Path struct {
	Servers    []Server    `json:"servers,omitempty"` // others than the document's
	Parameters []Parameter `json:"parameters,omitempty"`
	Get        *Operation  `json:"get,omitempty"`
	Put        *Operation  `json:"put,omitempty"`
	Post       *Operation  `json:"post,omitempty"`
	Delete     *Operation  `json:"delete,omitempty"`
}

// Set makes op what is done by a method. It reports false for a method that a path cannot have here.
func (p *Path) Set(method string, op *Operation) bool {
	switch method {
	case http.MethodGet:
		p.Get = op
	case http.MethodPut:
		p.Put = op
	case http.MethodPost:
		p.Post = op
	case http.MethodDelete:
		p.Delete = op
	default:
		return false
	}
	return true
}

// Operation is one thing that can be done.
type Operation struct {
	ID          string                `json:"operationId"`
	Tags        []string              `json:"tags,omitempty"`
	Summary     string                `json:"summary,omitempty"`
	Description string                `json:"description,omitempty"`
	Security    []map[string][]string `json:"security"` // empty for none
	Parameters  []Parameter           `json:"parameters,omitempty"`
	RequestBody *RequestBody          `json:"requestBody,omitempty"`
	Responses   map[string]Response   `json:"responses"` // by status
}

// Parameter is one of the path, the query or the headers, or with Ref a reference to one.
type Parameter struct {
	Ref             string             `json:"$ref,omitempty"`
	Name            string             `json:"name,omitempty"`
	In              string             `json:"in,omitempty"`
	Description     string             `json:"description,omitempty"`
	Required        bool               `json:"required,omitempty"`
	AllowEmptyValue bool               `json:"allowEmptyValue,omitempty"`
	Style           string             `json:"style,omitempty"`
	Explode         *bool              `json:"explode,omitempty"`
	Schema          *jsonschema.Schema `json:"schema,omitempty"`
	Example         any                `json:"example,omitempty"`
}

// RequestBody is what a request carries.
type RequestBody struct {
	Description string               `json:"description,omitempty"`
	Required    bool                 `json:"required,omitempty"`
	Content     map[string]MediaType `json:"content"`
}

// MediaType is a body of one type.
type MediaType struct {
	Schema   *jsonschema.Schema  `json:"schema,omitempty"`
	Example  any                 `json:"example,omitempty"`
	Encoding map[string]Encoding `json:"encoding,omitempty"` // of a form's fields
}

// Encoding is how a field of a form is written.
type Encoding struct {
	ContentType string `json:"contentType"`
}

// Response is one answer, or with Ref a reference to one.
type Response struct {
	Ref         string               `json:"$ref,omitempty"`
	Description string               `json:"description,omitempty"`
	Headers     map[string]Header    `json:"headers,omitempty"`
	Content     map[string]MediaType `json:"content,omitempty"`
}

// Header is one of an answer, or with Ref a reference to one.
type Header struct {
	Ref         string             `json:"$ref,omitempty"`
	Description string             `json:"description,omitempty"`
	Required    bool               `json:"required,omitempty"`
	Schema      *jsonschema.Schema `json:"schema,omitempty"`
	Example     any                `json:"example,omitempty"`
}

// Components are what others refer to.
type Components struct {
	Schemas         map[string]*jsonschema.Schema `json:"schemas,omitempty"`
	Responses       map[string]Response           `json:"responses,omitempty"`
	Parameters      map[string]Parameter          `json:"parameters,omitempty"`
	Headers         map[string]Header             `json:"headers,omitempty"`
	SecuritySchemes map[string]SecurityScheme     `json:"securitySchemes,omitempty"`
}

// SecurityScheme is how a request says who sends it.
type SecurityScheme struct {
	Type         string `json:"type"`
	Scheme       string `json:"scheme,omitempty"`
	BearerFormat string `json:"bearerFormat,omitempty"`
	Description  string `json:"description,omitempty"`
}

// Encode returns the document as JSON.
func (d *Document) Encode() ([]byte, error) {
	body, err := json.MarshalIndent(d, "", " ")
	return append(body, '\n'), err
}
