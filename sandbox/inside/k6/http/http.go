// Package http is k6's module k6/http: requests of a script, their metrics, responses.
//
// Owns: connections of a user, what a request is, its timings, error codes, cookies, answers as scripts see them. Does
// not own: users, tags that are not of requests.
//
// Source: https://grafana.com/docs/k6/latest/javascript-api/k6-http/ and .../javascript-api/error-codes/ ; read
// 2026-11-30.
package http

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/grafana/sobek"
	"golang.org/x/time/rate"

	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
)

// constants of the module.
var constants = map[string]string{
	"AUTH_BASIC": "basic",
	"SSL_3_0":    "ssl3.0", "TLS_1_0": "tls1.0", "TLS_1_1": "tls1.1", "TLS_1_2": "tls1.2", "TLS_1_3": "tls1.3",
}

// methods that a function of the module has.
var methods = map[string]string{
	"del": http.MethodDelete, "get": http.MethodGet, "head": http.MethodHead, "options": http.MethodOptions,
	"patch": http.MethodPatch, "post": http.MethodPost, "put": http.MethodPut,
}

// Servers is what all users of a run share about servers.
type Servers struct {
	once    sync.Once
	limiter *rate.Limiter
}

// Module is k6/http.
func (s *Servers) Module() js.Module {
	names := []string{
		"CookieJar", "asyncRequest", "batch", "cookieJar", "expectedStatuses", "file", "request", "setResponseCallback", "url",
	}
	for name := range methods {
		names = append(names, name)
	}
	for name := range constants {
		names = append(names, name)
	}
	return js.Module{Names: names, Make: s.members}
}

// client is the module for one user.
type client struct {
	*js.User
	servers   *Servers
	transport *http.Transport
	expected  *statuses // that make no failure; nil: nothing is said of failures
	response  *sobek.Object
}

func (s *Servers) members(u *js.User) map[string]any {
	c := &client{User: u, servers: s, expected: &statuses{{200, 399}}}
	c.response = c.prototype()
	all := map[string]any{
		"request": c.requestFunction(""), "batch": c.batch, "asyncRequest": c.asyncRequest, "file": c.file, "url": c.url,
		"cookieJar": func() *sobek.Object { return c.jarObject(c.Jar) }, "CookieJar": c.newJar,
		"expectedStatuses": c.expectedStatuses, "setResponseCallback": c.setCallback,
	}
	for name, method := range methods {
		all[name] = c.requestFunction(method)
	}
	for name, value := range constants {
		all[name] = value
	}
	return all
}

// requestFunction is http.request, or the function of one method. get and head have no body.
func (c *client) requestFunction(method string) func(sobek.FunctionCall) sobek.Value {
	return func(call sobek.FunctionCall) sobek.Value {
		r := c.prepare(c.arguments(method, call.Arguments))
		return c.answer(c.send(r))
	}
}

// asked is a request as a script wrote it.
type asked struct {
	method            string
	url, body, params sobek.Value
}

func (c *client) arguments(method string, arguments []sobek.Value) asked {
	at := func(i int) sobek.Value {
		if i < len(arguments) {
			return arguments[i]
		}
		return sobek.Undefined()
	}
	switch method {
	case "":
		return asked{strings.ToUpper(at(0).String()), at(1), at(2), at(3)}
	case http.MethodGet, http.MethodHead:
		return asked{method, at(0), sobek.Undefined(), at(1)}
	}
	return asked{method, at(0), at(1), at(2)}
}

func nothing(value sobek.Value) bool {
	return value == nil || sobek.IsUndefined(value) || sobek.IsNull(value)
}

// asyncRequest returns a promise of the answer.
func (c *client) asyncRequest(call sobek.FunctionCall) sobek.Value {
	p, resolve, reject := c.VM.NewPromise()
	r := c.prepare(c.arguments("", call.Arguments))
	later := c.Register()
	go func() {
		got := c.send(r)
		later(func() error {
			if got.err != nil && r.throw {
				return reject(c.VM.NewGoError(got.err))
			}
			return resolve(c.answer(got))
		})
	}()
	return c.VM.ToValue(p)
}

// batch sends several requests at the same time and returns their answers in the order, or under the names, of them.
func (c *client) batch(call sobek.FunctionCall) sobek.Value {
	given := call.Argument(0)
	if nothing(given) {
		c.Throw(errors.New("http.batch: want an array or an object of requests"))
	}
	object := given.ToObject(c.VM)
	keys := object.Keys()
	requests := make([]*request, len(keys))
	for i, key := range keys {
		requests[i] = c.prepare(c.batched(key, object.Get(key)))
	}
	got := c.sendAll(requests)
	answers := c.VM.NewObject()
	if object.ClassName() == "Array" {
		answers = c.VM.NewArray()
	}
	for i, key := range keys {
		if err := answers.Set(key, c.answer(got[i])); err != nil {
			c.Throw(err)
		}
	}
	return answers
}

