package server

import (
	"context"
	"net/http"
	"net/http/pprof"
	"strings"

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
	exposed := promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry})
	routes := append(adminRoutes(exposed, kept), probeRoutes(ready)...)
	if kept == nil {
		routes = routes[1:]
	}
	m := newRooms(0, 0, maxScopeBody)
	for i, t := range routes {
		if t.body != nil {
			routes[i].handle = m.withBody(t.body, t.handle)
		}
	}
	mux := http.NewServeMux()
	mount(mux, routes, m.plain)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return tidy{mux, m.plain("unmatched", noSuchPath)}
}

// adminRoutes are those of the second port alone. The first is there where there is a cache.
func adminRoutes(exposed http.Handler, kept Invalidator) []route {
	return []route{{
		method: http.MethodPost, path: "/v1/cache/invalidations", scope: anyone, admin: true,
		handle: func(w *exchange, r *http.Request) error { return invalidate(w, r, kept) },
		id:     "invalidate", tag: "operation", summary: "Make kept answers be read anew",
		body:     jsonBody(invalidation, maxScopeBody, map[string]string{scopeSearch.name: "light*"}),
		answers:  []answer{{status: http.StatusNoContent, about: "The cache has been told."}},
		problems: []*kind{notFound, unavailable},
	}, {
		method: http.MethodGet, path: "/metrics", scope: anyone, admin: true,
		handle: func(w *exchange, r *http.Request) error { exposed.ServeHTTP(w.ResponseWriter, r); return nil },
		id:     "getMetrics", tag: "operation", summary: "Read the metrics",
		answers: []answer{{about: "Prometheus' text format.", media: &media{mediaText, anyText}}},
	}}
}

// plain gives a request an id and answers a handler's error as a problem, without measurement.
func (m *rooms) plain(_ string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", nobody)
		r = r.WithContext(identified(w, r))
		x := &exchange{ResponseWriter: w}
		x.room.Enter(m.answers)
		defer x.room.Leave()
		err := h(x, r)
		if err != nil {
			err = writeProblem(x, r, problemOf(err))
		}
		if err == nil {
			err = x.send(r)
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the client is gone
		}
	})
}

const maxScopeBody = 4096

var (
	invalidation  = shapeOf("Invalidation", "What is to be read anew; each member adds to it.", scopeAll, scopeDocument, scopeSearch, scopeUser).atLeast(1)
	scopeAll      = field{name: "all", need: optional, schema: onlyTrue, about: "Everything that is kept."}
	scopeDocument = field{name: "document", need: optional, most: maxUserBytes, schema: idSchema, about: "A document."}
	scopeSearch   = field{name: "search", need: optional, most: maxQueryBytes, about: "Searches that have any of these words, or a word that begins with one that ends in *; * for all."}
	scopeUser     = field{name: "user", need: optional, most: maxUserBytes, about: "Everything that is kept for a user."}
)

// invalidate answers 204 when the cache has been told.
func invalidate(w *exchange, r *http.Request, kept Invalidator) error {
	scope, err := readScope(w)
	if err != nil {
		return err
	}
	if err := kept.Invalidate(r.Context(), scope); err != nil {
		return unavailable.because("the cache does not answer, try again")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// searchScope reads the words of searches, or that all searches are meant.
func searchScope(body *object) (words []string, all bool) {
	before := len(body.faults)
	text := body.text(scopeSearch)
	if strings.TrimSpace(text) == "*" {
		return nil, true
	}
	if words = cache.Pattern(text); len(words) == 0 && len(body.faults) == before {
		body.faultf(scopeSearch.name, "selects no search: it has no word; want words, or beginnings such as light*, or * for all")
	}
	return words, false
}

func readScope(w *exchange) (s cache.Scope, err error) {
	body, err := readObject(w, invalidation)
	if err != nil {
		return s, err
	}
	if body.has(scopeAll.name) {
		s.Everything = body.isTrue(scopeAll.name)
	}
	if body.has(scopeSearch.name) {
		s.Words, s.Searches = searchScope(body)
	}
	if body.has(scopeUser.name) {
		s.User = body.user(scopeUser)
	}
	if body.has(scopeDocument.name) {
		if s.Document, err = parseID(body.text(scopeDocument)); err != nil {
			body.faultf(scopeDocument.name, "is not a UUID, want the id of a document")
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
