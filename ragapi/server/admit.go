package server

import (
	"context"
	"errors"
	"net/http"
	"runtime/pprof"
	"strings"

	"github.com/ragscale/ragscale/ragapi/admission"
)

// defaultMaxRequests is far above what one process can work on at once, and what waits fits into its memory.
const defaultMaxRequests = 1000

// admitted lets h answer while there is room for the request. Probes are always answered.
func (a *api) admitted(route string, h handler) handler {
	if isProbe(route) {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		p := priorityOf(route, r)
		leave, err := a.gate.Enter(p)
		if err != nil {
			return err
		}
		defer leave()
		if p != admission.Normal {
			r = r.WithContext(admission.With(r.Context(), p))
		}
		return h(w, r)
	}
}

func isProbe(route string) bool { return route == "/healthz" || route == "/readyz" }

// priorityOf is low for what costs most.
func priorityOf(route string, r *http.Request) admission.Priority {
	upload := strings.HasPrefix(route, "/v1/documents") && (r.Method == http.MethodPost || r.Method == http.MethodPut)
	if upload || route == "/v1/search" && strings.Contains(r.URL.RawQuery, "mode=complex") {
		return admission.Low
	}
	return admission.Normal
}

// shed counts err if it is of a request that was sent away so that others are served.
func (a *api) shed(err error) bool {
	var over *admission.Overloaded
	if !errors.As(err, &over) {
		return false
	}
	a.Metrics.Shed(over.Reason, over.Priority.String())
	return true
}

// profiled labels what this goroutine and those that it starts do from now on, for profiles.
func profiled(ctx context.Context, labels ...string) context.Context {
	ctx = pprof.WithLabels(ctx, pprof.Labels(labels...))
	pprof.SetGoroutineLabels(ctx)
	return ctx
}
