package search_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/search"
)

// every is a vector store that finds every chunk similar, whatever it is asked, and some that are not there.
type every struct{ pool *pgxpool.Pool }

func (s every) Similar(ctx context.Context, _ string, limit int) (pieces []search.Piece, err error) {
	rows, err := s.pool.Query(ctx, `SELECT document_id, position, coalesce(version, 1) FROM chunks ORDER BY content, document_id LIMIT $1`, limit)
	if err != nil {
		panic(err)
	}
	defer rows.Close()
	for rows.Next() {
		var p search.Piece
		if err := rows.Scan(&p.DocumentID, &p.Position, &p.Version); err != nil {
			panic(err)
		}
		pieces = append(pieces, p, p, search.Piece{Place: search.Place{DocumentID: uuid.Max, Position: -1}})
	}
	return pieces, nil
}

// engines are those without and with a vector store, in both modes.
func engines(pool *pgxpool.Pool) map[string]func(q search.Query) (search.Result, error) {
	reads := postgres.NewReader(pool, nil, nil)
	ask := func(e *search.Engine, mode search.Mode) func(search.Query) (search.Result, error) {
		return func(q search.Query) (search.Result, error) {
			q.Mode = mode
			return e.Search(context.Background(), q)
		}
	}
	return map[string]func(q search.Query) (search.Result, error){
		"simple": ask(search.New(reads, nil), search.Simple), "complex": ask(search.New(reads, nil), search.Complex), "fused": ask(search.New(reads, every{pool}), search.Complex),
	}
}

func titlesOf(hits []search.Hit) []string {
	titles := []string{}
	for _, h := range hits {
		titles = append(titles, h.Title)
	}
	return titles
}

func TestWhatIsExcludedIsInNoList(t *testing.T) {
	pool := database(t)
	add(t, pool,
		[2]string{"plain", "The zylamp was trimmed."},
		[2]string{"with dusk", "The zylamp at dusk."},
		[2]string{"with the phrase", "The dusk keeper has a zylamp."},
		[2]string{"with an accent", "Un zylamp, un été."},
		[2]string{"in Cyrillic", "Zylamp и масло."},
		[2]string{"excluded only", "Only dusk, zylampshade and the dusk keeper."},
		[2]string{"dusk", "A zylamp under a title."},
		[2]string{"zylamp -dusk", "The zylamp of the very title."},
	)
	all := []string{"plain", "with dusk", "with the phrase", "with an accent", "in Cyrillic", "excluded only", "dusk", "zylamp -dusk"}
	for text, gone := range map[string][]string{
		"zylamp -dusk":               {"with dusk", "with the phrase", "excluded only", "dusk", "zylamp -dusk"},
		"-dusk zylamp":               {"with dusk", "with the phrase", "excluded only", "dusk", "zylamp -dusk"},
		"zylamp or oil -DUSK":        {"with dusk", "with the phrase", "excluded only", "dusk", "zylamp -dusk"},
		"zylamp or -dusk":            {"with dusk", "with the phrase", "excluded only", "dusk", "zylamp -dusk"},
		`zylamp -"dusk keeper"`:      {"with the phrase", "excluded only"},
		`-"dusk keeper" zylamp`:      {"with the phrase", "excluded only"},
		`zylamp -"dusk keeper`:       {"with the phrase", "excluded only"},
		"zylamp -e\u0301te\u0301":    {"with an accent"},
		"zylamp -МАСЛО":              {"in Cyrillic"},
		"zylamp absent -dusk -été":   {"with dusk", "with the phrase", "excluded only", "dusk", "zylamp -dusk", "with an accent"},
		`"zylamp of the" (-keepers)`: {"with the phrase", "excluded only"},
	} {
		for name, ask := range engines(pool) {
			result, err := ask(search.Query{Text: text, Limit: 50})
			if err != nil {
				t.Fatal(err)
			}
			got := titlesOf(result.Hits)
			for _, title := range gone {
				if slices.Contains(got, title) {
					t.Errorf("%s, %s: %q is found: %q", text, name, title, got)
				}
			}
			if left := len(all) - len(gone); name == "fused" && len(got) != left {
				t.Errorf("%s, %s: %q, want all %d others", text, name, got, left)
			}
		}
	}
}

