package loadscripts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// api is the contract of docs/api.md in memory: it answers what the contract says and takes nothing else.
type api struct {
	t         testing.TB
	one       sync.Mutex  // k6's users come at the same time
	documents []*document // the oldest first
	sessions  map[string]*session
	made      int
	deaf      bool                  // documents are stored and never found
	quick     bool                  // documents are processed at once
	vectorOff bool                  // complex searches go by words alone, and say so
	textOnly  bool                  // they want every word, as simple ones do, and say nothing
	keeps     time.Duration         // for which an answer to a search is shown again, whatever came meanwhile
	kept      map[string]keptAnswer // by the query as it was sent
	now       func() time.Time
	// change, where set, alters an answer before it is sent.
	change func(r *http.Request, status *int, body *any)
}

// keptAnswer is one that a cache has.
type keptAnswer struct {
	at   time.Time
	body any
}

type document struct {
	ID         string         `json:"id"`
	Title      string         `json:"title"`
	Status     string         `json:"status"`
	Bytes      int            `json:"bytes"`
	ChunkCount int            `json:"chunkCount"`
	Metadata   map[string]any `json:"metadata"`
	CreatedAt  time.Time      `json:"createdAt"`
	UpdatedAt  time.Time      `json:"updatedAt"`
	text       string
}

type session struct {
	ID       string           `json:"id"`
	User     string           `json:"user"`
	Messages []map[string]any `json:"messages"`
}

// begun is before every run of the tests.
var begun = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

func newAPI(t testing.TB) (*api, string) {
	t.Helper()
	a := &api{t: t, sessions: map[string]*session{}, kept: map[string]keptAnswer{}, now: time.Now}
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request) (int, any){
		"POST /v1/documents":              a.upload,
		"GET /v1/documents":               a.page,
		"GET /v1/documents/{id}":          a.fetch,
		"DELETE /v1/documents/{id}":       a.remove,
		"GET /v1/search":                  a.search,
		"POST /v1/sessions":               a.begin,
		"GET /v1/sessions/{id}":           a.read,
		"POST /v1/sessions/{id}/messages": a.say,
		"DELETE /v1/sessions/{id}":        a.end,
		"GET /v1/dashboard":               a.dashboard,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, handle) })
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return a, server.URL
}

func (a *api) answer(w http.ResponseWriter, r *http.Request, handle func(*http.Request) (int, any)) {
	a.one.Lock()
	defer a.one.Unlock()
	status, body := handle(r)
	if status >= 400 {
		a.t.Errorf("%s %s breaks the contract: %d %v", r.Method, r.URL, status, body)
	}
	if a.change != nil {
		a.change(r, &status, &body)
	}
	if d, ok := body.(*document); ok && status == http.StatusAccepted {
		w.Header().Set("Location", "/v1/documents/"+d.ID)
	}
	if a.vectorOff && r.URL.Query().Get("mode") == "complex" {
		w.Header().Set("X-Degraded", "vector")
	}
	w.WriteHeader(status)
	if text, ok := body.(string); ok {
		fmt.Fprint(w, text)
	} else if body != nil {
		if err := json.NewEncoder(w).Encode(body); err != nil {
			a.t.Error(err)
		}
	}
}

func (a *api) id() string {
	a.made++
	return fmt.Sprintf("01930000-0000-7000-8000-%012d", a.made)
}

// bodyWith reads a JSON body that has these keys and no others.
func bodyWith(r *http.Request, keys ...string) (map[string]any, string) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err.Error()
	}
	if r.Header.Get("Content-Type") != "application/json" {
		return nil, "Content-Type is " + r.Header.Get("Content-Type")
	}
	for key := range body {
		if !slices.Contains(keys, key) {
			return nil, key + " is no known key"
		}
	}
	return body, ""
}

// text is a string member of 1 to most bytes.
func text(body map[string]any, key string, most int) (string, bool) {
	s, ok := body[key].(string)
	return s, ok && s != "" && len(s) <= most
}

func (a *api) upload(r *http.Request) (int, any) {
	body, fault := bodyWith(r, "title", "text", "metadata")
	title, titled := text(body, "title", 512)
	content, filled := text(body, "text", 10<<20)
	metadata, ok := body["metadata"].(map[string]any)
	if fault != "" || !titled || !filled || !ok {
		return http.StatusBadRequest, "an upload: " + fault
	}
	d := &document{ID: a.id(), Title: title, Status: "pending", Bytes: len(content), Metadata: metadata, text: content, CreatedAt: begun.Add(time.Duration(a.made) * time.Second)}
	a.documents = append(a.documents, d)
	pending := *d
	return http.StatusAccepted, &pending
}

func (a *api) find(r *http.Request) int {
	return slices.IndexFunc(a.documents, func(d *document) bool { return d.ID == r.PathValue("id") })
}

