package server

import (
	"net/http"
	"time"

	"github.com/ragscale/ragscale/ragapi/querylog"
)

type dashboardBody struct {
	Documents countBody           `json:"documents"`
	Chunks    countBody           `json:"chunks"`
	Sessions  countBody           `json:"sessions"`
	Hours     []hourBody          `json:"hours" jsonschema:"of the last 24 those with searches, the newest first"`
	Modes     map[string]spanBody `json:"modes" jsonschema:"the sums of these hours by mode of search"`
}

type countBody struct {
	Count int64 `json:"count"`
	Exact bool  `json:"exact" jsonschema:"false for an estimate"`
}

type spanBody struct {
	Searches  int64   `json:"searches"`
	Cached    int64   `json:"cached"`
	P95Millis float64 `json:"p95Millis" jsonschema:"up to 19 % too high, never too low"`
}

type hourBody struct {
	Start time.Time `json:"start"`
	spanBody
}

func spanBodyOf(s querylog.Span) spanBody {
	return spanBody{Searches: s.Searches, Cached: s.Cached, P95Millis: float64(s.P95.Microseconds()) / 1000}
}

// dashboard is the same for everybody.
func (a *api) dashboard(w *exchange, r *http.Request) error {
	ctx, cancel := a.deadline(r)
	defer cancel()
	s, err := a.Summary(ctx)
	if err != nil {
		return err
	}
	body := dashboardBody{
		Documents: countBody{s.Documents.Rows, s.Documents.Exact}, Chunks: countBody{s.Chunks.Rows, s.Chunks.Exact}, Sessions: countBody{s.Sessions.Rows, s.Sessions.Exact},
		Hours: []hourBody{}, Modes: map[string]spanBody{},
	}
	for _, h := range s.Hours {
		body.Hours = append(body.Hours, hourBody{Start: h.Start, spanBody: spanBodyOf(h.Span)})
	}
	for mode, span := range s.Modes {
		body.Modes[mode] = spanBodyOf(span)
	}
	return writeTaggedJSON(w, r, "", body)
}