func TestExclusionsAloneAreAFault(t *testing.T) {
	for name, ask := range engines(database(t)) {
		if _, err := ask(search.Query{Text: `-dusk -"the keeper"`, Limit: 10}); !errors.Is(err, search.ErrOnlyExclusions) {
			t.Errorf("%s: %v", name, err)
		}
		if result, err := ask(search.Query{Text: "- ---", Limit: 10}); err != nil || len(result.Hits) != 0 {
			t.Errorf("%s: %v (%v), want nothing for nothing", name, result.Hits, err)
		}
	}
}

func TestBothFormsOfUnicodeFindTheSame(t *testing.T) {
	pool := database(t)
	add(t, pool, [2]string{"Café Ångström", "Le café naïve est à côté."}, [2]string{"灯塔", "守塔人 在 黄昏 修剪 灯芯。"})
	for _, texts := range [][2]string{{"café", "cafe\u0301"}, {"Ångström", "A\u030angstro\u0308m"}, {"naïve -été", "nai\u0308ve -e\u0301te\u0301"}, {"café ångström", "CAFE\u0301 A\u030aNGSTRO\u0308M"}, {"灯塔", "灯塔"}} {
		for name, ask := range engines(pool) {
			composed, err := ask(search.Query{Text: texts[0], Limit: 10})
			if err != nil || len(composed.Hits) == 0 {
				t.Fatalf("%s, %q: %v (%v)", name, texts[0], composed.Hits, err)
			}
			decomposed, err := ask(search.Query{Text: texts[1], Limit: 10})
			if diff := cmp.Diff(composed, decomposed); err != nil || diff != "" {
				t.Errorf("%s, %q (%v):\n%s", name, texts[1], err, diff)
			}
		}
	}
}

// library adds documents with many chunks that rank alike and differently.
func library(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	var books [][2]string
	for i := range 12 {
		var text strings.Builder
		for p := range 6 + i {
			fmt.Fprintf(&text, "Chapter %d of the lamp. %s%s\n\n", p, strings.Repeat("The keeper trims the lamp. ", p%4), strings.Repeat("Something else is told here. ", 26))
		}
		books = append(books, [2]string{fmt.Sprintf("Book %d", i), text.String()})
	}
	add(t, pool, books...)
}

func TestTheBestOfFewAreTheBestOfMany(t *testing.T) {
	pool := database(t)
	library(t, pool)
	for name, ask := range engines(pool) {
		for _, text := range []string{"lamp", "keeper lamp", "lamp absent", "chap absent", `"the lamp" -absent`} {
			whole, err := ask(search.Query{Text: text, Limit: 50, PerDocument: 7})
			if err != nil {
				t.Fatal(err)
			}
			for _, limit := range []int{1, 2, 3, 10, 49} {
				few, err := ask(search.Query{Text: text, Limit: limit, PerDocument: 7})
				if diff := cmp.Diff(whole.Hits[:min(limit, len(whole.Hits))], few.Hits); err != nil || diff != "" {
					t.Errorf("%s, %s, limit %d (%v):\n%s", name, text, limit, err, diff)
				}
			}
		}
	}
}

func TestPagesNeitherRepeatNorLose(t *testing.T) {
	pool := database(t)
	library(t, pool)
	for name, ask := range engines(pool) {
		for _, text := range []string{"lamp", "chapter or absent", "lamp absent", "chapter -absent"} {
			if text == "lamp absent" && name == "simple" {
				continue // nothing has both
			}
			var first []search.Place
			for _, limit := range []int{50, 7, 13} {
				var places []search.Place
				for cursor, more := "", true; more; {
					result, err := ask(search.Query{Text: text, Limit: limit, PerDocument: 50, Cursor: cursor})
					if err != nil {
						t.Fatal(err)
					}
					for _, h := range result.Hits {
						places = append(places, search.Place{DocumentID: h.DocumentID, Position: h.Position})
					}
					cursor, more = result.Next, result.Next != ""
				}
				if first == nil {
					first = places
				}
				if diff := cmp.Diff(first, places); diff != "" || len(places) < 100 {
					t.Errorf("%s, %s: %d hits by pages of %d:\n%s", name, text, len(places), limit, diff)
				}
			}
		}
	}
}

