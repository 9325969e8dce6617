package vector

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/embedding"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

const (
	// upsertSize is how many chunks, of any documents, one request brings to the store: it takes ten times as long for one as
	// for each of hundreds. A model is asked for embedSize at a time.
	upsertSize = 400
	embedSize  = 100
	// A search waits behind what the store is doing. Before each upsert it is asked what a search asks; while that takes longer
	// than slowQuery, embedding rests for restFactor times as long, longestRest at most.
	slowQuery   = 50 * time.Millisecond
	restFactor  = 10
	longestRest = 2 * time.Second
)

// piece is a chunk that is to get its vector.
type piece struct {
	Document uuid.UUID
	Version  int // of the document
	Position int
	Text     string
}

// The document's row and its chunks are of one version: both are of the statement's snapshot, and the document is ready.
const piecesSQL = `SELECT d.id, d.version, c.position, c.heading || E'\n' || c.content
	FROM documents d
	LEFT JOIN document_embeddings e ON e.document_id = d.id AND e.collection = $2 AND e.version = d.version
	JOIN chunks c ON c.document_id = d.id AND c.position >= coalesce(e.chunks, 0)
	WHERE d.id = ANY($1) AND d.status = 'ready' ORDER BY d.id, c.position LIMIT $3`

// Embed gives the chunks of documents their vectors, as many at once as the store takes. It goes on where an earlier call
// stood. Documents that are deleted meanwhile leave none behind. The errors are those of the documents, in their order.
func (x *Index) Embed(ctx context.Context, ids ...uuid.UUID) []error {
	faults := make([]error, len(ids))
	err := x.embedAll(ctx, ids)
	if err == nil {
		return faults
	}
	for i, id := range ids {
		faults[i] = err
		if len(ids) > 1 && refused(err) { // one of them is at fault
			faults[i] = x.embedAll(ctx, []uuid.UUID{id})
		}
		if faults[i] != nil {
			faults[i] = fmt.Errorf("embed document %s: %w", id, faults[i])
		}
	}
	return faults
}

func refused(err error) bool {
	return errors.As(err, &refusal{}) || errors.Is(err, embedding.ErrRefused)
}

func (x *Index) embedAll(ctx context.Context, ids []uuid.UUID) error {
	for {
		pieces, err := x.pieces(ctx, ids)
		if err != nil {
			return err
		}
		if len(pieces) == 0 {
			return x.forgetOthers(ctx, ids)
		}
		collection, err := x.bring(ctx, pieces)
		if err != nil {
			return err
		}
		if err := x.record(ctx, collection, pieces); err != nil {
			return err
		}
	}
}

// othersSQL returns the documents of which the store may have what is no use any more, with their version, or NULL for one that was
// deleted. While a replacement is pending, searches find the text before.
const othersSQL = `SELECT id, d.version FROM unnest($1::uuid[]) AS id LEFT JOIN documents d USING (id)
	WHERE d.id IS NULL OR d.status = 'ready' AND d.version > 1`

