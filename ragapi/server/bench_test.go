package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/metrics"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/search"
)

// found answers every search with ten hits of some 600 bytes.
type found struct{ cached bool }

func (f found) Search(context.Context, search.Query) (search.Result, error) {
	snippet := strings.Repeat("the <mark>lamp</mark> of the lighthouse ", 15)
	hits := make([]search.Hit, 10)
	for i := range hits {
		hits[i] = search.Hit{DocumentID: id, Title: fmt.Sprintf("Lighthouses, volume %d", i), Position: i, Score: 0.5, Snippet: snippet, Match: search.MatchTerms}
	}
	return search.Result{Cached: f.cached, Hits: hits}, nil
}

// BenchmarkHandler is one request at a time through the handlers alone: stores answer at once.
func BenchmarkHandler(b *testing.B) {
	api := func(f *fake, searches Searcher) http.Handler {
		log := slog.New(slog.DiscardHandler)
		return New(Options{
			Auth: auth.Off{}, RateLimit: &RateLimit{},
			Documents: f, Search: searches, Sessions: fakeSessions{f}, QueryLog: f,
			Summary: func(context.Context) (querylog.Summary, error) { return sampleSummary, nil },
			Metrics: metrics.New(metrics.Build{}), Log: log, MaxUploadBytes: 1 << 20, RequestTimeout: time.Minute,
			Readiness: NewReadiness(func(context.Context) error { return nil }, log),
		})
	}
	text := `{"title":"Lighthouses","text":"` + strings.Repeat("the lamp of the lighthouse turns ", 90) + `"}`
	message := `{"role":"user","content":"What keeps the lamp of a lighthouse turning?"}`
	for _, c := range []struct {
		name, method, path, body string
		api                      http.Handler
		want                     int
	}{
		{"healthz", "GET", "/healthz", "", api(&fake{}, found{}), 200},
		{"hit", "GET", "/v1/search?q=lamp", "", api(&fake{}, found{cached: true}), 200},
		{"miss", "GET", "/v1/search?q=lamp", "", api(&fake{}, found{}), 200},
		{"upload", "POST", "/v1/documents", text, api(&fake{}, found{}), 202},
		{"message", "POST", "/v1/sessions/" + id.String() + "/messages", message, api(&fake{}, found{}), 201},
		{"404", "GET", "/v1/documents/" + id.String(), "", api(&fake{err: document.ErrNotFound}, found{}), 404},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
				r.Header.Set("Content-Type", "application/json")
				w := discard{header: http.Header{}}
				if c.api.ServeHTTP(&w, r); w.status != c.want {
					b.Fatalf("status %d, want %d", w.status, c.want)
				}
			}
		})
	}
}

// discard keeps the status alone.
type discard struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (d *discard) Header() http.Header { return d.header }

// WriteHeader implements http.ResponseWriter.
func (d *discard) WriteHeader(status int) { d.status = status }

// Write implements http.ResponseWriter.
func (d *discard) Write(b []byte) (int, error) {
	if d.status == 0 {
		d.status = http.StatusOK
	}
	return len(b), nil
}
