// Package server answers HTTP: the API, its probes, and the metrics and profiles on a port of their own.
//
// Owns: routes, the shapes of requests and answers, limits, the order of a graceful stop. Does not own: what documents and searches are.
package server

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
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
	Replace(ctx context.Context, id uuid.UUID, up document.Upload, meant document.Condition) (document.Document, error)
	Retry(ctx context.Context, id uuid.UUID, meant document.Condition) (document.Document, error)
	Delete(ctx context.Context, id uuid.UUID, meant document.Condition) error
	// Chunks returns at most limit chunks of a document, from a position on.
	Chunks(ctx context.Context, id uuid.UUID, from, limit int) (document.Passage, error)
}

// Searcher finds chunks; search.Engine is one.
type Searcher interface {
	Search(ctx context.Context, q search.Query) (search.Result, error)
}

// Sessions keeps conversations; session.Store is one.
type Sessions interface {
	Create(ctx context.Context, user string, key idempotency.Key) (session.Session, error)
	Get(ctx context.Context, id uuid.UUID, part session.Span) (session.Session, error)
	Append(ctx context.Context, id uuid.UUID, m session.Message, key idempotency.Key, meant session.Condition) (session.Message, error)
	List(ctx context.Context, user string, limit int, before uuid.UUID) ([]session.Session, error)
	Delete(ctx context.Context, id uuid.UUID, meant session.Condition) error
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
	AnswerMemory   int64         // bytes that their answers may take
	RequestTimeout time.Duration // one request, not counting the reading of its body
	MaxRequests    int           // at work at once, probes apart; 0 is 1,000
}

type api struct {
	Options
	rooms       *rooms
	gate        *admission.Gate
	description description
}

// handler fills in the answer to a request, or returns why there is none.
type handler func(w *exchange, r *http.Request) error

// New returns the API as docs/api.md describes it.
func New(o Options) http.Handler {
	a := &api{Options: o, rooms: newRooms(o.UploadMemory, o.AnswerMemory, o.MaxUploadBytes), gate: admission.NewGate(cmp.Or(o.MaxRequests, defaultMaxRequests))}
	o.Metrics.RequestsLimit(a.gate.Limit())
	routes := a.routes()
	a.description = describe(routes, a.checked())
	for i, t := range routes {
		routes[i].handle = a.admitted(t.path, t.handle)
		if t.body != nil {
			routes[i].handle = a.rooms.withBody(t.body, routes[i].handle)
		}
		routes[i].handle = a.guarded(routes[i])
	}
	mux := http.NewServeMux()
	mount(mux, routes, a.handle)
	return tidy{mux, a.handle("unmatched", noSuchPath)}
}

// checked reports whether requests need a token.
func (a *api) checked() bool {
	_, off := a.Auth.(auth.Off)
	return !off
}
