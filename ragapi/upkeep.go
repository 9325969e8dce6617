package main

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

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
	return p.embedMissing(pool)
}

// embedMissing asks the workers for the vectors of documents that have none.
func (p *process) embedMissing(pool *pgxpool.Pool) error {
	index := p.index(pool)
	if index == nil {
		return nil
	}
	ids, err := index.Missing(p.soft)
	if err != nil {
		return err
	}
	jobs, err := queue.NewClient(pool, true, p.log)
	if err != nil {
		return err
	}
	p.log.Info("vectors", "missing", len(ids))
	return jobs.Embed(p.soft, ids...)
}
