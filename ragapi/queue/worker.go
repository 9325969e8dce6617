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

// Embedder keeps a vector store in step; vector.Index is one.
type Embedder interface {
	Embed(ctx context.Context, id uuid.UUID) error
	Forget(ctx context.Context, id uuid.UUID) error
}

// Observer is told of every document that was processed; metrics are one.
type Observer interface {
	Processed(doc document.Document)
	ProcessingFailed(final bool)
}

// Worker processes queued documents until it is stopped.
type Worker struct{ river *river.Client[pgx.Tx] }

// Duties are what a worker does its jobs with.
type Duties struct {
	Concurrency int // documents at once
	Documents   Processor
	Vectors     Embedder // nil without a vector store
	Jobs        *Client  // for the jobs that follow from one
	Seen        Observer
}

// NewWorker returns a worker. Call Run to start it. The pool must lead to the primary itself: the queue listens on a
// connection of its own.
func NewWorker(pool *pgxpool.Pool, d Duties, log *slog.Logger) (*Worker, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &process{Duties: d, log: log})
	river.AddWorker(workers, &embed{vectors: d.Vectors})
	river.AddWorker(workers, &forget{vectors: d.Vectors})
	c, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Logger:               log,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: d.Concurrency}},
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
	Duties
	log *slog.Logger
}

// Work processes one document. A document that was deleted meanwhile needs nothing.
func (p *process) Work(ctx context.Context, job *river.Job[processArgs]) error {
	id := job.Args.DocumentID
	doc, err := p.Documents.Process(ctx, id)
	if err == nil {
		err = p.Jobs.Embed(ctx, id)
	}
	switch {
	case err == nil:
		p.Seen.Processed(doc)
		p.log.InfoContext(ctx, "document ready", "document", id, "bytes", doc.Bytes, "chunks", doc.ChunkCount, "attempt", job.Attempt)
		return nil
	case errors.Is(err, document.ErrNotFound):
		return nil
	case job.Attempt < job.MaxAttempts:
		p.Seen.ProcessingFailed(false)
		return err
	}
	p.Seen.ProcessingFailed(true)
	// The attempt's own context may be what ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failWithin)
	defer cancel()
	return errors.Join(err, p.Documents.Fail(ctx, id, fmt.Sprintf("processing failed %d times", job.Attempt)))
}

// embed gives a document's chunks their vectors, once the vector store answers.
type embed struct {
	river.WorkerDefaults[embedArgs]
	vectors Embedder
}

// Work embeds one document. Without a vector store there is nothing to do; upkeep asks again when there is one.
func (e *embed) Work(ctx context.Context, job *river.Job[embedArgs]) error {
	if e.vectors == nil {
		return nil
	}
	return e.vectors.Embed(ctx, job.Args.DocumentID)
}

type forget struct {
	river.WorkerDefaults[forgetArgs]
	vectors Embedder
}

// Work removes one document's vectors.
func (f *forget) Work(ctx context.Context, job *river.Job[forgetArgs]) error {
	if f.vectors == nil {
		return nil
	}
	return f.vectors.Forget(ctx, job.Args.DocumentID)
}
