// Package idempotency lets a request that may have been carried out be sent again: it is carried out once.
//
// Owns: the table idempotency_keys, how long an answer is kept. Does not own: which requests have keys, who their senders are.
package idempotency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Kept is how long a key stands for its first request.
const Kept = 24 * time.Hour

var (
	// ErrOtherRequest means that the key stands for a request that asked for something else.
	ErrOtherRequest = errors.New("the key was used for another request")
	// ErrInFlight means that a request with the key is being carried out: what it will answer is not known yet.
	ErrInFlight = errors.New("a request with this key is being carried out")
)

// Key is what a sender calls a request. The zero key is none.
type Key struct {
	Owner   string // who sends it: users' keys do not meet; empty for anonymous senders
	Value   string
	Request [32]byte // a hash of all that was asked
}

// Once calls do, or returns what it returned for the same request before, which must survive JSON. tx is the transaction that
// do works in, so that either both its work and its answer are kept, or none. Of two requests at once the second waits a second
// for the first, then it gets ErrInFlight.
func Once[T any](ctx context.Context, tx pgx.Tx, key Key, do func() (T, error)) (answer T, err error) {
	if key.Value == "" {
		return do()
	}
	first, err := begin(ctx, tx, key)
	var server *pgconn.PgError
	switch {
	case errors.As(err, &server) && server.Code == lockNotAvailable:
		return answer, ErrInFlight
	case err != nil:
		return answer, fmt.Errorf("idempotency key: %w", err)
	case !first:
		return kept[T](ctx, tx, key)
	}
	if answer, err = do(); err != nil {
		return answer, err
	}
	raw, err := json.Marshal(answer)
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE idempotency_keys SET answer = $3 WHERE owner = $1 AND key = $2`, key.Owner, key.Value, raw)
	}
	if err != nil {
		return answer, fmt.Errorf("idempotency key: %w", err)
	}
	return answer, nil
}

const (
	// waitSQL bounds the wait for who is at the key: it holds a connection. What the transaction does next is not bounded by it.
	waitSQL   = `SELECT set_config('lock_timeout', '1000', true)`
	unwaitSQL = `SET LOCAL lock_timeout TO DEFAULT`

	beginSQL = `INSERT INTO idempotency_keys AS k (owner, key, request) VALUES ($1, $2, $3)
		ON CONFLICT (owner, key) DO UPDATE SET request = excluded.request, answer = NULL, created_at = now() WHERE k.created_at < $4`

	lockNotAvailable = "55P03"
)

// begin takes the key, and reports whether it was free.
func begin(ctx context.Context, tx pgx.Tx, key Key) (first bool, err error) {
	var batch pgx.Batch
	batch.Queue(waitSQL)
	batch.Queue(beginSQL, key.Owner, key.Value, key.Request[:], time.Now().Add(-Kept)).Exec(func(tag pgconn.CommandTag) error {
		first = tag.RowsAffected() == 1
		return nil
	})
	batch.Queue(unwaitSQL)
	return first, tx.SendBatch(ctx, &batch).Close()
}

func kept[T any](ctx context.Context, tx pgx.Tx, key Key) (answer T, err error) {
	var same bool
	var raw []byte
	err = tx.QueryRow(ctx, `SELECT request = $3, answer FROM idempotency_keys WHERE owner = $1 AND key = $2`, key.Owner, key.Value, key.Request[:]).Scan(&same, &raw)
	switch {
	case err != nil:
		return answer, fmt.Errorf("idempotency key: %w", err)
	case !same:
		return answer, ErrOtherRequest
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return answer, fmt.Errorf("idempotency key, kept answer: %w", err)
	}
	return answer, nil
}

// Expire deletes the keys that stand for nothing any more, and returns how many.
func Expire(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	tag, err := pool.Exec(ctx, `DELETE FROM idempotency_keys WHERE created_at < $1`, time.Now().Add(-Kept))
	if err != nil {
		return 0, fmt.Errorf("expired idempotency keys: %w", err)
	}
	return tag.RowsAffected(), nil
}
