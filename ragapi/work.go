package main

import (
	"context"
	"errors"
	"time"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/health"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/queue"
	"github.com/ragscale/ragscale/ragapi/server"
)

// statementTimeout of a worker: its longest statement writes a megabyte of chunks, or waits for another worker that processes the
// same document.
const statementTimeout = 5 * time.Minute

func work(p *process) error {
	db := p.cfg.Direct
	db.StatementTimeout = statementTimeout
	db.PoolSize = max(1, p.cfg.Database.PoolSize-1) // the watch has the other one
	pool, err := postgres.Open(p.hard, db, postgres.Application)
	if err != nil {
		return err
	}
	defer pool.Close()
	jobs, err := queue.NewClient(pool, p.log)
	if err != nil {
		return err
	}
	kept, err := p.openCache()
	if err != nil {
		return err
	}
	changes := p.changes(pool, kept)
	documents := document.NewStore(pool, nil, jobs, changes)
	duties := queue.Duties{Concurrency: p.cfg.WorkerConcurrency, Documents: documents, Jobs: jobs, Seen: p.metrics}
	if index := p.index(pool, changes, p.embedder()); index != nil {
		duties.Vectors = index
	}
	worker, err := queue.NewWorker(pool, duties, p.log)
	if err != nil {
		return err
	}
	watch, err := health.New(health.Database{Database: db}, nil, postgres.Application, p.log)
	if err != nil {
		return err
	}
	go watch.Run(p.hard)
	ready := server.NewReadiness(watch.Check, p.log)
	p.metrics.WatchPool("primary", pool.Stat)
	p.metrics.WatchQueue(func(ctx context.Context) (queue.Depth, error) { return queue.DepthOf(ctx, pool) })
	admin, err := server.Listen(p.hard, server.Port{
		Name: "ADMIN_ADDR", Addr: p.cfg.AdminAddr, Handler: server.Admin(ready, p.metrics.Registry, nil), Memory: server.AdminMemory,
	}, p.log)
	if err != nil {
		return err
	}
	err = migrate(p)
	if err == nil {
		watch.Look()
		p.log.Info("working", "admin", admin.Addr().String(), "concurrency", p.cfg.WorkerConcurrency)
		err = p.runWorker(worker, admin, ready)
	}
	return errors.Join(err, p.cutOff(admin))
}

// runWorker works until a signal, or until the admin port fails: a worker that cannot be probed is to be replaced.
func (p *process) runWorker(worker *queue.Worker, admin *server.Listener, ready *server.Readiness) error {
	ctx, stop := context.WithCancel(p.soft)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx, p.hard, p.cfg.DrainTimeout) }()
	select {
	case err := <-ended:
		return err
	case err := <-admin.Failed():
		stop()
		return errors.Join(err, <-ended)
	case <-p.soft.Done():
		ready.Drain()
		return <-ended
	}
}