// fetch answers with the document, which is processed when it is asked for a second time.
func (a *api) fetch(r *http.Request) (int, any) {
	at := a.find(r)
	if at < 0 {
		return http.StatusNotFound, "no such document"
	}
	d := a.documents[at]
	now := *d
	if a.quick {
		now.Status, now.ChunkCount = "ready", 1
	}
	d.Status, d.ChunkCount = "ready", 1+d.Bytes/1000
	return http.StatusOK, now
}

func (a *api) remove(r *http.Request) (int, any) {
	at := a.find(r)
	if at < 0 {
		return http.StatusNotFound, "no such document"
	}
	a.documents = slices.Delete(a.documents, at, at+1)
	return http.StatusNoContent, nil
}

func (a *api) page(r *http.Request) (int, any) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		return http.StatusBadRequest, "limit"
	}
	newest := slices.Clone(a.documents)
	slices.Reverse(newest)
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		after := slices.IndexFunc(newest, func(d *document) bool { return d.ID < cursor })
		newest = newest[max(after, 0):]
	}
	page := map[string]any{"documents": newest[:min(limit, len(newest))]}
	if len(newest) > limit {
		page["next"] = newest[limit-1].ID
	}
	return http.StatusOK, page
}

func (a *api) search(r *http.Request) (int, any) {
	query := r.URL.Query()
	q, mode := query.Get("q"), query.Get("mode")
	limit, err := strconv.Atoi(query.Get("limit"))
	if q == "" || len(q) > 512 || (mode != "simple" && mode != "complex") || err != nil || limit < 1 || limit > 50 {
		return http.StatusBadRequest, "a search"
	}
	if kept, ok := a.kept[r.URL.RawQuery]; ok && a.now().Sub(kept.at) < a.keeps {
		return http.StatusOK, kept.body
	}
	body := map[string]any{"query": q, "mode": mode, "hits": a.hits(q, mode, limit)}
	a.kept[r.URL.RawQuery] = keptAnswer{a.now(), body}
	return http.StatusOK, body
}

// hits are those that words find, then, of a complex search, those that only vectors find.
func (a *api) hits(q, mode string, limit int) []map[string]any {
	hits, byVector := []map[string]any{}, []map[string]any{}
	hit := func(d *document, match string) map[string]any {
		return map[string]any{"documentId": d.ID, "title": d.Title, "position": 0, "score": 0.5, "match": match, "snippet": q}
	}
	if a.textOnly {
		mode = "simple"
	}
	for _, d := range a.documents {
		switch {
		case a.deaf || d.Status != "ready":
		case matches(d, q, mode):
			hits = append(hits, hit(d, "terms"))
		case mode == "complex" && !a.vectorOff:
			byVector = append(byVector, hit(d, "similar"))
		}
	}
	hits = append(hits, byVector...)
	return hits[:min(limit, len(hits))]
}

// matches tells whether a document has every word of a simple query, or any of a complex one, and none that it excludes.
func matches(d *document, q, mode string) bool {
	has := func(word string) bool { return strings.Contains(d.text, word) }
	var wanted []string
	for _, word := range strings.Fields(q) {
		unwanted, excluded := strings.CutPrefix(word, "-")
		if excluded && has(unwanted) {
			return false
		}
		if !excluded {
			wanted = append(wanted, word)
		}
	}
	if mode == "complex" {
		return slices.ContainsFunc(wanted, has)
	}
	return !slices.ContainsFunc(wanted, func(w string) bool { return !has(w) })
}

func (a *api) begin(r *http.Request) (int, any) {
	body, fault := bodyWith(r, "user")
	user, ok := text(body, "user", 128)
	if fault != "" || !ok {
		return http.StatusBadRequest, "a session: " + fault
	}
	s := &session{ID: a.id(), User: user, Messages: []map[string]any{}}
	a.sessions[s.ID] = s
	return http.StatusCreated, s
}

func (a *api) say(r *http.Request) (int, any) {
	s, known := a.sessions[r.PathValue("id")]
	body, fault := bodyWith(r, "role", "content")
	_, ok := text(body, "content", 16384)
	if fault != "" || !ok || !known || !slices.Contains([]any{"user", "assistant", "system"}, body["role"]) {
		return http.StatusBadRequest, "a message: " + fault
	}
	s.Messages = append(s.Messages, body)
	return http.StatusCreated, body
}

func (a *api) read(r *http.Request) (int, any) {
	s, ok := a.sessions[r.PathValue("id")]
	if !ok {
		return http.StatusNotFound, "no such session"
	}
	return http.StatusOK, s
}

func (a *api) end(r *http.Request) (int, any) {
	if _, ok := a.sessions[r.PathValue("id")]; !ok {
		return http.StatusNotFound, "no such session"
	}
	delete(a.sessions, r.PathValue("id"))
	return http.StatusNoContent, nil
}

func (a *api) dashboard(*http.Request) (int, any) {
	count := map[string]any{"count": len(a.documents), "exact": true}
	return http.StatusOK, map[string]any{"documents": count, "chunks": count, "sessions": count, "hours": []any{}, "modes": map[string]any{}}
}
