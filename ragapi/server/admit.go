package server

import (
	"context"
	"errors"
	"net/http"
	"runtime/pprof"
	"strings"

	"github.com/ragscale/ragscale/ragapi/admission"
	"github.com/ragscale/ragscale/ragapi/search"
)

// defaultMaxRequests is far above what one process can work on at once.
const defaultMaxRequests = 1000

// admitted lets h answer while there is a place for the request. Probes are always answered.
func (a *api) admitted(route string, h handler) handler {
	if isProbe(route) {
		return h
	}
	return func(w *exchange, r *http.Request) error {
		leave, err := a.gate.Enter(admission.Of(r.Context()))
		if err != nil {
			return err
		}
		defer leave()
		return h(w, r)
	}
}

func isProbe(route string) bool { return route == "/healthz" || route == "/readyz" }

// priority is low for what costs most.
func (x *exchange) priority(route string, r *http.Request) admission.Priority {
	upload := strings.HasPrefix(route, "/v1/documents") && (r.Method == http.MethodPost || r.Method == http.MethodPut)
	if upload || route == "/v1/search" && x.isComplex(r) {
		return admission.Low
	}
	return admission.Normal
}

func (x *exchange) isComplex(r *http.Request) bool {
	p, err := x.parameters(r)
	return err == nil && p.values.Get(searchMode.name) == string(search.Complex)
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
