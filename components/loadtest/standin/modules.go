package standin

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grafana/sobek"
)

// standIn is the source of a module of k6: what the scripts may import, each name bound to a function here.
func (u *User) standIn(specifier string) (string, error) {
	members, ok := map[string]map[string]any{
		"k6":           {"check": u.check, "sleep": u.sleep},
		"k6/data":      {"SharedArray": u.sharedArray},
		"k6/http":      {"request": u.request, "get": u.get, "post": u.post, "batch": u.batch},
		"k6/metrics":   {"Counter": u.metric, "Gauge": u.metric, "Rate": u.metric, "Trend": u.metric},
		"k6/execution": {"vu": u.executionOfUser(), "test": u.strict("k6/execution test", map[string]any{"abort": u.abort})},
	}[specifier]
	if !ok {
		return "", fmt.Errorf("module %q: neither a script nor a module of k6 that is known here", specifier)
	}
	global := "k6 module " + specifier
	if err := u.VM.Set(global, u.strict(specifier, members)); err != nil {
		return "", err
	}
	var source strings.Builder
	fmt.Fprintf(&source, "const module = globalThis[%q];\nexport default module;\n", global)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		fmt.Fprintf(&source, "export const %s = module.%s;\n", name, name)
	}
	return source.String(), nil
}

// strictObject has known properties only: reading or writing another is an error, where JavaScript would say undefined.
type strictObject struct {
	u      *User
	name   string
	values map[string]sobek.Value
}

func (u *User) strict(name string, members map[string]any) *sobek.Object {
	o := &strictObject{u: u, name: name, values: map[string]sobek.Value{}}
	for key, member := range members {
		o.values[key] = u.VM.ToValue(member)
	}
	return u.VM.NewDynamicObject(o)
}

// Get implements sobek.DynamicObject.
func (o *strictObject) Get(key string) sobek.Value {
	value, ok := o.values[key]
	if !ok {
		o.u.throw("%s has no property %s that is known here", o.name, key)
	}
	return value
}

// Set implements sobek.DynamicObject.
func (o *strictObject) Set(key string, _ sobek.Value) bool {
	o.u.throw("%s.%s is written", o.name, key)
	return false
}

// Has implements sobek.DynamicObject.
func (o *strictObject) Has(key string) bool { _, ok := o.values[key]; return ok }

// Delete implements sobek.DynamicObject.
func (o *strictObject) Delete(string) bool { return false }

// Keys implements sobek.DynamicObject.
func (o *strictObject) Keys() []string { return slices.Sorted(maps.Keys(o.values)) }

func (u *User) executionOfUser() sobek.Value {
	user := u.VM.NewObject()
	for name, of := range map[string]func() int{"idInTest": func() int { return u.id }, "iterationInScenario": func() int { return u.iteration }} {
		if err := user.DefineAccessorProperty(name, u.VM.ToValue(of), nil, sobek.FLAG_FALSE, sobek.FLAG_TRUE); err != nil {
			u.throw("%w", err)
		}
	}
	return user
}

// abort ends the run, as k6's does: nothing after it is executed.
func (u *User) abort(reason string) {
	u.Aborted = reason
	u.throw("aborted: %s", reason)
}

func (u *User) sleep(seconds float64) {
	if !u.running {
		u.throw("sleep is called in the init context")
	}
	if !(seconds >= 0) {
		u.throw("sleep(%v), want 0 or more", seconds)
	}
	u.Pauses = append(u.Pauses, seconds)
	u.now = u.now.Add(time.Duration(seconds * float64(time.Second)))
	if u.Live {
		time.Sleep(time.Duration(seconds * float64(time.Second)))
	}
}

