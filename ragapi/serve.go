package main

import (
	"context"
	"errors"
	"time"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/queue"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/server"
	"github.com/ragscale/ragscale/ragapi/session"
)

func serve(p *process) error {
	connections, err := p.openPools()
	if err != nil {
		return err
	}
	defer connections.close()
	a, err := p.assemble(connections)
	if err != nil {
		return err
	}
	defer a.finishLog(p.hard)
	admin, err := server.Listen(p.hard, "ADMIN_ADDR", p.cfg.AdminAddr, server.Admin(a.ready, p.metrics.Registry, a.kept), p.log)
	if err != nil {
		return err
	}
	api, err := server.Listen(p.hard, "HTTP_ADDR", p.cfg.HTTPAddr, server.New(a.options), p.log)
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
		return p.drain(a.ready, api, admin)
	}
	return errors.Join(err, shutdown(p.hard, api, admin))
}

// assembly is what answers requests.
type assembly struct {
	options server.Options
	ready   *server.Readiness
	records *querylog.Recorder
	kept    server.Invalidator // nil without a cache
}

// assemble puts it together. Where a cache is set, it stands before what is read.
func (p *process) assemble(c pools) (*assembly, error) {
	jobs, err := queue.NewClient(c.primary, p.cfg.VectorURL != "", p.log)
	if err != nil {
		return nil, err
	}
	reads := p.reader(c)
	a := &assembly{ready: server.NewReadiness(probe(c.primary), p.log), records: querylog.NewRecorder(c.primary, p.metrics.Logged, p.log)}
	documents := document.NewStore(c.primary, reads, jobs)
	a.options = server.Options{
		Documents: documents,
		Chunks:    documents,
		Search:    search.New(reads, p.similar(c)),
		Sessions:  session.NewStore(c.primary, p.cfg.SessionTTL),
		Summary:   func(ctx context.Context) (querylog.Summary, error) { return querylog.Summarize(ctx, reads, time.Now()) },
		QueryLog:  a.records,
		Readiness: a.ready, Metrics: p.metrics, Log: p.log,
		MaxUploadBytes: p.cfg.MaxUploadBytes, RequestTimeout: p.cfg.RequestTimeout,
	}
	kept, err := p.openCache()
	if err != nil || kept == nil {
		return a, err
	}
	a.kept = kept
	a.options.Documents = cache.NewDocuments(a.options.Documents, kept)
	a.options.Search = cache.NewSearches(a.options.Search, kept)
	a.options.Sessions = cache.NewSessions(a.options.Sessions, kept)
	a.options.Summary = cache.Summary(a.options.Summary, kept)
	return a, nil
}

// finishLog writes what the query log still holds.
func (a *assembly) finishLog(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logWithin)
	defer cancel()
	a.records.Close(ctx)
}

// logWithin is how long a process that ends waits for its query log to be written.
const logWithin = 2 * time.Second

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
