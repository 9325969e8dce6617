// Package server answers HTTP: the API, its probes, and the metrics and profiles on a port of their own.
//
// Owns: routes, the shapes of requests and answers, limits, the order of a graceful stop. Does not own: what documents and searches are.
package server

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/admission"
	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/metrics"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/session"
)

// Documents keeps documents; document.Store is one.
type Documents interface {
	Create(ctx context.Context, up document.Upload) (document.Document, error)
	Get(ctx context.Context, id uuid.UUID) (document.Document, error)
	List(ctx context.Context, limit int, before uuid.UUID) ([]document.Document, error)
	ListStatus(ctx context.Context, status document.Status, limit int, before uuid.UUID) ([]document.Document, error)
	Replace(ctx context.Context, id uuid.UUID, up document.Upload, matches func(document.Document) bool) (document.Document, error)
	Retry(ctx context.Context, id uuid.UUID) (document.Document, error)
	Delete(ctx context.Context, id uuid.UUID) error
	// Chunks returns at most limit chunks of a document, from a position on.
	Chunks(ctx context.Context, id uuid.UUID, from, limit int) (document.Passage, error)
}

// Searcher finds chunks; search.Engine is one.
type Searcher interface {
	Search(ctx context.Context, q search.Query) (search.Result, error)
}

// Sessions keeps conversations; session.Store is one.
type Sessions interface {
	Create(ctx context.Context, user string) (session.Session, error)
	Get(ctx context.Context, id uuid.UUID, part session.Span) (session.Session, error)
	Append(ctx context.Context, id uuid.UUID, m session.Message, key idempotency.Key) (session.Message, error)
	List(ctx context.Context, user string, limit int, before uuid.UUID) ([]session.Session, error)
	Delete(ctx context.Context, id uuid.UUID) error
}

// QueryLog remembers searches; querylog.Recorder is one.
type QueryLog interface{ Record(r querylog.Record) }

// Options are what the API is made of. All are required.
type Options struct {
	Documents      Documents
	Search         Searcher
	Sessions       Sessions
	Summary        func(ctx context.Context) (querylog.Summary, error)
	QueryLog       QueryLog
	Readiness      *Readiness
	Auth           auth.Authenticator
	RateLimit      *RateLimit
	Metrics        *metrics.Metrics
	Log            *slog.Logger
	MaxUploadBytes int64         // one request body
	UploadMemory   int64         // bytes that the bodies of all requests in flight may take
	RequestTimeout time.Duration // one request, not counting the reading of its body
	MaxRequests    int           // in flight at once, probes apart; 0 is 1,000
}

type api struct {
	Options
	memory *memory
	gate   *admission.Gate
}

// handler answers a request or returns why not; nothing has been written then.
type handler func(w http.ResponseWriter, r *http.Request) error

// New returns the API as docs/api.md describes it.
func New(o Options) http.Handler {
	a := &api{Options: o, memory: newMemory(o.UploadMemory, o.MaxUploadBytes), gate: admission.NewGate(cmp.Or(o.MaxRequests, defaultMaxRequests))}
	o.Metrics.RequestsLimit(a.gate.Limit())
	mux := http.NewServeMux()
	for path, methods := range a.routes() {
		for method, t := range methods {
			mux.Handle(method+" "+path, a.handle(path, a.guarded(t)))
		}
		mux.Handle(path, a.handle(path, notAllowed(methods)))
	}
	mux.Handle("/", a.handle("unmatched", func(http.ResponseWriter, *http.Request) error { return notFound("no such path") }))
	return mux
}

// routes are all there is: by path and method, the scope that a caller needs, and what answers.
func (a *api) routes() map[string]map[string]route {
	return map[string]map[string]route{
		"/v1/documents":              {http.MethodGet: {auth.DocumentsRead, a.listDocuments}, http.MethodPost: {auth.DocumentsWrite, a.withBody(a.createDocument)}},
		"/v1/documents/{id}":         {http.MethodGet: {auth.DocumentsRead, a.getDocument}, http.MethodPut: {auth.DocumentsWrite, a.withBody(a.replaceDocument)}, http.MethodDelete: {auth.DocumentsWrite, a.deleteDocument}},
		"/v1/documents/{id}/retry":   {http.MethodPost: {auth.DocumentsWrite, a.withBody(a.retryDocument)}},
		"/v1/documents/{id}/chunks":  {http.MethodGet: {auth.DocumentsRead, a.listChunks}},
		"/v1/search":                 {http.MethodGet: {auth.SearchRead, a.search}},
		"/v1/sessions":               {http.MethodGet: {auth.SessionsRead, a.listSessions}, http.MethodPost: {auth.SessionsWrite, a.withBody(a.createSession)}},
		"/v1/sessions/{id}":          {http.MethodGet: {auth.SessionsRead, a.getSession}, http.MethodDelete: {auth.SessionsWrite, a.deleteSession}},
		"/v1/sessions/{id}/messages": {http.MethodPost: {auth.SessionsWrite, a.withBody(a.appendMessage)}},
		"/v1/dashboard":              {http.MethodGet: {auth.SearchRead, a.dashboard}},
		"/healthz":                   {http.MethodGet: {anyone, healthz}},
		"/readyz":                    {http.MethodGet: {anyone, a.Readiness.readyz}},
	}
}

// notAllowed answers every method that methods lacks.
func notAllowed(methods map[string]route) handler {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		// A pattern for GET serves HEAD too.
		_, has := methods[m]
		_, gets := methods[http.MethodGet]
		if has || m == http.MethodHead && gets {
			allowed = append(allowed, m)
		}
	}
	allow := strings.Join(allowed, ", ")
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", allow)
		return &Problem{Type: problemPrefix + "method-not-allowed", Title: "The method is not allowed here", Status: http.StatusMethodNotAllowed, Detail: cut(r.Method, maxQuoted) + " is not one of " + allow}
	}
}
