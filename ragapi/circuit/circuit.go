// Package circuit keeps a process from waiting for a service that does not answer.
//
// Owns: when a service is asked, and when it is spared. Does not own: what is done instead.
package circuit

import (
	"sync"
	"time"
)

// Breaker opens after some failures in a row, for a while. Then one caller may try; its success closes it again.
// The zero value opens at the first failure, for no time.
type Breaker struct {
	Failures int           // in a row that open it
	Pause    time.Duration // how long it stays open

	mu     sync.Mutex
	failed int
	retry  time.Time
}

// Allow reports whether the service may be asked now. Who is allowed must report the outcome by Done.
func (b *Breaker) Allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed < max(b.Failures, 1) {
		return true
	}
	now := time.Now()
	if now.Before(b.retry) {
		return false
	}
	b.retry = now.Add(b.Pause) // the others go on sparing it while this caller tries
	return true
}

// Done reports what came of an attempt.
func (b *Breaker) Done(ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ok {
		b.failed = 0
		return
	}
	b.failed++
	b.retry = time.Now().Add(b.Pause)
}

// Open reports whether the service is being spared.
func (b *Breaker) Open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed >= max(b.Failures, 1)
}
