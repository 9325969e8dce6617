package server

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/search"
)

const (
	defaultHits   = 10
	maxHits       = 50
	maxQueryBytes = 512
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
	ctx, cancel := a.deadline(r)
	defer cancel()
	began := time.Now()
	hits, err := a.Search.Search(ctx, q)
	a.Metrics.Search(string(q.Mode), time.Since(began))
	if err != nil {
		return err
	}
	answer := searchBody{Query: q.Text, Mode: q.Mode, Hits: make([]hitBody, len(hits))}
	for i, h := range hits {
		answer.Hits[i] = hitBody{DocumentID: h.DocumentID, Title: h.Title, Position: h.Position, Score: h.Score, Match: h.Match, Snippet: h.Snippet}
	}
	w.Header().Set("Cache-Control", "private, no-cache")
	return writeJSON(w, http.StatusOK, answer)
}