// forgetOthers removes the vectors of documents that were deleted and of texts that were replaced, also what another worker, or an
// attempt that was cut short, has brought of them meanwhile.
func (x *Index) forgetOthers(ctx context.Context, ids []uuid.UUID) error {
	rows, err := x.pool.Query(ctx, othersSQL, ids)
	if err != nil {
		return err
	}
	versions := map[uuid.UUID]*int{}
	var id uuid.UUID
	var version *int
	if _, err := pgx.ForEachRow(rows, []any{&id, &version}, func() error { versions[id] = version; return nil }); err != nil {
		return err
	}
	for id, version := range versions {
		if version == nil {
			err = x.Forget(ctx, id)
		} else {
			err = x.forgetEarlier(ctx, id, *version)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetEarlier removes the vectors of a document's texts before a version that is ready.
func (x *Index) forgetEarlier(ctx context.Context, id uuid.UUID, version int) error {
	earlier := map[string]any{"$and": []any{equals("document", id.String()), map[string]any{"version": map[string]any{"$lt": version}}}}
	return x.timed("delete", func() error {
		_, err := x.store.in(ctx, x.collection, false, "delete", map[string]any{"where": earlier}, &done{})
		if errors.Is(err, errNoCollection) {
			return nil // and its vectors neither
		}
		return err
	})
}

func (x *Index) pieces(ctx context.Context, ids []uuid.UUID) ([]piece, error) {
	rows, err := x.pool.Query(ctx, piecesSQL, ids, x.collection, upsertSize)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[piece])
}

// bring embeds pieces and puts their vectors into the store. It returns the id of the collection that has them.
func (x *Index) bring(ctx context.Context, pieces []piece) (collection string, err error) {
	var vectors [][]float32
	for first := 0; first < len(pieces); first += embedSize {
		var texts []string
		for _, p := range pieces[first:min(first+embedSize, len(pieces))] {
			texts = append(texts, p.Text)
		}
		more, err := x.embed(ctx, texts)
		if err != nil {
			return "", err
		}
		vectors = append(vectors, more...)
	}
	if err := x.letSearchesPass(ctx, vectors[0]); err != nil {
		return "", err
	}
	err = x.timed("upsert", func() error {
		collection, err = x.store.upsert(ctx, x.collection, pieces, vectors)
		return err
	})
	return collection, err
}

// letSearchesPass waits while searches are slow.
func (x *Index) letSearchesPass(ctx context.Context, vector []float32) error {
	began := time.Now()
	if _, _, err := x.store.closest(ctx, x.collection, vector, 1); err != nil && !errors.Is(err, errNoCollection) {
		return err
	}
	took := time.Since(began)
	if took < slowQuery {
		return nil
	}
	rest := time.NewTimer(min(restFactor*took, longestRest))
	defer rest.Stop()
	select {
	case <-rest.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *chroma) upsert(ctx context.Context, collection string, pieces []piece, vectors [][]float32) (id string, err error) {
	ids, about, encoded := make([]string, len(pieces)), make([]map[string]any, len(pieces)), make([]string, len(pieces))
	var raw bytes.Buffer
	for i, p := range pieces {
		ids[i] = idOf(p)
		about[i] = map[string]any{"document": p.Document.String(), "version": p.Version}
		raw.Reset()
		for _, n := range vectors[i] {
			raw.Write(binary.LittleEndian.AppendUint32(raw.AvailableBuffer(), math.Float32bits(n)))
		}
		encoded[i] = base64.StdEncoding.EncodeToString(raw.Bytes()) // a quarter of the numbers' JSON
	}
	return c.in(ctx, collection, true, "upsert", map[string]any{"ids": ids, "embeddings": encoded, "metadatas": about}, &done{})
}

// A document that was deleted meanwhile is in none of the rows returned, nor is one with another text by now.
const recordSQL = `INSERT INTO document_embeddings (document_id, collection, version, chunks)
	SELECT d.id, $2, d.version, n.upto FROM (
		SELECT d.id, d.version FROM documents d JOIN unnest($1::uuid[], $3::int[]) AS n (id, version) ON d.id = n.id AND d.version = n.version
		WHERE d.status = 'ready' FOR KEY SHARE OF d
	) d JOIN unnest($1::uuid[], $4::int[]) AS n (id, upto) ON n.id = d.id
	ON CONFLICT (document_id, collection) DO UPDATE SET version = excluded.version, chunks = excluded.chunks, embedded_at = now()`

// record says which chunks have a vector now. Searches may find by them from its end on. What was brought of a document that is
// deleted or has another text by now is not recorded, and nothing of what was brought to another collection than that which the store
// is known by: Check finds out which it has.
func (x *Index) record(ctx context.Context, collection string, pieces []piece) error {
	var ids []uuid.UUID
	var versions, upto []int
	for _, p := range lastPieces(pieces) {
		ids, versions, upto = append(ids, p.Document), append(versions, p.Version), append(upto, p.Position+1)
	}
	return x.changes.Write(ctx, x.pool, postgres.InTx, func(tx pgx.Tx) ([]change.Change, error) {
		if err := x.know(ctx, tx, collection); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, recordSQL, ids, x.collection, versions, upto); err != nil {
			return nil, err
		}
		return x.changes.Tx(ctx, tx, x.collection, change.VectorsAdded)
	})
}

// lastPieces returns the last of each document's pieces.
func lastPieces(pieces []piece) (last []piece) {
	for i, p := range pieces {
		if i == len(pieces)-1 || pieces[i+1].Document != p.Document {
			last = append(last, p)
		}
	}
	return last
}
