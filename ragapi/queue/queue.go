// Package queue hands documents from the API to the workers.
//
// Owns: the jobs that process, embed and forget a document, their queues, retries and limits, and finding documents whose job was
// lost. Does not own: what is done in them (packages document and vector).
package queue

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/ragscale/ragscale/ragapi/document"
)

// Each kind of work has a queue, and workers, of its own: whatever holds one up, the others go on. Documents are processed from
// the queue that the release before knows, too.
const (
	processing = river.QueueDefault
	embedding  = "embedding"
	forgetting = "forgetting"
	upkeep     = "upkeep"
)

// Priorities within the queue of embedding, 1 before 4.
const (
	fresh   = 1 // a document that has just become ready
	overdue = 4 // one of those that upkeep found, thousands after a change of the model
)

// processArgs is the job. Its kind is kept in the database: it stays as it is.
type processArgs struct {
	DocumentID uuid.UUID `json:"document_id"`
	Version    int       `json:"version"` // 0, in jobs of the release before, is 1
	Bytes      int64     `json:"bytes"`
}

// Kind names the job in the queue's table.
func (processArgs) Kind() string { return processKind }

const processKind = "process_document"

// InsertOpts are those of every such job. River's policy waits attempt^4 seconds: five attempts span some six minutes.
func (processArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: processing, MaxAttempts: 5}
}

// vectorAttempts of river's policy span three weeks: a vector store may be gone for long without anything being lost.
const vectorAttempts = 25

// embedArgs is the job that gives a processed document's chunks their vectors.
type embedArgs struct {
	DocumentID uuid.UUID `json:"document_id"`
	Version    int       `json:"version,omitempty"` // so that another text's job is another job
}

// Kind names the job in the queue's table.
func (embedArgs) Kind() string { return "embed_document" }

// InsertOpts are those of every such job. One that is in the queue already is left out.
func (embedArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: embedding, MaxAttempts: vectorAttempts, UniqueOpts: unfinished}
}

// forgetArgs is the job that removes what is left of a deleted document.
type forgetArgs struct {
	DocumentID  uuid.UUID `json:"document_id"`
	Collections []string  `json:"collections,omitempty"` // that have vectors of it
}

// Kind names the job in the queue's table.
func (forgetArgs) Kind() string { return "forget_document" }

// InsertOpts are those of every such job.
func (forgetArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: forgetting, MaxAttempts: vectorAttempts}
}

// sweepArgs is the job that looks for documents whose job was lost.
type sweepArgs struct{}

// Kind names the job in the queue's table.
func (sweepArgs) Kind() string { return "find_lost_documents" }

// InsertOpts are those of every such job. The next one comes soon.
func (sweepArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: upkeep, MaxAttempts: 1, UniqueOpts: unfinished}
}

// unfinished leaves a job out that is in the queue already.
var unfinished = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}}

// Client puts documents into the queue. It works through PgBouncer in transaction mode.
type Client struct{ river *river.Client[pgx.Tx] }

// NewClient returns a client for a process that only adds jobs.
func NewClient(pool *pgxpool.Pool, log *slog.Logger) (*Client, error) {
	c, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: log, FetchCooldown: fetchCooldown})
	if err != nil {
		return nil, fmt.Errorf("queue client: %w", err)
	}
	return &Client{river: c}, nil
}

// EnqueueTx asks for a document to be processed, once tx is committed.
func (c *Client) EnqueueTx(ctx context.Context, tx pgx.Tx, doc document.Document) error {
	args := processArgs{DocumentID: doc.ID, Version: doc.Version, Bytes: doc.Bytes}
	if _, err := c.river.InsertTx(ctx, tx, args, nil); err != nil {
		return fmt.Errorf("enqueue document %s: %w", doc.ID, err)
	}
	return nil
}

// ForgetTx asks for what a deletion leaves of a document to be removed, once tx is committed. The document must still be there:
// it knows the collections of its vectors, those of earlier models too.
func (c *Client) ForgetTx(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	args := forgetArgs{DocumentID: id}
	err := tx.QueryRow(ctx, `SELECT coalesce(array_agg(collection), '{}') FROM document_embeddings WHERE document_id = $1`, id).Scan(&args.Collections)
	if err == nil {
		_, err = c.river.InsertTx(ctx, tx, args, nil)
	}
	if err != nil {
		return fmt.Errorf("enqueue what is left of document %s: %w", id, err)
	}
	return nil
}

// Embed asks for documents that upkeep found to be given vectors.
func (c *Client) Embed(ctx context.Context, ids ...uuid.UUID) error {
	if len(ids) == 0 {
		return nil
	}
	jobs := make([]river.InsertManyParams, len(ids))
	for i, id := range ids {
		jobs[i] = river.InsertManyParams{Args: embedArgs{DocumentID: id}, InsertOpts: &river.InsertOpts{Priority: overdue}}
	}
	if _, err := c.river.InsertMany(ctx, jobs); err != nil {
		return fmt.Errorf("enqueue documents for their vectors: %w", err)
	}
	return nil
}

// embedFresh asks for a document that has become ready to be given vectors.
func (c *Client) embedFresh(ctx context.Context, doc document.Document) error {
	args := embedArgs{DocumentID: doc.ID, Version: doc.Version}
	if _, err := c.river.Insert(ctx, args, &river.InsertOpts{Priority: fresh}); err != nil {
		return fmt.Errorf("enqueue document %s for its vectors: %w", doc.ID, err)
	}
	return nil
}

// timeLimit bounds one attempt at a document: the objective of 30 s per MB, and as much to begin with.
func timeLimit(bytes int64) time.Duration {
	return 30*time.Second + time.Duration(bytes)*30*time.Microsecond
}

// Depth is the number of unfinished jobs by state: available, pending, running, retryable, scheduled. States without jobs are absent.
type Depth struct {
	Processing map[string]int
	Vectors    map[string]int // to embed and to forget documents
}

// mostCounted jobs of a queue and state are counted: then there is a backlog, and counting it to the end would cost the more.
const mostCounted = 10_000

// depthSQL reads some pages of the index of jobs by state and queue, whatever the queues hold.
const depthSQL = `SELECT queues.queue, states.state::text, (SELECT count(*) FROM (SELECT FROM river_job j WHERE j.state = states.state AND j.queue = queues.queue LIMIT $1) counted)
	FROM unnest(ARRAY['available', 'pending', 'running', 'retryable', 'scheduled']::river_job_state[]) states(state),
	unnest(ARRAY['` + processing + `', '` + embedding + `', '` + forgetting + `']) queues(queue)`

// DepthOf counts the unfinished jobs, 10,000 of each queue and state at most.
func DepthOf(ctx context.Context, pool *pgxpool.Pool) (Depth, error) {
	rows, err := pool.Query(ctx, depthSQL, mostCounted)
	if err != nil {
		return Depth{}, fmt.Errorf("queue depth: %w", err)
	}
	depth := Depth{Processing: map[string]int{}, Vectors: map[string]int{}}
	var name, state string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&name, &state, &n}, func() error {
		if name == processing {
			depth.Processing[state] += n
		} else {
			depth.Vectors[state] += n
		}
		return nil
	})
	if err != nil {
		return Depth{}, fmt.Errorf("queue depth: %w", err)
	}
	return depth, nil
}
