package cache

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/search"
)

// Searcher finds chunks; search.Engine is one.
type Searcher interface {
	Search(ctx context.Context, q search.Query) (search.Result, error)
}

// Searches keeps the answers of a searcher, encoded. Of a deleted document none is shown again. What became searchable is
// in every answer some ten seconds later at most; for some seconds before, an answer without it is shown while one process
// asks again.
type Searches struct {
	searcher Searcher
	cache    *Cache
}

// NewSearches returns the answers of searcher, kept in c.
func NewSearches(searcher Searcher, c *Cache) *Searches {
	return &Searches{searcher: searcher, cache: c}
}

// answer is the hits of a search as they are sent.
type answer struct {
	hits      []search.Hit // of an answer that was not kept
	next      string       // the cursor of the next page; "" on the last
	documents []uuid.UUID  // that it shows
	count     int
	degraded  bool   // found without vectors: not for long
	encoded   []byte // a JSON array
}

func answerOf(found search.Result) (a answer, err error) {
	hits := found.Hits
	a = answer{hits: hits, next: found.Next, count: len(hits), degraded: found.Degraded}
	for _, h := range hits {
		if !slices.Contains(a.documents, h.DocumentID) {
			a.documents = append(a.documents, h.DocumentID)
		}
	}
	a.encoded, err = search.Encode(hits)
	return a, err
}

// degradedMark follows the number of hits that were found without vectors.
const degradedMark = "*"

// appendTo writes the number of hits, the quoted cursor, the documents, a line's end, and the hits.
func (a answer) appendTo(b []byte) []byte {
	b = strconv.AppendInt(b, int64(a.count), 10)
	if a.degraded {
		b = append(b, degradedMark...)
	}
	b = strconv.AppendQuote(append(b, ' '), a.next)
	for _, id := range a.documents {
		b = append(append(b, ' '), id.String()...)
	}
	return append(append(b, '\n'), a.encoded...)
}

func (a *answer) readFrom(b []byte) error {
	line, encoded, ok := bytes.Cut(b, []byte{'\n'})
	fields := bytes.Fields(line)
	if !ok || len(fields) < 2 {
		return fmt.Errorf("kept search: %q, want a number of hits and a cursor", line)
	}
	number, degraded := strings.CutSuffix(string(fields[0]), degradedMark)
	count, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("kept search: %w", err)
	}
	next, err := strconv.Unquote(string(fields[1]))
	if err != nil {
		return fmt.Errorf("kept search: cursor %s: %w", fields[1], err)
	}
	*a = answer{count: count, next: next, degraded: degraded, encoded: encoded, documents: make([]uuid.UUID, len(fields)-2)}
	for i, field := range fields[2:] {
		if a.documents[i], err = uuid.ParseBytes(field); err != nil {
			return fmt.Errorf("kept search: %w", err)
		}
	}
	return nil
}

var searchKind = &kind[answer]{
	name: "search", ttl: 10 * time.Minute, shared: true,
	brief: func(a answer) bool { return a.degraded },
	shows: func(a answer) []uuid.UUID { return a.documents },
	without: func(a answer, gone map[uuid.UUID]bool) answer {
		hits := slices.DeleteFunc(slices.Clone(a.hits), func(h search.Hit) bool { return gone[h.DocumentID] })
		left, err := answerOf(search.Result{Hits: hits, Next: a.next, Degraded: a.degraded})
		if err != nil {
			return answer{encoded: []byte("[]")} // cannot be: more of it was encoded already
		}
		return left
	},
}

// Search answers q.
func (s *Searches) Search(ctx context.Context, q search.Query) (search.Result, error) {
	asked := question{key: "search:" + digest(q.Key()), marks: []string{searches, patterns}, soft: softSearches, text: q.Text}
	a, from, err := fetch(ctx, s.cache, searchKind, asked, func(ctx context.Context) (answer, error) {
		found, err := s.searcher.Search(ctx, q)
		if err != nil {
			return answer{}, err
		}
		return answerOf(found)
	})
	if err != nil {
		return search.Result{}, err
	}
	return search.Result{
		Hits: a.hits, Next: a.next, Encoded: a.encoded, Count: a.count, Cached: from.kept(), Degraded: a.degraded,
	}, nil
}
