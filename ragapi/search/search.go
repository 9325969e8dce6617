// Package search finds the chunks of documents that answer a query.
//
// Owns: how a query is read, the search statements, ranking, pages, snippets. Does not own: storing and indexing.
package search

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// Match is why a chunk was found.
type Match string

// Reasons for a hit, the best first.
const (
	MatchTitle  Match = "title"  // every word is in the title; first those whose title is the query. It is the document's first chunk
	MatchPhrase Match = "phrase" // the words in this order, side by side (complex searches only)
	MatchTerms  Match = "terms"  // every word
	MatchPrefix Match = "prefix" // some word, or the beginning of one (complex searches only)
	// MatchSimilar chunks have no word of the query, but a vector close to its own (complex searches with a vector store).
	MatchSimilar Match = "similar"
)

// Matches are all there are.
var Matches = []Match{MatchTitle, MatchPhrase, MatchTerms, MatchPrefix, MatchSimilar}

// Tiers rank the matches by words.
const (
	tierPrefix = 1 + iota
	tierTerms
	tierPhrase
	tierTitle // every word is in the title
	tierName  // the text is the title
)

var matches = map[int]Match{tierPrefix: MatchPrefix, tierTerms: MatchTerms, tierPhrase: MatchPhrase, tierTitle: MatchTitle, tierName: MatchTitle}

// Result is the answer to a query.
type Result struct {
	Hits   []Hit  `json:"hits"`           // the best first; of a kept answer, only encoded
	Next   string `json:"next,omitempty"` // the cursor of the next page; empty on the last
	Cached bool   `json:"-"`              // they were found earlier, for the same query
	// Degraded hits were found without the vector store, which did not answer.
	Degraded bool `json:"-"`

	Encoded []byte `json:"-"` // the hits as a JSON array; nil unless they are kept
	Count   int    `json:"-"` // hits, where they are encoded
}

// Hit is a chunk that was found, as the API answers it.
type Hit struct {
	DocumentID uuid.UUID `json:"documentId"`
	Title      string    `json:"title"`
	Position   int       `json:"position" jsonschema:"of the chunk in its document, from 0"`
	Score      float64   `json:"score" jsonschema:"from 0 to 1 within a kind of match, comparable within one answer only"`
	Match      Match     `json:"match"`
	Snippet    string    `json:"snippet" jsonschema:"HTML-escaped, the words found in <mark>…</mark>"`
	Content    string    `json:"content,omitempty" jsonschema:"the whole text of the chunk, if the query asks for it"`
	Before     []string  `json:"before,omitempty" jsonschema:"the texts of the chunks before it, in reading order, if the query asks for them"`
	After      []string  `json:"after,omitempty" jsonschema:"those of the chunks after it"`
}

