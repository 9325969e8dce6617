package server

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// bodyFactor is how much memory a body takes while it is answered, in its own size. Three times its text at most: as it was
	// sent or as it is kept, among the statement's parameters, and in the message to the database. A text may grow by a
	// quarter while it is made normal.
	bodyFactor   = 4
	bodyOverhead = 16 << 10
	// smallBody and smaller ones have an eighth of the memory to themselves, so that large ones never keep them waiting.
	smallBody  = 64 << 10
	smallShare = 8
	// memoryWait is how long a request waits for memory. Its body waits with its sender.
	memoryWait = time.Second
)

// memory is what the bodies of all requests in flight may take.
type memory struct {
	small, large *semaphore.Weighted
	largest      int64 // body of unknown length
}

func cost(body int64) int64 { return bodyFactor*body + bodyOverhead }

// newMemory shares total bytes between bodies of at most largest bytes. There is room for one of them in any case.
func newMemory(total, largest int64) *memory {
	small := max(total/smallShare, cost(smallBody))
	return &memory{small: semaphore.NewWeighted(small), large: semaphore.NewWeighted(max(total-small, cost(largest))), largest: largest}
}

// reserve takes memory for a body of size bytes (-1 for unknown). Its error is a Problem, or that of ctx.
func (m *memory) reserve(ctx context.Context, size int64) (release func(), err error) {
	if size > m.largest {
		return nil, &http.MaxBytesError{Limit: m.largest}
	}
	share := m.small
	if size < 0 || size > smallBody {
		share = m.large
	}
	if size < 0 {
		size = m.largest
	}
	wait, cancel := context.WithTimeout(ctx, memoryWait)
	defer cancel()
	if err := share.Acquire(wait, cost(size)); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, overloaded.because("there is no memory for the body now, try again")
	}
	return func() { share.Release(cost(size)) }, nil
}

// withBody answers a request that has a body once there is memory for it.
func (a *api) withBody(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		release, err := a.memory.reserve(r.Context(), r.ContentLength)
		if err != nil {
			return err
		}
		defer release()
		return h(w, r)
	}
}
