package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// api is as much of docs/api.md as the loads ask for.
type api struct {
	mu      sync.Mutex
	made    int
	refuse  int                          // uploads to answer with 503
	held    map[string]map[string]string // documents' metadata by id
	talks   map[string]bool
	strange []string // requests that nobody should make
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	switch r.Method + " " + strings.TrimSuffix(r.URL.Path, id) + "{id}" {
	case "GET /{id}", "GET /v1/{id}": // healthz, search, dashboard
	case "POST /v1/{id}":
		a.make(w, r, id)
	case "GET /v1/sessions/{id}":
	case "GET /v1/documents/{id}":
		if a.held[id] == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprint(w, `{"status":"ready"}`)
	case "DELETE /v1/documents/{id}":
		delete(a.held, id)
		w.WriteHeader(http.StatusNoContent)
	case "DELETE /v1/sessions/{id}":
		delete(a.talks, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		if !strings.HasSuffix(r.URL.Path, "/messages") {
			a.strange = append(a.strange, r.Method+" "+r.URL.String())
		}
		w.WriteHeader(http.StatusCreated)
	}
	if r.Method == http.MethodGet && id == "documents" {
		a.page(w, r.URL.Query().Get("status"))
	}
}

func (a *api) make(w http.ResponseWriter, r *http.Request, kind string) {
	var body struct{ Metadata map[string]string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		a.strange = append(a.strange, err.Error())
	}
	if a.refuse > 0 && kind == "documents" {
		a.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	a.made++
	id := fmt.Sprintf("%d", a.made)
	if kind == "sessions" {
		a.talks[id] = true
		w.WriteHeader(http.StatusCreated)
	} else {
		a.held[id] = body.Metadata
		w.WriteHeader(http.StatusAccepted)
	}
	fmt.Fprintf(w, `{"id":%q}`, id)
}

func (a *api) page(w http.ResponseWriter, status string) {
	list := []any{}
	for id, metadata := range a.held {
		if status == "pending" {
			break // all are ready at once
		}
		list = append(list, map[string]any{"id": id, "metadata": metadata})
	}
	if err := json.NewEncoder(w).Encode(map[string]any{"documents": list}); err != nil {
		a.strange = append(a.strange, err.Error())
	}
}

func TestEveryLoadIsMeasuredAndNothingIsLeft(t *testing.T) {
	a := &api{held: map[string]map[string]string{"theirs": {"by": "somebody"}, "left": {"by": mark}}, talks: map[string]bool{}, refuse: 3}
	s := httptest.NewServer(a)
	defer s.Close()
	arguments := []string{"-url", s.URL, "-documents", "20", "-rounds", "2", "-each", "200ms", "-busy", "100"}
	var out, notes strings.Builder
	if code := run(t.Context(), append(arguments, "-json"), &out, &notes); code != 0 {
		t.Fatalf("exit %d: %s", code, &notes)
	}
	var r report
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows {
		if row.Requests == 0 || row.Faults > 0 && !strings.HasPrefix(row.Name, "uploads") {
			t.Errorf("%+v, want answers and no faults", row)
		}
	}
	if len(r.Rows) != 12 || r.Rows[0].Faults != 3 || len(r.Rows[2].Rates) != 2 {
		t.Errorf("%d rows, the first with %d faults, the third with %d rounds; want 12, 3 and 2", len(r.Rows), r.Rows[0].Faults, len(r.Rows[2].Rates))
	}
	if len(a.held) != 1 || a.held["theirs"] == nil || len(a.strange) > 0 {
		t.Errorf("left: %v; asked for what there is not: %v", a.held, a.strange)
	}
	base := filepath.Join(t.TempDir(), "base.json")
	if err := os.WriteFile(base, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := r.print(&table, r); err != nil || strings.Count(table.String(), "1.00") < len(r.Rows) || !strings.Contains(table.String(), "rate/base") {
		t.Errorf("%v: %s", err, &table)
	}
	if got, err := readReport(base); err != nil || len(got.Rows) != len(r.Rows) {
		t.Errorf("%v: %d rows", err, len(got.Rows))
	}
}

func TestTheCorpusIsAsTheTableSays(t *testing.T) {
	c, err := newCorpus()
	if err != nil {
		t.Fatal(err)
	}
	distinct := slices.Clone(c.others)
	slices.Sort(distinct)
	if n := len(slices.Compact(distinct)); n != otherWords || len(c.vocabulary) < 80 || c.vocabulary[0] != "lamp" {
		t.Errorf("%d words of %d differ; %d of the scripts' vocabulary, the first is %s", n, otherWords, len(c.vocabulary), c.vocabulary[0])
	}
	own := map[string]bool{}
	for _, w := range c.vocabulary {
		own[w] = true
	}
	var chunks, words, vocabulary, rare, pairs float64
	for i := range 300 {
		text := c.text(i)
		for part := range strings.SplitSeq(text[:500]+"|"+text[500:1500]+"|"+text[1500:2500], "|") {
			if len(part) < 1000 {
				continue
			}
			fields := strings.Fields(part)
			chunks++
			for _, w := range fields {
				words++
				if own[w] {
					vocabulary++
				}
			}
			for _, w := range []int{0, 999, 4999} {
				if slices.Contains(fields, c.others[w]) {
					rare++
				}
			}
			if two := strings.Fields(c.pair(0)); slices.Contains(fields, two[0]) && slices.Contains(fields, two[1]) {
				pairs++
			}
		}
	}
	for name, v := range map[string][3]float64{
		"words of the vocabulary":       {vocabulary / words, 0.28, 0.32},
		"chunks with one of the others": {rare / 3 / chunks, 0.01, 0.035},
		"chunks with a pair":            {pairs / chunks, 0.5, 0.7},
	} {
		if v[0] < v[1] || v[0] > v[2] {
			t.Errorf("%s: %.3f, want %v to %v", name, v[0], v[1], v[2])
		}
	}
}

func TestWhatCannotBeMeasuredIsRefused(t *testing.T) {
	for _, c := range []struct{ arguments, want string }{
		{"", `-url is "" with 0 more arguments, want http://host:port and none`},
		{"-url https://x", `-url is "https://x"`},
		{"-url http://x -rounds 0 -documents 3 -each 0s", "-documents 3, -rounds 0, -each 0s: want at least 10, 1 and some time"},
		{"-url http://127.0.0.1:1 -busy -1", "% busy, want at most -1 %"},
		{"-url http://127.0.0.1:1 -base /none", "report /none: open /none"},
		{"-url http://127.0.0.1:1 -busy 100", "connection refused"},
	} {
		var out, notes strings.Builder
		if code := run(t.Context(), strings.Fields(c.arguments), &out, &notes); code != 1 || !strings.Contains(notes.String(), c.want) {
			t.Errorf("%s: exit %d, %q does not hold %q", c.arguments, code, notes.String(), c.want)
		}
	}
}
