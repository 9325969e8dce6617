package main

import (
	"context"
	"errors"
	"time"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/queue"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/server"
)

func serve(p *process) error {
	pool, err := postgres.Open(p.hard, p.cfg.Database, "ragapi serve "+p.cfg.PodName)
	if err != nil {
		return err
	}
	defer pool.Close()
	jobs, err := queue.NewClient(pool, p.log)
	if err != nil {
		return err
	}
	ready := server.NewReadiness(probe(pool), p.log)
	p.metrics.WatchPool(pool.Stat)
	p.metrics.WatchQueue(func(ctx context.Context) (map[string]int, error) { return queue.Depth(ctx, pool) })
	handler := server.New(server.Options{
		Documents: document.NewStore(pool, jobs), Search: search.New(pool), Readiness: ready, Metrics: p.metrics, Log: p.log,
		MaxUploadBytes: p.cfg.MaxUploadBytes, RequestTimeout: p.cfg.RequestTimeout,
	})
	admin, err := server.Listen(p.hard, "ADMIN_ADDR", p.cfg.AdminAddr, server.Admin(ready, p.metrics.Registry), p.log)
	if err != nil {
		return err
	}
	api, err := server.Listen(p.hard, "HTTP_ADDR", p.cfg.HTTPAddr, handler, p.log)
	if err != nil {
		return errors.Join(err, shutdown(p.hard, admin))
	}
	// Both listen while the schema is brought up, so that probes get an answer: alive, not ready.
	err = migrate(p)
	if err == nil {
		p.log.Info("serving", "http", api.Addr().String(), "admin", admin.Addr().String())
		select {
		case <-p.soft.Done():
		case err = <-api.Failed():
		case err = <-admin.Failed():
		}
	}
	if err == nil {
		return p.drain(ready, api, admin)
	}
	return errors.Join(err, shutdown(p.hard, api, admin))
}

// drain fails the readiness probe and serves on for a while, for until the balancers have noticed they send requests. Then
// it takes no more and finishes those in flight. The admin port is the last to go, so that all of this can be watched.
func (p *process) drain(ready *server.Readiness, listeners ...*server.Listener) error {
	ctx, cancel := context.WithTimeout(p.hard, p.cfg.DrainTimeout)
	defer cancel()
	ready.Drain()
	p.log.Info("draining", "delay", p.cfg.DrainDelay, "timeout", p.cfg.DrainTimeout)
	select {
	case <-time.After(p.cfg.DrainDelay):
	case <-ctx.Done():
	}
	return shutdown(ctx, listeners...)
}

// shutdown stops the listeners one after the other.
func shutdown(ctx context.Context, listeners ...*server.Listener) error {
	var faults []error
	for _, l := range listeners {
		faults = append(faults, l.Shutdown(ctx))
	}
	return errors.Join(faults...)
}
