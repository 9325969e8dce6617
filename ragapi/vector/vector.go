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
	"math"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/change"
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
	// farthest is the cosine distance beyond which a chunk has nothing to do with the text. Unrelated texts are at 1.
	farthest = 0.75
	longest  = 1.001 // of a vector's numbers, rounding included: its length is 1
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
	changes    *change.Log
	seen       Observer
	degraded   func()
	log        *slog.Logger
	breaker    circuit.Breaker
}

// New returns the index in the Chroma server at url. changes may be nil. degraded is called for every search that went without it.
func New(url string, embedder embedding.Embedder, pool *pgxpool.Pool, changes *change.Log, seen Observer, degraded func(), log *slog.Logger) *Index {
	return &Index{
		store: newChroma(url), embedder: embedder, collection: collectionName(embedder), pool: pool, changes: changes, seen: seen, degraded: degraded, log: log,
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

// errSpared means that the store was not asked: it has not answered just now.
var errSpared = errors.New("the vector store is not asked")

// Similar returns at most limit pieces close to text, the closest first, of texts that may have been replaced. An error, that the
// store does not answer in time, is logged and counted.
func (x *Index) Similar(ctx context.Context, text string, limit int) ([]search.Piece, error) {
	if !x.breaker.Allow() {
		x.degraded()
		return nil, errSpared
	}
	// The breaker must hear of the store's answer, not of a client that goes away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), similarWithin)
	defer cancel()
	var pieces []search.Piece
	err := x.timed("query", func() (err error) {
		pieces, err = x.closest(ctx, text, limit)
		return err
	})
	x.breaker.Done(err == nil)
	if err != nil {
		x.degraded()
		x.log.Warn("search without vectors", "error", err.Error())
	}
	return pieces, err
}

// Collection names what all the vectors that are compared share: the model, and how texts are prepared for it.
func (x *Index) Collection() string { return x.collection }

// closest asks the store. Whatever goes wrong in it is an error: the search it is part of does not need it.
func (x *Index) closest(ctx context.Context, text string, limit int) (pieces []search.Piece, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	vectors, err := x.embed(ctx, []string{text})
	if err != nil {
		return nil, err
	}
	ids, distances, err := x.store.closest(ctx, x.collection, vectors[0], limit)
	if errors.Is(err, errNoCollection) {
		return nil, x.neverMade(ctx)
	}
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		piece, err := pieceOf(id)
		if err != nil {
			return nil, err
		}
		if distances[i] <= farthest && !slices.Contains(pieces, piece) {
			pieces = append(pieces, piece)
		}
	}
	return pieces, nil
}

// embed asks for the vectors of texts, and checks that each is one.
func (x *Index) embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors, err := x.embedder.Embed(ctx, texts)
	if err != nil {
		return nil, err
	}
	if len(vectors) != len(texts) {
		return nil, fmt.Errorf("embedding: %d vectors, want %d", len(vectors), len(texts))
	}
	for _, v := range vectors {
		if len(v) != x.embedder.Dimensions() {
			return nil, fmt.Errorf("embedding: a vector of %d dimensions, want %d", len(v), x.embedder.Dimensions())
		}
		for _, n := range v {
			if math.IsNaN(float64(n)) || math.Abs(float64(n)) > longest {
				return nil, fmt.Errorf("embedding: a vector has %v, want the numbers of a vector of length 1", n)
			}
		}
	}
	return vectors, nil
}

// A piece is named DOCUMENT:POSITION in the store, and from the second text on DOCUMENT:POSITION:VERSION. So no vector takes the
// place of another text's, however late it comes.
func pieceOf(id string) (p search.Piece, err error) {
	parts := strings.Split(id, ":")
	p.Version = 1
	numbers := []*int{&p.Position, &p.Version}
	if len(parts) < 2 || len(parts) > 3 {
		return p, fmt.Errorf("vector store: id %q, want DOCUMENT:POSITION or DOCUMENT:POSITION:VERSION", id)
	}
	if p.DocumentID, err = uuid.Parse(parts[0]); err != nil {
		return p, fmt.Errorf("vector store: id %q: %w", id, err)
	}
	for i, part := range parts[1:] {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return p, fmt.Errorf("vector store: id %q: %w", id, err)
		}
		*numbers[i] = int(n)
	}
	return p, nil
}

func idOf(p piece) string {
	id := p.Document.String() + ":" + strconv.Itoa(p.Position)
	if p.Version > 1 {
		id += ":" + strconv.Itoa(p.Version)
	}
	return id
}

// Forget removes the vectors of the document with id from collections, and from the present one.
func (x *Index) Forget(ctx context.Context, id uuid.UUID, collections ...string) error {
	if !slices.Contains(collections, x.collection) {
		collections = append(slices.Clone(collections), x.collection)
	}
	var faults []error
	for _, name := range collections {
		err := x.timed("delete", func() error {
			_, err := x.store.in(ctx, name, false, "delete", map[string]any{"where": equals("document", id.String())}, &done{})
			if errors.Is(err, errNoCollection) {
				return nil // and its vectors neither
			}
			return err
		})
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("forget document %s: %w", id, err)
	}
	return nil
}

func equals(field string, value any) map[string]any {
	return map[string]any{field: map[string]any{"$eq": value}}
}

const missingSQL = `SELECT d.id FROM documents d WHERE d.status = 'ready' AND d.id > $2 AND NOT EXISTS (
	SELECT FROM document_embeddings e WHERE e.document_id = d.id AND e.collection = $1 AND e.version = d.version AND e.chunks = d.chunk_count) ORDER BY d.id LIMIT $3`

// Missing returns at most limit processed documents whose vectors are not all there: from before there was a vector store, of
// another model, or given up. They are in the order of their ids and come after the one given; uuid.Nil is before the first.
func (x *Index) Missing(ctx context.Context, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	rows, err := x.pool.Query(ctx, missingSQL, x.collection, after, limit)
	if err != nil {
		return nil, fmt.Errorf("documents without vectors: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("documents without vectors: %w", err)
	}
	return ids, nil
}