func TestPagesGoOnWhereTheyStoodWhenDocumentsComeAndGo(t *testing.T) {
	pool := database(t)
	library(t, pool)
	for _, mode := range []search.Mode{search.Simple, search.Complex} {
		q := search.Query{Text: "lamp", Mode: mode, Limit: 10, PerDocument: 50}
		first, err := engine(pool).Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		q.Cursor = first.Next
		want, err := engine(pool).Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		add(t, pool, [2]string{"better", "lamp lamp lamp lamp lamp lamp"})
		if _, err := pool.Exec(t.Context(), `DELETE FROM chunks WHERE document_id = $1 AND position = $2`, first.Hits[3].DocumentID, first.Hits[3].Position); err != nil {
			t.Fatal(err)
		}
		got, err := engine(pool).Search(t.Context(), q)
		if diff := cmp.Diff(want.Hits, got.Hits); err != nil || diff != "" {
			t.Errorf("%s (%v):\n%s", mode, err, diff)
		}
	}
}

func TestOneDocumentDoesNotCrowdOutTheOthers(t *testing.T) {
	pool := database(t)
	library(t, pool)
	for name, ask := range engines(pool) {
		for _, perDocument := range []int{0, 1, 5} {
			result, err := ask(search.Query{Text: "lamp or absent", Limit: 50, PerDocument: perDocument})
			if err != nil {
				t.Fatal(err)
			}
			of := map[string]int{}
			for _, title := range titlesOf(result.Hits) {
				of[title]++
			}
			most := perDocument
			if most == 0 {
				most = search.DefaultPerDocument
			}
			for title, n := range of {
				if n > most {
					t.Errorf("%s: %d hits of %s, want %d at most", name, n, title, most)
				}
			}
			if len(result.Hits) != min(50, 12*most) || len(of) < 10 {
				t.Errorf("%s: %d hits of %d documents", name, len(result.Hits), len(of))
			}
		}
	}
}

func TestFiltersHoldInEveryList(t *testing.T) {
	pool := database(t)
	store := document.NewStore(pool, postgres.NewReader(pool, nil, nil), noQueue{}, nil)
	for title, metadata := range map[string]string{"number": `{"year": 2020}`, "text": `{"year": "2020"}`, "list": `{"year": [2019, 2020]}`, "other": `{"year": 2021}`, "none": `{}`, "nested": `{"in": {"year": 2020}}`} {
		doc, err := store.Create(t.Context(), document.Upload{Title: title, Text: "The lamp.", Metadata: json.RawMessage(metadata)})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.Process(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	}
	for name, ask := range engines(pool) {
		for value, want := range map[string][]string{"2020": {"list", "number", "text"}, `"2020"`: {"text"}, "2.02e3": {"list", "number"}, "2021": {"other"}, "1e99": {}} {
			result, err := ask(search.Query{Text: "lamp", Limit: 10, Filter: []search.Condition{{Key: "year", Value: value}, {Key: "year", Value: value}}})
			got := titlesOf(result.Hits)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s, %s (%v):\n%s", name, value, err, diff)
			}
		}
	}
}