// Encode returns hits as they are answered, a JSON array. Nobody takes it for HTML, whose signs are left as they are.
func Encode(hits []Hit) ([]byte, error) {
	if hits == nil {
		hits = []Hit{}
	}
	var encoded bytes.Buffer
	e := json.NewEncoder(&encoded)
	e.SetEscapeHTML(false)
	if err := e.Encode(hits); err != nil {
		return nil, fmt.Errorf("encode hits: %w", err)
	}
	return bytes.TrimSuffix(encoded.Bytes(), []byte{'\n'}), nil
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

// MaxHits bounds the hits of a search over all its pages.
const MaxHits = 500

// enough hits with every word, and a complex search looks for no others.
const enough = 50

// reading is a query as the statements take it.
type reading struct {
	Query
	after   *found
	wanted  []operand
	without *string    // what is excluded, any of it; nil for nothing
	filter  [][]string // the alternatives of each condition
}

func read(q Query) (r reading, err error) {
	operands := parse(q.Text)
	r = reading{Query: q, wanted: these(operands, wanted)}
	if unwanted := web(anyOf(these(operands, excluded))); unwanted != "" {
		r.without = &unwanted
	}
	for _, c := range q.Filter {
		alternatives, err := c.alternatives()
		if err != nil {
			return r, err
		}
		r.filter = append(r.filter, alternatives)
	}
	r.after, err = q.after()
	return r, err
}

// conditions appends the filter to a statement's arguments.
func (r reading) conditions(args ...any) []any {
	for _, alternatives := range r.filter {
		args = append(args, alternatives)
	}
	return args
}

// Search answers q, or one of its faults (see Query.Check).
func (e *Engine) Search(ctx context.Context, q Query) (Result, error) {
	if err := q.Check(); err != nil {
		return Result{}, fmt.Errorf("search: %w", err)
	}
	r, err := read(q)
	if err != nil {
		return Result{}, fmt.Errorf("search: %w", err)
	}
	if len(r.wanted) == 0 {
		return Result{}, nil
	}
	near := e.closest(ctx, r)
	var result Result
	err = e.db.Read(ctx, func(ctx context.Context, db postgres.Querier) error {
		result, err = r.answer(ctx, db, near)
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("search: %w", err)
	}
	return result, nil
}

// readings is how often a page is read at most.
const readings = 3

// answer reads one page. What it shows is what was ranked: if texts changed between its statements, all is read again, and in the
// end they are left out. near gives the pieces found by vectors, or is nil.
func (r reading) answer(ctx context.Context, db postgres.Querier, near func() ([]Piece, bool)) (result Result, err error) {
	for whole, n := false, 0; !whole && n < readings && err == nil; n++ {
		result, whole, err = r.once(ctx, db, near)
	}
	return result, err
}

// once reads one page, and says whether all of it was still there to be shown.
func (r reading) once(ctx context.Context, db postgres.Querier, near func() ([]Piece, bool)) (result Result, whole bool, err error) {
	ranking, err := r.byWords(ctx, db, near != nil)
	if err != nil {
		return Result{}, false, err
	}
	match := map[Place]Match{}
	for _, f := range ranking {
		match[f.Place] = matches[f.Tier]
	}
	if near != nil {
		pieces, answered := near()
		result.Degraded = !answered
		if pieces, err = r.allowed(ctx, db, pieces); err != nil {
			return Result{}, false, err
		}
		ranking = fuse(ranking, pieces, r.perDocument())
	}
	page, more := r.page(ranking)
	if more {
		result.Next = r.cursorAt(page[len(page)-1])
	}
	result.Hits, err = r.show(ctx, db, page, match)
	return result, len(result.Hits) == len(page), err
}

// page cuts the query's page out of a ranking, and says whether there are more.
func (r reading) page(ranking []found) (page []found, more bool) {
	ranking = ranking[:min(MaxHits, len(ranking))]
	if r.after != nil {
		begin := slices.IndexFunc(ranking, func(f found) bool { return order(*r.after, f) < 0 })
		if begin < 0 {
			return nil, false
		}
		ranking = ranking[begin:]
	}
	return ranking[:min(r.Limit, len(ranking))], 0 < r.Limit && r.Limit < len(ranking)
}

// byWords ranks the matches: those with every word, and in complex searches, where these are few, those with any. It answers as
// much of the ranking as the page needs, or all.
func (r reading) byWords(ctx context.Context, db postgres.Querier, all bool) ([]found, error) {
	depth := MaxHits
	if r.after == nil && !all {
		depth = r.Limit + 1
	}
	words := loose(r.wanted)
	wanted, asked, rankedBy := web(distinct(r.wanted)), web(words), web(telling(words))
	var phrase *string
	if r.Mode == Complex {
		phrase = new(string)
		*phrase = plain(r.wanted)
	}
	ranking, err := r.rank(ctx, db, everySQL[len(r.filter)],
		asked, wanted, r.without, phrase, said(r.wanted), r.perDocument(), depth, r.sample(), r.strict() || asked != wanted, rankedBy)
	some := anyWord(r.wanted)
	if err != nil || r.Mode != Complex || len(ranking) >= min(depth, enough) || some == "" {
		return ranking, err
	}
	more, err := r.rank(ctx, db, someSQL[len(r.filter)],
		some, some, r.without, nil, nil, r.perDocument(), MaxHits, r.sample(), r.strict(), some)
	if err != nil {
		return nil, err
	}
	return appendNew(ranking, more, r.perDocument()), nil
}

// strict reports whether more is asked of a chunk than to have words.
func (r reading) strict() bool { return r.without != nil || len(r.filter) > 0 }

// sample numbers the sample that a query of frequent words is answered from: all pages of a search read the same.
func (r reading) sample() int32 { return int32(r.sum() & 0x7fffffff) }

func (r reading) rank(ctx context.Context, db postgres.Querier, sql string, args ...any) ([]found, error) {
	rows, err := db.Query(ctx, sql, r.conditions(args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (f found, err error) {
		return f, row.Scan(&f.DocumentID, &f.Position, &f.Version, &f.Tier, &f.Score)
	})
}

// appendNew appends what a ranking has not yet, and its document not often enough.
func appendNew(ranking, more []found, perDocument int) []found {
	seen, of := map[Place]bool{}, map[uuid.UUID]int{}
	for _, f := range ranking {
		seen[f.Place] = true
		of[f.DocumentID]++
	}
	for _, f := range more {
		if !seen[f.Place] && of[f.DocumentID] < perDocument {
			ranking = append(ranking, f)
			of[f.DocumentID]++
		}
	}
	return ranking
}
