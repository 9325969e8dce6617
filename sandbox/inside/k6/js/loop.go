package js

import (
	"context"
	"sync"
)

// loop runs what a user's script waits for: timers and answers come from elsewhere, and are handled one after the
// other.
type loop struct {
	one     sync.Mutex
	queue   []func() error
	pending int
	wake    chan struct{}
}

func newLoop() *loop { return &loop{wake: make(chan struct{}, 1)} }

// Register announces something that comes later. What it returns has to be called once, from anywhere.
func (u *User) Register() func(then func() error) {
	l := u.loop
	l.one.Lock()
	defer l.one.Unlock()
	l.pending++
	return func(then func() error) {
		l.one.Lock()
		defer l.one.Unlock()
		l.pending--
		l.queue = append(l.queue, then)
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// run runs first, and then what it and its like registered, until nothing is pending.
func (l *loop) run(ctx context.Context, first func() error) error {
	if err := first(); err != nil {
		return err
	}
	for {
		l.one.Lock()
		queue, pending := l.queue, l.pending
		l.queue = nil
		l.one.Unlock()
		for _, then := range queue {
			if err := then(); err != nil {
				return err
			}
		}
		switch {
		case len(queue) > 0:
		case pending == 0:
			return nil
		default:
			select {
			case <-l.wake:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
