// Package queue hands documents from the API to the workers.
//
// Owns: the job that processes a document, its retries and limits. Does not own: what processing is (package document).
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

// Client puts documents into the queue.
type Client struct{ river *river.Client[pgx.Tx] }

// NewClient returns a client for a process that only adds jobs.
func NewClient(pool *pgxpool.Pool, log *slog.Logger) (*Client, error) {
	c, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: log})
	if err != nil {
		return nil, fmt.Errorf("queue client: %w", err)
	}
	return &Client{river: c}, nil
}

// EnqueueTx asks for a document to be processed, once tx is committed.
func (c *Client) EnqueueTx(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := c.river.InsertTx(ctx, tx, processArgs{DocumentID: id}, &river.InsertOpts{MaxAttempts: maxAttempts}); err != nil {
		return fmt.Errorf("enqueue document %s: %w", id, err)
	}
	return nil
}

// Depth returns the number of unfinished jobs by state: available, pending, running, retryable, scheduled. States without jobs are absent.
func Depth(ctx context.Context, pool *pgxpool.Pool) (map[string]int, error) {
	rows, err := pool.Query(ctx, `SELECT state::text, count(*) FROM river_job WHERE state IN ('available', 'pending', 'running', 'retryable', 'scheduled') GROUP BY state`)
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
