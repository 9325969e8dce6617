package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 2 * time.Minute // an upload at the limit over a slow line
	writeTimeout      = 3 * time.Minute // longer than reading and answering; a CPU profile of 2 minutes fits
	// Longer than the 60 s after which an ALB drops an idle connection: the side that sends requests must be the
	// first to close, or it sends one into a closing connection and answers 502.
	idleTimeout    = 75 * time.Second
	maxHeaderBytes = 64 << 10
)

// Listener is an HTTP server that has begun to listen.
type Listener struct {
	server   *http.Server
	listener net.Listener
	failed   chan error
}

// Listen opens addr and serves h on it. name stands in errors, such as that of a port in use.
func Listen(ctx context.Context, name, addr string, h http.Handler, log *slog.Logger) (*Listener, error) {
	var settings net.ListenConfig
	ln, err := settings.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, addr, err)
	}
	l := &Listener{
		server: &http.Server{
			Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
			MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		listener: ln,
		failed:   make(chan error, 1),
	}
	go func() {
		if err := l.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			l.failed <- fmt.Errorf("%s %s: %w", name, addr, err)
		}
	}()
	return l, nil
}

// Addr is where it listens.
func (l *Listener) Addr() net.Addr { return l.listener.Addr() }

// Failed gets the error that ended serving, if it ended otherwise than by Shutdown.
func (l *Listener) Failed() <-chan error { return l.failed }

// Shutdown stops accepting and waits for the requests in flight until ctx ends, which cuts the rest off.
func (l *Listener) Shutdown(ctx context.Context) error {
	err := l.server.Shutdown(ctx)
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("requests cut off: %w", err), l.server.Close())
}
