package cache

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// flights lets those that want the same at once share one load. Nobody gets an answer that was read before he asked: who
// comes while a load is under way waits for the next, which all share that came meanwhile. A load that nobody waits for any
// more is cancelled.
type flights struct {
	mu      sync.Mutex
	running map[string]*flight
}

// flight is a load, and those that wait for it.
type flight struct {
	load    func(ctx context.Context) (any, error)
	waiting int
	ctx     context.Context
	cancel  context.CancelFunc
	next    *flight // begins when this one has landed; nil if nobody wants it

	landed chan struct{}
	value  any
	err    error
}

// do returns what load returns, or that of somebody else that began afterwards. It waits no longer than ctx. Values of ctx
// that a shared load sees are those of the first that wanted it.
func (f *flights) do(ctx context.Context, key string, load func(ctx context.Context) (any, error)) (any, error) {
	joined := f.join(ctx, key, load)
	select {
	case <-joined.landed:
		return joined.value, joined.err
	case <-ctx.Done():
		f.leave(joined)
		return nil, ctx.Err()
	}
}

func (f *flights) join(ctx context.Context, key string, load func(ctx context.Context) (any, error)) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running == nil {
		f.running = map[string]*flight{}
	}
	current := f.running[key]
	if current != nil && current.next != nil {
		current.next.waiting++
		return current.next
	}
	joined := &flight{load: load, waiting: 1, landed: make(chan struct{})}
	joined.ctx, joined.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if current != nil {
		current.next = joined
		return joined
	}
	f.running[key] = joined
	go f.run(key, joined)
	return joined
}

func (f *flights) leave(l *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.waiting--; l.waiting == 0 {
		l.cancel()
	}
}

// run flies one flight after the other until nobody wants another.
func (f *flights) run(key string, l *flight) {
	for l != nil {
		if l.ctx.Err() == nil {
			l.value, l.err = recovered(l.ctx, l.load)
		} else {
			l.err = l.ctx.Err() // everybody has left
		}
		l.cancel()
		close(l.landed)
		f.mu.Lock()
		if l = l.next; l == nil {
			delete(f.running, key)
		} else {
			f.running[key] = l
		}
		f.mu.Unlock()
	}
}

func recovered(ctx context.Context, load func(ctx context.Context) (any, error)) (v any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return load(ctx)
}
