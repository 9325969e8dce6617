package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/admission"
)

const (
	requestIDHeader = "X-Request-Id"
	maxRequestID    = 128
	// A request over the API's objective is worth a line in the log.
	slowRequest = 2 * time.Second
)

type requestIDKey struct{}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// handle wraps what every request gets: an id, a measurement, a log line if something is wrong, a problem as its error.
func (a *api) handle(route string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		defer a.Metrics.RequestBegins()()
		x := &exchange{ResponseWriter: w}
		ctx := identified(w, r)
		if p := x.priority(route, r); p != admission.Normal {
			ctx = admission.With(ctx, p)
		}
		r = r.WithContext(profiled(ctx, "route", route))
		defer pprof.SetGoroutineLabels(context.Background()) // the connection's next request has its own
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", nobody)
		if a.Readiness.draining() {
			// Lets the balancer's connections run out instead of cutting them off.
			w.Header().Set("Connection", "close")
		}
		x.room.Enter(a.rooms.answers)
		defer x.room.Leave()
		err := a.serve(x, r, h)
		took := time.Since(began)
		a.Metrics.Request(route, methodLabel(r.Method), x.status, took)
		if copied := validation(r, x.status, w.Header()); copied != "" {
			a.Metrics.ClientCache(route, copied)
		}
		a.logRequest(r, route, x.status, took, err)
		if err := x.send(r); err != nil {
			a.Log.DebugContext(r.Context(), "answer cut off", "request", requestID(r.Context()), "cause", err.Error())
			panic(http.ErrAbortHandler)
		}
	})
}

// serve runs h and answers its error. A panic becomes an error.
func (a *api) serve(x *exchange, r *http.Request, h handler) (err error) {
	err = recovered(x, r, h)
	if err == nil {
		return nil
	}
	p := problemOf(err)
	if writeErr := writeProblem(x, r, p); writeErr != nil {
		return fmt.Errorf("%w; and its answer: %w", err, writeErr)
	}
	if a.shed(err) || p.Status < http.StatusInternalServerError {
		return nil
	}
	return err
}

func recovered(x *exchange, r *http.Request, h handler) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return h(x, r)
}

func (a *api) logRequest(r *http.Request, route string, status int, took time.Duration, err error) {
	level := slog.LevelDebug
	attrs := []slog.Attr{
		slog.String("request", requestID(r.Context())), slog.String("method", r.Method), slog.String("route", route), slog.String("path", r.URL.Path),
		slog.Int("status", status), slog.Duration("took", took),
	}
	switch {
	case err != nil:
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", err.Error()))
	case took > slowRequest:
		level = slog.LevelWarn
	}
	a.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// identified is the context of a request that has an id, which its answer gets too.
func identified(w http.ResponseWriter, r *http.Request) context.Context {
	id := acceptRequestID(r.Header.Get(requestIDHeader))
	w.Header().Set(requestIDHeader, id)
	return context.WithValue(r.Context(), requestIDKey{}, id)
}

const requestIDAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.="

// acceptRequestID keeps a caller's id if it is short and plain, so that it can be logged as it is, else makes one.
func acceptRequestID(id string) string {
	foreign := func(r rune) bool { return !strings.ContainsRune(requestIDAlphabet, r) }
	if id == "" || len(id) > maxRequestID || strings.ContainsFunc(id, foreign) {
		return uuid.NewString()
	}
	return id
}

// methodLabel keeps invented methods out of the metrics' labels.
func methodLabel(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}
