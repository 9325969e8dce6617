package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
)

// Readiness says whether this process should get requests.
type Readiness struct {
	check    func(context.Context) error
	log      *slog.Logger
	stopping atomic.Bool
}

// NewReadiness returns a readiness that asks check at every probe: it must cost nothing, and its error tells anybody what is
// missing.
func NewReadiness(check func(context.Context) error, log *slog.Logger) *Readiness {
	return &Readiness{check: check, log: log}
}

// Drain makes every later probe fail. It cannot be undone.
func (r *Readiness) Drain() { r.stopping.Store(true) }

func (r *Readiness) draining() bool { return r.stopping.Load() }

type probeBody struct {
	Status string `json:"status"`
}

func (r *Readiness) readyz(w *exchange, req *http.Request) error {
	if r.draining() {
		return notReady.because("this process is stopping")
	}
	if err := r.check(req.Context()); err != nil {
		r.log.DebugContext(req.Context(), "not ready", "error", err.Error())
		return notReady.because(err.Error())
	}
	return writeJSON(w, http.StatusOK, probeBody{Status: "ready"})
}

// healthz tells that the process answers. It asks nobody else: a restart would not mend the database.
func healthz(w *exchange, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, probeBody{Status: "alive"})
}
