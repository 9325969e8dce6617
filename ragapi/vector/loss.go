package vector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A collection has an id in the store. What document_embeddings says is true of that with one id alone: a store that begins anew makes
// another.
const (
	madeSQL = `INSERT INTO vector_collections (name, model, dimensions, version) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING`
	// adoptSQL is for what was made before its id was remembered, and for what is made anew.
	adoptSQL = `UPDATE vector_collections SET store_id = $2::text::uuid WHERE name = $1 AND store_id IS NULL`
	knownSQL = `SELECT store_id::text FROM vector_collections WHERE name = $1 FOR SHARE`
)

// know holds the collection of the store that has id against the one that is known, until tx ends.
func (x *Index) know(ctx context.Context, tx pgx.Tx, id string) error {
	var known string
	_, err := tx.Exec(ctx, madeSQL, x.collection, x.embedder.Model(), x.embedder.Dimensions(), preparation)
	if err == nil {
		_, err = tx.Exec(ctx, adoptSQL, x.collection, id)
	}
	if err == nil {
		err = tx.QueryRow(ctx, knownSQL, x.collection).Scan(&known)
	}
	if err == nil && known != id {
		err = fmt.Errorf("vector store: the collection is %s, want %s, which has the other vectors", id, known)
	}
	return err
}

// errLost means that the store has no collection, and had one.
var errLost = errors.New("vector store: the collection is gone")

// neverMade is nil if the store needs no collection, for nothing was put into it.
func (x *Index) neverMade(ctx context.Context) error {
	var known bool
	err := x.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM vector_collections WHERE name = $1 AND store_id IS NOT NULL)`, x.collection).Scan(&known)
	if err == nil && known {
		err = errLost
	}
	return err
}

const (
	lockSQL = `SELECT coalesce(store_id::text, '') FROM vector_collections WHERE name = $1 FOR UPDATE`
	// What was said before the store was asked, and still is, was true of it then.
	saidSQL   = `SELECT coalesce(sum(chunks), 0) FROM document_embeddings WHERE collection = $1 AND embedded_at < $2`
	unsaySQL  = `DELETE FROM document_embeddings WHERE collection = $1`
	becameSQL = `UPDATE vector_collections SET store_id = nullif($2::text, '')::uuid WHERE name = $1`
)

// Check compares the store with what the database says it has, and reports whether it has lost some of that: with its volume, or in a
// restore to an earlier point in time. Then all vectors are missing from now on, for nobody knows which are.
func (x *Index) Check(ctx context.Context) (lost bool, err error) {
	var before time.Time
	if err := x.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&before); err != nil {
		return false, fmt.Errorf("check the vector store: %w", err)
	}
	var id string
	var has int64
	err = x.timed("count", func() error {
		id, has, err = x.store.size(ctx, x.collection)
		return err
	})
	if err == nil {
		err = pgx.BeginFunc(ctx, x.pool, func(tx pgx.Tx) error {
			lost, err = x.compare(ctx, tx, before, id, has)
			return err
		})
	}
	if err != nil {
		return false, fmt.Errorf("check the vector store: %w", err)
	}
	return lost, nil
}

func (x *Index) compare(ctx context.Context, tx pgx.Tx, before time.Time, id string, has int64) (lost bool, err error) {
	var known string
	var said int64
	err = tx.QueryRow(ctx, lockSQL, x.collection).Scan(&known)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil // nothing was said
	}
	if err == nil {
		err = tx.QueryRow(ctx, saidSQL, x.collection, before).Scan(&said)
	}
	if err != nil {
		return false, err
	}
	if lost = known != "" && known != id || has < said; lost {
		if _, err := tx.Exec(ctx, unsaySQL, x.collection); err != nil {
			return false, err
		}
	}
	if known != id {
		_, err = tx.Exec(ctx, becameSQL, x.collection, id)
	}
	return lost, err
}
