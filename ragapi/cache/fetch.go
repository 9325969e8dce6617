package cache

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/redis/rueidis"
)

// kind is one kind of answers.
type kind[T any] struct {
	name string
	ttl  time.Duration
	// dependsOn are the stamps that an answer depends on beyond those of its key; nil for none.
	dependsOn func(v T) []string
	// final says whether an answer may be kept; nil for always.
	final func(v T) bool
}

// entry is what Redis keeps.
type entry[T any] struct {
	Read  int64 `json:"read"` // when reading it from the database began, in Unix milliseconds
	Value T     `json:"value"`
}

// fetch returns the answer that is kept under key, if none of its stamps is newer, else that of load, and keeps it. Of many
// that want the same at once, one loads.
func fetch[T any](ctx context.Context, c *Cache, k kind[T], key string, stamps []string, load func(context.Context) (T, error)) (v T, cached bool, err error) {
	v, cached, err = lookUp(ctx, c, k, key, stamps)
	switch {
	case err != nil:
		c.seen.CacheRequest(k.name, "error")
	case cached:
		c.seen.CacheRequest(k.name, "hit")
		return v, true, nil
	default:
		c.seen.CacheRequest(k.name, "miss")
	}
	v, err = once(ctx, c, key, func(ctx context.Context) (T, error) {
		began := time.Now()
		v, err := load(ctx)
		if err == nil && (k.final == nil || k.final(v)) {
			keep(ctx, c, k, key, entry[T]{Read: began.UnixMilli(), Value: v})
		}
		return v, err
	})
	return v, false, err
}

func lookUp[T any](ctx context.Context, c *Cache, k kind[T], key string, stamps []string) (v T, found bool, err error) {
	if c.lost.Load() {
		return v, false, errGone
	}
	var e entry[T]
	err = c.do(ctx, "get", func(ctx context.Context, client rueidis.Client) error {
		// Kept in this process too; Redis tells when it changes. The stamps, which decide, are always asked for.
		err := client.DoCache(ctx, client.B().Get().Key(prefix+key).Cache(), k.ttl).DecodeJSON(&e)
		found = err == nil
		if rueidis.IsRedisNil(err) {
			return nil
		}
		return err
	})
	if err != nil || !found {
		return v, false, err
	}
	stamps = append([]string{everything}, stamps...)
	if k.dependsOn != nil {
		stamps = append(stamps, k.dependsOn(e.Value)...)
	}
	newest, err := c.stamps(ctx, stamps)
	if err != nil || stale(time.UnixMilli(e.Read), newest) {
		return v, false, err
	}
	return e.Value, true, nil
}

// keep writes an answer. Entries that were made together do not end together.
func keep[T any](ctx context.Context, c *Cache, k kind[T], key string, e entry[T]) {
	if c.lost.Load() {
		return
	}
	raw, err := json.Marshal(e)
	if err != nil {
		c.log.Error("cache entry", "kind", k.name, "error", err.Error())
		return
	}
	jittered := time.Duration(float64(k.ttl) * (0.9 + 0.2*rand.Float64()))
	_ = c.set(ctx, "set", key, string(raw), jittered) // logged; the answer is not kept, that is all
}

// once runs load for the first of those that ask for key, and gives all of them its answer. It goes on when the first one goes away.
func once[T any](ctx context.Context, c *Cache, key string, load func(context.Context) (T, error)) (v T, err error) {
	shared := c.flights.DoChan(key, func() (loaded any, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		loading := context.WithoutCancel(ctx)
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			loading, cancel = context.WithDeadline(loading, end)
			defer cancel()
		}
		return load(loading)
	})
	select {
	case <-ctx.Done():
		return v, ctx.Err()
	case result := <-shared:
		if result.Err != nil {
			return v, result.Err
		}
		return result.Val.(T), nil
	}
}
