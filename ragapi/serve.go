package main

import (
	"context"
	"errors"
	"time"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/health"
	"github.com/ragscale/ragscale/ragapi/postgres"
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
	admin, err := server.Listen(p.hard, server.Port{
		Name: "ADMIN_ADDR", Addr: p.cfg.AdminAddr, Handler: server.Admin(a.ready, p.metrics.Registry, a.kept), Memory: server.AdminMemory,
	}, p.log)
	if err != nil {
		return err
	}
	api, err := server.Listen(p.hard, server.Port{
		Name: "HTTP_ADDR", Addr: p.cfg.HTTPAddr, Handler: server.New(a.options), Memory: p.cfg.ConnectionMemory,
	}, p.log)
	if err != nil {
		return errors.Join(err, p.cutOff(admin))
	}
	if err := p.answer(a.watch, api, admin); err != nil {
		return errors.Join(err, p.cutOff(api, admin))
	}
	return p.drain(a.ready, api, admin)
}

// answer returns at the first signal. Both listen while the schema is brought up, so that probes get an answer: alive, not
// ready. Reads are served as soon as any database has the schema, whether the primary can be reached or not.
func (p *process) answer(watch *health.Watch, api, admin *server.Listener) error {
	go watch.Run(p.hard)
	migrated, serves := make(chan error, 1), watch.Serves()
	go func() { migrated <- migrate(p) }()
	for {
		select {
		case err := <-migrated:
			switch {
			case err == nil:
				watch.Look()
			case serves != nil || !errors.Is(err, errStopped):
				return err // else a replica is read, and requests are in flight
			}
		case <-serves:
			p.log.Info("serving", "http", api.Addr().String(), "admin", admin.Addr().String())
			serves = nil
		case err := <-api.Failed():
			return err
		case err := <-admin.Failed():
			return err
		case <-p.soft.Done():
			return nil
		}
	}
}

// assembly is what answers requests.
type assembly struct {
	options server.Options
	watch   *health.Watch
	ready   *server.Readiness
	records *querylog.Recorder
	kept    server.Invalidator // nil without a cache
}

// assemble puts it together. Where a cache is set, it stands before what is read.
func (p *process) assemble(c pools) (*assembly, error) {
	jobs, err := queue.NewClient(c.primary, p.log)
	if err != nil {
		return nil, err
	}
	asks, err := p.authenticator()
	if err != nil {
		return nil, err
	}
	limit, err := server.NewRateLimit(p.cfg.RateLimit.PerSecond, p.cfg.RateLimit.Burst, p.cfg.RateLimit.Hops)
	if err != nil {
		return nil, err
	}
	kept, err := p.openCache()
	if err != nil {
		return nil, err
	}
	reads, changes := p.reader(c), p.changes(c.primary, kept)
	watch, err := p.watch(c, reads)
	if err != nil {
		return nil, err
	}
	a := &assembly{watch: watch, ready: server.NewReadiness(watch.Check, p.log), records: querylog.NewRecorder(c.primary, p.metrics.Logged, p.log)}
	a.options = server.Options{
		Documents: document.NewStore(c.primary, reads, jobs, changes),
		Search:    search.New(reads, p.similar(c, reads, kept)),
		Sessions:  session.NewStore(c.primary, changes, p.cfg.SessionTTL),
		Summary:   func(ctx context.Context) (querylog.Summary, error) { return querylog.Summarize(ctx, reads, time.Now()) },
		QueryLog:  a.records,
		Auth:      asks, RateLimit: limit,
		Readiness: a.ready, Metrics: p.metrics, Log: p.log,
		MaxUploadBytes: p.cfg.MaxUploadBytes, UploadMemory: p.cfg.UploadMemory, AnswerMemory: p.cfg.AnswerMemory,
		RequestTimeout: p.cfg.RequestTimeout, MaxRequests: p.cfg.MaxRequests,
	}
	if kept == nil {
		return a, nil
	}
	a.kept = kept
	a.options.Documents = cache.NewDocuments(a.options.Documents, kept)
	a.options.Search = cache.NewSearches(a.options.Search, kept)
	a.options.Sessions = cache.NewSessions(a.options.Sessions, kept)
	a.options.Summary = cache.Summary(a.options.Summary, kept)
	return a, nil
}

// watch looks at the databases of c, and tells reads of the replica.
func (p *process) watch(c pools, reads *postgres.Reader) (*health.Watch, error) {
	primary := health.Database{Database: p.cfg.Database, Answered: postgres.Answered(c.primary)}
	var replica *health.Database
	if c.replica != nil {
		replica = &health.Database{Database: *p.cfg.Read, Answered: postgres.Answered(c.replica), Seen: reads.ReplicaSeen}
	}
	return health.New(primary, replica, postgres.Application, p.log)
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

// cutOff ends listeners of a process that failed: what is in flight, such as a long profile, has as long as at a drain.
func (p *process) cutOff(listeners ...*server.Listener) error {
	ctx, cancel := context.WithTimeout(p.hard, p.cfg.DrainTimeout)
	defer cancel()
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
