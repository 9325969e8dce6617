package search

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

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

// Modes are all there are.
var Modes = []Mode{Simple, Complex}

// Query is one search.
type Query struct {
	Text        string
	Mode        Mode
	Limit       int         // hits at most
	PerDocument int         // of them, of one document; 0 for DefaultPerDocument
	Cursor      string      // Next of the page before; empty for the first page
	Filter      []Condition // all of which the document of a hit meets; MaxConditions at most
	Content     bool        // hits have their whole text
	Neighbours  int         // hits have the texts of so many chunks before and after
}

// DefaultPerDocument is how many hits are of one document unless asked otherwise: one document has something to say to
// the reader, ten pieces of it seldom more.
const DefaultPerDocument = 3

// MaxConditions bounds a query's filter.
const MaxConditions = 5

// Faults of a query.
var (
	ErrOnlyExclusions = errors.New("has only excluded words, want one to look for")
	ErrConditions     = fmt.Errorf("has too many conditions, want %d at most", MaxConditions)
	ErrCursor         = errors.New("is not valid, want next of the page before of the same search")
)

// Check returns what is wrong with q, as one or more of the faults above.
func (q Query) Check() error {
	var faults []error
	operands := parse(q.Text)
	if slices.ContainsFunc(operands, excluded) && !slices.ContainsFunc(operands, wanted) {
		faults = append(faults, ErrOnlyExclusions)
	}
	if len(q.Filter) > MaxConditions {
		faults = append(faults, ErrConditions)
	}
	if _, err := q.after(); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// Key is the same only for queries with the same answers: texts are compared by their operands, in lower case.
func (q Query) Key() string {
	content := "snippet"
	if q.Content {
		content = "full"
	}
	return strings.Join([]string{q.subject(), strconv.Itoa(q.Limit), q.Cursor, content, strconv.Itoa(q.Neighbours)}, "\n")
}

// subject is what the pages of one search have in common.
func (q Query) subject() string {
	parts := []string{string(q.Mode), strconv.Itoa(q.perDocument()), strings.Map(lower, web(parse(q.Text)))}
	for _, c := range q.Filter {
		parts = append(parts, strconv.Quote(text.Normal(c.Key))+"="+strconv.Quote(text.Normal(c.Value)))
	}
	slices.Sort(parts[3:])
	return strings.Join(slices.Compact(parts), "\n")
}

// lower returns the small letter of a capital. Those that share it with others, such as the Turkish İ, are as they are: whether
// they are the same letter is the database's to say.
func lower(r rune) rune {
	if small := unicode.ToLower(r); unicode.ToUpper(small) == r {
		return small
	}
	return r
}

func (q Query) perDocument() int {
	if q.PerDocument == 0 {
		return DefaultPerDocument
	}
	return q.PerDocument
}
