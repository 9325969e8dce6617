package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/idempotency"
)

// ask sends a request with headers.
func ask(f *fake, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	newAPI(f).ServeHTTP(w, r)
	return w
}

const (
	aDocument = "/v1/documents/01930000-0000-7000-8000-000000000001"
	anUpload  = `{"title":"T","text":"text"}`
)

func TestAReplacementIsAccepted(t *testing.T) {
	f := &fake{}
	w := ask(f, "PUT", aDocument, anUpload)
	if w.Code != http.StatusAccepted || f.uploaded.Text != "text" || w.Header().Get("Location") != aDocument || w.Header().Get("ETag") != documentTag(sample()) {
		t.Errorf("status %d, headers %v, uploaded %+v", w.Code, w.Header(), f.uploaded)
	}
	same(t, sampleJSON, w.Body.String())
	if w := ask(f, "PUT", aDocument, `{"title":"T"}`); w.Code != http.StatusBadRequest {
		t.Errorf("without a text: status %d", w.Code)
	}
}

func TestATagChangesWithTheDocument(t *testing.T) {
	seen := map[string]bool{}
	later := sample()
	later.UpdatedAt = later.UpdatedAt.Add(1000)
	second := sample()
	second.Version = 2
	for _, d := range []document.Document{sample(), later, second} {
		seen[documentTag(d)] = true
	}
	if len(seen) != 3 {
		t.Errorf("tags %v, want three", seen)
	}
}

func TestTryingAgainIsAcceptedOrRefused(t *testing.T) {
	for err, want := range map[error]int{nil: 202, document.ErrNotFailed: 409, document.ErrNotFound: 404} {
		var fault error
		if err != nil {
			fault = fmt.Errorf("document: %w", err)
		}
		if w := ask(&fake{err: fault}, "POST", aDocument+"/retry", ""); w.Code != want {
			t.Errorf("%v is answered %d, want %d", err, w.Code, want)
		}
	}
}

func TestAListMayBeOfOneStatus(t *testing.T) {
	for query, want := range map[string]document.Status{"": "", "?status=failed": document.Failed, "?status=pending": document.Pending, "?status=ready": document.Ready} {
		f := &fake{}
		if w := ask(f, "GET", "/v1/documents"+query, ""); w.Code != http.StatusOK || f.status != want {
			t.Errorf("%s: status %d, list of %q, want %q", query, w.Code, f.status, want)
		}
	}
	if w := ask(&fake{}, "GET", "/v1/documents?status=lost", ""); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "want one of pending, ready, failed") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestAKeyStandsForOneRequest(t *testing.T) {
	keyOf := func(path, body string, headers ...string) idempotency.Key {
		t.Helper()
		f := &fake{}
		if w := ask(f, "POST", path, body, append(headers, "Idempotency-Key", "k-1")...); w.Code != http.StatusAccepted {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		return f.uploaded.Key
	}
	first := keyOf("/v1/documents", anUpload)
	if first.Owner != "" || first.Value != "k-1" || first != keyOf("/v1/documents", `{ "text":"text", "title":"T" }`) {
		t.Errorf("the same document has the keys %+v and another", first)
	}
	if user := keyOf("/v1/documents", anUpload, "X-User-Id", "u"); user.Owner != "u" || user.Request != first.Request {
		t.Errorf("a user's key is %+v", user)
	}
	for _, other := range []string{`{"title":"Tt","text":"ext"}`, `{"title":"T","text":"text","metadata":{}}`} {
		if keyOf("/v1/documents", other).Request == first.Request {
			t.Errorf("%s is taken for %s", other, anUpload)
		}
	}
	f := &fake{}
	if ask(f, "POST", "/v1/documents", anUpload); f.uploaded.Key != (idempotency.Key{}) {
		t.Errorf("without a key: %+v", f.uploaded.Key)
	}
}

func TestAKeyMustBeOne(t *testing.T) {
	for _, bad := range [][]string{{""}, {"a b"}, {"é"}, {strings.Repeat("k", 256)}, {"a", "b"}} {
		var headers []string
		for _, v := range bad {
			headers = append(headers, "Idempotency-Key", v)
		}
		if w := ask(&fake{}, "POST", "/v1/documents", anUpload, headers...); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"parameter":"Idempotency-Key"`) {
			t.Errorf("%q: status %d: %s", bad, w.Code, w.Body)
		}
	}
	if w := ask(&fake{err: idempotency.ErrOtherRequest}, "POST", "/v1/documents", anUpload, "Idempotency-Key", "k"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "idempotency-mismatch") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestAPageOfLargeDocumentsIsShorter(t *testing.T) {
	f := &fake{}
	for i := range byte(100) {
		d := sample()
		d.ID[15], d.Metadata = 100-i, []byte(`{"a":"`+strings.Repeat("<", maxMetadataBytes-8)+`"}`)
		f.docs = append(f.docs, d)
	}
	seen, pages, cursor := 0, 0, ""
	for ; pages == 0 || cursor != ""; pages++ {
		w := call(newAPI(f), "GET", "/v1/documents?limit=100&cursor="+cursor, "", "")
		var page documentPage
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Body.Len() > document.MostMetadata+32_000 {
			t.Fatalf("%d bytes (%v)", w.Body.Len(), err)
		}
		for _, d := range page.Documents {
			if seen++; int(d.ID[15]) != 101-seen {
				t.Errorf("the %dth is %d", seen, d.ID[15])
			}
		}
		cursor = page.Next
	}
	if seen != 100 || pages != 9 {
		t.Errorf("%d documents on %d pages, want 100 on 9", seen, pages)
	}
}
