package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/document"
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
	primary, err := p.openPool("primary", p.cfg.Database)
	if err != nil {
		return pools{}, err
	}
	p.metrics.WatchQueue(func(ctx context.Context) (queue.Depth, error) { return queue.DepthOf(ctx, primary) })
	if p.cfg.Read == nil {
		return pools{primary: primary}, nil
	}
	replica, err := p.openPool("replica", *p.cfg.Read)
	if err != nil {
		primary.Close()
		return pools{}, err
	}
	return pools{primary: primary, replica: replica}, nil
}

// waitShare of a request's time may go into the wait for a connection: who waits longer has too little left to be answered.
const waitShare = 4

func (p *process) openPool(name string, db config.Database) (*pgxpool.Pool, error) {
	db.LongestWait = p.cfg.RequestTimeout / waitShare
	pool, err := postgres.Open(p.hard, db, postgres.Application)
	if err != nil {
		return nil, err
	}
	p.metrics.WatchPool(name, pool.Stat)
	p.metrics.WatchWait(name, func() time.Duration { return postgres.ExpectedWait(pool) })
	return pool, nil
}

// closeWithin is how long a process that ends waits for work that nobody waits for any more.
const closeWithin = 2 * time.Second

// close closes the pools when what is read for nobody has ended, or without it.
func (c pools) close() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c.primary.Close()
		if c.replica != nil {
			c.replica.Close()
		}
	}()
	select {
	case <-closed:
	case <-time.After(closeWithin):
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
	return cache.Open(p.cfg.Cache, p.cfg.PodName, p.metrics, p.log)
}

// changes returns where changes are written and how the cache hears of them; nil without a cache, which is followed until
// the process ends.
func (p *process) changes(pool *pgxpool.Pool, kept *cache.Cache) *change.Log {
	if kept == nil {
		return nil
	}
	changes := change.NewLog(pool, kept)
	kept.Follow(p.hard, changes, document.NewStore(pool, postgres.NewReader(pool, nil, nil), nil, nil).Existing)
	return changes
}

// untold is changes for a process without a connection to the cache, where there is one: others tell it.
func (p *process) untold(pool *pgxpool.Pool) *change.Log {
	if p.cfg.Cache.Addr == "" {
		return nil
	}
	return change.NewLog(pool, nil)
}

// index returns the chunks' vectors, or nil where there is no vector store.
func (p *process) index(pool *pgxpool.Pool, changes *change.Log, embedder embedding.Embedder) *vector.Index {
	if p.cfg.VectorURL == "" {
		return nil
	}
	return vector.New(p.cfg.VectorURL, embedder, pool, changes, p.metrics, p.metrics.Degraded("vector"), p.log)
}

// embedder turns texts into vectors.
func (p *process) embedder() embedding.Embedder {
	if e := p.cfg.Embedding; e.URL != "" {
		return embedding.NewRemote(e.URL, e.Key, e.Model, e.Dimensions)
	}
	return embedding.Hashing{}
}

// similar is the index as searches want it, kept where there is a cache: nil where there is no index. The built-in embedding is made anew
// each time: it takes 5 µs, and a question to Redis some hundred.
func (p *process) similar(c pools, reads *postgres.Reader, kept *cache.Cache) search.Similar {
	embedder := p.embedder()
	if p.cfg.Embedding.URL != "" && kept != nil {
		embedder = cache.NewEmbedder(embedder, reads.Look, kept)
	}
	index := p.index(c.primary, nil, embedder)
	switch {
	case index == nil:
		return nil
	case kept == nil:
		return index
	}
	return cache.NewSimilar(index, index.Collection(), reads.Look, kept)
}

// authenticator asks for tokens, unless nobody is to be asked.
func (p *process) authenticator() (auth.Authenticator, error) {
	if p.cfg.Auth == nil {
		p.log.Info("authentication is off: whoever reaches this process may do everything")
		return auth.Off{}, nil
	}
	return auth.New(p.hard, *p.cfg.Auth, func(err error) {
		p.metrics.KeysFetched(err)
		if err != nil {
			p.log.Warn("the issuer's keys were not fetched", "error", err.Error())
		}
	})
}
