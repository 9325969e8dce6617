package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/text"
)

const maxTitleBytes = 512

var (
	newDocument      = shapeOf("NewDocument", "A document.", documentTitle, documentText, documentMetadata)
	documentTitle    = field{name: "title", most: maxTitleBytes}
	documentText     = field{name: "text", about: "Plain text without NUL."}
	documentMetadata = field{name: "metadata", need: optional, schema: anyObject, about: fmt.Sprintf("Whatever is known of the document: %d bytes, %d levels, %d members and elements at most.", maxMetadataBytes, maxNesting, maxMetadataValues)}

	textTitle = phrase{name: "title", most: maxTitleBytes, need: optional, about: "The title of a document that comes as text/plain."}
)

// upload is an upload being read: where each part came from, for the faults to name.
type upload struct {
	document.Upload
	where  func(field string) Fault // a fault without its detail
	source string                   // the field that the text comes in
	faults []Fault
}

func (u *upload) faultf(field, format string, args ...any) {
	f := u.where(field)
	f.Detail = fmt.Sprintf(format, args...)
	u.faults = addFault(u.faults, f)
}

// readUpload reads a document from a body of any accepted type. Its error is a Problem.
func readUpload(x *exchange, r *http.Request) (document.Upload, error) {
	u := upload{where: inParameter}
	var err error
	switch x.body.kind {
	case mediaJSON:
		u.where, u.source = inBody, "text"
		err = u.readJSON(x.body.take())
	case mediaForm:
		u.source = "file"
		err = u.readForm(x.body.take(), x.body.params["boundary"])
	default:
		u.source = "body"
		err = u.readText(x, r)
	}
	if err != nil {
		return document.Upload{}, err
	}
	u.Title = u.clean("title", strings.TrimSpace(u.Title))
	if len(u.Title) > maxTitleBytes {
		u.faultf("title", "%s", tooLong(len(u.Title), maxTitleBytes))
	}
	u.Text = u.clean(u.source, u.Text)
	if u.faults != nil {
		return document.Upload{}, invalid(u.faults)
	}
	return u.Upload, nil
}

func (u *upload) readJSON(raw []byte) error {
	var o object
	if err := o.read(raw, newDocument.names); err != nil {
		return err
	}
	u.Text, u.Title = o.value(documentText.name), strings.Clone(o.value(documentTitle.name))
	u.faults = o.faults
	if o.has(documentMetadata.name) {
		u.Metadata = u.readMetadata(o.members[documentMetadata.name])
	}
	return nil
}

func (u *upload) readText(x *exchange, r *http.Request) error {
	query, err := x.parameters(r)
	if err != nil {
		return err
	}
	u.Title = query.value(textTitle.name)
	u.faults = query.faults
	u.Text = shared(x.body.take())
	return nil
}

// readMetadata judges a JSON object. In a form its pointers are within the field.
func (u *upload) readMetadata(raw []byte) json.RawMessage {
	return readMetadata(raw, func(pointer, detail string) {
		f := u.where("metadata")
		if f.Pointer != nil {
			pointer = *f.Pointer + pointer
		}
		if f.Pointer != nil || pointer != "" {
			f.Pointer = at(pointer).Pointer
		}
		f.Detail = detail
		u.faults = addFault(u.faults, f)
	})
}

// clean returns a required text as it is kept. It adds no fault to a field that has one already (of its type, say).
func (u *upload) clean(field, value string) string {
	if slices.ContainsFunc(u.faults, u.where(field).sameField) {
		return ""
	}
	if detail := text.Fault(value); detail != "" {
		u.faultf(field, "%s", detail)
		return ""
	}
	clean, fits := text.Clean(value)
	switch {
	case !fits:
		u.faultf(field, "has more than %s in Unicode's form NFC, of %s as sent", bytesText(int64(text.Grown(len(value)))), bytesText(int64(len(value))))
	case strings.TrimSpace(clean) == "":
		u.faultf(field, "is missing or blank, want a text")
	}
	return clean
}
