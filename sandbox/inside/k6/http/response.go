package http

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/grafana/sobek"
	"github.com/tidwall/gjson"

	"github.com/ragscale/ragscale/sandbox/inside/k6/html"
)

// answer is a response as scripts see it. A request without an answer has status 0 and says why.
func (c *client) answer(g *got) sobek.Value {
	if g.err != nil {
		if g.request.throw {
			c.Throw(g.err)
		}
		if c.Ctx.Err() == nil {
			c.Log.Write("warning", "Request Failed", map[string]string{"error": strconv.Quote(g.err.Error())})
		}
	}
	object := c.VM.CreateObject(c.response)
	remote, port := address(g.measured.remote)
	members := map[string]any{
		"status": 0, "status_text": "", "body": nil, "headers": c.VM.NewObject(), "cookies": c.VM.NewObject(), "proto": "",
		"url": g.request.url.String(), "error": "", "error_code": g.code, "remote_ip": remote, "remote_port": port,
		"timings": c.timings(g.measured), "request": c.sent(g), "tls_version": "", "tls_cipher_suite": "",
		"ocsp": map[string]any{"status": ""},
	}
	if g.err != nil {
		members["error"] = short(g.err)
	} else if g.response != nil {
		c.received(g, members)
	}
	for name, value := range members {
		c.set(object, name, value)
	}
	return object
}

func (c *client) set(object *sobek.Object, name string, value any) {
	if err := object.Set(name, value); err != nil {
		c.Throw(err)
	}
}

func address(remote string) (host string, port int) {
	host, text, err := net.SplitHostPort(remote)
	if err != nil {
		return "", 0
	}
	port, err = strconv.Atoi(text)
	if err != nil {
		return host, 0
	}
	return host, port
}

// received are the members that an answer gives.
func (c *client) received(g *got, members map[string]any) {
	r := g.response
	members["status"], members["proto"] = r.StatusCode, r.Proto
	members["status_text"] = fmt.Sprintf("%d %s", r.StatusCode, http.StatusText(r.StatusCode))
	if r.Request != nil {
		members["url"] = r.Request.URL.String()
	}
	headers := c.VM.NewObject()
	for key, values := range r.Header {
		c.set(headers, key, strings.Join(values, ", "))
	}
	members["headers"], members["cookies"] = headers, c.cookies(r.Cookies())
	if r.TLS != nil {
		members["tls_version"] = tlsName(r.TLS.Version)
	}
	switch g.request.respond {
	case "text":
		members["body"] = string(g.body)
	case "binary":
		members["body"] = c.VM.NewArrayBuffer(g.body)
	}
}

func (c *client) timings(m *measure) *sobek.Object {
	object := c.VM.NewObject()
	for name, value := range map[string]float64{
		"blocked": m.blocked, "connecting": m.connecting, "duration": m.duration(), "looking_up": 0, "receiving": m.receiving,
		"sending": m.sending, "tls_handshaking": m.handshaking, "waiting": m.waiting,
	} {
		c.set(object, name, value)
	}
	return object
}

// sent is the request that an answer is to: of redirects the last one.
func (c *client) sent(g *got) *sobek.Object {
	method, url, header := g.request.method, g.request.url.String(), g.request.header
	if g.response != nil && g.response.Request != nil {
		method, url, header = g.response.Request.Method, g.response.Request.URL.String(), g.response.Request.Header
	}
	headers := map[string][]string{}
	for key, values := range header {
		headers[key] = values
	}
	object := c.VM.NewObject()
	for name, value := range map[string]any{
		"method": method, "url": url, "headers": headers, "body": string(g.request.body),
		"cookies": c.cookies(g.request.cookies),
	} {
		c.set(object, name, value)
	}
	return object
}

// cookies are those of a message, each name with a list.
func (c *client) cookies(all []*http.Cookie) *sobek.Object {
	lists := map[string][]any{}
	for _, cookie := range all {
		expires := int64(0)
		if !cookie.Expires.IsZero() {
			expires = cookie.Expires.UnixMilli()
		}
		lists[cookie.Name] = append(lists[cookie.Name], map[string]any{
			"name": cookie.Name, "value": cookie.Value, "domain": cookie.Domain, "path": cookie.Path,
			"http_only": cookie.HttpOnly, "secure": cookie.Secure, "max_age": cookie.MaxAge, "expires": expires,
		})
	}
	object := c.VM.NewObject()
	for name, list := range lists {
		c.set(object, name, list)
	}
	return object
}

// prototype has the functions of answers.
func (c *client) prototype() *sobek.Object {
	object := c.VM.NewObject()
	functions := map[string]func(*sobek.Object, sobek.FunctionCall) sobek.Value{"json": c.json, "html": c.html}
	for name, function := range functions {
		value := c.VM.ToValue(func(call sobek.FunctionCall) sobek.Value { return function(call.This.ToObject(c.VM), call) })
		if err := object.DefineDataProperty(name, value, sobek.FLAG_TRUE, sobek.FLAG_FALSE, sobek.FLAG_TRUE); err != nil {
			c.Throw(err)
		}
	}
	return object
}

// html is the body as a page, or the part of it that a selector fits.
func (c *client) html(answer *sobek.Object, call sobek.FunctionCall) sobek.Value {
	body := answer.Get("body")
	if nothing(body) {
		c.Throw(errors.New("the body is null so we can't transform it to HTML: there is no answer, or it was discarded"))
	}
	page := html.Parse(c.User, string(c.Bytes(body)))
	if selector := call.Argument(0); !nothing(selector) {
		page = page.Find(selector.String())
	}
	return c.VM.ToValue(page)
}

// json is the body as a value, or the part of it that a selector in gjson's syntax means.
func (c *client) json(answer *sobek.Object, call sobek.FunctionCall) sobek.Value {
	body := answer.Get("body")
	if nothing(body) {
		c.Throw(errors.New("the body is null so we can't transform it to JSON: there is no answer, or it was discarded"))
	}
	text := c.Bytes(body)
	if selector := call.Argument(0); !nothing(selector) {
		found := gjson.GetBytes(text, selector.String())
		if !gjson.ValidBytes(text) {
			c.Throw(errors.New("cannot parse json"))
		}
		if !found.Exists() {
			return sobek.Undefined()
		}
		text = []byte(found.Raw)
	}
	value, err := c.Parse(text)
	if err != nil {
		c.Throw(fmt.Errorf("cannot parse json: %w", err))
	}
	return value
}
