package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

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
	Query string          `json:"query"`
	Mode  search.Mode     `json:"mode"`
	Hits  json.RawMessage `json:"hits"`
}

func (a *api) search(w http.ResponseWriter, r *http.Request) error {
	p, err := readParameters(r)
	if err != nil {
		return err
	}
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
	return writeSearch(w, r, q, found.Encoded)
}

// writeSearch answers with hits that are encoded already: encoding them again would cost more than all else.
func writeSearch(w http.ResponseWriter, r *http.Request, q search.Query, hits []byte) error {
	begin, err := json.Marshal(searchBody{Query: q.Text, Mode: q.Mode})
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	begin = bytes.TrimSuffix(begin, []byte("null}"))
	body := append(append(append(make([]byte, 0, len(begin)+len(hits)+2), begin...), hits...), '}', '\n')
	tag := strconv.AppendUint([]byte{'"'}, xxhash.Sum64(body), 36)
	return writeTagged(w, r, string(append(tag, '"')), body)
}

// failureOf is why a search had no answer, as the query log has it: the end of its problem's type.
func failureOf(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(problemOf(err).Type, problemPrefix)
}
