package queue

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

const (
	// embedTimeout bounds an attempt to embed some documents. What it has done by then, the next one need not do again.
	embedTimeout = 5 * time.Minute
	// gatherWithin is how long the first of some documents waits for others, to be embedded together with them.
	gatherWithin = 20 * time.Millisecond
)

// embed gives documents' chunks their vectors, once the vector store answers: those of many jobs together.
type embed struct {
	river.WorkerDefaults[embedArgs]
	vectors Embedder
	turn    chan struct{} // held by the job that embeds, for itself and those that wait

	mu      sync.Mutex
	waiting []request
}

// request is a job that waits for its document's vectors.
type request struct {
	id   uuid.UUID
	done chan error // has room for the answer, whether the job still waits or not
}

func newEmbed(vectors Embedder) *embed {
	return &embed{vectors: vectors, turn: make(chan struct{}, 1)}
}

// Timeout of a job includes that of the documents before it.
func (e *embed) Timeout(*river.Job[embedArgs]) time.Duration { return 2*embedTimeout + time.Minute }

// Work embeds one document, or waits for a job that embeds it. Without a vector store there is nothing to do; upkeep asks again
// when there is one.
func (e *embed) Work(ctx context.Context, job *river.Job[embedArgs]) error {
	if e.vectors == nil {
		return nil
	}
	own := request{id: job.Args.DocumentID, done: make(chan error, 1)}
	e.mu.Lock()
	e.waiting = append(e.waiting, own)
	e.mu.Unlock()
	for {
		select {
		case err := <-own.done:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case e.turn <- struct{}{}:
			e.together(ctx)
			<-e.turn
		}
	}
}

// together embeds the documents of the jobs that wait.
func (e *embed) together(ctx context.Context) {
	select {
	case <-time.After(gatherWithin):
	case <-ctx.Done():
	}
	e.mu.Lock()
	n := min(len(e.waiting), embeddingTogether)
	jobs := slices.Clone(e.waiting[:n])
	e.waiting = slices.Delete(e.waiting, 0, n)
	e.mu.Unlock()
	ids := make([]uuid.UUID, n)
	for i, r := range jobs {
		ids[i] = r.id
	}
	ctx, cancel := context.WithTimeout(ctx, embedTimeout)
	defer cancel()
	for i, err := range e.safely(ctx, ids) {
		jobs[i].done <- err
	}
}

// safely turns a panic into the error of every document.
func (e *embed) safely(ctx context.Context, ids []uuid.UUID) (faults []error) {
	defer func() {
		if p := recover(); p != nil {
			faults = make([]error, len(ids))
			for i := range faults {
				faults[i] = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}
	}()
	return e.vectors.Embed(ctx, ids...)
}
