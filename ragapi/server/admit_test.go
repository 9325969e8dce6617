package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ragscale/ragscale/ragapi/admission"
	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/metrics"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/search"
)

// full answers searches when they are freed.
type full struct {
	fake
	begun chan context.Context
	free  chan struct{}
}

func (f *full) Search(ctx context.Context, _ search.Query) (search.Result, error) {
	f.begun <- ctx
	<-f.free
	return search.Result{}, nil
}

func (f *full) Record(querylog.Record) {}

func newFull(limit int) (*full, http.Handler, *metrics.Metrics) {
	f := &full{begun: make(chan context.Context, limit), free: make(chan struct{})}
	m := metrics.New(metrics.Build{})
	log := slog.New(slog.DiscardHandler)
	return f, checked(Options{
		Auth: auth.Off{}, RateLimit: &RateLimit{},
		Documents: f, Search: f, Sessions: fakeSessions{&f.fake}, QueryLog: f, Metrics: m, Log: log, MaxUploadBytes: 1024, RequestTimeout: time.Minute, MaxRequests: limit,
		Readiness: NewReadiness(func(context.Context) error { return nil }, log),
	}), m
}

func TestBeyondItsPlacesTheAPIShedsAndAnswersProbes(t *testing.T) {
	const limit = 4
	f, api, m := newFull(limit)
	var wg sync.WaitGroup
	ask := func(query string) {
		wg.Go(func() {
			if w := call(api, "GET", "/v1/search?"+query, "", ""); w.Code != http.StatusOK {
				t.Errorf("a request that was let in got %d: %s", w.Code, w.Body)
			}
		})
		<-f.begun
	}
	for range limit / 2 {
		ask("q=lamp")
	}
	// Half of the places are left to reads.
	for _, query := range []string{"mode=complex", "mode=compl%65x", "m%6fde=complex"} {
		shed(t, api, "GET", "/v1/search?q=lamp&"+query, "")
	}
	shed(t, api, "POST", "/v1/documents", `{"title":"a","text":"b"}`)
	for range limit / 2 {
		ask("q=mode=complex&mode=simple")
	}
	shed(t, api, "GET", "/v1/search?q=lamp", "")
	shed(t, api, "GET", "/v1/documents", "")
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := call(api, "GET", path, "", ""); w.Code != http.StatusOK {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
	close(f.free)
	wg.Wait()
	if w := call(api, "GET", "/v1/search?q=lamp&mode=complex", "", ""); w.Code != http.StatusOK {
		t.Errorf("with room again a search gets %d: %s", w.Code, w.Body)
	}
	want := `# HELP ragapi_shed_total Requests sent away so that others are answered, by what was short (places for requests, connections to the database, memory) and priority.
# TYPE ragapi_shed_total counter
ragapi_shed_total{priority="low",reason="connections"} 0
ragapi_shed_total{priority="low",reason="memory"} 0
ragapi_shed_total{priority="low",reason="requests"} 4
ragapi_shed_total{priority="normal",reason="connections"} 0
ragapi_shed_total{priority="normal",reason="memory"} 0
ragapi_shed_total{priority="normal",reason="requests"} 2
`
	if err := testutil.GatherAndCompare(m.Registry, strings.NewReader(want), "ragapi_shed_total"); err != nil {
		t.Error(err)
	}
}

func shed(t *testing.T, api http.Handler, method, path, body string) {
	t.Helper()
	w := call(api, method, path, "application/json", body)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"urn:ragapi:problem:overloaded"`) {
		t.Errorf("%s %s answers %d (Retry-After %q): %s, want it shed", method, path, w.Code, w.Header().Get("Retry-After"), w.Body)
	}
}

func TestAWaitForAConnectionThatWasTooLongIsOverload(t *testing.T) {
	err := fmt.Errorf("search: %w", &admission.Overloaded{Reason: admission.Connections, Priority: admission.Normal})
	shed(t, newAPI(&fake{err: err}), "GET", "/v1/search?q=lamp", "")
}

func TestWorkKnowsItsPriorityAndItsLabels(t *testing.T) {
	for path, want := range map[string]struct {
		priority admission.Priority
		mode     string
	}{
		"/v1/search?q=lamp":              {admission.Normal, "simple"},
		"/v1/search?q=lamp&mode=complex": {admission.Low, "complex"},
	} {
		f, api, _ := newFull(4)
		close(f.free)
		call(api, "GET", path, "", "")
		ctx := <-f.begun
		route, _ := pprof.Label(ctx, "route")
		mode, _ := pprof.Label(ctx, "mode")
		if p := admission.Of(ctx); p != want.priority || route != "/v1/search" || mode != want.mode {
			t.Errorf("%s is done with priority %v, route %q, mode %q", path, p, route, mode)
		}
	}
}

func TestASearchWithoutAnAnswerIsInTheQueryLog(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""}, {context.DeadlineExceeded, "timeout"}, {context.Canceled, "client-closed"}, {errors.New("broken"), "internal"},
		{&admission.Overloaded{Reason: admission.Connections}, "overloaded"},
	} {
		f := &fake{err: c.err}
		call(newAPI(f), "GET", "/v1/search?q=lamp", "", "")
		if len(f.logged) != 1 || f.logged[0].Failure != c.want {
			t.Errorf("%v is logged as %+v, want failure %q", c.err, f.logged, c.want)
		}
	}
}

func TestPathsWithEmptyPartsOrDotsAreNone(t *testing.T) {
	for _, path := range []string{"//v1/documents", "/v1//documents", "/v1/./documents", "/v1/documents/../chunks", "/v1/documents/..", "/.", "/healthz//"} {
		o := optionsOf(&fake{})
		for name, h := range map[string]http.Handler{"API": New(o), "admin": Admin(o.Readiness, o.Metrics.Registry, nil)} {
			r := httptest.NewRequest("POST", "/", nil)
			r.URL.Path = path
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got := w.Header()
			if w.Code != http.StatusNotFound || got.Get("X-Request-Id") == "" || got.Get("Content-Type") != mediaProblem || got.Get("Cache-Control") != nobody {
				t.Errorf("%s: %s answers %d, %v", name, path, w.Code, got)
			}
		}
	}
}
