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
)

const (
	mostRequeues = 3
	sweepBatch   = 1000
)

// lost is a pending document without a job that will process it.
type lost struct {
	ID       uuid.UUID
	Version  int
	Attempts int // of the job that was given up; 0 if there is none
	Silent   int // of them, without an error of their own: the worker died
}

// A job is discarded with its last attempt. If its worker said so itself, the document has failed before; if it died, river's
// rescuer gives the job up. Jobs of earlier versions do not count.
const lostSQL = `SELECT d.id, d.version, coalesce(j.attempt, 0), coalesce(j.silent, 0) FROM documents d
	LEFT JOIN LATERAL (
		SELECT j.attempt, (SELECT count(*) FROM unnest(j.errors) e WHERE e->>'error' LIKE 'Stuck job rescued%') AS silent
		FROM river_job j WHERE j.kind = '` + processKind + `' AND j.state = 'discarded' AND j.args @> jsonb_build_object('document_id', d.id::text)
			AND j.created_at >= coalesce(d.accepted_at, d.created_at)
		ORDER BY j.id DESC LIMIT 1
	) j ON true
	WHERE d.status = 'pending' AND d.id > $1 AND NOT EXISTS (
		SELECT FROM river_job u WHERE u.kind = '` + processKind + `' AND u.args->>'document_id' = d.id::text
			AND u.state IN ('available', 'pending', 'running', 'retryable', 'scheduled'))
	ORDER BY d.id LIMIT $2`

// Recovered is what became of lost documents.
type Recovered struct{ Requeued, Failed int }

// Recover finds pending documents whose job is gone. One whose job was given up fails; one that has no job at all gets another,
// some times, and then fails, too. Several processes may call it at once.
func Recover(ctx context.Context, pool *pgxpool.Pool, documents Processor) (done Recovered, err error) {
	for after := uuid.Nil; ; {
		found, err := findLost(ctx, pool, after)
		if err != nil {
			return done, err
		}
		for _, l := range found {
			if err := l.recover(ctx, documents, &done); err != nil {
				return done, fmt.Errorf("lost documents: %w", err)
			}
		}
		if len(found) < sweepBatch {
			return done, nil
		}
		after = found[len(found)-1].ID
	}
}

func findLost(ctx context.Context, pool *pgxpool.Pool, after uuid.UUID) ([]lost, error) {
	rows, err := pool.Query(ctx, lostSQL, after, sweepBatch)
	if err != nil {
		return nil, fmt.Errorf("lost documents: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[lost])
	if err != nil {
		return nil, fmt.Errorf("lost documents: %w", err)
	}
	return found, nil
}

func (l lost) recover(ctx context.Context, documents Processor, done *Recovered) error {
	reason := fmt.Sprintf("its job was lost %d times", mostRequeues+1)
	switch {
	case l.Silent > 0:
		reason = fmt.Sprintf("processing failed %d times; %d times its worker died, as it does when it runs out of memory", l.Attempts, l.Silent)
	case l.Attempts > 0:
		reason = failedReason(l.Attempts)
	default:
		requeued, err := documents.Requeue(ctx, l.ID, l.Version, mostRequeues)
		if err != nil {
			return err
		}
		if requeued {
			done.Requeued++
			return nil
		}
	}
	done.Failed++
	return documents.Fail(ctx, l.ID, l.Version, reason)
}

// sweep is the worker that recovers lost documents every minute.
type sweep struct {
	river.WorkerDefaults[sweepArgs]
	pool      *pgxpool.Pool
	documents Processor
	chunks    Rereader
	vectors   Embedder // nil without a vector store
	jobs      *Client
	seen      Observer
	log       *slog.Logger
}

// The release before put these jobs among those that process documents. It can go with the next release.
const moveSQL = `UPDATE river_job SET queue = CASE kind WHEN 'embed_document' THEN '` + embedding + `' ELSE '` + forgetting + `' END
	WHERE queue = '` + processing + `' AND kind IN ('embed_document', 'forget_document') AND state IN ('available', 'retryable', 'scheduled')`

// Work looks once. Whatever goes wrong is tried again in a minute.
func (s *sweep) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	if _, err := s.pool.Exec(ctx, moveSQL); err != nil {
		return fmt.Errorf("jobs of the release before: %w", err)
	}
	done, err := Recover(ctx, s.pool, s.documents)
	for range done.Failed {
		s.seen.ProcessingFailed(true)
	}
	if done != (Recovered{}) {
		s.log.WarnContext(ctx, "lost documents", "requeued", done.Requeued, "failed", done.Failed)
	}
	if err == nil && s.chunks != nil {
		err = s.reread(ctx)
	}
	if err == nil && s.vectors != nil {
		err = s.refill(ctx)
	}
	if errors.Is(err, context.Canceled) {
		return nil // the worker stops
	}
	return err
}

// refill asks for all vectors where the store has lost some.
func (s *sweep) refill(ctx context.Context) error {
	lost, err := s.vectors.Check(ctx)
	if err != nil || !lost {
		return err
	}
	missing, err := EmbedMissing(ctx, s.vectors, s.jobs)
	s.log.WarnContext(ctx, "the vector store has lost vectors", "documents", missing)
	return err
}

// EmbedMissing asks for the vectors of all documents that have none, and returns how many these are.
func EmbedMissing(ctx context.Context, vectors Embedder, jobs *Client) (missing int, err error) {
	for after := uuid.Nil; ; {
		ids, err := vectors.Missing(ctx, after, sweepBatch)
		if err == nil {
			err = jobs.Embed(ctx, ids...)
		}
		missing += len(ids)
		if err != nil || len(ids) < sweepBatch {
			return missing, err
		}
		after = ids[len(ids)-1]
	}
}

// rereadFor bounds what a sweep reads anew. It rests for as long as it reads, so that this is a tenth of what the primary does.
const rereadFor = 12 * time.Second

func (s *sweep) reread(ctx context.Context) error {
	for end := time.Now().Add(rereadFor); time.Now().Before(end); {
		began := time.Now()
		left, err := s.chunks.Reread(ctx)
		if err != nil || !left {
			return err
		}
		select {
		case <-time.After(time.Since(began)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
