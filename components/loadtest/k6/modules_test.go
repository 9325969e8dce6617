package k6_test

import (
	"encoding/json"
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
func (v *vu) standIn(specifier string) (string, error) {
	members, ok := map[string]map[string]any{
		"k6":           {"check": v.check, "sleep": v.sleep},
		"k6/http":      {"request": v.request, "get": v.get, "post": v.post, "batch": v.batch},
		"k6/metrics":   {"Rate": v.metric, "Trend": v.metric},
		"k6/execution": {"vu": v.executionOfUser(), "test": v.strict("k6/execution test", map[string]any{"abort": v.abort})},
	}[specifier]
	if !ok {
		return "", fmt.Errorf("module %q: neither a script nor a module of k6 that is known here", specifier)
	}
	global := "k6 module " + specifier
	if err := v.vm.Set(global, v.strict(specifier, members)); err != nil {
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
	v      *vu
	name   string
	values map[string]sobek.Value
}

func (v *vu) strict(name string, members map[string]any) *sobek.Object {
	o := &strictObject{v: v, name: name, values: map[string]sobek.Value{}}
	for key, member := range members {
		o.values[key] = v.vm.ToValue(member)
	}
	return v.vm.NewDynamicObject(o)
}

// Get implements sobek.DynamicObject.
func (o *strictObject) Get(key string) sobek.Value {
	value, ok := o.values[key]
	if !ok {
		o.v.throw("%s has no property %s that is known here", o.name, key)
	}
	return value
}

// Set implements sobek.DynamicObject.
func (o *strictObject) Set(key string, _ sobek.Value) bool {
	o.v.throw("%s.%s is written", o.name, key)
	return false
}

// Has implements sobek.DynamicObject.
func (o *strictObject) Has(key string) bool { _, ok := o.values[key]; return ok }

// Delete implements sobek.DynamicObject.
func (o *strictObject) Delete(string) bool { return false }

// Keys implements sobek.DynamicObject.
func (o *strictObject) Keys() []string { return slices.Sorted(maps.Keys(o.values)) }

func (v *vu) executionOfUser() sobek.Value {
	user := v.vm.NewObject()
	for name, of := range map[string]func() int{"idInTest": func() int { return v.id }, "iterationInScenario": func() int { return v.iteration }} {
		if err := user.DefineAccessorProperty(name, v.vm.ToValue(of), nil, sobek.FLAG_FALSE, sobek.FLAG_TRUE); err != nil {
			v.throw("%w", err)
		}
	}
	return user
}

// abort ends the run, as k6's does: nothing after it is executed.
func (v *vu) abort(reason string) {
	v.aborted = reason
	v.throw("aborted: %s", reason)
}

func (v *vu) sleep(seconds float64) {
	if !v.running {
		v.throw("sleep is called in the init context")
	}
	if !(seconds >= 0) {
		v.throw("sleep(%v), want 0 or more", seconds)
	}
	v.sleeps = append(v.sleeps, seconds)
	v.now = v.now.Add(time.Duration(seconds * float64(time.Second)))
	if v.live {
		time.Sleep(time.Duration(seconds * float64(time.Second)))
	}
}

func (v *vu) check(value sobek.Value, sets *sobek.Object, tags map[string]string) bool {
	all := true
	for _, name := range sets.Keys() {
		condition, ok := sobek.AssertFunction(sets.Get(name))
		if !ok {
			v.throw("check %q is no function", name)
		}
		result, err := condition(sobek.Undefined(), value)
		if err != nil {
			v.throw("check %q: %w", name, err)
		}
		all = all && result.ToBoolean()
		v.samples = append(v.samples, sample{"check: " + name, number(result.ToBoolean()), tags})
	}
	return all
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var metricPattern = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,127}$`)

// metric is the constructor of custom metrics.
func (v *vu) metric(call sobek.ConstructorCall) *sobek.Object {
	name := call.Argument(0).String()
	if v.running || !metricPattern.MatchString(name) {
		v.throw("metric %q is made: want a plain name, in the init context", name)
	}
	return v.strict(name, map[string]any{"name": name, "add": func(value sobek.Value, tags map[string]string) {
		if !v.running {
			v.throw("%s.add is called in the init context", name)
		}
		v.samples = append(v.samples, sample{name, value.ToFloat(), tags})
	}})
}

func (v *vu) get(url string, params sobek.Value) *sobek.Object {
	return v.request("GET", url, nil, params)
}

func (v *vu) post(url string, body, params sobek.Value) *sobek.Object {
	return v.request("POST", url, body, params)
}

func (v *vu) batch(requests []*sobek.Object) []*sobek.Object {
	var responses []*sobek.Object
	for _, r := range requests {
		for _, key := range r.Keys() {
			if !slices.Contains([]string{"method", "url", "body", "params"}, key) {
				v.throw("http.batch: a request has %s", key)
			}
		}
		responses = append(responses, v.request(r.Get("method").String(), r.Get("url").String(), r.Get("body"), r.Get("params")))
	}
	return responses
}

func (v *vu) request(method, url string, body, params sobek.Value) *sobek.Object {
	if !v.running {
		v.throw("%s %s is requested in the init context", method, url)
	}
	text := ""
	if body != nil && !sobek.IsNull(body) && !sobek.IsUndefined(body) {
		text = body.String()
	}
	headers, tags := v.params(params)
	r, err := http.NewRequestWithContext(v.t.Context(), method, url, strings.NewReader(text))
	if err != nil {
		v.throw("%s %s: %w", method, url, err)
	}
	for key, value := range headers {
		r.Header.Set(key, value)
	}
	asked := request{Method: method, Path: r.URL.RequestURI(), Tags: tags, Body: text}
	answer := v.answer(r, &asked)
	v.requests = append(v.requests, asked)
	return answer
}

// params are a request's headers and tags; the other documented ones are not used.
func (v *vu) params(params sobek.Value) (headers, tags map[string]string) {
	if params == nil || sobek.IsUndefined(params) || sobek.IsNull(params) {
		return nil, nil
	}
	object := params.ToObject(v.vm)
	for _, key := range object.Keys() {
		into, ok := map[string]*map[string]string{"headers": &headers, "tags": &tags}[key]
		if !ok {
			v.throw("a request has parameter %s, which is not known here", key)
		}
		if err := v.vm.ExportTo(object.Get(key), into); err != nil {
			v.throw("parameter %s: %w", key, err)
		}
	}
	return headers, tags
}

// answer is k6's response: status 0 and no body where there is none.
func (v *vu) answer(r *http.Request, asked *request) *sobek.Object {
	members := map[string]any{"status": 0, "body": nil, "headers": map[string]string{}, "error": ""}
	var body []byte
	response, err := v.client.Do(r)
	if err == nil {
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
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
		var parsed any
		if err := json.Unmarshal(body, &parsed); err != nil {
			v.throw("json: %w", err)
		}
		value, err := v.fromJSON(parsed)
		if err != nil {
			v.throw("json: %w", err)
		}
		return value
	}
	return v.strict("response", members)
}
