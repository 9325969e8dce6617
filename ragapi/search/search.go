// Package search finds the chunks of documents that answer a query.
//
// Owns: the search statements, ranking, snippets. Does not own: storing and indexing.
package search

import (
	"context"
	"fmt"
	"html"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/text"
)

// Mode is how much work a search does.
type Mode string

const (
	// Simple finds the chunks that have every word, as web search engines read a query: "quoted phrases", or, -not.
	Simple Mode = "simple"
	// Complex also puts chunks that have the words side by side first, and where too few have every word, adds
	// those that have any of them, or a word that begins with one.
	Complex Mode = "complex"
)

// Match is why a chunk was found.
type Match string

// Reasons for a hit, the best first.
const (
	MatchPhrase Match = "phrase" // the words in this order, side by side (complex searches only)
	MatchTerms  Match = "terms"  // every word
	MatchPrefix Match = "prefix" // some word, or the beginning of one (complex searches only)
	// MatchSimilar chunks have no word of the query, but a vector close to its own (complex searches with a vector store).
	MatchSimilar Match = "similar"
)

// Query is one search.
type Query struct {
	Text  string
	Mode  Mode
	Limit int // hits at most
}

// Key is the same for queries that have the same answers.
func (q Query) Key() string { return fmt.Sprintf("%s\n%d\n%s", q.Mode, q.Limit, q.Text) }

// Result is the answer to a query.
type Result struct {
	Hits    []Hit  // the best first; of a kept answer, only encoded
	Encoded []byte // the hits as a JSON array; nil unless they are kept
	Count   int    // hits, where they are encoded
	Cached  bool   // they were found earlier, for the same query
}

// Hit is a chunk that was found.
type Hit struct {
	DocumentID uuid.UUID `json:"documentId"`
	Title      string    `json:"title"`
	Position   int       `json:"position"` // of the chunk in its document, from 0
	Score      float64   `json:"score"`    // from 0 to 1 within a kind of match; comparable within one answer only
	Snippet    string    `json:"snippet"`  // HTML-escaped, the words found in <mark>…</mark>
	Match      Match     `json:"match"`
}

// Reader gives a search a database to read, again if the first one fails; postgres.Reader is one.
type Reader interface {
	Read(ctx context.Context, read func(ctx context.Context, db postgres.Querier) error) error
}

// Engine searches one database, and one vector store if there is one.
type Engine struct {
	db      Reader
	similar Similar
}

// New returns an engine that reads from db. similar may be nil: then searches are full-text searches.
func New(db Reader, similar Similar) *Engine { return &Engine{db: db, similar: similar} }

// maxWords bounds the fallback's query, which ORs every word of the text.
const maxWords = 16

// Search answers q.
func (e *Engine) Search(ctx context.Context, q Query) (Result, error) {
	if q.Mode == Complex && e.similar != nil {
		hits, err := e.fused(ctx, q)
		return Result{Hits: hits}, err
	}
	hits, err := e.text(ctx, q)
	return Result{Hits: hits}, err
}

// text is the full-text search of q.
func (e *Engine) text(ctx context.Context, q Query) (hits []Hit, err error) {
	err = e.db.Read(ctx, func(ctx context.Context, db postgres.Querier) (err error) {
		hits, err = textIn(ctx, db, q)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return hits, nil
}

func textIn(ctx context.Context, db postgres.Querier, q Query) ([]Hit, error) {
	if q.Mode != Complex {
		return run(ctx, db, termsSQL, q.Text, q.Limit)
	}
	hits, err := run(ctx, db, phraseSQL, q.Text, q.Limit)
	if err != nil || len(hits) >= q.Limit {
		return hits, err
	}
	prefixes := prefixQuery(q.Text)
	if prefixes == "" {
		return hits, nil
	}
	more, err := run(ctx, db, prefixSQL, prefixes, q.Limit)
	if err != nil {
		return nil, err
	}
	return appendNew(hits, more, q.Limit), nil
}

func run(ctx context.Context, db postgres.Querier, sql string, args ...any) ([]Hit, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	hits, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Hit])
	if err != nil {
		return nil, err
	}
	for i := range hits {
		hits[i].Snippet = markUp(hits[i].Snippet)
	}
	return hits, nil
}

func appendNew(hits, more []Hit, limit int) []Hit {
	seen := make(map[Place]bool, len(hits))
	for _, h := range hits {
		seen[h.place()] = true
	}
	for _, h := range more {
		if len(hits) == limit {
			break
		}
		if !seen[h.place()] {
			hits = append(hits, h)
		}
	}
	return hits
}

// prefixQuery turns a text into a tsquery that any of its words satisfies, or a word that begins with one. Words that
// the query excludes (-word) are left out.
func prefixQuery(text string) string {
	var terms []string
	for _, field := range strings.Fields(text) {
		if strings.HasPrefix(field, "-") || strings.EqualFold(field, "or") {
			continue
		}
		for _, w := range strings.FieldsFunc(field, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if len(terms) < maxWords {
				terms = append(terms, w+":*") // letters and digits only: nothing that to_tsquery could trip over
			}
		}
	}
	return strings.Join(terms, " | ")
}

// Marks around the words found, as ts_headline sets them.
const markStart, markStop = text.MarkStart, text.MarkStop

var marks = strings.NewReplacer(markStart, "<mark>", markStop, "</mark>")

func markUp(headline string) string { return marks.Replace(html.EscapeString(headline)) }
