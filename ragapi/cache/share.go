package cache

import (
	"context"
	"time"

	"github.com/redis/rueidis"
)

const (
	// refreshWithin bounds a load that no request waits for.
	refreshWithin = 10 * time.Second
	// loadLease is how long a process that loads is waited for at most; one that dies meanwhile delays the others by it.
	loadLease = 500 * time.Millisecond
	pollEvery = 10 * time.Millisecond
)

// start is how a load begins.
type start struct {
	ours   bool  // this process has the lease: the one to load
	before heard // what was marked before the load
}

// refresh loads behind the requests' backs what is being shown once more, in one of all processes.
func (c *Cache) refresh(ctx context.Context, q question, load func(ctx context.Context, begun start) (any, error)) {
	if _, busy := c.refreshing.LoadOrStore(q.key, true); busy {
		return
	}
	go func() {
		defer c.refreshing.Delete(q.key)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshWithin)
		defer cancel()
		begun := c.begin(ctx, q)
		if !begun.ours {
			return
		}
		defer c.release(ctx, q.key) // the load may be another's, which began before
		before := start{before: begun.before}
		if _, err := c.flights.do(ctx, q.key, func(ctx context.Context) (any, error) { return load(ctx, before) }); err != nil {
			c.log.Warn("cache refresh", "error", err.Error())
		}
	}()
}

// sharing loads in one process at a time. The others wait for what it keeps; if that is not for them, or it takes too long,
// they load too.
func sharing[T any](ctx context.Context, c *Cache, k *kind[T], q question, load func(ctx context.Context) (T, error)) (entry[T], error) {
	begun := c.begin(ctx, q)
	if begun.ours {
		defer func() {
			if begun.ours { // it was not kept
				c.release(ctx, q.key)
			}
		}()
		return loadAndKeep(ctx, c, k, q, &begun, load)
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for end := time.Now().Add(loadLease); time.Now().Before(end) && c.leased(ctx, q.key); {
		select {
		case <-ctx.Done():
			return entry[T]{}, ctx.Err()
		case <-tick.C:
		}
	}
	if e, r, _ := lookUp(ctx, c, k, q); r.kept() {
		return e, nil
	}
	return alone(ctx, c, k, q, load)
}

func leaseKey(key string) string { return "load:" + key }

// begin asks, in one round trip, whether this process is the one to load, and for the marks of what q depends on. Where Redis cannot
// say so, it is.
func (c *Cache) begin(ctx context.Context, q question) (begun start) {
	var scores rueidis.RedisResult
	err := c.do(ctx, "lease", func(ctx context.Context, client rueidis.Client) error {
		answers := client.DoMulti(ctx, client.B().Set().Key(prefix+leaseKey(q.key)).Value("1").Nx().Px(loadLease).Build(), marksOfNames(client.B(), q.names()))
		begun.ours, scores = !rueidis.IsRedisNil(answers[0].Error()), answers[1]
		if begun.ours {
			return firstFault(answers)
		}
		return scores.Error()
	})
	begun.ours = begun.ours || err != nil
	begun.before = c.hear(q.names(), scores, err)
	return begun
}

func (c *Cache) leased(ctx context.Context, key string) (leased bool) {
	err := c.do(ctx, "lease", func(ctx context.Context, client rueidis.Client) error {
		n, err := client.Do(ctx, client.B().Exists().Key(prefix+leaseKey(key)).Build()).AsInt64()
		leased = n > 0
		return err
	})
	return leased && err == nil
}

// release lets the others go on. A lease that ran out meanwhile may be another's: then two load, which is no harm.
func (c *Cache) release(ctx context.Context, key string) {
	_ = c.do(ctx, "lease", func(ctx context.Context, client rueidis.Client) error { // logged; it runs out
		return client.Do(ctx, client.B().Del().Key(prefix+leaseKey(key)).Build()).Error()
	})
}
