package vector_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/embedding"
	"github.com/ragscale/ragscale/ragapi/vector"
)

const collectionID = "01930000-0000-7000-8000-00000000000c"

// standIn answers like Chroma, but for the operations that have an answer of the test's own.
type standIn struct {
	url     string
	mu      sync.Mutex
	answers map[string]func(w http.ResponseWriter) // by operation: collections, query, upsert, delete
	upserts [][]string                             // the ids of each
	deletes []string                               // the collections
	refuse  string                                 // an upsert with this id is refused
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := strings.Split(r.URL.Path, "/")
	operation := parts[len(parts)-1]
	if r.Method == http.MethodGet {
		operation = "collections"
	}
	var body struct{ IDs []string }
	_ = json.NewDecoder(r.Body).Decode(&body) // some requests have other bodies
	if answer := s.answers[operation]; answer != nil {
		answer(w)
		return
	}
	switch operation {
	case "collections":
		say(`{"id":"` + collectionID + `"}`)(w)
	case "query":
		say(`{"ids":[[]],"distances":[[]]}`)(w)
	case "upsert":
		for _, id := range body.IDs {
			if s.refuse != "" && strings.HasPrefix(id, s.refuse) {
				w.WriteHeader(http.StatusUnprocessableEntity)
				return
			}
		}
		s.upserts = append(s.upserts, body.IDs)
		say(`{}`)(w)
	case "delete":
		s.deletes = append(s.deletes, parts[len(parts)-2])
		say(`{}`)(w)
	}
}

func say(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = w.Write([]byte(text)) } // a client that went away notices itself
}

// stand opens a world with a stand-in for Chroma.
func stand(t *testing.T) (*world, *standIn) {
	t.Helper()
	s := &standIn{answers: map[string]func(http.ResponseWriter){}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return open(t, s.url), s
}

func TestAMalformedAnswerOfTheStoreIsASearchWithoutVectors(t *testing.T) {
	good := collectionID + ":0"
	for name, answer := range map[string]func(http.ResponseWriter){
		"no distances":       say(`{"ids":[["` + good + `"]],"distances":null}`),
		"short distances":    say(`{"ids":[["` + good + `","` + good + `"]],"distances":[[0.1]]}`),
		"empty distances":    say(`{"ids":[["` + good + `"]],"distances":[[]]}`),
		"null distance":      say(`{"ids":[["` + good + `"]],"distances":[[null]]}`),
		"text for distances": say(`{"ids":[["` + good + `"]],"distances":[["near"]]}`),
		"NaN":                say(`{"ids":[["` + good + `"]],"distances":[[NaN]]}`),
		"too far to count":   say(`{"ids":[["` + good + `"]],"distances":[[1e999]]}`),
		"no lists":           say(`{"ids":[],"distances":[]}`),
		"two lists":          say(`{"ids":[[],[]],"distances":[[],[]]}`),
		"nothing":            say(``),
		"null":               say(`null`),
		"a list":             say(`[]`),
		"HTML":               say(`<html>502 Bad Gateway</html>`),
		"a strange id":       say(`{"ids":[["somebody-elses"]],"distances":[[0.1]]}`),
		"a null id":          say(`{"ids":[[null]],"distances":[[0.1]]}`),
		"a negative place":   say(`{"ids":[["` + collectionID + `:-1"]],"distances":[[0.1]]}`),
		"a strange version":  say(`{"ids":[["` + good + `:x"]],"distances":[[0.1]]}`),
		"too much of an id":  say(`{"ids":[["` + good + `:2:3"]],"distances":[[0.1]]}`),
		"a huge place":       say(`{"ids":[["` + collectionID + `:99999999999"]],"distances":[[0.1]]}`),
		"too many":           say(`{"ids":[["` + strings.Repeat(good+`","`, 9) + good + `"]],"distances":[[0,0,0,0,0,0,0,0,0,0]]}`),
		"a huge body":        say(`{"ids":[["` + strings.Repeat("x", 3<<20) + `"]],"distances":[[0.1]]}`),
		"half a body":        say(`{"ids":[["` + good + `"]],"dist`),
		"a redirect":         func(w http.ResponseWriter) { w.Header().Set("Location", "/"); w.WriteHeader(http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			w, store := stand(t)
			store.answers["query"] = answer
			if got, err := w.index.Similar(t.Context(), "lamp", 5); err == nil || len(got) != 0 || w.degraded.Load() != 1 {
				t.Errorf("found %v, %d degraded, want none and 1", got, w.degraded.Load())
			}
		})
	}
}

func TestACollectionWithoutAnIDIsASearchWithoutVectors(t *testing.T) {
	for name, answer := range map[string]string{"empty": `{"id":""}`, "null": `{"id":null}`, "absent": `{}`, "a path": `{"id":"../../x"}`, "HTML": `<html>`} {
		t.Run(name, func(t *testing.T) {
			w, store := stand(t)
			store.answers["collections"] = say(answer)
			if got, err := w.index.Similar(t.Context(), "lamp", 5); err == nil || len(got) != 0 || w.degraded.Load() != 1 {
				t.Errorf("found %v, %d degraded, want none and 1", got, w.degraded.Load())
			}
		})
	}
}

// faulty is an embedding that answers what no embedding should.
type faulty struct {
	embedding.Hashing
	answer func() [][]float32
}

func (f faulty) Embed(context.Context, []string) ([][]float32, error) { return f.answer(), nil }

func TestAMalformedVectorIsASearchWithoutVectors(t *testing.T) {
	with := func(n float32) func() [][]float32 {
		return func() [][]float32 { v := make([]float32, 384); v[7] = n; return [][]float32{v} }
	}
	for name, answer := range map[string]func() [][]float32{
		"none":      func() [][]float32 { return nil },
		"two":       func() [][]float32 { return make([][]float32, 2) },
		"short":     func() [][]float32 { return [][]float32{{1}} },
		"NaN":       with(float32(math.NaN())),
		"infinite":  with(float32(math.Inf(1))),
		"too long":  with(2),
		"it panics": func() [][]float32 { panic("no vector") },
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := stand(t)
			server := httptest.NewServer(&standIn{})
			t.Cleanup(server.Close)
			index := vector.New(server.URL, faulty{answer: answer}, w.pool, nil, unobserved{}, func() { w.degraded.Add(1) }, quiet)
			if got, err := index.Similar(t.Context(), "lamp", 5); err == nil || len(got) != 0 || w.degraded.Load() != 1 {
				t.Errorf("found %v, %d degraded, want none and 1", got, w.degraded.Load())
			}
		})
	}
}

