package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/ragapi/document"
)

const (
	maxTitleBytes    = 512
	maxMetadataBytes = 16 << 10
)

// upload is an upload being read: where each part came from, for the faults to name.
type upload struct {
	document.Upload
	where  func(field string) Fault // a fault without its detail
	text   string                   // the field that the text comes in
	faults []Fault
}

func (u *upload) faultf(field, format string, args ...any) {
	f := u.where(field)
	f.Detail = fmt.Sprintf(format, args...)
	u.faults = append(u.faults, f)
}

// readUpload reads a document from a body of any accepted type. Its error is a Problem, or that of a body over the limit.
func (a *api) readUpload(w http.ResponseWriter, r *http.Request) (document.Upload, error) {
	r.Body = http.MaxBytesReader(w, r.Body, a.MaxUploadBytes)
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	u := upload{where: inParameter}
	switch kind {
	case "application/json":
		u.where, u.text = inBody, "text"
		err = u.readJSON(r.Body)
	case "multipart/form-data":
		u.text = "file"
		err = u.readForm(multipart.NewReader(r.Body, params["boundary"]))
	case "text/plain":
		u.text = "body"
		err = u.readText(r.Body, r.URL.Query())
	default:
		return document.Upload{}, unsupportedMedia("application/json, multipart/form-data or text/plain")
	}
	if err != nil {
		return document.Upload{}, err
	}
	u.check()
	if u.faults != nil {
		return document.Upload{}, invalid(u.faults)
	}
	return u.Upload, nil
}

func inBody(field string) Fault {
	pointer := ""
	if field != "" {
		pointer = "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(field)
	}
	return Fault{Pointer: &pointer}
}

func inParameter(field string) Fault { return Fault{Parameter: field} }

func (u *upload) readJSON(body io.Reader) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return bodyError(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		u.faultf("", "%s", jsonFault(err))
		return invalid(u.faults)
	}
	if fields == nil {
		u.faultf("", "is null, want an object")
		return invalid(u.faults)
	}
	for _, name := range sortedKeys(fields) {
		switch name {
		case "title":
			u.decode(name, fields[name], &u.Title)
		case "text":
			u.decode(name, fields[name], &u.Text)
		case "metadata":
			u.Metadata = fields[name]
		default:
			u.faultf(name, "is not known, want title, text or metadata")
		}
	}
	return nil
}

func (u *upload) decode(name string, raw json.RawMessage, into *string) {
	if err := json.Unmarshal(raw, into); err != nil {
		u.faultf(name, "%s", jsonFault(err))
	}
}

func (u *upload) readForm(form *multipart.Reader) error {
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return bodyError(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return bodyError(err)
		}
		switch part.FormName() {
		case "file":
			u.Text = string(content)
			if u.Title == "" {
				u.Title = part.FileName()
			}
		case "title":
			u.Title = string(content)
		case "metadata":
			u.Metadata = content
		default:
			u.faultf(part.FormName(), "is not known, want file, title or metadata")
		}
	}
}

func (u *upload) readText(body io.Reader, query url.Values) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return bodyError(err)
	}
	u.Text, u.Title = string(text), query.Get("title")
	return nil
}

// check gathers what is wrong with the upload's values.
func (u *upload) check() {
	u.Title = strings.TrimSpace(u.Title)
	u.checkText("title", u.Title)
	if len(u.Title) > maxTitleBytes {
		u.faultf("title", "has %s, want %s at most", bytesText(int64(len(u.Title))), bytesText(maxTitleBytes))
	}
	u.checkText(u.text, u.Text)
	if u.Metadata != nil {
		u.checkMetadata()
	}
}

// checkText adds a fault of a required text, unless the field has one already (of its type, say).
func (u *upload) checkText(field, value string) {
	place := u.where(field)
	if slices.ContainsFunc(u.faults, place.sameField) {
		return
	}
	if detail := textFault(value); detail != "" {
		u.faultf(field, "%s", detail)
	} else if strings.TrimSpace(value) == "" {
		u.faultf(field, "is missing or blank, want a text")
	}
}

func (u *upload) checkMetadata() {
	var object map[string]any
	switch err := json.Unmarshal(u.Metadata, &object); {
	case len(u.Metadata) > maxMetadataBytes:
		u.faultf("metadata", "has %s, want %s at most", bytesText(int64(len(u.Metadata))), bytesText(maxMetadataBytes))
	case err != nil:
		u.faultf("metadata", "%s", jsonFault(err))
	case object == nil:
		u.faultf("metadata", "is null, want an object")
	case bytes.Contains(u.Metadata, []byte(`\u0000`)):
		u.faultf("metadata", "has a NUL character, which cannot be stored")
	}
}

// bodyError keeps the error of a body over the limit, and turns any other into a fault of the request.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return invalid([]Fault{{Parameter: "body", Detail: "could not be read: " + err.Error()}})
}

// jsonFault says what is wrong with a JSON value in the words of its sender, not of Go.
func jsonFault(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("is not JSON: %v at byte %d", syntax, syntax.Offset)
	case errors.As(err, &kind):
		want := "an object"
		if kind.Type.Kind().String() == "string" {
			want = "a string"
		}
		return fmt.Sprintf("is of type %s, want %s", kind.Value, want)
	}
	return err.Error()
}

func sortedKeys(m map[string]json.RawMessage) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
