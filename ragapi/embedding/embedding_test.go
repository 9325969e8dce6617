package embedding_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/ragapi/embedding"
)

func embed(t *testing.T, texts ...string) [][]float32 {
	t.Helper()
	vectors, err := embedding.Hashing{}.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}

// alike is the cosine of the angle between two texts' vectors.
func alike(t *testing.T, a, b string) (cosine float64) {
	t.Helper()
	v := embed(t, a, b)
	for i := range v[0] {
		cosine += float64(v[0][i]) * float64(v[1][i])
	}
	return cosine
}

func TestVectorsHaveLengthOne(t *testing.T) {
	for _, text := range []string{"a lamp", strings.Repeat("The keeper trims the lamp at dusk. ", 50), "Öl für Leuchttürme"} {
		if got := alike(t, text, text); math.Abs(got-1) > 1e-5 {
			t.Errorf("%.20q has length² %v, want 1", text, got)
		}
	}
}

func TestATextAlwaysHasTheSameVector(t *testing.T) {
	text := strings.Repeat("The keeper of the lighthouse trims its lamp at dusk, and again before dawn. ", 10)
	first := embed(t, text)
	for range 20 {
		if diff := cmp.Diff(first, embed(t, text)); diff != "" {
			t.Fatalf("vector (-first +again):\n%s", diff)
		}
	}
}

func TestTextsThatShareStemsAreCloserThanOthers(t *testing.T) {
	query := "indexing vectors"
	near, far := alike(t, query, "A vector index answers quickly."), alike(t, query, "Two wheels and a saddle.")
	if near < far+0.2 {
		t.Errorf("%q: %.2f to what it is about, %.2f to something else", query, near, far)
	}
}

func TestATextWithoutWordsIsTheZeroVector(t *testing.T) {
	for _, text := range []string{"", "the of", "!?"} {
		if got := alike(t, text, text); got != 0 {
			t.Errorf("%q has length² %v, want 0", text, got)
		}
	}
}

// model answers like a server of embedding models, with what is given.
func model(t *testing.T, status int, vectors ...[]float32) embedding.Remote {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Model string
			Input []string
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Model != "m" || len(asked.Input) == 0 {
			t.Errorf("asked for %+v (%v)", asked, err)
		}
		w.WriteHeader(status)
		var data []map[string]any
		for _, v := range vectors {
			data = append(data, map[string]any{"embedding": v})
		}
		if err := json.NewEncoder(w).Encode(map[string]any{"data": data}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return embedding.NewRemote(server.URL, "", "m", 2)
}

func TestAModelsVectorsAreBroughtToLengthOne(t *testing.T) {
	got, err := model(t, 200, []float32{3, 4}, []float32{0, 2}).Embed(t.Context(), []string{"a", "b"})
	if diff := cmp.Diff([][]float32{{0.6, 0.8}, {0, 1}}, got); diff != "" || err != nil {
		t.Errorf("vectors (%v) (-want +got):\n%s", err, diff)
	}
}

func TestAModelsFaultsAreNamed(t *testing.T) {
	for want, m := range map[string]embedding.Remote{
		"embedding: URL answers 500 Internal Server Error, want 200": model(t, 500),
		"embedding: URL answers 1 vectors, want 2":                   model(t, 200, []float32{1, 0}),
		"embedding: URL answers 3 dimensions, want 2":                model(t, 200, []float32{1, 0, 0}, []float32{1, 0}),
	} {
		_, err := m.Embed(t.Context(), []string{"a", "b"})
		if got := strings.ReplaceAll(fmt.Sprint(err), m.URL, "URL"); got != want {
			t.Errorf("error %s, want %s", got, want)
		}
	}
}

func TestAMalformedAnswerOfAModelIsAnError(t *testing.T) {
	for name, answer := range map[string]string{
		"null number":   `{"data":[{"embedding":[null,1]},{"embedding":[1,0]}]}`,
		"null vector":   `{"data":[{"embedding":null},{"embedding":[1,0]}]}`,
		"text":          `{"data":[{"embedding":["a","b"]},{"embedding":[1,0]}]}`,
		"NaN":           `{"data":[{"embedding":[NaN,1]},{"embedding":[1,0]}]}`,
		"too large":     `{"data":[{"embedding":[1e999,1]},{"embedding":[1,0]}]}`,
		"no data":       `{"data":null}`,
		"null":          `null`,
		"nothing":       ``,
		"HTML":          `<html>`,
		"a place twice": `{"data":[{"index":0,"embedding":[0,1]},{"index":0,"embedding":[1,0]}]}`,
		"no such place": `{"data":[{"index":0,"embedding":[0,1]},{"index":7,"embedding":[1,0]}]}`,
		"a huge body":   `{"data":[{"embedding":[0,1]},{"embedding":[1,0]}],"x":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
			t.Cleanup(server.Close)
			if got, err := embedding.NewRemote(server.URL, "", "m", 2).Embed(t.Context(), []string{"a", "b"}); err == nil {
				t.Errorf("taken for %v", got)
			}
		})
	}
}

func TestAModelMayAnswerInAnyOrder(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[{"index":1,"embedding":[0,1]},{"index":0,"embedding":[1,0]}]}`)
	}))
	t.Cleanup(server.Close)
	got, err := embedding.NewRemote(server.URL, "", "m", 2).Embed(t.Context(), []string{"a", "b"})
	if diff := cmp.Diff([][]float32{{1, 0}, {0, 1}}, got); diff != "" || err != nil {
		t.Errorf("vectors (%v) (-want +got):\n%s", err, diff)
	}
}

func TestAModelThatRefusesTextsIsToldFromOneThatIsAway(t *testing.T) {
	for status, refused := range map[int]bool{400: true, 413: true, 422: true, 429: false, 500: false, 503: false} {
		if _, err := model(t, status).Embed(t.Context(), []string{"a"}); errors.Is(err, embedding.ErrRefused) != refused {
			t.Errorf("%d: %v, refused %v", status, err, refused)
		}
	}
}

func TestEmbeddingAllocatesNothingForEachFeature(t *testing.T) {
	text := strings.Repeat("The keeper of the lighthouse trims its lamp at dusk, and again before dawn. ", 14)
	if n := testing.AllocsPerRun(20, func() { embed(t, text) }); n > 40 {
		t.Errorf("%v allocations for a chunk, want 40 at most", n)
	}
}

// The model's name stands for its vectors: another vector needs another name, or old ones are compared with new ones.
func TestTheVectorsOfThisModelStay(t *testing.T) {
	sum := fnv.New64a()
	for _, v := range embed(t, "The keepers trimmed their lamps at dusk; 42 lighthouses.", "Öl für Leuchttürme") {
		if err := binary.Write(sum, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprintf("%x", sum.Sum64()); got != "a1684c142e2c4499" {
		t.Errorf("the vectors have the hash %s", got)
	}
}
