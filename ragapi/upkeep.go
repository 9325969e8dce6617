package main

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/queue"
	"github.com/ragscale/ragscale/ragapi/session"
)

// upkeep is what has to be done to the database every day. It may be repeated and run several times at once.
func upkeep(p *process) error {
	if err := migrate(p); err != nil {
		return err
	}
	db := p.cfg.Direct
	db.PoolSize = 2
	pool, err := postgres.Open(p.soft, db, "ragapi upkeep "+p.cfg.PodName)
	if err != nil {
		return err
	}
	defer pool.Close()
	done, err := querylog.Upkeep(p.soft, pool, time.Now(), p.cfg.QueryLogRetention)
	p.log.Info("query log", "created", done.Created, "dropped", done.Dropped, "moved", done.Moved)
	if err != nil {
		return err
	}
	expired, err := session.NewStore(pool, nil, p.cfg.SessionTTL).Expire(p.soft)
	p.log.Info("sessions", "expired", expired)
	if err != nil {
		return err
	}
	keys, err := idempotency.Expire(p.soft, pool)
	p.log.Info("idempotency keys", "expired", keys)
	if err != nil {
		return err
	}
	jobs, err := queue.NewClient(pool, p.log)
	if err != nil {
		return err
	}
	recovered, err := queue.Recover(p.soft, pool, document.NewStore(pool, nil, jobs, p.untold(pool)))
	p.log.Info("lost documents", "requeued", recovered.Requeued, "failed", recovered.Failed)
	if err != nil {
		return err
	}
	return p.embedMissing(pool, jobs)
}

// embedMissing asks the workers for the vectors of documents that have none, of all of them.
func (p *process) embedMissing(pool *pgxpool.Pool, jobs *queue.Client) error {
	index := p.index(pool, nil, p.embedder())
	if index == nil {
		return nil
	}
	lost, err := index.Check(p.soft)
	if err != nil {
		p.log.Warn("vectors", "error", err.Error()) // the documents that never had any are asked for all the same
	}
	missing, err := queue.EmbedMissing(p.soft, index, jobs)
	p.log.Info("vectors", "missing", missing, "lost", lost)
	return err
}
