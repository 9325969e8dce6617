package server

import (
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ragscale/ragscale/ragapi/openapi"
)

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
	mediaForm    = "multipart/form-data"
	mediaText    = "text/plain"
)

// content is the body of a route's requests.
type content struct {
	shape   *shape
	most    int64 // bytes
	example any
	others  map[string]openapi.MediaType // than JSON
}

func jsonBody(s *shape, most int64, example any) *content {
	return &content{shape: s, most: most, example: example}
}

// kinds are the media types that it may have, as a fault names them.
func (c *content) kinds() string {
	if c.others == nil {
		return mediaJSON
	}
	return strings.Join([]string{mediaJSON, mediaForm}, ", ") + " or " + mediaText
}

// uploads are bodies of at most so many bytes.
func uploads(most int64) *content {
	text, metadata := textSchema(int(most), "The text."), documentMetadata.describe()
	metadata.Type, metadata.Types, metadata.ContentMediaType = "", []string{"object", "string"}, mediaJSON
	form := &jsonschema.Schema{
		Type: "object", Required: []string{"file"}, PropertyOrder: []string{"file", "title", "metadata"}, AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
		Properties: map[string]*jsonschema.Schema{
			"file":     textSchema(int(most), "The text. Its file name is the title unless there is one."),
			"title":    documentTitle.describe(),
			"metadata": metadata,
		},
	}
	return &content{
		shape: newDocument, most: most, example: map[string]any{"title": exampleDocument.Title, "text": exampleText, "metadata": exampleDocument.Metadata},
		others: map[string]openapi.MediaType{
			mediaForm: {Schema: form, Encoding: map[string]openapi.Encoding{"metadata": {ContentType: mediaJSON}, "file": {ContentType: mediaText}}},
			mediaText: {Schema: text, Example: exampleText},
		},
	}
}

func (d *describer) content(c *content) *openapi.RequestBody {
	media := map[string]openapi.MediaType{mediaJSON: {Schema: d.schemas.Name(c.shape.name, c.shape.schema(d.checked)), Example: c.example}}
	for kind, other := range c.others {
		media[kind] = other
	}
	return &openapi.RequestBody{Description: c.shape.about, Required: true, Content: media}
}
