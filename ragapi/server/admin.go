package server

import (
	"context"
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/google/uuid"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ragscale/ragscale/ragapi/cache"
)

// Invalidator makes kept answers be read anew; cache.Cache is one.
type Invalidator interface {
	Invalidate(ctx context.Context, s cache.Scope) error
}

// Admin returns what the second port serves: metrics, probes, profiles, and invalidation where there is a cache (nil for
// none). It is not for the public.
func Admin(ready *Readiness, registry *prometheus.Registry, kept Invalidator) http.Handler {
	mux := http.NewServeMux()
	if kept != nil {
		mux.Handle("POST /v1/cache/invalidations", plain(func(w http.ResponseWriter, r *http.Request) error { return invalidate(w, r, kept) }))
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	mux.Handle("GET /healthz", plain(healthz))
	mux.Handle("GET /readyz", plain(ready.readyz))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// plain answers a handler's error as a problem, without measurement.
func plain(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", nobody)
		if err := h(w, r); err != nil {
			if err := writeProblem(w, r, problemOf(err)); err != nil {
				panic(http.ErrAbortHandler) // the client is gone
			}
		}
	})
}

const maxScopeBody = 4096

// invalidate answers 204 when the cache has been told.
func invalidate(w http.ResponseWriter, r *http.Request, kept Invalidator) error {
	scope, err := readScope(w, r)
	if err != nil {
		return err
	}
	if err := kept.Invalidate(r.Context(), scope); err != nil {
		return &Problem{Type: problemPrefix + "unavailable", Title: "The cache does not answer", Status: http.StatusServiceUnavailable, Detail: "try again"}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// searchScope reads the words of searches, or that all searches are meant.
func searchScope(body *object) (words []string, all bool) {
	before := len(body.faults)
	text := body.text("search", maxQueryBytes)
	if strings.TrimSpace(text) == "*" {
		return nil, true
	}
	if words = cache.Pattern(text); len(words) == 0 && len(body.faults) == before {
		body.faultf("search", "selects no search: it has no word; want words, or beginnings such as light*, or * for all")
	}
	return words, false
}

func readScope(w http.ResponseWriter, r *http.Request) (s cache.Scope, err error) {
	body, err := readObject(w, r, maxScopeBody, "all", "document", "search", "user")
	if err != nil {
		return s, err
	}
	if body.has("all") {
		s.Everything = body.isTrue("all")
	}
	if body.has("search") {
		s.Words, s.Searches = searchScope(body)
	}
	if body.has("user") {
		s.User = body.text("user", maxUserBytes)
	}
	if body.has("document") {
		if s.Document, err = uuid.Parse(body.text("document", maxUserBytes)); err != nil {
			body.faultf("document", "is not a UUID, want the id of a document")
		}
	}
	if len(body.members) == 0 && body.faults == nil {
		body.faultf("", "is empty, want all, document, search or user")
	}
	if body.faults != nil {
		return s, invalid(body.faults)
	}
	return s, nil
}
