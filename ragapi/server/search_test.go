package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/search"
)

func TestASearchIsAskedAsItsParametersSay(t *testing.T) {
	f := &fake{}
	w := call(newAPI(f), "GET", "/v1/search?q=a+-b&limit=50&perDocument=50&content=full&neighbours=2&metadata.lang=en&metadata.year=2020&metadata.lang=de", "", "")
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	want := search.Query{Text: "a -b", Mode: search.Simple, Limit: 50, PerDocument: 50, Content: true, Neighbours: 2, Filter: []search.Condition{{Key: "lang", Value: "en"}, {Key: "lang", Value: "de"}, {Key: "year", Value: "2020"}}}
	if diff := cmp.Diff(want, f.query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}

// An answer of words alone says so, to a client that has it already too; others say nothing.
func TestASearchSaysWhatItWasMadeWithout(t *testing.T) {
	for degraded, want := range map[bool]string{true: "vector", false: ""} {
		api := newAPI(&fake{degraded: degraded})
		w := call(api, "GET", "/v1/search?q=a&mode=complex", "", "")
		if got := w.Header().Get("X-Degraded"); got != want || w.Code != http.StatusOK {
			t.Errorf("status %d, X-Degraded %q, want %q", w.Code, got, want)
		}
		r := httptest.NewRequest(http.MethodGet, "/v1/search?q=a&mode=complex", nil)
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		again := httptest.NewRecorder()
		api.ServeHTTP(again, r)
		if got := again.Header().Get("X-Degraded"); got != want || again.Code != http.StatusNotModified {
			t.Errorf("status %d, X-Degraded %q, want 304 and %q", again.Code, got, want)
		}
	}
}

func TestAnEmptyConditionIsNone(t *testing.T) {
	f := &fake{}
	w := call(newAPI(f), "GET", "/v1/search?q=a&metadata.lang=&metadata.year=2020&metadata.year=&metadata.none=%22%22", "", "")
	want := []search.Condition{{Key: "none", Value: `""`}, {Key: "year", Value: "2020"}}
	if diff := cmp.Diff(want, f.query.Filter); w.Code != http.StatusOK || diff != "" {
		t.Errorf("status %d, filter (-want +got):\n%s", w.Code, diff)
	}
}

func TestEveryFaultOfASearchIsNamed(t *testing.T) {
	for target, want := range map[string][]string{
		"q=a&limit=51&perDocument=0&neighbours=3&content=all&mode=odd": {"limit", "perDocument", "neighbours", "content", "mode"},
		"q=-a+-%22b+c%22":                                 {"q"},
		"q=-a&cursor=x":                                   {"q", "cursor"},
		"q=a&cursor=AAAA":                                 {"cursor"},
		"q=a&neighbours=-1":                               {"neighbours"},
		"q=a&metadata.=x":                                 {"metadata."},
		"q=a&metadata.a=%ff":                              {"metadata.a"},
		"q=a&metadata.a=%00":                              {"metadata.a"},
		"q=a&metadata.a=" + strings.Repeat("x", 257):      {"metadata.a"},
		"q=a&metadata." + strings.Repeat("x", 257) + "=1": {"metadata."},
		"q=a&metadata.a=1&metadata.a=2&metadata.b=1&metadata.c=1&metadata.d=1&metadata.e=1": {"metadata."},
	} {
		w := call(newAPI(&fake{}), "GET", "/v1/search?"+target, "", "")
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d: %s", target, w.Code, w.Body)
		}
		named := map[string]bool{}
		for _, fault := range p.Errors {
			named[fault.Parameter] = true
		}
		for _, parameter := range want {
			if !named[parameter] {
				t.Errorf("%s: %s is not named: %s", target, parameter, w.Body)
			}
		}
		if len(named) != len(want) {
			t.Errorf("%s: %s, want %q", target, w.Body, want)
		}
	}
}

func (f *fake) Chunks(ctx context.Context, id uuid.UUID, from, limit int) (p document.Passage, err error) {
	doc, err := f.Get(ctx, id)
	for i := from; i < min(from+limit, doc.ChunkCount); i++ {
		p.Chunks = append(p.Chunks, document.Chunk{Position: i, Content: fmt.Sprintf("chunk %d", i)})
	}
	p.Of, p.Version, p.Status = doc.ChunkCount, doc.Version, doc.Status
	return p, err
}

func TestTheChunksOfADocumentAreReadByThePage(t *testing.T) {
	f := &fake{docs: []document.Document{{ID: id, ChunkCount: 45, Status: document.Ready, Version: 7}}}
	api := newAPI(f)
	next, read, pages := "", 0, 0
	for more := true; more; pages++ {
		w := call(api, "GET", "/v1/documents/"+id.String()+"/chunks?limit=20&from="+next, "", "")
		var page chunkPage
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK || w.Header().Get("ETag") == "" {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		for _, c := range page.Chunks {
			if c.Position != read || c.Content != fmt.Sprintf("chunk %d", read) {
				t.Errorf("chunk %+v, want %d", c, read)
			}
			read++
		}
		if more = page.Next != nil; more {
			next = fmt.Sprint(*page.Next)
		}
	}
	if read != 45 || pages != 3 {
		t.Errorf("%d chunks in %d pages", read, pages)
	}
	same(t, `{"documentId":"01930000-0000-7000-8000-000000000001","version":7,"status":"ready","chunks":[]}`, call(api, "GET", "/v1/documents/"+id.String()+"/chunks?from=45", "", "").Body.String())
	for _, bad := range []string{"from=-1", "from=x", "from=99999999999", "limit=0", "limit=101"} {
		if w := call(api, "GET", "/v1/documents/"+id.String()+"/chunks?"+bad, "", ""); w.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d: %s", bad, w.Code, w.Body)
		}
	}
	f.err = document.ErrNotFound
	if w := call(api, "GET", "/v1/documents/"+id.String()+"/chunks", "", ""); w.Code != http.StatusNotFound {
		t.Errorf("status %d of a document that is not there: %s", w.Code, w.Body)
	}
}

func FuzzSearchesNeverFail(f *testing.F) {
	for _, seed := range []string{`a -b "c`, "metadata.a", "\x00\xff", `-"`, "or or -", "\u0301-\u0301"} {
		f.Add(seed, seed, seed)
	}
	api := newAPI(&fake{})
	f.Fuzz(func(t *testing.T, q, cursor, value string) {
		target := "/v1/search?" + url.Values{"q": {q}, "cursor": {cursor}, "metadata." + value: {value}}.Encode()
		if w := call(api, "GET", target, "", ""); w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}