func (u *User) check(value sobek.Value, sets *sobek.Object, tags map[string]string) bool {
	all := true
	for _, name := range sets.Keys() {
		condition, ok := sobek.AssertFunction(sets.Get(name))
		if !ok {
			u.throw("check %q is no function", name)
		}
		result, err := condition(sobek.Undefined(), value)
		if err != nil {
			u.throw("check %q: %w", name, err)
		}
		all = all && result.ToBoolean()
		u.Samples = append(u.Samples, Sample{"check: " + name, number(result.ToBoolean()), tags})
	}
	return all
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// sharedArray is the constructor of arrays that are made once for all users.
func (u *User) sharedArray(call sobek.ConstructorCall) *sobek.Object {
	name := call.Argument(0).String()
	create, ok := sobek.AssertFunction(call.Argument(1))
	if u.running || !ok {
		u.throw("SharedArray %q is made: want a name and a function, in the init context", name)
	}
	if _, made := u.shared[name]; !made {
		value, err := create(sobek.Undefined())
		if err != nil {
			u.throw("SharedArray %q: %w", name, err)
		}
		elements, ok := value.Export().([]any)
		if !ok {
			u.throw("SharedArray %q holds a %T, want an array", name, value.Export())
		}
		u.shared[name] = elements
	}
	return u.VM.ToValue(u.shared[name]).ToObject(u.VM)
}

var metricPattern = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,127}$`)

// metric is the constructor of custom metrics.
func (u *User) metric(call sobek.ConstructorCall) *sobek.Object {
	name := call.Argument(0).String()
	if u.running || !metricPattern.MatchString(name) {
		u.throw("metric %q is made: want a plain name, in the init context", name)
	}
	return u.strict(name, map[string]any{"name": name, "add": func(value sobek.Value, tags map[string]string) {
		if !u.running {
			u.throw("%s.add is called in the init context", name)
		}
		u.Samples = append(u.Samples, Sample{name, value.ToFloat(), tags})
	}})
}

func (u *User) get(url string, params sobek.Value) *sobek.Object {
	return u.request("GET", url, nil, params)
}

func (u *User) post(url string, body, params sobek.Value) *sobek.Object {
	return u.request("POST", url, body, params)
}

func (u *User) batch(requests []*sobek.Object) []*sobek.Object {
	var responses []*sobek.Object
	for _, r := range requests {
		for _, key := range r.Keys() {
			if !slices.Contains([]string{"method", "url", "body", "params"}, key) {
				u.throw("http.batch: a request has %s", key)
			}
		}
		responses = append(responses, u.request(r.Get("method").String(), r.Get("url").String(), r.Get("body"), r.Get("params")))
	}
	return responses
}

func (u *User) request(method, url string, body, params sobek.Value) *sobek.Object {
	if !u.running {
		u.throw("%s %s is requested in the init context", method, url)
	}
	text := ""
	if body != nil && !sobek.IsNull(body) && !sobek.IsUndefined(body) {
		text = body.String()
	}
	headers, tags := u.params(params)
	r, err := http.NewRequestWithContext(u.ctx, method, url, strings.NewReader(text))
	if err != nil {
		u.throw("%s %s: %w", method, url, err)
	}
	for key, value := range headers {
		r.Header.Set(key, value)
	}
	asked := Request{Method: method, Path: r.URL.RequestURI(), Tags: tags, Body: text}
	answer := u.answer(r, &asked)
	u.Requests = append(u.Requests, asked)
	return answer
}

// params are a request's headers and tags; the other documented ones are not used.
func (u *User) params(params sobek.Value) (headers, tags map[string]string) {
	if params == nil || sobek.IsUndefined(params) || sobek.IsNull(params) {
		return nil, nil
	}
	object := params.ToObject(u.VM)
	for _, key := range object.Keys() {
		into, ok := map[string]*map[string]string{"headers": &headers, "tags": &tags}[key]
		if !ok {
			u.throw("a request has parameter %s, which is not known here", key)
		}
		if err := u.VM.ExportTo(object.Get(key), into); err != nil {
			u.throw("parameter %s: %w", key, err)
		}
	}
	return headers, tags
}

// answer is k6's response: status 0 and no body where there is none.
func (u *User) answer(r *http.Request, asked *Request) *sobek.Object {
	members := map[string]any{"status": 0, "body": nil, "headers": map[string]string{}, "error": ""}
	var body []byte
	began := time.Now()
	response, err := u.client.Do(r)
	if err == nil {
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	asked.Took = time.Since(began)
	if err != nil {
		members["error"] = err.Error()
	} else {
		asked.Status = response.StatusCode
		headers := map[string]string{}
		for key := range response.Header {
			headers[key] = response.Header.Get(key)
		}
		members["status"], members["body"], members["headers"] = response.StatusCode, string(body), headers
	}
	members["json"] = func() sobek.Value {
		value, err := u.parse(body)
		if err != nil {
			u.throw("json: %w", err)
		}
		return value
	}
	return u.strict("response", members)
}
