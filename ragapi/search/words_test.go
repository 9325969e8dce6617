package search_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/search"
)

func TestAddressesPathsAndNumbersAreFoundWholeAndByTheirWords(t *testing.T) {
	pool := database(t)
	for text, queries := range map[string][]string{
		"Write to ann.lee@mail.example.org today.":       {"ann.lee@mail.example.org", "ANN.LEE@mail.example.org", "mail.example.org", "lee", "<ann.lee@mail.example.org>", `"to ann.lee"`},
		"See https://docs.example.com/guide/a_b?page=7.": {"https://docs.example.com/guide/a_b?page=7", "docs.example.com", "docs.example.com/guide", "guide", "page=7"},
		"Open /usr/share/zdoc/read_me.txt, then close.":  {"/usr/share/zdoc/read_me.txt", "usr/share", "read_me.txt", "read_me", "read", "zdoc"},
		`Or C:\data\zfile-2.csv on others.`:              {`C:\data\zfile-2.csv`, "zfile-2.csv", "zfile", `data\zfile`},
		"Since v1.24.3-rc1 it costs -5.75 or 1e5 less.":  {"v1.24.3", "24.3", "v1.24.3-rc1", "rc1", "5.75", "-absent 5.75", "1e5"},
		"A well-known max_user_count, of <b>users</b>":   {"well-known", "known", "max_user_count", "user_count", "users", "max"},
		"Ο ΆΣΣΟΣ και η Ζ.":                               {"άσσος", "ΆΣΣΟΣ", "Άσσος", "άσσοσ"},
		"Ένα λάθος, zeta.":                               {"λάθος zeta", "ΛΆΘΟΣ", "λάθοσ"},
		`{"zid":7,"mail":"zed@example.net"}`:             {"zid", "zed@example.net", `"zid":7`},
	} {
		add(t, pool, [2]string{text[:7], text}, [2]string{"others", "Nothing of note: at, com, b, 4, txt and org."})
		for name, ask := range engines(pool) {
			if name == "fused" {
				continue // whose vectors find all there are
			}
			for _, typed := range queries {
				result, err := ask(search.Query{Text: typed, Limit: 1})
				if err != nil || len(result.Hits) != 1 || result.Hits[0].Title != text[:7] {
					t.Errorf("%s, %s: %v (%v), want %q", name, typed, result.Hits, err, text)
				}
				if name == "simple" && err == nil && len(result.Hits) == 1 && !strings.Contains(result.Hits[0].Snippet, "<mark>") {
					t.Errorf("%s: no word is marked in %q", typed, result.Hits[0].Snippet)
				}
			}
		}
	}
	for _, typed := range []string{"lee.ann", "share/usr", "24.1", "-5.75 absent", "example.docs"} {
		if got := found(t, pool, typed, search.Simple, 10); len(got) != 0 {
			t.Errorf("%s: %q, want nothing in another order", typed, got)
		}
	}
}

// What only words and whole numbers are made of, the parser looks at once. Anything else it may go back for.
func TestTheParserIsGivenNothingButWords(t *testing.T) {
	pool, random := database(t), rand.New(rand.NewPCG(6, 7))
	alphabet := []rune("a1e B\t\n\r\x01éß灯1\u0301\u200c\u00a0\u00ad½²")
	for r := '!'; r < 0x7f; r++ {
		alphabet = append(alphabet, r)
	}
	plain := []string{"asciiword", "word", "numword", "uint", "float", "sfloat", "blank"}
	for range 400 {
		unit := make([]rune, 1+random.IntN(12))
		for i := range unit {
			unit[i] = alphabet[random.IntN(len(alphabet))]
		}
		text := strings.Repeat(string(unit), 1+random.IntN(20))
		rows, err := pool.Query(t.Context(), `SELECT DISTINCT alias::text FROM ts_parse('default', chunk_words($1)) JOIN ts_token_type('default') USING (tokid)`, text)
		if err != nil {
			t.Fatal(err)
		}
		kinds, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range kinds {
			if !slices.Contains(plain, kind) {
				t.Errorf("%q has a %s", text, kind)
			}
		}
	}
}
