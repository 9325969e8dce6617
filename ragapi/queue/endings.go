package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// endings are told of every attempt that ends badly, by an error or a panic. What they cannot say, for the database is away, or
// because the process died, the search for lost documents finds.
type endings struct {
	Duties
	log *slog.Logger
}

// HandleError is called before the queue writes down an error.
func (e *endings) HandleError(ctx context.Context, job *rivertype.JobRow, _ error) *river.ErrorHandlerResult {
	e.ended(ctx, job)
	return nil
}

// HandlePanic is called before the queue writes down a panic.
func (e *endings) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	e.log.ErrorContext(ctx, "panic", "job", job.Kind, "attempt", job.Attempt, "value", fmt.Sprint(value), "trace", trace)
	e.ended(ctx, job)
	return nil
}

func (e *endings) ended(ctx context.Context, job *rivertype.JobRow) {
	var args processArgs
	if job.Kind != args.Kind() {
		return
	}
	final := job.Attempt >= job.MaxAttempts
	e.Seen.ProcessingFailed(final)
	// The attempt's own context may be what ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failWithin)
	defer cancel()
	err := json.Unmarshal(job.EncodedArgs, &args)
	switch {
	case err == nil && final:
		err = e.Documents.Fail(ctx, args.DocumentID, args.version(), failedReason(job.Attempt))
	case err == nil:
		err = e.Documents.AttemptFailed(ctx, args.DocumentID, args.version(), job.Attempt)
	}
	if err != nil {
		e.log.ErrorContext(ctx, "a failed attempt is not written down", "document", args.DocumentID, "error", err.Error())
	}
}

func failedReason(attempts int) string { return fmt.Sprintf("processing failed %d times", attempts) }
