// Package vector keeps the chunks' vectors in a vector store, and finds the chunks that are close to a text.
//
// Owns: the collection and what is in it, the tables vector_collections and document_embeddings, which say what should be,
// and doing without when the store does not answer. Does not own: how vectors are made (package embedding), ranking.
package vector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/circuit"
	"github.com/ragscale/ragscale/ragapi/embedding"
	"github.com/ragscale/ragscale/ragapi/search"
)

const (
	// preparation is the version of how a chunk becomes the text that is embedded.
	preparation = 1
	// similarWithin bounds a search's question, which takes milliseconds; the words' part of the search runs meanwhile.
	similarWithin  = 500 * time.Millisecond
	failuresToOpen = 2
	pause          = 5 * time.Second
	batchSize      = 100 // chunks of one request: 384 numbers each are some 400 kB of JSON
	// farthest is the cosine distance beyond which a chunk has nothing to do with the text. Unrelated texts are at 1.
	farthest = 0.75
)

// Observer is told what the vector store was asked; metrics are one.
type Observer interface {
	VectorOperation(operation string, ok bool, took time.Duration)
}

// Index is the chunks' vectors.
type Index struct {
	store      *chroma
	embedder   embedding.Embedder
	collection string
	pool       *pgxpool.Pool
	seen       Observer
	degraded   func()
	log        *slog.Logger
	breaker    circuit.Breaker
}

