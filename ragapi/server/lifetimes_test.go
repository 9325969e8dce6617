package server

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/session"
)

// gets are the routes that answer GET.
func gets(o Options) (paths []string) {
	for _, t := range (&api{Options: o}).routes() {
		if t.method == http.MethodGet {
			paths = append(paths, t.path)
		}
	}
	return paths
}

// target is a good request of a route.
func target(path string) string {
	required := map[string]string{"/v1/search": "?q=x", "/v1/sessions": "?user=u"}
	return strings.ReplaceAll(path, "{id}", id.String()) + required[path]
}

// get asks without a token, or with one.
func get(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var lifetimeRow = regexp.MustCompile("(?m)^\\| `(/v1/[^`]*)` \\| `([^`]*)` \\| `([^`]*)` \\|$")

func TestLifetimesAreThoseOfTheContract(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{}
	for _, row := range lifetimeRow.FindAllStringSubmatch(string(page), -1) {
		want[row[1]] = [2]string{row[2], row[3]}
	}
	got := map[string][2]string{}
	open, guarded := newAPI(&fake{}), guardedAPI(&fake{}, optionsOf(&fake{}))
	for _, path := range gets(optionsOf(&fake{})) {
		asked, told := get(open, "GET", target(path)), get(guarded, "GET", target(path), "Authorization", "Bearer root")
		if asked.Code != http.StatusOK || told.Code != http.StatusOK {
			t.Fatalf("%s: %d %s, %d %s", path, asked.Code, asked.Body, told.Code, told.Body)
		}
		answers := [2]string{told.Header().Get("Cache-Control"), asked.Header().Get("Cache-Control")}
		if strings.HasPrefix(path, "/v1/") {
			got[path] = answers
		} else if answers != [2]string{"no-store", "no-store"} {
			t.Errorf("%s: %v, want no-store", path, answers)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 7 {
		t.Errorf("Cache-Control with tokens and without (-docs/api.md +answered):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(lifetimes))); diff != "" {
		t.Errorf("routes (-docs/api.md +lifetimes):\n%s", diff)
	}
}

func TestEveryReadIsAnswered304ToWhoHasIt(t *testing.T) {
	h := guardedAPI(&fake{}, optionsOf(&fake{}))
	for path := range lifetimes {
		first := get(h, "GET", target(path), "Authorization", "Bearer root")
		tag := first.Header().Get("ETag")
		if tag == "" {
			t.Errorf("%s has no ETag", path)
			continue
		}
		for _, method := range []string{"GET", "HEAD"} {
			again := get(h, method, target(path), "Authorization", "Bearer root", "If-None-Match", `"other", W/`+tag)
			if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
				t.Errorf("%s %s: status %d with %d bytes, want 304", method, path, again.Code, again.Body.Len())
			}
			for _, name := range []string{"ETag", "Cache-Control", "Vary", "X-Content-Type-Options"} {
				if diff := cmp.Diff(first.Header().Values(name), again.Header().Values(name)); diff != "" {
					t.Errorf("%s %s: %s (-200 +304):\n%s", method, path, name, diff)
				}
			}
		}
		if other := get(h, "GET", target(path), "Authorization", "Bearer root", "If-None-Match", `"other"`); other.Code != http.StatusOK {
			t.Errorf("%s: status %d to who has another", path, other.Code)
		}
	}
}

func TestNobodyKeepsAnErrorNorWhatWasDone(t *testing.T) {
	for name, w := range map[string]*httptest.ResponseRecorder{
		"absent":             get(newAPI(&fake{err: document.ErrNotFound}), "GET", target("/v1/documents/{id}")),
		"absent session":     get(newAPI(&fake{err: session.ErrNotFound}), "GET", target("/v1/sessions/{id}")),
		"a broken dashboard": get(newAPI(&fake{err: http.ErrBodyNotAllowed}), "GET", target("/v1/dashboard")),
		"not valid":          get(newAPI(&fake{}), "GET", "/v1/search"),
		"no such path":       get(newAPI(&fake{}), "GET", "/v1/x"),
		"not allowed":        get(newAPI(&fake{}), "PUT", "/v1/search"),
		"no token":           get(guardedAPI(&fake{}, optionsOf(&fake{})), "GET", target("/v1/dashboard")),
		"an upload":          ask(&fake{}, "POST", "/v1/documents", anUpload),
		"a session":          ask(&fake{}, "POST", "/v1/sessions", `{"user":"u"}`),
		"a message":          ask(&fake{}, "POST", "/v1/sessions/"+id.String()+"/messages", `{"role":"user","content":"x"}`),
		"a deletion":         get(newAPI(&fake{}), "DELETE", aDocument),
	} {
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: status %d, Cache-Control %q, want no-store", name, w.Code, got)
		}
	}
}

func TestClientsCopiesAreCounted(t *testing.T) {
	o := optionsOf(&fake{})
	h := New(o)
	tag := get(h, "GET", aDocument).Header().Get("ETag")
	for _, has := range []string{tag, `"other"`, tag} {
		get(h, "GET", aDocument, "If-None-Match", has)
	}
	get(h, "GET", "/healthz")
	const want = `
		# HELP ragapi_client_cache_requests_total Answers that clients may keep, by route and the copy that they had: hit (it is used, 304), stale (there is another by now) or miss (they had none).
		# TYPE ragapi_client_cache_requests_total counter
		ragapi_client_cache_requests_total{result="hit",route="/v1/documents/{id}"} 2
		ragapi_client_cache_requests_total{result="miss",route="/v1/documents/{id}"} 1
		ragapi_client_cache_requests_total{result="stale",route="/v1/documents/{id}"} 1
	`
	if err := testutil.GatherAndCompare(o.Metrics.Registry, strings.NewReader(want), "ragapi_client_cache_requests_total"); err != nil {
		t.Error(err)
	}
}