func TestAnUpsertThatOnlySeemsAcceptedIsRepeated(t *testing.T) {
	w, store := stand(t)
	store.answers["upsert"] = say(`<html>Welcome</html>`)
	id := w.ready(t, "A lamp.")
	if err := w.index.Embed(t.Context(), id)[0]; err == nil {
		t.Error("a page of HTML was taken for an upsert")
	}
	if missing, err := w.index.Missing(t.Context(), uuid.Nil, 10); err != nil || len(missing) != 1 {
		t.Errorf("missing %v (%v), want the document", missing, err)
	}
}

func (w *world) ready(t *testing.T, text string) uuid.UUID {
	t.Helper()
	doc, err := w.store.Create(t.Context(), document.Upload{Title: "T", Text: text})
	if err == nil {
		_, _, err = w.store.Process(t.Context(), doc.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc.ID
}

func TestEmbeddingGoesOnWhereItStood(t *testing.T) {
	w, store := stand(t)
	id := w.ready(t, strings.Repeat("A sentence about a lamp. ", 40_000)) // some 1,200 chunks: three requests
	calls := 0
	store.answers["upsert"] = func(rw http.ResponseWriter) {
		if calls++; calls > 1 {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		say(`{}`)(rw)
	}
	if err := w.index.Embed(t.Context(), id)[0]; err == nil {
		t.Fatal("a store that ended midway took everything")
	}
	delete(store.answers, "upsert")
	if err := w.index.Embed(t.Context(), id)[0]; err != nil {
		t.Fatal(err)
	}
	if first := store.upserts[0][0]; first != id.String()+":400" {
		t.Errorf("the second attempt begins with %s, want the chunk after the first request's", first)
	}
	if missing, err := w.index.Missing(t.Context(), uuid.Nil, 10); err != nil || len(missing) != 0 {
		t.Errorf("missing %v (%v), want none", missing, err)
	}
}

func TestOneRequestBringsManyDocuments(t *testing.T) {
	w, store := stand(t)
	var ids []uuid.UUID
	for range 20 {
		ids = append(ids, w.ready(t, "A lamp."))
	}
	store.refuse = ids[3].String()
	for i, err := range w.index.Embed(t.Context(), ids...) {
		if (err != nil) != (i == 3) {
			t.Errorf("document %d: %v", i, err)
		}
	}
	store.refuse, store.upserts = "", nil
	for _, id := range ids {
		if _, err := w.pool.Exec(t.Context(), `DELETE FROM document_embeddings WHERE document_id = $1`, id); err != nil {
			t.Fatal(err)
		}
	}
	for i, err := range w.index.Embed(t.Context(), ids...) {
		if err != nil {
			t.Errorf("document %d: %v", i, err)
		}
	}
	if len(store.upserts) != 1 || len(store.upserts[0]) != 20 {
		t.Errorf("%d requests, want one with 20 vectors", len(store.upserts))
	}
}

func TestADocumentIsForgottenInEveryCollection(t *testing.T) {
	w, store := stand(t)
	if err := w.index.Forget(t.Context(), uuid.Max, "of-a-model-before"); err != nil || len(store.deletes) != 2 {
		t.Errorf("deleted in %v (%v), want two collections", store.deletes, err)
	}
	store.answers["delete"] = func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound); say(`<html>no route</html>`)(w) }
	if err := w.index.Forget(t.Context(), uuid.Max); err == nil {
		t.Error("a page that is not there was taken for a collection that is not")
	}
	store.answers["delete"] = func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound); say(`{"error":"NotFoundError"}`)(w) }
	if err := w.index.Forget(t.Context(), uuid.Max); err != nil {
		t.Errorf("a collection that is gone: %v", err)
	}
}

func TestDocumentsThatCannotBeEmbeddedHideNoOthers(t *testing.T) {
	w, _ := stand(t)
	var want []uuid.UUID
	for range 5 {
		want = append(want, w.ready(t, "A lamp."))
	}
	var got []uuid.UUID
	for after := uuid.Nil; ; {
		page, err := w.index.Missing(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, page...); len(page) < 2 {
			break
		}
		after = page[1]
	}
	if len(got) != len(want) || got[0] != want[0] || got[4] != want[4] {
		t.Errorf("missing %v, want %v", got, want)
	}
}

func TestEmbeddingRestsWhileTheStoreIsSlow(t *testing.T) {
	w, store := stand(t)
	id := w.ready(t, "A lamp.")
	store.answers["query"] = func(rw http.ResponseWriter) {
		time.Sleep(100 * time.Millisecond)
		say(`{"ids":[[]],"distances":[[]]}`)(rw)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // less than the rest
	defer cancel()
	if err := w.index.Embed(ctx, id)[0]; err == nil || len(store.upserts) != 0 {
		t.Errorf("embedded (%v) while searches were slow", err)
	}
}
