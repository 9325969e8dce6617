package cache

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"
)

// Scope is what to invalidate by hand. Fields that are not set invalidate nothing.
type Scope struct {
	Everything bool
	Searches   bool   // all of them
	Pattern    string // the searches that have any of these words
	Document   uuid.UUID
	User       string // its sessions
}

// Invalidate makes the answers of a scope be read anew. Unlike what happens by itself, it fails when Redis cannot be told.
func (c *Cache) Invalidate(ctx context.Context, s Scope) error {
	var names []string
	if s.Everything {
		names = append(names, everything)
	}
	if s.Searches {
		names = append(names, searches)
	}
	for _, word := range words(s.Pattern) {
		names = append(names, wordStamp(word))
	}
	if s.Document != uuid.Nil {
		names = append(names, documentStamp(s.Document))
	}
	if s.User != "" {
		names = append(names, userStamp(s.User))
	}
	var faults []error
	for _, name := range names {
		faults = append(faults, c.stamp(ctx, name))
	}
	return errors.Join(faults...)
}

// Corpus tells the cache that documents have become searchable: not for each of them, or under steady uploads no answer
// would ever be kept, but once in ten seconds, over all processes.
type Corpus struct {
	cache   *Cache
	changed chan struct{}
	stop    context.CancelFunc
	done    chan struct{}
}

// NewCorpus returns a corpus that works until it is closed.
func NewCorpus(ctx context.Context, c *Cache) *Corpus {
	ctx, stop := context.WithCancel(ctx)
	k := &Corpus{cache: c, changed: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go k.run(ctx)
	return k
}

// Close says what is still to be said.
func (k *Corpus) Close() {
	k.stop()
	<-k.done
}

// Changed says that a document has become searchable.
func (k *Corpus) Changed() {
	select {
	case k.changed <- struct{}{}:
	default: // said already
	}
}

func (k *Corpus) run(ctx context.Context) {
	defer close(k.done)
	tick := time.NewTicker(retryInterval)
	defer tick.Stop()
	pending := false
	for {
		select {
		case <-k.changed:
			pending = true
		case <-tick.C:
		case <-ctx.Done():
			if pending || len(k.changed) > 0 {
				k.cache.invalidate(ctx, searches)
			}
			return
		}
		if pending && k.cache.first(ctx) {
			k.cache.invalidate(ctx, searches)
			pending = false
		}
	}
}

// first reports whether no process has invalidated the searches for corpusInterval.
func (c *Cache) first(ctx context.Context) (first bool) {
	err := c.do(ctx, "invalidate", func(ctx context.Context, client rueidis.Client) error {
		err := client.Do(ctx, client.B().Set().Key(prefix+"gate:searches").Value("1").Nx().Px(corpusInterval).Build()).Error()
		first = err == nil
		if rueidis.IsRedisNil(err) {
			return nil
		}
		return err
	})
	return first && err == nil
}
