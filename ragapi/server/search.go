package server

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/chunk"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/text"
)

const (
	maxQueryBytes = 512
	// userHeader names the user in the query log where nobody is asked for a token. It is never believed otherwise.
	userHeader = "X-User-Id"
	// filterPrefix begins the parameters that name a key of metadata.
	filterPrefix   = "metadata."
	maxFilterBytes = 256 // of a key, and of a value

	// degradedHeader is in answers that were found without what they would have had; degradedVector says that it was the vector store,
	// as the metric of degraded reads calls it.
	degradedHeader, degradedVector = "X-Degraded", "vector"
)

var (
	searchText        = phrase{name: "q", most: maxQueryBytes, about: "What is looked for: words, \"phrases\", or, -exclusions."}
	searchMode        = choice{name: "mode", words: words(search.Modes), about: "simple finds chunks that have every word; complex also those that have some, or mean the same."}
	searchLimit       = number{name: "limit", low: 1, high: 50, fallback: 10, about: "Hits of a page."}
	searchCursor      = token{name: "cursor", about: "The value of next of the page before, of the same search; without it, the first page."}
	searchPerDocument = number{name: "perDocument", low: 1, high: searchLimit.high, fallback: search.DefaultPerDocument, about: "Hits of one document at most, over all pages."}
	searchContent     = choice{name: "content", words: []string{"snippet", "full"}, about: "full: each hit has the whole text of its chunk."}
	searchNeighbours  = number{name: "neighbours", high: 2, about: "How many chunks before and after it each hit brings along."}
)

type searchBody struct {
	Query string       `json:"query"`
	Mode  search.Mode  `json:"mode"`
	Hits  []search.Hit `json:"hits"`
	Next  string       `json:"next,omitempty" jsonschema:"the cursor of the next page; absent on the last"`
}

func (a *api) search(w *exchange, r *http.Request) error {
	p, err := w.parameters(r)
	if err != nil {
		return err
	}
	q, err := searchQuery(p)
	if err != nil {
		return err
	}
	user, err := loggedUser(r)
	if err != nil {
		return err
	}
	if err := w.expect(r.Context(), mostBytes(q)); err != nil {
		return err
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	began := time.Now()
	found, err := a.Search.Search(profiled(ctx, "mode", string(q.Mode)), q)
	took := time.Since(began)
	a.Metrics.Search(string(q.Mode), took)
	if err == nil && found.Encoded == nil {
		found.Count = len(found.Hits)
		found.Encoded, err = search.Encode(found.Hits)
	}
	a.QueryLog.Record(querylog.Record{At: began, User: user, Query: q.Text, Mode: string(q.Mode), Took: took, Hits: found.Count, Cached: found.Cached, Failure: failureOf(err)})
	if err != nil {
		return err
	}
	return writeSearch(w, r, q, found)
}

// hitBytes are those of a hit with its title and snippet.
const hitBytes = 2 << 10

// mostBytes is how many the texts of an answer have at most.
func mostBytes(q search.Query) int {
	each := hitBytes + 2*q.Neighbours*chunk.Size
	if q.Content {
		each += chunk.Size
	}
	return q.Limit * each
}

// noHits is how encoding/json writes a search without hits.
const noHits = `"hits":null`

// writeSearch answers with hits that are encoded already: encoding them again would cost more than all else.
func writeSearch(w *exchange, r *http.Request, q search.Query, found search.Result) error {
	frame, err := encode(searchBody{Query: q.Text, Mode: q.Mode, Next: found.Next})
	if err != nil {
		return err
	}
	// The last one: the query is a text before it, whose quotes are escaped.
	at := bytes.LastIndex(frame, []byte(noHits)) + len(noHits) - len("null")
	body := make([]byte, 0, len(frame)+len(found.Encoded))
	body = append(append(append(body, frame[:at]...), found.Encoded...), frame[at+len("null"):]...)
	if found.Degraded {
		w.Header().Set(degradedHeader, degradedVector)
	}
	return writeTagged(w, r, hashTag(body), body)
}

// failureOf is why a search had no answer, as the query log has it: the end of its problem's type.
func failureOf(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(problemOf(err).Type, problemPrefix)
}

// searchQuery reads a search's parameters, and all that is wrong with them.
func searchQuery(p *parameters) (search.Query, error) {
	q := search.Query{
		Text:        p.text(searchText),
		Mode:        search.Mode(p.oneOf(searchMode)),
		Limit:       p.number(searchLimit),
		PerDocument: p.number(searchPerDocument),
		Cursor:      p.value(searchCursor.name),
		Filter:      p.filter(),
		Content:     p.oneOf(searchContent) == "full",
		Neighbours:  p.number(searchNeighbours),
	}
	if p.faults != nil {
		return q, invalid(p.faults)
	}
	err := q.Check()
	for _, fault := range []struct {
		parameter string
		error
	}{{"q", search.ErrOnlyExclusions}, {filterPrefix, search.ErrConditions}, {"cursor", search.ErrCursor}} {
		if errors.Is(err, fault.error) {
			p.faultf(fault.parameter, "%s", fault)
		}
	}
	if p.faults != nil {
		return q, invalid(p.faults)
	}
	return q, nil
}

// filter reads the conditions on metadata.
func (p *parameters) filter() (conditions []search.Condition) {
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		key, found := strings.CutPrefix(name, filterPrefix)
		if !found {
			continue
		}
		if detail := shortTextFault(key, maxFilterBytes); detail != "" {
			p.faultf(filterPrefix, "a key of metadata %s", detail)
			continue
		}
		for _, value := range p.values[name] {
			if value == "" {
				continue // as if it were not given; "" is the empty text
			}
			if text.Fault(value) != "" || len(value) > maxFilterBytes {
				p.faultf(name, "is not valid, want UTF-8 of %s at most", bytesText(maxFilterBytes))
			}
			conditions = append(conditions, search.Condition{Key: key, Value: value})
		}
	}
	return conditions
}

// loggedUser is whom the query log names: the token's user.
func loggedUser(r *http.Request) (string, error) {
	if caller := auth.From(r.Context()); caller.Checked() {
		return caller.User, nil
	}
	return userOf(r)
}
