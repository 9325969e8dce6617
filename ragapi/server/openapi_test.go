package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/openapitest"
)

// answered holds every answer of these tests against the document.
var answered openapitest.Checker

func TestMain(m *testing.M) { os.Exit(answered.Main(m.Run)) }

// checked is New, and whatever it answers is checked.
func checked(o Options) http.Handler {
	api := New(o)
	return answered.Handler(api, api)
}

// documentOf is what an API serves of itself.
func documentOf(t *testing.T, asks auth.Authenticator) (text []byte, doc struct {
	OpenAPI string                                `json:"openapi"`
	Paths   map[string]map[string]json.RawMessage `json:"paths"`
}) {
	t.Helper()
	o := optionsOf(&fake{})
	o.Auth = asks
	w := call(New(o), "GET", "/v1/openapi.json", "", "")
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d: %v", w.Code, err)
	}
	return w.Body.Bytes(), doc
}

var methods = []string{"get", "put", "post", "delete", "patch", "head", "options", "trace"}

func TestTheDocumentHasTheRoutesThatAreServed(t *testing.T) {
	_, doc := documentOf(t, auth.Off{})
	api, _ := New(optionsOf(&fake{})).(tidy)
	second, _ := Admin(&Readiness{}, prometheus.NewRegistry(), &told{}).(tidy)
	var described, served []string
	for path, item := range doc.Paths {
		for _, method := range methods {
			if item[method] == nil {
				continue
			}
			pattern := strings.ToUpper(method) + " " + path
			described = append(described, pattern)
			r := httptest.NewRequest(strings.ToUpper(method), strings.ReplaceAll(path, "{id}", id.String()), nil)
			_, first := api.Handler(r)
			if _, other := second.Handler(r); first != pattern && other != pattern {
				t.Errorf("%s is described, and is answered by %q and %q", pattern, first, other)
			}
		}
	}
	for _, route := range slices.Concat((&api0).routes(), adminRoutes(nil, nil)) {
		served = append(served, route.method+" "+route.path)
	}
	slices.Sort(described)
	slices.Sort(served)
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("routes (-served +described):\n%s", diff)
	}
}

// api0 is one whose routes are asked for, and never served.
var api0 = api{Options: Options{Auth: auth.Off{}, Readiness: &Readiness{}}}

// TestEveryRouteIsMounted: what is served otherwise than by mount is not described. The profiles are Go's own.
func TestEveryRouteIsMounted(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	handles := regexp.MustCompile(`mux\.Handle(Func)?\((.*)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range handles.FindAllStringSubmatch(string(text), -1) {
			if file != "routes.go" && !strings.HasPrefix(file, "openapi_test") && !strings.Contains(found[2], `"/debug/pprof/`) {
				t.Errorf("%s: %s", file, found[0])
			}
		}
	}
}

// TestEveryAnswerOfTheTestsIsChecked: an API is made by checked. Elsewhere are some: what memory and what time one takes is
// measured, answers are cut off, some headers are in no document, one only serves its document, and one counts.
func TestEveryAnswerOfTheTestsIsChecked(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	made, made0 := regexp.MustCompile(`[^.\w]New\(`), map[string]int{"openapi_test.go": 4, "admin_test.go": 1, "body_test.go": 1, "bench_test.go": 1, "exchange_test.go": 1, "admit_test.go": 1, "lifetimes_test.go": 1, "conditions_test.go": 1}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := len(made.FindAll(text, -1)); found != made0[file] {
			t.Errorf("%s calls New %d times, want checked", file, found)
		}
	}
}

func TestTheDocumentIsValid(t *testing.T) {
	for name, asks := range map[string]auth.Authenticator{"without tokens": auth.Off{}, "with tokens": known{}} {
		text, doc := documentOf(t, asks)
		if _, err := openapitest.Read(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
			t.Errorf("%s: OpenAPI %s, want 3.1", name, doc.OpenAPI)
		}
		if _, err := openapitest.Read([]byte(strings.Replace(string(text), `"responses"`, `"replies"`, 1))); err == nil {
			t.Errorf("%s: a document without the answers of an operation is valid", name)
		}
	}
}

func TestOperationsNameTheScopeThatTheyWant(t *testing.T) {
	for name, asks := range map[string]auth.Authenticator{"without tokens": auth.Off{}, "with tokens": known{}} {
		_, doc := documentOf(t, asks)
		for _, route := range api0.routes() {
			var op struct {
				Security  []map[string][]string      `json:"security"`
				Responses map[string]json.RawMessage `json:"responses"`
			}
			if err := json.Unmarshal(doc.Paths[route.path][strings.ToLower(route.method)], &op); err != nil {
				t.Fatal(err)
			}
			want := []map[string][]string{}
			if name == "with tokens" && route.scope != anyone {
				want = append(want, map[string][]string{"token": {string(route.scope)}})
			}
			if diff := cmp.Diff(want, op.Security); diff != "" || (op.Responses["401"] != nil) != (len(want) > 0) {
				t.Errorf("%s, %s %s: 401 is %s, security (-want +got):\n%s", name, route.method, route.path, op.Responses["401"], diff)
			}
		}
	}
}

