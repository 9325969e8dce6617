package search_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/text/unicode/norm"

	"github.com/ragscale/ragscale/ragapi/search"
)

// spoken are words that no stemming changes, of many scripts, some of which are written in two forms or have marks of their own.
var spoken = []string{"zbrk", "zdrm", "zgnt", "zlpm", "zmrk", "zvlk",
	"été", "ñandú", "ångström", "naïf", "масло", "đường", "灯塔", "등대", "कखग", "x\u030cyz"}

// chunkRead is a chunk as a reader sees it: its words in order, those of the title first.
type chunkRead struct {
	place search.Place
	words []string
}

// wordsIn are the words of a text as they are compared.
func wordsIn(text string) []string {
	return strings.FieldsFunc(norm.NFC.String(strings.ToLower(text)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}

// say is a word as somebody may type it.
func say(random *rand.Rand, word string) string {
	if random.IntN(3) == 0 {
		word = strings.ToUpper(word)
	}
	if random.IntN(2) == 0 {
		return norm.NFD.String(word)
	}
	return word
}

// anyLibrary adds documents of some chunks, in each of which some words are among many others.
func anyLibrary(t *testing.T, pool *pgxpool.Pool, random *rand.Rand) (chunks []chunkRead) {
	t.Helper()
	word := func() string { return norm.NFC.String(say(random, spoken[random.IntN(len(spoken))])) }
	var books [][2]string
	for n := range 40 {
		var text strings.Builder
		for range 1 + random.IntN(800) {
			text.WriteString(fmt.Sprintf("q%c%c", 'a'+random.IntN(26), 'a'+random.IntN(26)) + []string{" ", " ", ", ", ".\n"}[random.IntN(4)])
			if random.IntN(20) == 0 {
				text.WriteString(word() + " ")
			}
		}
		books = append(books, [2]string{fmt.Sprintf("%s %s %d", word(), word(), n), text.String()})
	}
	add(t, pool, books...)
	rows, err := pool.Query(t.Context(), `SELECT document_id, position, heading || ' ' || content FROM chunks`)
	if err != nil {
		t.Fatal(err)
	}
	var c chunkRead
	var read string
	_, err = pgx.ForEachRow(rows, []any{&c.place.DocumentID, &c.place.Position, &read}, func() error {
		chunks = append(chunks, chunkRead{c.place, wordsIn(read)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return chunks
}

// term is a word, or two side by side.
type term []string

func (c chunkRead) has(t term) bool {
	for i := range c.words {
		if slices.Equal(c.words[i:min(len(c.words), i+len(t))], t) {
			return true
		}
	}
	return false
}

// question is a search as it is meant: one of some lists of terms, all of them, and none of those that are excluded.
type question struct {
	either   [][]term
	excluded []term
}

func (q question) meets(c chunkRead) bool {
	return !slices.ContainsFunc(q.excluded, c.has) && slices.ContainsFunc(q.either, func(all []term) bool {
		return !slices.ContainsFunc(all, func(t term) bool { return !c.has(t) })
	})
}

// anyQuestion makes a question, and two ways to type it.
func anyQuestion(random *rand.Rand, chunks []chunkRead) (q question, typed, otherwise string) {
	some := func() term {
		if random.IntN(4) == 0 { // side by side somewhere
			for range 100 {
				words := chunks[random.IntN(len(chunks))].words
				if i := random.IntN(len(words)); i+1 < len(words) && slices.Contains(spoken, words[i]) {
					return words[i : i+2]
				}
			}
		}
		return term{spoken[random.IntN(len(spoken))]}
	}
	var parts [][2]string
	add := func(sign string, t term) {
		var ways [2]string
		for i := range ways {
			var words []string
			for _, w := range t {
				words = append(words, say(random, w))
			}
			ways[i] = sign + strings.Join(words, " ")
			if len(t) > 1 {
				ways[i] = sign + `"` + strings.Join(words, " ") + `"`
			}
		}
		parts = append(parts, ways)
	}
	for range random.IntN(3) {
		t := some()
		q.excluded = append(q.excluded, t)
		add("-", t)
	}
	for i := range 1 + random.IntN(3) {
		or := i > 0 && random.IntN(2) == 0
		if i == 0 || or {
			q.either = append(q.either, nil)
		}
		if or {
			parts = append(parts, [2]string{"or", "OR"})
		}
		t := some()
		q.either[len(q.either)-1] = append(q.either[len(q.either)-1], t)
		add("", t)
	}
	if random.IntN(2) == 0 && len(q.excluded) > 0 { // what is excluded may stand anywhere
		parts = append(parts[1:], parts[0])
	}
	for _, p := range parts {
		typed, otherwise = typed+" "+p[0], otherwise+"  "+p[1]
	}
	return q, typed, otherwise
}

// all reads every page.
func all(t *testing.T, ask func(search.Query) (search.Result, error), q search.Query) (hits []search.Hit) {
	t.Helper()
	for {
		page, err := ask(q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		if len(page.Hits) > q.Limit || page.Next != "" && len(page.Hits) != q.Limit {
			t.Fatalf("%+v: a page of %d hits", q, len(page.Hits))
		}
		hits = append(hits, page.Hits...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return hits
		}
	}
}

func placesOf(hits []search.Hit) (places []search.Place) {
	for _, h := range hits {
		places = append(places, search.Place{DocumentID: h.DocumentID, Position: h.Position})
	}
	return places
}

// read are the chunks of a library, by their places.
type read map[search.Place]chunkRead

// hold fails the test unless hits are those of a question: all that meet it, each once, and none that it excludes.
func (r read) hold(t *testing.T, q question, exactly bool, hits []search.Hit) {
	t.Helper()
	got := placesOf(hits)
	for i, place := range got {
		c := r[place]
		if slices.ContainsFunc(q.excluded, c.has) || slices.Contains(got[:i], place) || exactly && !q.meets(c) {
			t.Errorf("hit %d is %v, excluded, found before or no answer: %q", i, place, c.words)
		}
	}
	for place, c := range r {
		if q.meets(c) && !slices.Contains(got, place) {
			t.Errorf("%v is not among %d hits: %q", place, len(got), c.words)
		}
	}
}

// holdPerDocument fails the test if a document has more hits.
func holdPerDocument(t *testing.T, hits []search.Hit, most int) {
	t.Helper()
	of := map[uuid.UUID]int{}
	for _, h := range hits {
		if of[h.DocumentID]++; of[h.DocumentID] > most {
			t.Errorf("%d hits of a document, want %d at most", of[h.DocumentID], most)
		}
	}
}

func TestAnyQuestionFindsWhatIsThereAndNothingThatIsExcluded(t *testing.T) {
	pool, random := database(t), rand.New(rand.NewPCG(5, 8))
	chunks, library, found := anyLibrary(t, pool, random), read{}, 0
	for _, c := range chunks {
		library[c.place] = c
	}
	for n := 0; n < 150 && !t.Failed(); n++ {
		q, typed, otherwise := anyQuestion(random, chunks)
		for name, ask := range engines(pool) {
			hits := all(t, ask, search.Query{Text: typed, Limit: 1 + random.IntN(50), PerDocument: 50})
			library.hold(t, q, name == "simple", hits)
			found += len(hits)
			few, most := 1+random.IntN(7), 1+random.IntN(3)
			begin := all(t, ask, search.Query{Text: otherwise, Limit: 50, PerDocument: most})
			holdPerDocument(t, begin, most)
			short, err := ask(search.Query{Text: typed, Limit: few, PerDocument: most})
			if diff := cmp.Diff(placesOf(begin)[:min(few, len(begin))], placesOf(short.Hits)); err != nil || diff != "" {
				t.Errorf("the first %d of few and of all, typed otherwise, differ (%v):\n%s", few, err, diff)
			}
			if t.Failed() {
				t.Fatalf("so it is, %s, with %q and %q", name, typed, otherwise)
			}
		}
	}
	if found < 1000 {
		t.Errorf("the questions have %d answers: this has tried nothing", found)
	}
}