func TestHitsBringTheirTextAndItsNeighbours(t *testing.T) {
	pool := database(t)
	var text strings.Builder
	for _, word := range []string{"alpha", "beta", "gamma", "delta"} {
		text.WriteString(strings.Repeat(word+" ", 900/(len(word)+1)) + "\n\n")
	}
	add(t, pool, [2]string{"x", text.String()})
	for name, ask := range engines(pool) {
		result, err := ask(search.Query{Text: "gamma -alpha", Limit: 1, Content: true, Neighbours: 2, PerDocument: 1})
		if err != nil || len(result.Hits) != 1 {
			t.Fatal(name, result.Hits, err)
		}
		h := result.Hits[0]
		if name != "fused" && (!strings.Contains(h.Content, "gamma gamma") || len(h.Before) != 2 || len(h.After) == 0 || !strings.Contains(h.Before[0], "alpha") || !strings.Contains(h.After[0], "delta")) {
			t.Errorf("%s: %+v", name, h)
		}
		plain, err := ask(search.Query{Text: "gamma", Limit: 1})
		if h := plain.Hits[0]; err != nil || h.Content != "" || h.Before != nil || h.After != nil {
			t.Errorf("%s: texts that nobody asked for: %+v (%v)", name, h, err)
		}
	}
}

// broken is a vector store's index with a defect.
type broken struct{}

func (broken) Similar(context.Context, string, int) ([]search.Piece, error) {
	panic("index out of range")
}

// away is a vector store that does not answer.
type away struct{}

func (away) Similar(context.Context, string, int) ([]search.Piece, error) {
	return nil, errors.New("away")
}

func TestADefectBesideAVectorStoreCostsOnlyTheVectors(t *testing.T) {
	pool := database(t)
	add(t, pool, [2]string{"x", "The lamp."})
	for name, similar := range map[string]search.Similar{"a defect": broken{}, "no answer": away{}, "none": nil, "an answer": every{pool}} {
		result, err := search.New(postgres.NewReader(pool, nil, nil), similar).Search(t.Context(), search.Query{Text: "lamp", Mode: search.Complex, Limit: 1})
		if err != nil || len(result.Hits) != 1 {
			t.Errorf("%s: %v (%v), want the hit by words", name, result.Hits, err)
		}
		if want := name == "a defect" || name == "no answer"; result.Degraded != want {
			t.Errorf("%s: said to be degraded: %t, want %t", name, result.Degraded, want)
		}
	}
}

func TestNoTextIsAnError(t *testing.T) {
	pool := database(t)
	add(t, pool, [2]string{"x", `The lamp at http://example.org/a'b?c=\d and a@b.example, it's 5:30.`})
	texts := []string{`http://example.org/a'b?c=\d`, `a@b.example it's`, `'x\' "y\`, `\`, `'`, `:* & | ! <-> ( )`, "\u0301", "\ue000lamp\ue001", "lamp:*A", "-5.5e3 5:30", "💡 -🚢", "\u202elamp", `a'b:A 'c':*`, "$1 {read} %s", "a/b/c.d -x/y"}
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune(`ab "-'\:*&|!()<>ors1.@/` + "é\u0301灯💡\t")
	for range 150 {
		text := make([]rune, 1+random.IntN(20))
		for i := range text {
			text[i] = alphabet[random.IntN(len(alphabet))]
		}
		texts = append(texts, string(text))
	}
	for name, ask := range engines(pool) {
		for _, text := range texts {
			_, err := ask(search.Query{Text: text, Limit: 10, Filter: []search.Condition{{Key: text, Value: text}}})
			if err != nil && !errors.Is(err, search.ErrOnlyExclusions) {
				t.Errorf("%s, %q: %v", name, text, err)
			}
		}
	}
}

func TestADocumentWithEveryGoodChunkLeavesRoom(t *testing.T) {
	pool := database(t)
	add(t, pool, [2]string{"crowd", strings.Repeat(strings.Repeat("lamp oil ", 100)+"\n\n", 150)}, [2]string{"weak", "A lamp, and much later on, after other things and matters, some oil."}, [2]string{"weaker", "Oil there is none, it is said, in the yard beyond the gate, and no lamp."})
	for name, ask := range engines(pool) {
		if name == "fused" {
			continue // whose vectors find all there are
		}
		result, err := ask(search.Query{Text: "lamp oil", Limit: 3, PerDocument: 1})
		if diff := cmp.Diff([]string{"crowd", "weak", "weaker"}, titlesOf(result.Hits)); err != nil || diff != "" {
			t.Errorf("%s (%v):\n%s", name, err, diff)
		}
	}
}
