package document_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// asBefore makes the chunks there are those of a release that read words as PostgreSQL's parser does.
func (w world) asBefore() {
	w.t.Helper()
	for _, sql := range []string{
		`UPDATE chunks SET tsv = setweight(to_tsvector('english', heading), 'A') || setweight(to_tsvector('english', content), 'D')`,
		`INSERT INTO chunk_rereading VALUES ('00000000-0000-0000-0000-000000000000', 0)`,
	} {
		if _, err := w.pool.Exec(w.t.Context(), sql); err != nil {
			w.t.Fatal(err)
		}
	}
}

// rereadAll returns how many times there was something to read anew.
func (w world) rereadAll() (times int) {
	w.t.Helper()
	for {
		left, err := w.Reread(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if !left {
			return times
		}
		times++
	}
}

func (w world) value(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestChunksOfAnEarlierReleaseAreReadAnewOnce(t *testing.T) {
	w := open(t)
	var ids []uuid.UUID
	for _, text := range []string{"Write to ann@mail.example.", "A plain one.", strings.Repeat("ann@mail.example, and so on and on. ", 20_000), "The last: mail/x_y."} {
		ids = append(ids, w.create(text))
		w.process(ids[len(ids)-1])
	}
	w.asBefore()
	plain := w.value(`SELECT xmin::text::int FROM chunks WHERE document_id = $1`, ids[1])
	if n := w.count("mail"); n != 0 {
		t.Fatalf("%d chunks of before have a word of the address", n)
	}
	chunks := w.value(`SELECT count(*) FROM chunks WHERE content LIKE '%mail%'`)
	if _, err := w.Reread(t.Context()); err != nil || w.count("mail") != 1 {
		t.Errorf("%d chunks after the first document (%v), want 1", w.count("mail"), err)
	}
	w.rereadAll()
	if n := w.count("mail"); n != chunks || chunks < 700 {
		t.Errorf("%d of %d chunks have the word", n, chunks)
	}
	if xmin := w.value(`SELECT xmin::text::int FROM chunks WHERE document_id = $1`, ids[1]); xmin != plain {
		t.Error("a chunk that reads the same was written")
	}
	if times := w.rereadAll(); times != 0 {
		t.Errorf("read %d times more, want it to be done", times)
	}
}

func TestReadingAnewLeavesADocumentAloneThatIsProcessed(t *testing.T) {
	w := open(t)
	id := w.create("A saddle.")
	w.process(id)
	w.asBefore()
	w.replace(id, text("lamp"))
	release := w.halfway(id)
	ended := w.begin(id)
	if left, err := w.Reread(t.Context()); left || err != nil {
		t.Errorf("%t (%v), want nothing to do now", left, err)
	}
	release()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if times := w.rereadAll(); times == 0 || w.count("lamp") == 0 || w.count("saddle") != 0 {
		t.Errorf("afterwards: read %d times, %d chunks of the new text, %d of the old", times, w.count("lamp"), w.count("saddle"))
	}
}
