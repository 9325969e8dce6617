package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/search"
)

// Searcher finds chunks; search.Engine is one.
type Searcher interface {
	Search(ctx context.Context, q search.Query) (search.Result, error)
}

// Searches keeps the answers of a searcher. Of a deleted document none is shown again. One that became searchable is in
// every answer some ten seconds later at most.
type Searches struct {
	searcher Searcher
	cache    *Cache
}

// NewSearches returns the answers of searcher, kept in c.
func NewSearches(searcher Searcher, c *Cache) *Searches {
	return &Searches{searcher: searcher, cache: c}
}

var searchKind = kind[search.Result]{
	name: "search", ttl: time.Minute,
	dependsOn: func(r search.Result) (stamps []string) {
		for _, id := range documentsOf(r.Hits) {
			stamps = append(stamps, documentStamp(id))
		}
		return stamps
	},
}

// Search answers q.
func (s *Searches) Search(ctx context.Context, q search.Query) (search.Result, error) {
	stamps := []string{searches}
	for _, word := range words(q.Text) {
		stamps = append(stamps, wordStamp(word))
	}
	found, cached, err := fetch(ctx, s.cache, searchKind, searchEntry(q), stamps, func(ctx context.Context) (search.Result, error) {
		return s.searcher.Search(ctx, q)
	})
	if err != nil {
		return search.Result{}, err
	}
	if !cached {
		// A replica may not have heard of it yet. The answer may be shared with other requests: it is not changed.
		gone := s.cache.deleted(ctx, documentsOf(found.Hits))
		found.Hits = slices.DeleteFunc(slices.Clone(found.Hits), func(h search.Hit) bool { return gone[h.DocumentID] })
	}
	found.Cached = cached
	return found, nil
}

// searchEntry hashes the query: texts are long, and are not for those who may list keys.
func searchEntry(q search.Query) string {
	sum := sha256.Sum256([]byte(q.Key()))
	return "search:" + hex.EncodeToString(sum[:16])
}

// words are the words of a text, each once, in lower case.
func words(text string) []string {
	found := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	slices.Sort(found)
	return slices.Compact(found)
}

func documentsOf(hits []search.Hit) []uuid.UUID {
	var ids []uuid.UUID
	for _, h := range hits {
		if !slices.Contains(ids, h.DocumentID) {
			ids = append(ids, h.DocumentID)
		}
	}
	return ids
}
