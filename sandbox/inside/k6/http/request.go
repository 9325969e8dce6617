package http

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"time"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// request is one that is ready to be sent.
type request struct {
	method  string
	url     *url.URL
	name    string // for the tag
	header  http.Header
	host    string
	body    []byte
	tags    metrics.Tags // of the script for this request
	base    metrics.Tags // of the user
	timeout time.Duration

	redirects int
	respond   string // text, binary or none
	expected  *statuses
	throw     bool
	jar       *cookiejar.Jar
	cookies   []*http.Cookie
	replaced  []*http.Cookie // that take the place of the jar's
	fault     error
}

// requestWithin is how long a request may take unless it says otherwise.
const requestWithin = time.Minute

// prepare reads what a script asks for.
func (c *client) prepare(a asked) *request {
	if !c.Running() {
		c.Throw(errors.New("making http requests in the init context is not supported"))
	}
	r := &request{
		method: a.method, header: http.Header{}, base: c.Base(), timeout: requestWithin, redirects: c.Options.MaxRedirects,
		respond: "text", expected: c.expected, throw: c.Options.Throw, jar: c.Jar,
	}
	if c.Options.DiscardBodies {
		r.respond = "none"
	}
	r.header.Set("User-Agent", c.Options.UserAgent)
	c.readURL(r, a.url)
	if !nothing(a.body) {
		c.readBody(r, a.body)
	}
	if !nothing(a.params) {
		c.readParams(r, a.params.ToObject(c.VM))
	}
	return r
}

func (c *client) readURL(r *request, value sobek.Value) {
	text := value.String()
	u, err := url.Parse(text)
	if err == nil && (u.Scheme == "" || u.Host == "") {
		err = errors.New("want scheme://host/path")
	}
	if err != nil {
		r.fault, u = fmt.Errorf("invalid URL %q: %w", text, err), &url.URL{}
	}
	r.url, r.name = u, cleaned(u)
	if object, ok := value.(*sobek.Object); ok && object.Get(nameMark) != nil {
		r.name = object.Get(nameMark).String()
	}
	if user := u.User; user != nil {
		password, _ := user.Password()
		basic := http.Request{Header: r.header}
		basic.SetBasicAuth(user.Username(), password)
		u.User = nil
	}
}

// cleaned is a URL without its password, for tags.
func cleaned(u *url.URL) string {
	if u.User == nil {
		return u.String()
	}
	shown := *u
	shown.User = url.UserPassword("****", "****")
	return shown.String()
}

func (c *client) readBody(r *request, value sobek.Value) {
	object, ok := value.(*sobek.Object)
	if !ok || object.ClassName() == "String" {
		r.body = []byte(value.String())
		return
	}
	_, buffer := object.Export().(sobek.ArrayBuffer)
	if buffer || !nothing(object.Get("byteLength")) {
		r.body = append([]byte(nil), c.Bytes(value)...)
		return
	}
	for _, key := range object.Keys() {
		if isFile(object.Get(key)) {
			c.multipart(r, object)
			return
		}
	}
	form := url.Values{}
	for _, key := range object.Keys() {
		form[key] = c.texts(object.Get(key))
	}
	r.body = []byte(form.Encode())
	r.header.Set("Content-Type", "application/x-www-form-urlencoded")
}

// texts are those of a form's field: an array is several.
func (c *client) texts(value sobek.Value) []string {
	object, ok := value.(*sobek.Object)
	if !ok || object.ClassName() != "Array" {
		return []string{value.String()}
	}
	var all []string
	for _, i := range object.Keys() {
		all = append(all, object.Get(i).String())
	}
	return all
}

// fileMark tells what http.file made.
const fileMark = "k6 file"

func isFile(value sobek.Value) bool {
	object, ok := value.(*sobek.Object)
	return ok && object.Get(fileMark) != nil
}

// file is a part of a form that is a file.
func (c *client) file(call sobek.FunctionCall) sobek.Value {
	name, kind := call.Argument(1), call.Argument(2)
	object := c.VM.NewObject()
	values := map[string]any{
		"data": call.Argument(0), "filename": fmt.Sprint(time.Now().UnixNano()), "content_type": "application/octet-stream",
	}
	if !nothing(name) {
		values["filename"] = name.String()
	}
	if !nothing(kind) {
		values["content_type"] = kind.String()
	}
	for key, value := range values {
		if err := object.Set(key, value); err != nil {
			c.Throw(err)
		}
	}
	c.hide(object, fileMark, true)
	return object
}

func (c *client) multipart(r *request, object *sobek.Object) {
	var buffer bytes.Buffer
	w := multipart.NewWriter(&buffer)
	for _, key := range object.Keys() {
		value := object.Get(key)
		var part io.Writer
		var err error
		content := []byte(value.String())
		if isFile(value) {
			file := value.ToObject(c.VM)
			header := textproto.MIMEHeader{}
			header.Set("Content-Disposition", multipart.FileContentDisposition(key, file.Get("filename").String()))
			header.Set("Content-Type", file.Get("content_type").String())
			part, err = w.CreatePart(header)
			content = c.Bytes(file.Get("data"))
		} else {
			part, err = w.CreateFormField(key)
		}
		if err == nil {
			_, err = part.Write(content)
		}
		if err != nil {
			c.Throw(err)
		}
	}
	if err := w.Close(); err != nil {
		c.Throw(err)
	}
	r.body = buffer.Bytes()
	r.header.Set("Content-Type", w.FormDataContentType())
}
