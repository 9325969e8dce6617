package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/embedding"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/queue"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/vector"
)

// pools are the connections that requests use.
type pools struct {
	primary *pgxpool.Pool
	replica *pgxpool.Pool // nil where there is none
}

// openPools opens them and has them watched.
func (p *process) openPools() (pools, error) {
	primary, err := postgres.Open(p.hard, p.cfg.Database, "ragapi serve "+p.cfg.PodName)
	if err != nil {
		return pools{}, err
	}
	p.metrics.WatchPool("primary", primary.Stat)
	p.metrics.WatchQueue(func(ctx context.Context) (queue.Depth, error) { return queue.DepthOf(ctx, primary) })
	if p.cfg.Read == nil {
		return pools{primary: primary}, nil
	}
	replica, err := postgres.Open(p.hard, *p.cfg.Read, "ragapi serve "+p.cfg.PodName)
	if err != nil {
		primary.Close()
		return pools{}, err
	}
	p.metrics.WatchPool("replica", replica.Stat)
	return pools{primary: primary, replica: replica}, nil
}

func (c pools) close() {
	c.primary.Close()
	if c.replica != nil {
		c.replica.Close()
	}
}

// reader reads from the replica while it can.
func (p *process) reader(c pools) *postgres.Reader {
	return postgres.NewReader(c.primary, c.replica, p.metrics.Degraded("replica"))
}

// openCache returns the cache, or nil where there is none.
func (p *process) openCache() (*cache.Cache, error) {
	if p.cfg.Cache.Addr == "" {
		return nil, nil
	}
	return cache.Open(p.hard, p.cfg.Cache, p.cfg.PodName, p.metrics, p.log)
}

// index returns the chunks' vectors, or nil where there is no vector store.
func (p *process) index(pool *pgxpool.Pool) *vector.Index {
	if p.cfg.VectorURL == "" {
		return nil
	}
	var embedder embedding.Embedder = embedding.Hashing{}
	if e := p.cfg.Embedding; e.URL != "" {
		embedder = embedding.NewRemote(e.URL, e.Model, e.Dimensions)
	}
	return vector.New(p.cfg.VectorURL, embedder, pool, p.metrics, p.metrics.Degraded("vector"), p.log)
}

// similar is the index as searches want it: nil where there is none.
func (p *process) similar(c pools) search.Similar {
	if index := p.index(c.primary); index != nil {
		return index
	}
	return nil
}
