package server

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/search"
)

const (
	defaultHits   = 10
	maxHits       = 50
	maxQueryBytes = 512
	// userHeader names the user in the query log, if whoever authenticates in front of the API sets it.
	userHeader = "X-User-Id"
)

type searchBody struct {
	Query string      `json:"query"`
	Mode  search.Mode `json:"mode"`
	Hits  []hitBody   `json:"hits"`
}

type hitBody struct {
	DocumentID uuid.UUID    `json:"documentId"`
	Title      string       `json:"title"`
	Position   int          `json:"position"`
	Score      float64      `json:"score"`
	Match      search.Match `json:"match"`
	Snippet    string       `json:"snippet"`
}

func (a *api) search(w http.ResponseWriter, r *http.Request) error {
	p := parameters{values: r.URL.Query()}
	q := search.Query{
		Text:  p.text("q", maxQueryBytes),
		Mode:  search.Mode(p.oneOf("mode", string(search.Simple), string(search.Complex))),
		Limit: p.integer("limit", defaultHits, maxHits),
	}
	if p.faults != nil {
		return invalid(p.faults)
	}
	user, err := userOf(r)
	if err != nil {
		return err
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
	answer := searchBody{Query: q.Text, Mode: q.Mode, Hits: make([]hitBody, len(found.Hits))}
	for i, h := range found.Hits {
		answer.Hits[i] = hitBody{DocumentID: h.DocumentID, Title: h.Title, Position: h.Position, Score: h.Score, Match: h.Match, Snippet: h.Snippet}
	}
	return writeHashed(w, r, answer)
}
