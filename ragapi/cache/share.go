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

// refresh loads behind the requests' backs what is being shown once more, in one of all processes.
func (c *Cache) refresh(ctx context.Context, key string, load func(ctx context.Context) (any, error)) {
	if _, busy := c.refreshing.LoadOrStore(key, true); busy {
		return
	}
	go func() {
		defer c.refreshing.Delete(key)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshWithin)
		defer cancel()
		if !c.lease(ctx, key) {
			return
		}
		defer c.release(ctx, key)
		if _, err := c.flights.do(ctx, key, load); err != nil {
			c.log.Warn("cache refresh", "error", err.Error())
		}
	}()
}

// sharing loads in one process at a time. The others wait for what it keeps; if that is not for them, or it takes too long,
// they load too.
func sharing[T any](ctx context.Context, c *Cache, k *kind[T], q question, load func(ctx context.Context) (T, error)) (entry[T], error) {
	if c.lease(ctx, q.key) {
		defer c.release(ctx, q.key)
		return loadAndKeep(ctx, c, k, q, load)
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
	return loadAndKeep(ctx, c, k, q, load)
}

func leaseKey(key string) string { return "load:" + key }

// lease reports whether this process is the one to load. Where Redis cannot say so, it is.
func (c *Cache) lease(ctx context.Context, key string) (ours bool) {
	err := c.do(ctx, "lease", func(ctx context.Context, client rueidis.Client) error {
		err := client.Do(ctx, client.B().Set().Key(prefix+leaseKey(key)).Value("1").Nx().Px(loadLease).Build()).Error()
		ours = !rueidis.IsRedisNil(err)
		if !ours {
			return nil
		}
		return err
	})
	return ours || err != nil
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
