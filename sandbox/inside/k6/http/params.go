package http

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
)

// param reads one parameter of a request.
type param func(c *client, r *request, value sobek.Value) error

var params = map[string]param{
	"headers": (*client).readHeaders, "cookies": (*client).readCookies, "tags": (*client).readTags,
	"timeout": (*client).readTimeout,
	"redirects": func(_ *client, r *request, value sobek.Value) error {
		r.redirects = int(value.ToInteger())
		return nil
	},
	"throw": func(_ *client, r *request, value sobek.Value) error { r.throw = value.ToBoolean(); return nil },
	"responseType": func(_ *client, r *request, value sobek.Value) error {
		r.respond = value.String()
		if r.respond != "text" && r.respond != "binary" && r.respond != "none" {
			return fmt.Errorf("%q, want text, binary or none", r.respond)
		}
		return nil
	},
	"compression": (*client).compress,
	"auth": func(_ *client, _ *request, value sobek.Value) error {
		if value.String() != "basic" {
			return fmt.Errorf("%q is not known here, want basic", value)
		}
		return nil
	},
	"jar": (*client).readJar,
}

// readParams reads the parameters that are known; k6 passes over others, too.
func (c *client) readParams(r *request, object *sobek.Object) {
	for _, key := range object.Keys() {
		value := object.Get(key)
		if key == "responseCallback" {
			r.expected = c.callback(value)
		}
		read, ok := params[key]
		if !ok || nothing(value) {
			continue
		}
		if err := read(c, r, value); err != nil {
			c.Throw(fmt.Errorf("parameter %s: %w", key, err))
		}
	}
}

func (c *client) readHeaders(r *request, value sobek.Value) error {
	object := value.ToObject(c.VM)
	for _, key := range object.Keys() {
		text := object.Get(key).String()
		if strings.EqualFold(key, "host") {
			r.host = text
		}
		r.header.Set(key, text)
	}
	return nil
}

func (c *client) readTags(r *request, value sobek.Value) error {
	r.tags = c.TagsOf(value)
	return nil
}

func (c *client) readTimeout(r *request, value sobek.Value) error {
	var err error
	r.timeout, err = options.ParseDuration(value.String())
	return err
}

// readCookies adds cookies to those of the jar; one that is to replace takes the place of the jar's.
func (c *client) readCookies(r *request, value sobek.Value) error {
	object := value.ToObject(c.VM)
	for _, key := range object.Keys() {
		cookie := &http.Cookie{Name: key, Value: object.Get(key).String()}
		if long, ok := object.Get(key).(*sobek.Object); ok {
			cookie.Value = long.Get("value").String()
			if replace := long.Get("replace"); replace != nil && replace.ToBoolean() {
				r.replaced = append(r.replaced, cookie)
				continue
			}
		}
		r.cookies = append(r.cookies, cookie)
	}
	return nil
}

func (c *client) readJar(r *request, value sobek.Value) error {
	jar, ok := jarOf(value)
	if !ok {
		return fmt.Errorf("%s is no cookie jar", value)
	}
	r.jar = jar
	return nil
}

// compress encodes the body, in the order of the names.
func (c *client) compress(r *request, value sobek.Value) error {
	var names []string
	for name := range strings.SplitSeq(value.String(), ",") {
		var buffer bytes.Buffer
		var w io.WriteCloser
		switch name = strings.TrimSpace(name); name {
		case "gzip":
			w = gzip.NewWriter(&buffer)
		case "deflate":
			w = zlib.NewWriter(&buffer)
		default:
			return fmt.Errorf("%q is not known here, want gzip or deflate", name)
		}
		if _, err := w.Write(r.body); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		r.body, names = buffer.Bytes(), append(names, name)
	}
	r.header.Set("Content-Encoding", strings.Join(names, ", "))
	return nil
}
