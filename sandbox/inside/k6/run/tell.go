package run

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/api"
)

// tell answers the REST API where that is asked for, until stop is called. A run goes on without it.
func (r *run) tell() (stop func()) {
	if r.Address == "" {
		return func() {}
	}
	l, err := net.Listen("tcp", r.Address)
	if err != nil {
		r.Log.Write("error", "Error from API server", map[string]string{"error": err.Error()})
		return func() {}
	}
	server := &http.Server{Handler: api.Handler(r, r.test.Engine), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			r.Log.Write("error", "Error from API server", map[string]string{"error": err.Error()})
		}
	}()
	return func() { _ = server.Close(); <-done }
}

// Elapsed implements api.Run.
func (r *run) Elapsed() time.Duration { return r.test.Elapsed() }

// Users implements api.Run.
func (r *run) Users() (active, initialized int64) {
	return r.test.Active.Load(), r.test.Initialized.Load()
}

// Stopped implements api.Run.
func (r *run) Stopped() bool {
	r.one.Lock()
	defer r.one.Unlock()
	return r.cause != nil
}
