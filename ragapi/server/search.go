package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/text"
)

const (
	defaultHits   = 10
	maxHits       = 50
	maxNeighbours = 2
	maxQueryBytes = 512
	// userHeader names the user in the query log where nobody is asked for a token. It is never believed otherwise.
	userHeader = "X-User-Id"
	// filterPrefix begins the parameters that name a key of metadata.
	filterPrefix   = "metadata."
	maxFilterBytes = 256 // of a key, and of a value
)

type searchBody struct {
	Query string          `json:"query"`
	Mode  search.Mode     `json:"mode"`
	Hits  json.RawMessage `json:"hits"`
	Next  string          `json:"next,omitempty"` // the cursor of the next page; absent on the last
}

func (a *api) search(w http.ResponseWriter, r *http.Request) error {
	q, err := searchQuery(r)
	if err != nil {
		return err
	}
	user, err := loggedUser(r)
	if err != nil {
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
		found.Encoded, err = json.Marshal(append([]search.Hit{}, found.Hits...))
	}
	a.QueryLog.Record(querylog.Record{At: began, User: user, Query: q.Text, Mode: string(q.Mode), Took: took, Hits: found.Count, Cached: found.Cached, Failure: failureOf(err)})
	if err != nil {
		return err
	}
	return writeSearch(w, r, q, found)
}

// noHits is how encoding/json writes a search without hits.
const noHits = `"hits":null`

// writeSearch answers with hits that are encoded already: encoding them again would cost more than all else.
func writeSearch(w http.ResponseWriter, r *http.Request, q search.Query, found search.Result) error {
	frame, err := json.Marshal(searchBody{Query: q.Text, Mode: q.Mode, Next: found.Next})
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	// The last one: the query is a text before it, whose quotes are escaped.
	at := bytes.LastIndex(frame, []byte(noHits)) + len(noHits) - len("null")
	body := make([]byte, 0, len(frame)+len(found.Encoded)+1)
	body = append(append(append(append(body, frame[:at]...), found.Encoded...), frame[at+len("null"):]...), '\n')
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
func searchQuery(r *http.Request) (search.Query, error) {
	p, err := readParameters(r)
	if err != nil {
		return search.Query{}, err
	}
	q := search.Query{
		Text:        p.text("q", maxQueryBytes),
		Mode:        search.Mode(p.oneOf("mode", string(search.Simple), string(search.Complex))),
		Limit:       p.integer("limit", defaultHits, maxHits),
		PerDocument: p.integer("perDocument", search.DefaultPerDocument, maxHits),
		Cursor:      p.values.Get("cursor"),
		Filter:      p.filter(),
		Content:     p.oneOf("content", "snippet", "full") == "full",
		Neighbours:  p.whole("neighbours", 0, 0, maxNeighbours),
	}
	if p.faults != nil {
		return q, invalid(p.faults)
	}
	err = q.Check()
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

// whole reads a number that may be 0.
func (p *parameters) whole(name string, fallback, low, high int) int {
	v := p.values.Get(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		p.faultf(name, "is %q, want a whole number from %d to %d", v, low, high)
	}
	return n
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
