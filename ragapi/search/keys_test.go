package search_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"github.com/ragscale/ragscale/ragapi/search"
)

// otherwise types a text in another way, which may mean the same.
func otherwise(random *rand.Rand, text string) string {
	words := strings.Fields(text)
	i := random.IntN(len(words))
	switch random.IntN(11) {
	case 0:
		words[i] = `"` + words[i] + `"`
	case 1:
		words[i] = "(" + words[i]
	case 2:
		words[i] = "[{" + words[i] + ")"
	case 3:
		words = append(words, "or")
	case 4:
		words = slices.Insert(words, i, "-")
	case 5:
		words = slices.Insert(words, i, `""`, "--")
	case 6:
		words[i] = norm.NFD.String(words[i])
	case 7:
		words[i] = strings.ToUpper(words[i])
	case 8:
		words[i] = strings.ToLower(words[i])
	case 9:
		words = slices.Insert(words, i, "OR", "or")
	case 10:
		return `"` + text + `"`
	}
	return strings.Join(words, []string{" ", "  ", "\t", "\u2003"}[random.IntN(4)])
}

func TestQueriesWithOneKeyHaveOneAnswer(t *testing.T) {
	pool, random := database(t), rand.New(rand.NewPCG(3, 4))
	titles := []string{"Zebrafish", "Zebrafish zebrafish zebrafish handbook", "(Zebrafish", `"Zebrafish"`, "Zebrafish or lamp", "Zebrafish lamp", "lamp - zebrafish", "lamp zebrafish",
		"İzmir", "izmir", "ızmir", "Straße", "STRASSE", "Σίσυφος", "Été", "C++", "C", "a@b.example", "- Zebrafish", "Zebrafish or"}
	for _, title := range titles {
		add(t, pool, [2]string{title, "Nothing of note here but " + strings.ToLower(title) + " and a zebrafish."})
	}
	same := 0
	for range 600 {
		words := strings.Fields(titles[random.IntN(len(titles))])
		if random.IntN(2) == 0 {
			words = append(words, []string{"or lamp", "-absent", `"zebrafish lamp"`, "ZEBRAFISH"}[random.IntN(4)])
		}
		text := strings.Join(words, " ")
		other := otherwise(random, otherwise(random, text))
		for name, ask := range engines(pool) {
			first, second := search.Query{Text: text, Limit: 10, Mode: search.Simple}, search.Query{Text: other, Limit: 10, Mode: search.Simple}
			if first.Check() != nil || first.Key() != second.Key() {
				continue
			}
			same++
			want, err := ask(first)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ask(second)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %q and %q have one key (%v):\n%s", name, text, other, err, diff)
			}
		}
		if t.Failed() {
			return
		}
	}
	if same < 300 {
		t.Errorf("%d pairs with one key: this has tried nothing", same)
	}
}

func TestATitleIsFoundHoweverItIsTyped(t *testing.T) {
	pool := database(t)
	texts := map[string][]string{ // by title
		"Zebrafish":                {"zebrafish", `"zebrafish"`, "(Zebrafish)", "zebrafish or", "- zebrafish"},
		"To be or not to be":       {"to be or not to be", `"To be" or not to be`},
		"Lighthouses - a history":  {"lighthouses - a history", `"lighthouses - a history"`},
		`The "quoted" (bracketed)`: {`the "quoted" (bracketed)`, "the quoted bracketed"},
		"C++":                      {"c++", `"C++"`},
		"Well-known facts":         {"well-known facts"},
		"Été à la plage":           {"e\u0301te\u0301 A\u0300 LA plage"},
	}
	for title := range texts {
		words := strings.NewReplacer("+", "", `"`, "", "(", "", ")", "").Replace(title)
		// The newer one comes first of what ranks alike, and the one with the words more often of what is no title.
		add(t, pool, [2]string{title, "Nothing of note."}, [2]string{strings.Repeat(words+" ", 3) + "handbook", strings.Repeat(words+" ", 9)})
	}
	for title, typed := range texts {
		for name, ask := range engines(pool) {
			for _, text := range typed {
				result, err := ask(search.Query{Text: text, Limit: 1})
				if got := titlesOf(result.Hits); err != nil || !slices.Equal(got, []string{title}) || result.Hits[0].Match != search.MatchTitle {
					t.Errorf("%s, %s: %q (%v), want %q", name, text, got, err, title)
				}
			}
		}
	}
}