func TestTheDocumentIsKeptByWhoHasIt(t *testing.T) {
	o := optionsOf(&fake{})
	o.Auth = known{}
	api := checked(o)
	w := call(api, "GET", "/v1/openapi.json", "", "")
	if got := w.Header().Get("Cache-Control"); w.Code != http.StatusOK || got != "public, max-age=300, s-maxage=300, stale-while-revalidate=300" {
		t.Errorf("status %d, Cache-Control %q", w.Code, got)
	}
	r := httptest.NewRequest("GET", "/v1/openapi.json", nil)
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	again := httptest.NewRecorder()
	if api.ServeHTTP(again, r); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("status %d, %d bytes, want 304 without a body", again.Code, again.Body.Len())
	}
}

// TestWhatTheDocumentDoesNotSayIsFound: answers that have drifted from it, each in one way.
func TestWhatTheDocumentDoesNotSayIsFound(t *testing.T) {
	one := "/v1/documents/" + id.String()
	for name, c := range map[string]struct {
		method, target, body string
		drift                func(status *int, h http.Header, body *string)
	}{
		"a renamed field":   {"GET", one, "", func(_ *int, _ http.Header, body *string) { *body = strings.Replace(*body, `"title"`, `"name"`, 1) }},
		"another field":     {"GET", one, "", func(_ *int, _ http.Header, body *string) { *body = strings.Replace(*body, `{`, `{"colour":"red",`, 1) }},
		"a field of a part": {"GET", "/v1/search?q=a", "", func(_ *int, _ http.Header, body *string) { *body = strings.Replace(*body, `"snippet"`, `"text"`, 1) }},
		"another type": {"GET", one, "", func(_ *int, _ http.Header, body *string) {
			*body = strings.Replace(*body, `"version":1`, `"version":"1"`, 1)
		}},
		"null":              {"GET", "/v1/documents", "", func(_ *int, _ http.Header, body *string) { *body = strings.Replace(*body, `[]`, `null`, 1) }},
		"a word of no list": {"GET", one, "", func(_ *int, _ http.Header, body *string) { *body = strings.Replace(*body, `"pending"`, `"lost"`, 1) }},
		"another status":    {"GET", one, "", func(status *int, _ http.Header, _ *string) { *status = http.StatusAccepted }},
		"another problem": {"GET", "/v1/documents/7", "", func(_ *int, _ http.Header, body *string) {
			*body = strings.Replace(*body, "invalid-request", "rate-limited", 1)
		}},
		"another media type":  {"GET", one, "", func(_ *int, h http.Header, _ *string) { h.Set("Content-Type", "text/html") }},
		"a missing header":    {"GET", one, "", func(_ *int, h http.Header, _ *string) { h.Del("ETag") }},
		"another lifetime":    {"GET", one, "", func(_ *int, h http.Header, _ *string) { h.Set("Cache-Control", "public") }},
		"a header of no list": {"GET", "/healthz", "", func(_ *int, h http.Header, _ *string) { h.Set("ETag", `"1"`) }},
		"a deletion's body":   {"DELETE", one, "", func(status *int, _ http.Header, _ *string) { *status = http.StatusOK }},
		"no path":             {"GET", "/v2", "", func(_ *int, _ http.Header, body *string) { *body = "{}" }},
		"no method":           {"PATCH", one, "", func(_ *int, h http.Header, _ *string) { h.Del("Allow") }},
		"a head":              {"HEAD", one, "", func(_ *int, h http.Header, _ *string) { h.Del("Etag") }},
		"what was accepted": {"POST", "/v1/sessions", `{"user":7}`, func(status *int, h http.Header, body *string) {
			*status, *body = http.StatusCreated, sampleSessionJSON
			h.Set("Content-Type", "application/json")
			h.Set("Location", "/v1/sessions/"+id.String())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			api := New(optionsOf(&fake{}))
			var found openapitest.Checker
			ask := func(h http.Handler) { call(found.Handler(h, api), c.method, c.target, "application/json", c.body) }
			if ask(api); name != "what was accepted" && len(found.Faults()) > 0 {
				t.Errorf("as it is: %q", found.Faults())
			}
			ask(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				is := httptest.NewRecorder()
				api.ServeHTTP(is, r)
				body := is.Body.String()
				for name, values := range is.Header() {
					w.Header()[name] = values
				}
				c.drift(&is.Code, w.Header(), &body)
				w.WriteHeader(is.Code)
				fmt.Fprint(w, body)
			}))
			if len(found.Faults()) == 0 {
				t.Error("is not found")
			}
		})
	}
}

// TestTheDocsHaveEveryProblem: programs rely on the types.
func TestTheDocsHaveEveryProblem(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var told, answered []string
	for _, row := range regexp.MustCompile("(?m)^\\| ([45]\\d\\d) \\| `([a-z-]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		told = append(told, row[1]+" "+row[2])
	}
	for _, k := range problemKinds {
		if k != clientClosed {
			answered = append(answered, fmt.Sprint(k.status, " ", k.code))
		}
	}
	slices.Sort(told)
	slices.Sort(answered)
	if diff := cmp.Diff(answered, told); diff != "" {
		t.Errorf("problems (-answered +told by docs/api.md):\n%s", diff)
	}
}