// New returns the index in the Chroma server at url. degraded is called for every search that went without it.
func New(url string, embedder embedding.Embedder, pool *pgxpool.Pool, seen Observer, degraded func(), log *slog.Logger) *Index {
	return &Index{
		store: newChroma(url), embedder: embedder, collection: collectionName(embedder), pool: pool, seen: seen, degraded: degraded, log: log,
		breaker: circuit.Breaker{Failures: failuresToOpen, Pause: pause},
	}
}

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9]+`)

// collectionName has all that vectors must share to be comparable. Chroma wants 3 to 63 letters, digits, dots, hyphens.
func collectionName(e embedding.Embedder) string {
	model := strings.Trim(notInNames.ReplaceAllString(e.Model(), "-"), "-")
	return fmt.Sprintf("chunks-%s-%d-v%d", model[:min(len(model), 40)], e.Dimensions(), preparation)
}

// timed reports an operation to the observer.
func (x *Index) timed(operation string, ask func() error) error {
	began := time.Now()
	err := ask()
	x.seen.VectorOperation(operation, err == nil, time.Since(began))
	return err
}

// Similar returns at most limit places of chunks close to text, the closest first; none when the store does not answer in time.
func (x *Index) Similar(ctx context.Context, text string, limit int) []search.Place {
	if !x.breaker.Allow() {
		x.degraded()
		return nil
	}
	// The breaker must hear of the store's answer, not of a client that goes away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), similarWithin)
	defer cancel()
	var places []search.Place
	err := x.timed("query", func() (err error) {
		places, err = x.closest(ctx, text, limit)
		return err
	})
	x.breaker.Done(err == nil)
	if err != nil {
		x.degraded()
		x.log.Warn("search without vectors", "error", err.Error())
		return nil
	}
	return places
}

func (x *Index) closest(ctx context.Context, text string, limit int) ([]search.Place, error) {
	vectors, err := x.embedder.Embed(ctx, []string{text})
	if err != nil {
		return nil, err
	}
	var answer struct {
		IDs       [][]string   `json:"ids"`
		Distances [][]*float64 `json:"distances"`
	}
	err = x.store.in(ctx, x.collection, "query", map[string]any{"query_embeddings": vectors, "n_results": limit, "include": []string{"distances"}}, &answer)
	if err != nil || len(answer.IDs) == 0 {
		return nil, err
	}
	var places []search.Place
	for i, id := range answer.IDs[0] {
		if d := answer.Distances[0][i]; d == nil || *d > farthest {
			continue
		}
		place, err := placeOf(id)
		if err != nil {
			return nil, err
		}
		places = append(places, place)
	}
	return places, nil
}

// Places are named DOCUMENT:POSITION in the store.
func placeOf(id string) (search.Place, error) {
	document, position, _ := strings.Cut(id, ":")
	n, err := strconv.Atoi(position)
	if err != nil {
		return search.Place{}, fmt.Errorf("vector store: id %q, want DOCUMENT:POSITION", id)
	}
	parsed, err := uuid.Parse(document)
	if err != nil {
		return search.Place{}, fmt.Errorf("vector store: id %q: %w", id, err)
	}
	return search.Place{DocumentID: parsed, Position: n}, nil
}

// Embed gives the chunks of the document with id their vectors. It may be repeated. A document that is deleted meanwhile
// leaves none behind.
func (x *Index) Embed(ctx context.Context, id uuid.UUID) error {
	texts, err := x.texts(ctx, id)
	if err != nil {
		return fmt.Errorf("embed document %s: %w", id, err)
	}
	for first := 0; first < len(texts); first += batchSize {
		err := x.timed("upsert", func() error { return x.upsert(ctx, id, first, texts[first:min(first+batchSize, len(texts))]) })
		if err != nil {
			return fmt.Errorf("embed document %s: %w", id, err)
		}
	}
	err = x.record(ctx, id, len(texts))
	var server *pgconn.PgError
	if errors.As(err, &server) && server.Code == "23503" { // deleted, and its vectors perhaps too early
		return x.Forget(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("embed document %s: %w", id, err)
	}
	return nil
}

func (x *Index) texts(ctx context.Context, id uuid.UUID) ([]string, error) {
	rows, err := x.pool.Query(ctx, `SELECT heading || E'\n' || content FROM chunks WHERE document_id = $1 ORDER BY position`, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (x *Index) upsert(ctx context.Context, id uuid.UUID, first int, texts []string) error {
	vectors, err := x.embedder.Embed(ctx, texts)
	if err != nil {
		return err
	}
	ids, about := make([]string, len(texts)), make([]map[string]any, len(texts))
	for i := range texts {
		ids[i] = id.String() + ":" + strconv.Itoa(first+i)
		about[i] = map[string]any{"document": id.String()}
	}
	return x.store.in(ctx, x.collection, "upsert", map[string]any{"ids": ids, "embeddings": vectors, "metadatas": about}, nil)
}

// record says which chunks have a vector now.
func (x *Index) record(ctx context.Context, id uuid.UUID, chunks int) error {
	return pgx.BeginFunc(ctx, x.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO vector_collections (name, model, dimensions, version) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING`,
			x.collection, x.embedder.Model(), x.embedder.Dimensions(), preparation)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO document_embeddings (document_id, collection, chunks) VALUES ($1, $2, $3)
			ON CONFLICT (document_id, collection) DO UPDATE SET chunks = excluded.chunks, embedded_at = now()`, id, x.collection, chunks)
		return err
	})
}

// Forget removes the vectors of the document with id.
func (x *Index) Forget(ctx context.Context, id uuid.UUID) error {
	err := x.timed("delete", func() error {
		return x.store.in(ctx, x.collection, "delete", map[string]any{"where": map[string]any{"document": map[string]any{"$eq": id.String()}}}, nil)
	})
	if err != nil {
		return fmt.Errorf("forget document %s: %w", id, err)
	}
	return nil
}

// missingBatch bounds what one round of upkeep asks for.
const missingBatch = 10_000

const missingSQL = `SELECT d.id FROM documents d WHERE d.status = 'ready' AND NOT EXISTS (
	SELECT FROM document_embeddings e WHERE e.document_id = d.id AND e.collection = $1) LIMIT $2`

// Missing returns some processed documents that have no vectors: from before there was a vector store, or of another model.
func (x *Index) Missing(ctx context.Context) ([]uuid.UUID, error) {
	rows, err := x.pool.Query(ctx, missingSQL, x.collection, missingBatch)
	if err != nil {
		return nil, fmt.Errorf("documents without vectors: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("documents without vectors: %w", err)
	}
	return ids, nil
}
