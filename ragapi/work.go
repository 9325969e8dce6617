package main

import (
	"context"
	"errors"
	"time"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/metrics"
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
	db.PoolSize = p.cfg.Database.PoolSize
	pool, err := postgres.Open(p.hard, db, "ragapi worker "+p.cfg.PodName)
	if err != nil {
		return err
	}
	defer pool.Close()
	jobs, err := queue.NewClient(pool, p.log)
	if err != nil {
		return err
	}
	duties := queue.Duties{Concurrency: p.cfg.WorkerConcurrency, Documents: document.NewStore(pool, nil, jobs), Jobs: jobs, Seen: p.metrics}
	if index := p.index(pool); index != nil {
		duties.Vectors = index
	}
	kept, err := p.openCache()
	if err != nil {
		return err
	}
	if kept != nil {
		corpus := cache.NewCorpus(p.hard, kept)
		defer corpus.Close()
		duties.Seen = observers{Metrics: p.metrics, corpus: corpus}
	}
	worker, err := queue.NewWorker(pool, duties, p.log)
	if err != nil {
		return err
	}
	ready := server.NewReadiness(probe(pool), p.log)
	p.metrics.WatchPool("primary", pool.Stat)
	p.metrics.WatchQueue(func(ctx context.Context) (queue.Depth, error) { return queue.DepthOf(ctx, pool) })
	admin, err := server.Listen(p.hard, "ADMIN_ADDR", p.cfg.AdminAddr, server.Admin(ready, p.metrics.Registry, nil), p.log)
	if err != nil {
		return err
	}
	err = migrate(p)
	if err == nil {
		p.log.Info("working", "admin", admin.Addr().String(), "concurrency", p.cfg.WorkerConcurrency)
		err = p.runWorker(worker, admin, ready)
	}
	return errors.Join(err, shutdown(p.hard, admin))
}

// observers are told of processed documents: the metrics, and the cache, whose answers may lack them.
type observers struct {
	*metrics.Metrics
	corpus *cache.Corpus
}

func (o observers) Processed(doc document.Document) {
	o.Metrics.Processed(doc)
	o.corpus.Changed()
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
