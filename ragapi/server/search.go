package server

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/search"
)

const (
	defaultHits   = 10
	maxHits       = 50
	maxNeighbours = 2
	maxQueryBytes = 512
	// userHeader names the user in the query log, if whoever authenticates in front of the API sets it.
	userHeader = "X-User-Id"
	// filterPrefix begins the parameters that name a key of metadata.
	filterPrefix   = "metadata."
	maxFilterBytes = 256 // of a key, and of a value
)

type searchBody struct {
	Query string       `json:"query"`
	Mode  search.Mode  `json:"mode"`
	Hits  []search.Hit `json:"hits"`
	Next  string       `json:"next,omitempty"` // the cursor of the next page; absent on the last
}

func (a *api) search(w http.ResponseWriter, r *http.Request) error {
	q, faults := searchQuery(r)
	user := r.Header.Get(userHeader)
	if textFault(user) != "" || len(user) > maxUserBytes {
		faults = append(faults, Fault{Parameter: userHeader, Detail: "is not valid, want UTF-8 of " + bytesText(maxUserBytes) + " at most"})
	}
	if faults != nil {
		return invalid(faults)
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	began := time.Now()
	found, err := a.Search.Search(ctx, q)
	took := time.Since(began)
	a.Metrics.Search(string(q.Mode), took)
	if err != nil {
		return err
	}
	a.QueryLog.Record(querylog.Record{At: began, User: user, Query: q.Text, Mode: string(q.Mode), Took: took, Hits: len(found.Hits), Cached: found.Cached})
	return writeHashed(w, r, searchBody{Query: q.Text, Mode: q.Mode, Hits: append([]search.Hit{}, found.Hits...), Next: found.Next})
}

// searchQuery reads a search's parameters, and all that is wrong with them.
func searchQuery(r *http.Request) (search.Query, []Fault) {
	p := parameters{values: r.URL.Query()}
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
		return q, p.faults
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
	return q, p.faults
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
			if textFault(value) != "" || len(value) > maxFilterBytes {
				p.faultf(name, "is not valid, want UTF-8 of %s at most", bytesText(maxFilterBytes))
			}
			conditions = append(conditions, search.Condition{Key: key, Value: value})
		}
	}
	return conditions
}
