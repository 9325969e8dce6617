package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/ragscale/ragscale/ragapi/document"
)

// Processor is what is done with a document; document.Store is one.
type Processor interface {
	Process(ctx context.Context, id uuid.UUID) (document.Document, error)
	Fail(ctx context.Context, id uuid.UUID, reason string) error
}

// Observer is told of every document that was processed; metrics are one.
type Observer interface {
	Processed(doc document.Document)
	ProcessingFailed(final bool)
}

// Worker processes queued documents until it is stopped.
type Worker struct{ river *river.Client[pgx.Tx] }

// NewWorker returns a worker for concurrency documents at once. Call Run to start it.
func NewWorker(pool *pgxpool.Pool, concurrency int, documents Processor, seen Observer, log *slog.Logger) (*Worker, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &process{documents: documents, seen: seen, log: log})
	c, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Logger:               log,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: concurrency}},
		Workers:              workers,
		JobTimeout:           JobTimeout,
		RescueStuckJobsAfter: rescueAfter,
	})
	if err != nil {
		return nil, fmt.Errorf("queue worker: %w", err)
	}
	return &Worker{river: c}, nil
}

// Run works until soft ends, then lets the jobs in hand finish for drain at most, or until hard ends. Those it interrupts are
// retried by another worker.
func (w *Worker) Run(soft, hard context.Context, drain time.Duration) error {
	// River stops hard when its own context ends, so it gets one that does not.
	if err := w.river.Start(context.WithoutCancel(hard)); err != nil {
		return fmt.Errorf("queue worker: %w", err)
	}
	<-soft.Done()
	finish, cancel := context.WithTimeout(hard, drain)
	defer cancel()
	err := w.river.Stop(finish)
	if err == nil || finish.Err() == nil {
		return err
	}
	ended, cancel := context.WithTimeout(context.WithoutCancel(hard), interruptWithin)
	defer cancel()
	if err := w.river.StopAndCancel(ended); err != nil {
		return fmt.Errorf("queue worker, interrupted jobs did not end: %w", err)
	}
	return nil
}

// Bounds on what is still done when everything else has been told to end.
const (
	interruptWithin = 5 * time.Second
	failWithin      = 5 * time.Second
)

type process struct {
	river.WorkerDefaults[processArgs]
	documents Processor
	seen      Observer
	log       *slog.Logger
}

// Work processes one document. A document that was deleted meanwhile needs nothing.
func (p *process) Work(ctx context.Context, job *river.Job[processArgs]) error {
	id := job.Args.DocumentID
	doc, err := p.documents.Process(ctx, id)
	switch {
	case err == nil:
		p.seen.Processed(doc)
		p.log.InfoContext(ctx, "document ready", "document", id, "bytes", doc.Bytes, "chunks", doc.ChunkCount, "attempt", job.Attempt)
		return nil
	case errors.Is(err, document.ErrNotFound):
		return nil
	case job.Attempt < job.MaxAttempts:
		p.seen.ProcessingFailed(false)
		return err
	}
	p.seen.ProcessingFailed(true)
	// The attempt's own context may be what ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failWithin)
	defer cancel()
	return errors.Join(err, p.documents.Fail(ctx, id, fmt.Sprintf("processing failed %d times", job.Attempt)))
}
