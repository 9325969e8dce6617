package daemon

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/supervise"
	"github.com/ragscale/ragscale/sandbox/inside/topics"
)

const (
	topicsAddress = "127.0.0.1:6445" // inside the namespace
	topicsURL     = "http://" + topicsAddress
	topicsLog     = "topics.log"
)

// publish takes what is published to topics until ctx ends.
func (d *daemon) publish(ctx context.Context) error {
	log, _, err := supervise.OpenLog(filepath.Join(d.layout.Log(), topicsLog))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", topicsAddress)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	d.topics = topics.New(log)
	srv := &http.Server{Handler: d.topics, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			d.log.Error("topics ended", "error", err)
		}
	}()
	return nil
}