// batched is a request of a batch: a URL, [method, url, body, params] or {method, url, body, params}.
func (c *client) batched(key string, value sobek.Value) asked {
	object, ok := value.(*sobek.Object)
	if !ok || object.Get(nameMark) != nil {
		return asked{http.MethodGet, value, sobek.Undefined(), sobek.Undefined()}
	}
	if object.ClassName() == "Array" {
		var parts []sobek.Value
		for _, i := range object.Keys() {
			parts = append(parts, object.Get(i))
		}
		return c.arguments("", parts)
	}
	if nothing(object.Get("url")) {
		c.Throw(fmt.Errorf("http.batch: request %s has no url", key))
	}
	method := http.MethodGet
	if m := object.Get("method"); !nothing(m) {
		method = strings.ToUpper(m.String())
	}
	return asked{method, object.Get("url"), object.Get("body"), object.Get("params")}
}

// sendAll sends requests, so many at a time, and of each host so many.
func (c *client) sendAll(requests []*request) []*got {
	slots := make(chan struct{}, max(1, c.Options.Batch))
	hosts := map[string]chan struct{}{}
	all := make([]*got, len(requests))
	var sending sync.WaitGroup
	for i, r := range requests {
		if hosts[r.url.Host] == nil {
			hosts[r.url.Host] = make(chan struct{}, max(1, c.Options.BatchPerHost))
		}
		host := hosts[r.url.Host]
		sending.Go(func() {
			host <- struct{}{}
			slots <- struct{}{}
			all[i] = c.send(r)
			<-slots
			<-host
		})
	}
	sending.Wait()
	return all
}

// nameMark is where a URL that was made of a template has its tag name.
const nameMark = "k6 name"

// url is a template: what is put in stays out of the tag name.
func (c *client) url(call sobek.FunctionCall) sobek.Value {
	parts := call.Argument(0).ToObject(c.VM)
	var whole, name strings.Builder
	for i, key := range parts.Keys() {
		text := parts.Get(key).String()
		whole.WriteString(text)
		name.WriteString(text)
		if i+1 < len(parts.Keys()) {
			whole.WriteString(call.Argument(i + 1).String())
			name.WriteString("${}")
		}
	}
	address := c.VM.ToValue(whole.String())
	object := c.VM.NewObject()
	c.hide(object, nameMark, name.String())
	c.hide(object, "toString", func(sobek.FunctionCall) sobek.Value { return address })
	return object
}

// statuses are ranges of them.
type statuses [][2]int

func (s *statuses) have(status int) bool {
	for _, r := range *s {
		if status >= r[0] && status <= r[1] {
			return true
		}
	}
	return false
}

func (c *client) expectedStatuses(call sobek.FunctionCall) sobek.Value {
	var s statuses
	for _, argument := range call.Arguments {
		if n, ok := argument.Export().(int64); ok {
			s = append(s, [2]int{int(n), int(n)})
			continue
		}
		object, ok := argument.(*sobek.Object)
		if !ok || nothing(object.Get("min")) || nothing(object.Get("max")) {
			c.Throw(fmt.Errorf("http.expectedStatuses: %s is given, want numbers or {min, max}", argument))
		}
		s = append(s, [2]int{int(object.Get("min").ToInteger()), int(object.Get("max").ToInteger())})
	}
	if len(s) == 0 {
		c.Throw(errors.New("http.expectedStatuses: no arguments"))
	}
	return c.VM.ToValue(&s)
}

func (c *client) setCallback(value sobek.Value) { c.expected = c.callback(value) }

func (c *client) callback(value sobek.Value) *statuses {
	if sobek.IsNull(value) {
		return nil
	}
	s, ok := value.Export().(*statuses)
	if !ok {
		c.Throw(fmt.Errorf("%s is given as a response callback, want null or what http.expectedStatuses returns", value))
	}
	return s
}

// pace waits where the options bound requests per second.
func (c *client) pace(o *options.Options) error {
	if o.RPS <= 0 {
		return nil
	}
	c.servers.once.Do(func() { c.servers.limiter = rate.NewLimiter(rate.Limit(o.RPS), 1) })
	return c.servers.limiter.Wait(c.Ctx)
}
