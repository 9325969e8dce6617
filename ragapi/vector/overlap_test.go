package vector_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/search"
)

// gate is a way to Chroma on which requests whose body has a text wait until they are let pass.
type gate struct {
	way *httputil.ReverseProxy

	mu      sync.Mutex
	held    string        // "" for nothing
	waiting chan struct{} // has one for each that waits
	open    chan struct{}
	idle    sync.WaitGroup // of requests that have waited
}

// throughGate is a world whose requests to Chroma pass a gate.
func throughGate(t *testing.T) (*world, *gate) {
	t.Helper()
	chroma, err := url.Parse(strings.TrimSuffix(os.Getenv(envURL), "/"))
	if err != nil || chroma.Host == "" {
		t.Skipf("no Chroma to test with: set %s", envURL)
	}
	g := &gate{way: httputil.NewSingleHostReverseProxy(chroma)}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return open(t, server.URL), g
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.mu.Lock()
	held, waiting, open := g.held != "" && strings.Contains(r.URL.Path+string(body), g.held), g.waiting, g.open
	g.mu.Unlock()
	if held {
		g.idle.Add(1)
		defer g.idle.Done()
		waiting <- struct{}{}
		<-open
		r = r.WithContext(context.WithoutCancel(r.Context())) // it arrives, whoever has given it up
	}
	g.way.ServeHTTP(w, r)
}

// hold has requests with a text wait from now on, none for ""; the functions wait for one, and let those pass that wait.
func (g *gate) hold(text string) (one, pass func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	waiting, open := make(chan struct{}, 100), make(chan struct{})
	g.held, g.waiting, g.open = text, waiting, open
	return func() { <-waiting }, func() { close(open) }
}

func (w *world) replace(t *testing.T, id uuid.UUID, text string) {
	t.Helper()
	_, err := w.store.Replace(t.Context(), id, document.Upload{Title: "T", Text: text}, func(document.Document) bool { return true })
	if err == nil {
		_, _, err = w.store.Process(t.Context(), id)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// holds fails the test unless the store has exactly the vectors of the text that a document has, and finds them.
func (w *world) holds(t *testing.T, id uuid.UUID, version, chunks int, text string) {
	t.Helper()
	if n := vectors(t, w.index.Collection()); n != chunks {
		t.Errorf("%d vectors in the store, want %d", n, chunks)
	}
	missing, err := w.index.Missing(t.Context(), uuid.Nil, 10)
	if err != nil || len(missing) > 0 {
		t.Errorf("missing %v (%v), want none", missing, err)
	}
	want := search.Piece{Place: search.Place{DocumentID: id}, Version: version}
	if got := w.similar(t, text, 1); len(got) != 1 || got[0] != want {
		t.Errorf("%q finds %v, want %v", text, got, want)
	}
}

func TestAnEarlierTextsVectorsThatComeLateChangeNothing(t *testing.T) {
	w, g := throughGate(t)
	id := w.add(t, "T", "A lamp at dusk.")
	w.replace(t, id, "Two wheels and a saddle.")
	one, pass := g.hold("upsert")
	late := make(chan error, 1)
	go func() { late <- w.index.Embed(t.Context(), id)[0] }()
	one() // of the second text, on its way
	g.hold("")
	w.replace(t, id, "Leaves in hot water.")
	if err := w.index.Embed(t.Context(), id)[0]; err != nil {
		t.Fatal(err)
	}
	w.holds(t, id, 3, 1, "leaves in water")
	pass()
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	w.holds(t, id, 3, 1, "leaves in water")
}

func TestForgettingAnEarlierTextSparesTheLaterOnes(t *testing.T) {
	w, g := throughGate(t)
	id := w.add(t, "T", "A lamp at dusk.")
	w.replace(t, id, "Two wheels and a saddle.")
	one, pass := g.hold("delete")
	late := make(chan error, 1)
	go func() { late <- w.index.Embed(t.Context(), id)[0] }()
	one() // the second text's vectors are there, those of the first are about to go
	g.hold("")
	w.replace(t, id, "Leaves in hot water.")
	if err := w.index.Embed(t.Context(), id)[0]; err != nil {
		t.Fatal(err)
	}
	pass()
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	w.holds(t, id, 3, 1, "leaves in water")
}

func TestAnAttemptThatWasGivenUpAndArrivesLateIsTidiedUpByTheNext(t *testing.T) {
	w, g := throughGate(t)
	id := w.add(t, "T", strings.Repeat("A sentence about a lamp. ", 200)) // some chunks
	w.replace(t, id, "Two wheels and a saddle.")
	one, pass := g.hold("upsert")
	ctx, giveUp := context.WithCancel(t.Context())
	late := make(chan error, 1)
	go func() { late <- w.index.Embed(ctx, id)[0] }()
	one()
	giveUp()
	if err := <-late; err == nil {
		t.Fatal("an attempt that was given up succeeded")
	}
	g.hold("")
	w.replace(t, id, "Leaves in hot water.")
	if err := w.index.Embed(t.Context(), id)[0]; err != nil {
		t.Fatal(err)
	}
	pass()
	g.idle.Wait()                                             // what was given up has arrived
	if err := w.index.Embed(t.Context(), id)[0]; err != nil { // the next attempt
		t.Fatal(err)
	}
	w.holds(t, id, 3, 1, "leaves in water")
}

func TestManyReplacementsByManyWorkersEndWithTheLastText(t *testing.T) {
	w, _ := throughGate(t)
	id := w.add(t, "T", "A lamp at dusk.")
	var jobs sync.WaitGroup
	faults := make(chan error, 100)
	for n := 2; n < 20; n++ {
		w.replace(t, id, strings.Repeat("Two wheels and a saddle, or a lamp. ", 200*(n%4)+n))
		jobs.Go(func() { faults <- w.index.Embed(t.Context(), id)[0] })
	}
	w.replace(t, id, "Leaves in hot water.")
	jobs.Go(func() { faults <- w.index.Embed(t.Context(), id)[0] })
	jobs.Wait()
	close(faults)
	for err := range faults {
		if err != nil {
			t.Fatal(err)
		}
	}
	var recorded []int
	const sql = `SELECT array[version, chunks] FROM document_embeddings WHERE document_id = $1`
	if err := w.pool.QueryRow(t.Context(), sql, id).Scan(&recorded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{20, 1}, recorded); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	w.holds(t, id, 20, 1, "leaves in water")
}
