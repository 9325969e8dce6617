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
)

// Query is one search.
type Query struct {
	Text  string
	Mode  Mode
	Limit int // hits at most
}

// Hit is a chunk that was found.
type Hit struct {
	DocumentID uuid.UUID
	Title      string
	Position   int     // of the chunk in its document, from 0
	Score      float64 // from 0 to 1 within a kind of match; comparable within one answer only
	Snippet    string  // HTML-escaped, the words found in <mark>…</mark>
	Match      Match
}

// Querier is what a search needs of a database: a pool on the primary or, as searches only read, on a replica.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Engine searches one database.
type Engine struct{ db Querier }

// New returns an engine that reads from db.
func New(db Querier) *Engine { return &Engine{db: db} }

// maxWords bounds the fallback's query, which ORs every word of the text.
const maxWords = 16

// Search returns the hits of q, the best first.
func (e *Engine) Search(ctx context.Context, q Query) ([]Hit, error) {
	if q.Mode != Complex {
		return e.run(ctx, termsSQL, q.Text, q.Limit)
	}
	hits, err := e.run(ctx, phraseSQL, q.Text, q.Limit)
	if err != nil || len(hits) >= q.Limit {
		return hits, err
	}
	prefixes := prefixQuery(q.Text)
	if prefixes == "" {
		return hits, nil
	}
	more, err := e.run(ctx, prefixSQL, prefixes, q.Limit)
	if err != nil {
		return nil, err
	}
	return appendNew(hits, more, q.Limit), nil
}

func (e *Engine) run(ctx context.Context, sql, text string, limit int) ([]Hit, error) {
	rows, err := e.db.Query(ctx, sql, text, limit)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	hits, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Hit])
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	for i := range hits {
		hits[i].Snippet = markUp(hits[i].Snippet)
	}
	return hits, nil
}

func appendNew(hits, more []Hit, limit int) []Hit {
	type place struct {
		id       uuid.UUID
		position int
	}
	seen := make(map[place]bool, len(hits))
	for _, h := range hits {
		seen[place{h.DocumentID, h.Position}] = true
	}
	for _, h := range more {
		if len(hits) == limit {
			break
		}
		if !seen[place{h.DocumentID, h.Position}] {
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

// Marks around the words found, as ts_headline sets them: private-use characters, which no escaping touches.
const markStart, markStop = "\ue000", "\ue001"

var marks = strings.NewReplacer(markStart, "<mark>", markStop, "</mark>")

func markUp(headline string) string { return marks.Replace(html.EscapeString(headline)) }
