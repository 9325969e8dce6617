package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/ragscale/ragscale/ragapi/admission"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 2 * time.Minute // an upload at the limit over a slow line
	writeTimeout      = 3 * time.Minute // longer than reading and answering; a CPU profile of 2 minutes fits
	// Longer than the 60 s after which an ALB drops an idle connection: the side that sends requests must be the
	// first to close, or it sends one into a closing connection and answers 502.
	idleTimeout    = 75 * time.Second
	maxHeaderBytes = 32 << 10
	// readHeaderBytes is where reading a head ends. What lies between is answered by a problem, what is beyond by a bare 431.
	readHeaderBytes = 2 * maxHeaderBytes
	// AdminMemory is what the connections of the second port may take.
	AdminMemory = 8 << 20
)

// Listener is an HTTP server that has begun to listen.
type Listener struct {
	server   *http.Server
	listener net.Listener
	failed   chan error
}

// Port is where something is served.
type Port struct {
	Name    string // stands in errors, such as that of a port in use
	Addr    string
	Handler http.Handler
	Memory  int64 // that connections may take while they wait for requests
}

// Listen opens a port and serves on it.
func Listen(ctx context.Context, p Port, log *slog.Logger) (*Listener, error) {
	var settings net.ListenConfig
	ln, err := settings.Listen(ctx, "tcp", p.Addr)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", p.Name, p.Addr, err)
	}
	l := &Listener{
		server: &http.Server{
			Handler: brief(p.Handler), ConnState: changed,
			ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
			MaxHeaderBytes: readHeaderBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		listener: ln,
		failed:   make(chan error, 1),
	}
	go func() {
		if err := l.server.Serve(&connections{Listener: ln, room: admission.NewRoom(p.Memory)}); !errors.Is(err, http.ErrServerClosed) {
			l.failed <- fmt.Errorf("%s %s: %w", p.Name, p.Addr, err)
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
