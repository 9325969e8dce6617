package document_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
)

// passage returns how many chunks a document is said to have, and the texts of those at positions 1 to 3.
func (w world) passage(id uuid.UUID) (of int, contents []string) {
	w.t.Helper()
	p, err := w.Chunks(w.t.Context(), id, 1, 3)
	if err != nil {
		w.t.Fatal(err)
	}
	if doc := w.get(id); p.Version != doc.Version || p.Status != doc.Status {
		w.t.Errorf("the chunks are of version %d, %s, want %d, %s", p.Version, p.Status, doc.Version, doc.Status)
	}
	for i, c := range p.Chunks {
		if c.Position != i+1 {
			w.t.Errorf("chunk %d is at position %d", i, c.Position)
		}
		contents = append(contents, c.Content)
	}
	return p.Of, contents
}

func TestChunksAreOfTheTextThatIsReadyAndOfNoneBefore(t *testing.T) {
	w := open(t)
	long := func(word string) string { return strings.Repeat("A sentence about a "+word+". ", 200) }
	id := w.create(long("saddle"))
	none := func(when string) {
		t.Helper()
		if of, contents := w.passage(id); of != 0 || contents != nil {
			t.Errorf("%s: %d of %d chunks are shown, want none", when, len(contents), of)
		}
	}
	all := func(word string) {
		t.Helper()
		other := func(content string) bool { return !strings.Contains(content, word) }
		if of, contents := w.passage(id); of != w.get(id).ChunkCount || len(contents) != 3 || slices.ContainsFunc(contents, other) {
			t.Errorf("%d chunks, of which %q, want three of the text about a %s", of, contents, word)
		}
	}
	none("pending")
	w.process(id)
	all("saddle")
	w.replace(id, long("lamp"))
	none("replaced")
	w.process(id)
	all("lamp")
	w.replace(id, long("keeper"))
	if err := w.Fail(t.Context(), id, 3, "too long"); err != nil {
		t.Fatal(err)
	}
	none("failed")
	if p, err := w.Chunks(t.Context(), uuid.New(), 0, 3); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("chunks %+v of a document that is not there: %v", p, err)
	}
}
