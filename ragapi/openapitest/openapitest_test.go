package openapitest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const tiny = `{
  "openapi": "3.1.1", "info": {"title": "T", "version": "1"},
  "paths": {
    "/v1/openapi.json": {"get": {"operationId": "self", "responses": {"200": {"description": "this", "content": {"application/json": {"schema": {"type": "object"}}}}}}},
    "/things": {"post": {
      "operationId": "add", "responses": {"204": {"description": "added"}},
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}}}
    }},
    "/things/{id}": {"get": {
      "operationId": "thing",
      "parameters": [
        {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}},
        {"name": "limit", "in": "query", "allowEmptyValue": true, "schema": {"type": "integer", "maximum": 5}}
      ],
      "responses": {"200": {
        "description": "a thing", "headers": {"Etag": {"required": true, "schema": {"type": "string"}}},
        "content": {"application/json": {"schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false}}}
      }}
    }}
  },
  "components": {"responses": {
    "not-found": {"description": "none", "content": {"application/problem+json": {"schema": {"type": "object", "required": ["status"]}}}},
    "method-not-allowed": {"description": "none"}, "overloaded": {"description": "none"}
  }}
}`

const target = "/things/01930000-0000-7000-8000-000000000001"

// served answers as it is told, and its document.
func served(status int, headers map[string]string, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == Path {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, tiny)
			return
		}
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func TestWhatIsNotAsDeclaredIsFound(t *testing.T) {
	thing := map[string]string{"Content-Type": "application/json", "Etag": `"1"`}
	for name, c := range map[string]struct {
		method, target string
		status         int
		headers        map[string]string
		body, want     string // a part of the fault; none if it is empty
	}{
		"as declared":       {"GET", target, 200, thing, `{"a":1}`, ""},
		"an empty limit":    {"GET", target + "?limit=", 200, thing, `{"a":1}`, ""},
		"a head":            {"HEAD", target, 200, thing, "", ""},
		"a status":          {"GET", target, 202, thing, `{"a":1}`, "202"},
		"a media type":      {"GET", target, 200, map[string]string{"Content-Type": "text/plain", "Etag": `"1"`}, `{"a":1}`, "text/plain"},
		"a missing header":  {"GET", target, 200, map[string]string{"Content-Type": "application/json"}, `{"a":1}`, "Etag"},
		"another header":    {"GET", target, 200, map[string]string{"Content-Type": "application/json", "Etag": `"1"`, "X-Other": "1"}, `{"a":1}`, "X-Other"},
		"a missing member":  {"GET", target, 200, thing, `{}`, "'a'"},
		"another member":    {"GET", target, 200, thing, `{"a":1,"b":2}`, "'b'"},
		"a type":            {"GET", target, 200, thing, `{"a":"1"}`, "string"},
		"no JSON":           {"GET", target, 200, thing, `{`, "EOF"},
		"a bound":           {"GET", target + "?limit=6", 200, thing, `{"a":1}`, "maximum"},
		"another parameter": {"GET", target + "?page=6", 200, thing, `{"a":1}`, "page"},
		"an id":             {"GET", "/things/7", 200, thing, `{"a":1}`, "uuid"},
		"a path":            {"GET", "/other", 404, map[string]string{"Content-Type": "application/problem+json"}, `{"status":404}`, ""},
		"a path's body":     {"GET", "/other", 404, map[string]string{"Content-Type": "application/problem+json"}, `{}`, "status"},
		"a path's status":   {"GET", "/other", 400, nil, "", "400"},
		"a method":          {"PUT", target, 405, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var direct, remote Checker
			api := served(c.status, c.headers, c.body)
			direct.Handler(api, api).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(c.method, c.target, nil))
			server := httptest.NewServer(api)
			defer server.Close()
			if err := remote.Serves(t.Context(), strings.TrimPrefix(server.URL, "http://")); err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.target, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := (&http.Client{Transport: remote.Transport(http.DefaultTransport)}).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if body, err := io.ReadAll(answer.Body); err != nil || string(body) != c.body {
				t.Errorf("the client gets %q, %v", body, err)
			}
			for where, found := range map[string][]string{"on the handler": direct.Faults(), "on the way": remote.Faults()} {
				text := strings.Join(found, "\n")
				if (len(found) > 0) != (c.want != "") || !strings.Contains(text, c.want) {
					t.Errorf("%s: %q, want %q", where, text, c.want)
				}
			}
		})
	}
}

// TestABodyThatIsNotKeptIsNoFault: of a stream, or of a large one, only the answer is looked at.
func TestABodyThatIsNotKeptIsNoFault(t *testing.T) {
	for name, c := range map[string]struct {
		body io.Reader
		want bool
	}{
		"none": {nil, true}, "a text": {strings.NewReader(`{"a":"x"}`), true}, "what is wanted": {strings.NewReader(`{"a":1}`), false},
		"a stream": {io.MultiReader(strings.NewReader(`{"a":"x"}`)), false}, "a large one": {strings.NewReader(strings.Repeat(" ", largest+1)), false},
	} {
		var checker Checker
		server := httptest.NewServer(served(http.StatusNoContent, nil, ""))
		defer server.Close()
		if err := checker.Serves(t.Context(), strings.TrimPrefix(server.URL, "http://")); err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/things", c.body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := (&http.Client{Transport: checker.Transport(http.DefaultTransport)}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if found := checker.Faults(); (len(found) > 0) != c.want {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestAFaultFailsTheRun(t *testing.T) {
	var c Checker
	if code := c.Main(func() int { return 0 }); code != 0 {
		t.Errorf("without faults: %d", code)
	}
	api := served(http.StatusTeapot, nil, "")
	c.Handler(api, api).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil))
	if code := c.Main(func() int { return 0 }); code == 0 {
		t.Error("a fault does not fail the run")
	}
}

func TestADocumentThatIsNotOpenAPIIsRefused(t *testing.T) {
	for _, text := range []string{"", "{}", `{"openapi":"3.1.1","info":{"title":"T"},"paths":{}}`, strings.Replace(tiny, `"in": "path"`, `"in": "body"`, 1)} {
		if _, err := Read([]byte(text)); err == nil {
			t.Errorf("%.60q is read", text)
		}
	}
}
