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
	h = a.admitted(route, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		defer a.Metrics.RequestBegins()()
		r = r.WithContext(profiled(identified(w, r), "route", route))
		defer pprof.SetGoroutineLabels(context.Background()) // the connection's next request has its own
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", nobody)
		if a.Readiness.draining() {
			// Lets the balancer's connections run out instead of cutting them off.
			w.Header().Set("Connection", "close")
		}
		seen := &recorder{ResponseWriter: w}
		err := a.serve(seen, r, h)
		took := time.Since(began)
		a.Metrics.Request(route, methodLabel(r.Method), seen.status, took)
		if copied := validation(r, seen.status, w.Header()); copied != "" {
			a.Metrics.ClientCache(route, copied)
		}
		a.logRequest(r, route, seen.status, took, err)
	})
}

// serve runs h and answers its error. A panic becomes an error.
func (a *api) serve(w *recorder, r *http.Request, h handler) (err error) {
	err = recovered(w, r, h)
	if err == nil {
		return nil
	}
	if w.status != 0 {
		return fmt.Errorf("answer cut off: %w", err) // the status line is gone, nothing else can be said to the client
	}
	p := problemOf(err)
	if writeErr := writeProblem(w, r, p); writeErr != nil {
		return fmt.Errorf("%w; and its answer: %w", err, writeErr)
	}
	if a.shed(err) || p.Status < http.StatusInternalServerError {
		return nil
	}
	return err
}

func recovered(w http.ResponseWriter, r *http.Request, h handler) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return h(w, r)
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

// recorder remembers the status of an answer; 0 while there is none.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
