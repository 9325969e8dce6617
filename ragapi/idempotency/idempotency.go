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
	"github.com/jackc/pgx/v5/pgxpool"
)

// Kept is how long a key stands for its first request.
const Kept = 24 * time.Hour

// ErrOtherRequest means that the key stands for a request that asked for something else.
var ErrOtherRequest = errors.New("the key was used for another request")

// Key is what a sender calls a request. The zero key is none.
type Key struct {
	Owner   string // who sends it: users' keys do not meet; empty for anonymous senders
	Value   string
	Request [32]byte // a hash of all that was asked
}

// Once calls do, or returns what it returned for the same request before, which must survive JSON. tx is the transaction that
// do works in, so that either both its work and its answer are kept, or none. Of two equal requests at once the second waits.
func Once[T any](ctx context.Context, tx pgx.Tx, key Key, do func() (T, error)) (answer T, err error) {
	if key.Value == "" {
		return do()
	}
	first, err := begin(ctx, tx, key)
	if err != nil {
		return answer, fmt.Errorf("idempotency key: %w", err)
	}
	if !first {
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

// begin takes the key, and reports whether it was free.
func begin(ctx context.Context, tx pgx.Tx, key Key) (first bool, err error) {
	tag, err := tx.Exec(ctx, `INSERT INTO idempotency_keys AS k (owner, key, request) VALUES ($1, $2, $3)
		ON CONFLICT (owner, key) DO UPDATE SET request = excluded.request, answer = NULL, created_at = now() WHERE k.created_at < $4`,
		key.Owner, key.Value, key.Request[:], time.Now().Add(-Kept))
	return tag.RowsAffected() == 1, err
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
