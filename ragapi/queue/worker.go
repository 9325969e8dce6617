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
	Process(ctx context.Context, id uuid.UUID) (doc document.Document, done bool, err error)
	AttemptFailed(ctx context.Context, id uuid.UUID, version, attempts int) error
	Fail(ctx context.Context, id uuid.UUID, version int, reason string) error
	Requeue(ctx context.Context, id uuid.UUID, version, most int) (done bool, err error)
	DeleteRest(ctx context.Context, id uuid.UUID) error
}

// Embedder keeps a vector store in step; vector.Index is one.
type Embedder interface {
	Embed(ctx context.Context, ids ...uuid.UUID) []error
	Forget(ctx context.Context, id uuid.UUID, collections ...string) error
	// Check reports whether the store has lost vectors, which are missing from then on.
	Check(ctx context.Context) (lost bool, err error)
	// Missing returns at most limit documents without their vectors, by their ids, after one.
	Missing(ctx context.Context, after uuid.UUID, limit int) ([]uuid.UUID, error)
}

// Rereader reads what an earlier release has read in another way; document.Store is one.
type Rereader interface {
	Reread(ctx context.Context) (left bool, err error)
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
	Concurrency int // documents processed at once
	Documents   Processor
	Vectors     Embedder // nil without a vector store
	Jobs        *Client  // for the jobs that follow from one
	Seen        Observer
	Chunks      Rereader // nil where there is nothing to read anew
}

const (
	// defaultTimeout bounds jobs that say nothing else, and upkeep's.
	defaultTimeout = 30 * time.Second
	// rescueAfter is when a job whose worker died is taken up again, if by then it could no longer be running: within a quarter
	// of a minute of a small document's time limit.
	rescueAfter = 45 * time.Second
	// fetchCooldown is the least time between two looks for jobs. Each takes as many as there are free workers: river's default
	// of 100 ms would let four workers do forty documents a second.
	fetchCooldown = 5 * time.Millisecond
	// Documents that may wait for their vectors in one worker, to be embedded together.
	embeddingTogether = 100
	forgettingAtOnce  = 2
	sweepInterval     = time.Minute
)

// NewWorker returns a worker. Call Run to start it. The pool must lead to the primary itself: the queue listens on a
// connection of its own.
func NewWorker(pool *pgxpool.Pool, d Duties, log *slog.Logger) (*Worker, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &process{Duties: d, log: log})
	river.AddWorker(workers, newEmbed(d.Vectors))
	river.AddWorker(workers, &forget{documents: d.Documents, vectors: d.Vectors})
	river.AddWorker(workers, &sweep{pool: pool, documents: d.Documents, chunks: d.Chunks, vectors: d.Vectors, jobs: d.Jobs, seen: d.Seen, log: log})
	c, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Logger: log,
		Queues: map[string]river.QueueConfig{
			processing: {MaxWorkers: d.Concurrency},
			embedding:  {MaxWorkers: embeddingTogether},
			forgetting: {MaxWorkers: forgettingAtOnce},
			upkeep:     {MaxWorkers: 1},
		},
		Workers:              workers,
		ErrorHandler:         &endings{Duties: d, log: log},
		JobTimeout:           defaultTimeout,
		RescueStuckJobsAfter: rescueAfter,
		FetchCooldown:        fetchCooldown,
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(sweepInterval),
			func() (river.JobArgs, *river.InsertOpts) { return sweepArgs{}, nil }, &river.PeriodicJobOpts{RunOnStart: true})},
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

// Timeout grows with the document.
func (p *process) Timeout(job *river.Job[processArgs]) time.Duration {
	return timeLimit(job.Args.Bytes)
}

// Work processes one document. A document that was deleted or replaced meanwhile needs nothing. One that was ready before counts once.
func (p *process) Work(ctx context.Context, job *river.Job[processArgs]) error {
	id := job.Args.DocumentID
	if job.Attempt > 1 { // the one before may have died without a word
		if err := p.Documents.AttemptFailed(ctx, id, job.Args.version(), job.Attempt-1); err != nil {
			return err
		}
	}
	doc, done, err := p.Documents.Process(ctx, id)
	if errors.Is(err, document.ErrNotFound) {
		return nil
	}
	if err == nil && doc.Status == document.Ready && p.Vectors != nil {
		err = p.Jobs.embedFresh(ctx, doc)
	}
	if err != nil || !done {
		return err
	}
	p.Seen.Processed(doc)
	p.log.InfoContext(ctx, "document ready", "document", id, "version", doc.Version, "bytes", doc.Bytes, "chunks", doc.ChunkCount, "attempt", job.Attempt)
	return nil
}

func (a processArgs) version() int { return max(a.Version, 1) }

type forget struct {
	river.WorkerDefaults[forgetArgs]
	documents Processor
	vectors   Embedder
}

// Work removes what is left of one deleted document: chunks that were being written, and vectors.
func (f *forget) Work(ctx context.Context, job *river.Job[forgetArgs]) error {
	if err := f.documents.DeleteRest(ctx, job.Args.DocumentID); err != nil {
		return err
	}
	switch {
	case f.vectors != nil:
		return f.vectors.Forget(ctx, job.Args.DocumentID, job.Args.Collections...)
	case len(job.Args.Collections) > 0:
		return fmt.Errorf("document %s has vectors, and there is no vector store: want VECTOR_URL", job.Args.DocumentID)
	}
	return nil
}
