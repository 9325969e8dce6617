// Package queue hands documents from the API to the workers.
//
// Owns: the jobs that process, embed and forget a document, their retries and limits. Does not own: what is done in them
// (packages document and vector).
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
)

// JobTimeout bounds one attempt: the objective of 30 s per MB, for an upload of 10 MiB.
const JobTimeout = 5 * time.Minute

const (
	// A job whose worker died is taken up again once it could no longer be running.
	rescueAfter = JobTimeout + 30*time.Second
	// River's policy waits attempt^4 seconds: five attempts span some six minutes.
	maxAttempts = 5
)

// processArgs is the job. Its kind is kept in the database: it stays as it is.
type processArgs struct {
	DocumentID uuid.UUID `json:"document_id"`
}

// Kind names the job in the queue's table.
func (processArgs) Kind() string { return "process_document" }

// embedArgs is the job that gives a processed document's chunks their vectors.
type embedArgs struct {
	DocumentID uuid.UUID `json:"document_id"`
}

// Kind names the job in the queue's table.
func (embedArgs) Kind() string { return "embed_document" }

// forgetArgs is the job that removes a deleted document's vectors.
type forgetArgs struct {
	DocumentID uuid.UUID `json:"document_id"`
}

// Kind names the job in the queue's table.
func (forgetArgs) Kind() string { return "forget_document" }

// vectorAttempts of river's policy span three weeks: a vector store may be gone for long without anything being lost.
const vectorAttempts = 25

// Client puts documents into the queue. It works through PgBouncer in transaction mode.
type Client struct {
	river   *river.Client[pgx.Tx]
	vectors bool
}

// NewClient returns a client for a process that only adds jobs. vectors says whether there is a vector store to keep in step.
func NewClient(pool *pgxpool.Pool, vectors bool, log *slog.Logger) (*Client, error) {
	c, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: log})
	if err != nil {
		return nil, fmt.Errorf("queue client: %w", err)
	}
	return &Client{river: c, vectors: vectors}, nil
}

// EnqueueTx asks for a document to be processed, once tx is committed.
func (c *Client) EnqueueTx(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := c.river.InsertTx(ctx, tx, processArgs{DocumentID: id}, &river.InsertOpts{MaxAttempts: maxAttempts}); err != nil {
		return fmt.Errorf("enqueue document %s: %w", id, err)
	}
	return nil
}

// ForgetTx asks for a document's vectors to be removed, once tx is committed.
func (c *Client) ForgetTx(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if !c.vectors {
		return nil
	}
	if _, err := c.river.InsertTx(ctx, tx, forgetArgs{DocumentID: id}, &river.InsertOpts{MaxAttempts: vectorAttempts}); err != nil {
		return fmt.Errorf("enqueue the vectors of document %s: %w", id, err)
	}
	return nil
}

// Embed asks for documents to be given vectors.
func (c *Client) Embed(ctx context.Context, ids ...uuid.UUID) error {
	if !c.vectors || len(ids) == 0 {
		return nil
	}
	jobs := make([]river.InsertManyParams, len(ids))
	for i, id := range ids {
		jobs[i] = river.InsertManyParams{Args: embedArgs{DocumentID: id}, InsertOpts: &river.InsertOpts{MaxAttempts: vectorAttempts, UniqueOpts: unfinished}}
	}
	if _, err := c.river.InsertMany(ctx, jobs); err != nil {
		return fmt.Errorf("enqueue documents for their vectors: %w", err)
	}
	return nil
}

// unfinished leaves a job out that is in the queue already.
var unfinished = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}}

// mostCounted jobs of a state are counted: then there is a backlog, and counting it to the end would cost the more.
const mostCounted = 10_000

// depthSQL reads some pages of the index of jobs by state, whatever the queue holds.
const depthSQL = `SELECT state::text, (SELECT count(*) FROM (SELECT FROM river_job j WHERE j.state = states.state LIMIT $1) counted)
	FROM unnest(ARRAY['available', 'pending', 'running', 'retryable', 'scheduled']::river_job_state[]) states(state)`

// Depth returns the number of unfinished jobs by state: available, pending, running, retryable, scheduled; 10,000 of each at most.
func Depth(ctx context.Context, pool *pgxpool.Pool) (map[string]int, error) {
	rows, err := pool.Query(ctx, depthSQL, mostCounted)
	if err != nil {
		return nil, fmt.Errorf("queue depth: %w", err)
	}
	depth := map[string]int{}
	var state string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&state, &n}, func() error { depth[state] = n; return nil }); err != nil {
		return nil, fmt.Errorf("queue depth: %w", err)
	}
	return depth, nil
}
