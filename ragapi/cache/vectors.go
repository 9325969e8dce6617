package cache

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/embedding"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/search"
)

// Look dates what is read elsewhere afterwards; postgres.Reader.Look is one.
type Look func(ctx context.Context) error

// lookFor is how long one look serves. What is dated by an earlier one is taken for older than it is, which does no harm.
const lookFor = 500 * time.Millisecond

// dates keeps the last look.
type dates struct {
	look Look
	mu   sync.Mutex
	at   time.Time
	seen postgres.Snapshot
}

// date dates what ctx reads elsewhere afterwards. Without a date it is not kept.
func (d *dates) date(ctx context.Context) {
	d.mu.Lock()
	seen, age := d.seen, time.Since(d.at)
	d.mu.Unlock()
	if age > lookFor {
		asked := time.Now()
		looking, dated := postgres.Date(ctx)
		if d.look(looking) != nil {
			return
		}
		seen = dated.Snapshot()
		d.mu.Lock()
		d.at, d.seen = asked, seen
		d.mu.Unlock()
	}
	postgres.Seen(ctx, seen)
}

// Similar keeps what a vector store finds. The store is not behind the database: vectors are there before the transaction that
// says so. So what it answers has seen all that was committed before it was asked.
type Similar struct {
	index      search.Similar
	collection string
	dates      dates
	cache      *Cache
}

// NewSimilar returns what index finds in a collection, kept in c.
func NewSimilar(index search.Similar, collection string, look Look, c *Cache) *Similar {
	return &Similar{index: index, collection: collection, dates: dates{look: look}, cache: c}
}

var similarKind = &kind[pieces]{
	name: "similar", ttl: 10 * time.Minute, part: true, behind: true,
	shows: pieces.documents,
}

// Similar returns at most limit pieces close to text, the closest first. It is read anew as soon as searches are soft:
// they are shown meanwhile.
func (s *Similar) Similar(ctx context.Context, text string, limit int) ([]search.Piece, error) {
	// The form of what is kept is part of the key: the release before has another.
	key := "similar:" + digest(strings.Join([]string{s.collection, strconv.Itoa(limit), strconv.Itoa(pieceSize), text}, "\n"))
	q := question{key: key, marks: []string{searches, softSearches, patterns}, text: text}
	found, _, err := fetch(ctx, s.cache, similarKind, q, func(ctx context.Context) (pieces, error) {
		s.dates.date(ctx)
		return s.index.Similar(ctx, text, limit)
	})
	return found, err
}

// Embedder keeps the vectors of searches' texts, each by itself. A text's vector by a model does not change; who puts another
// model under the same name invalidates everything.
type Embedder struct {
	embedding.Embedder
	dates dates
	cache *Cache
}

// NewEmbedder returns the vectors of model, kept in c.
func NewEmbedder(model embedding.Embedder, look Look, c *Cache) *Embedder {
	return &Embedder{Embedder: model, dates: dates{look: look}, cache: c}
}

var embeddingKind = &kind[numbers]{name: "embedding", ttl: 20 * time.Minute, behind: true}

// Embed returns the vectors of texts.
func (e *Embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		q := question{key: "embedding:" + digest(e.Model()+"\n"+strconv.Itoa(e.Dimensions())+"\n"+text), marks: []string{patterns}, text: text}
		found, _, err := fetch(ctx, e.cache, embeddingKind, q, func(ctx context.Context) (numbers, error) {
			e.dates.date(ctx)
			made, err := e.Embedder.Embed(ctx, []string{text})
			if err == nil && len(made) != 1 {
				err = fmt.Errorf("embedding: %d vectors, want 1", len(made))
			}
			if err != nil {
				return nil, err
			}
			return made[0], nil
		})
		if err != nil {
			return nil, err
		}
		vectors[i] = found
	}
	return vectors, nil
}

// pieces are kept as 24 bytes each, after their number.
type pieces []search.Piece

func (p pieces) documents() (ids []uuid.UUID) {
	seen := make(map[uuid.UUID]bool, len(p))
	for _, one := range p {
		if !seen[one.DocumentID] {
			seen[one.DocumentID] = true
			ids = append(ids, one.DocumentID)
		}
	}
	return ids
}

const pieceSize = 16 + 4 + 4

func (p pieces) appendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p)))
	for _, one := range p {
		b = binary.LittleEndian.AppendUint32(append(b, one.DocumentID[:]...), uint32(one.Position))
		b = binary.LittleEndian.AppendUint32(b, uint32(one.Version))
	}
	return b
}

func (p *pieces) readFrom(b []byte) error {
	if len(b) < 4 || (len(b)-4) != pieceSize*int(binary.LittleEndian.Uint32(b)) {
		return fmt.Errorf("kept pieces: %d bytes, want their number and %d for each", len(b), pieceSize)
	}
	*p = nil
	for raw := range slices.Chunk(b[4:], pieceSize) {
		place := search.Place{DocumentID: uuid.UUID(raw[:16]), Position: int(binary.LittleEndian.Uint32(raw[16:]))}
		*p = append(*p, search.Piece{Place: place, Version: int(binary.LittleEndian.Uint32(raw[20:]))})
	}
	return nil
}

// numbers are a vector, kept as 4 bytes each.
type numbers []float32

func (n numbers) appendTo(b []byte) []byte {
	for _, one := range n {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(one))
	}
	return b
}

func (n *numbers) readFrom(b []byte) error {
	if len(b)%4 != 0 {
		return fmt.Errorf("kept vector: %d bytes, want 4 for each number", len(b))
	}
	*n = make(numbers, 0, len(b)/4)
	for raw := range slices.Chunk(b, 4) {
		*n = append(*n, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
	}
	return nil
}
