package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// freshFor is how long keys are used before they are fetched again, behind the requests' backs. A key that the issuer
	// takes back is believed for so long.
	freshFor = 15 * time.Minute
	// keptFor is how long keys are believed while the issuer is away.
	keptFor = 24 * time.Hour
	// Pauses between the beginnings of two fetches, whatever tokens arrive.
	pauseAfterSuccess = 30 * time.Second
	pauseAfterFailure = 5 * time.Second
	// fetchWithin bounds a fetch, metadata and keys together.
	fetchWithin = 5 * time.Second
	// maxWaiting requests wait for a fetch; more find the keys not at hand. Strangers may invent names of keys.
	maxWaiting = 256
)

// keySet holds the issuer's keys and fetches them when they get old, or when a token names a key that it has not heard of.
type keySet struct {
	ctx     context.Context
	fetch   func(context.Context) ([]jose.JSONWebKey, error)
	fetched func(error)
	now     func() time.Time

	waiting atomic.Int64 // for a fetch

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	at      time.Time     // when the fetch of keys began
	tried   time.Time     // when the last fetch began
	err     error         // of the last fetch
	running chan struct{} // closed when the present fetch has ended; nil while there is none
}

func newKeySet(ctx context.Context, fetch func(context.Context) ([]jose.JSONWebKey, error), fetched func(error)) *keySet {
	return &keySet{ctx: ctx, fetch: fetch, fetched: fetched, now: time.Now, err: errors.New("not fetched yet")}
}

// find returns the key of this name for this algorithm. A key that is known is returned at once; for another it waits for
// one fetch, if one may begin or has begun.
func (k *keySet) find(ctx context.Context, name, algorithm string) (*jose.JSONWebKey, error) {
	key, ended := k.look(name, algorithm)
	if key == nil && ended != nil {
		if err := k.wait(ctx, ended); err != nil {
			return nil, err
		}
		key, _ = k.look(name, algorithm)
	}
	if key != nil {
		return key, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, k.err)
	}
	return nil, fmt.Errorf("%w: its key is not the issuer's", ErrToken)
}

// wait waits for the end of a fetch.
func (k *keySet) wait(ctx context.Context, ended <-chan struct{}) error {
	defer k.waiting.Add(-1)
	if k.waiting.Add(1) > maxWaiting {
		return fmt.Errorf("%w: %d requests wait for them", ErrUnavailable, maxWaiting)
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look returns the key if it is known and young enough, and begins a fetch if it is not, or no longer fresh. ended is
// closed when that fetch has ended.
func (k *keySet) look(name, algorithm string) (key *jose.JSONWebKey, ended <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := k.now().Sub(k.at)
	if age < keptFor {
		key = suitable(k.keys, name, algorithm)
	}
	if key != nil && age < freshFor {
		return key, nil
	}
	return key, k.beginLocked()
}

func (k *keySet) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.beginLocked()
}

// beginLocked begins a fetch unless one is running or has just been tried.
func (k *keySet) beginLocked() <-chan struct{} {
	if k.running != nil {
		return k.running
	}
	now, pause := k.now(), pauseAfterSuccess
	if k.err != nil {
		pause = pauseAfterFailure
	}
	if now.Sub(k.tried) < pause {
		return nil
	}
	k.tried, k.running = now, make(chan struct{})
	go k.refresh(now)
	return k.running
}

// refresh replaces the keys, or leaves those there are.
func (k *keySet) refresh(began time.Time) {
	keys, err := k.attempt()
	k.mu.Lock()
	if err == nil {
		k.keys, k.at = keys, began
	}
	k.err = err
	close(k.running)
	k.running = nil
	k.mu.Unlock()
	k.fetched(err)
}

// attempt fetches within a bounded time. What comes from outside must not end the process.
func (k *keySet) attempt() (keys []jose.JSONWebKey, err error) {
	ctx, cancel := context.WithTimeout(k.ctx, fetchWithin)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return k.fetch(ctx)
}
