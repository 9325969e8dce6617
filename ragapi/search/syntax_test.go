package search

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTextsAreReadAsWebSearchEnginesDo(t *testing.T) {
	for text, want := range map[string]string{
		"lamp oil":                    `"lamp" "oil"`,
		"  lamp \t\n oil ":            `"lamp" "oil"`,
		"lamp or oil":                 `"lamp" or "oil"`,
		"lamp OR or oil":              `"lamp" or "oil"`,
		"or lamp or":                  `"lamp"`,
		`lamp or "at  dusk" keeper`:   `"lamp" or "at dusk" "keeper"`,
		`lamp "or" oil`:               `"lamp" "or" "oil"`,
		"lamp -oil":                   `"lamp" -"oil"`,
		"-oil lamp --dusk":            `-"oil" "lamp" -"dusk"`,
		`lamp -"dusk  keeper"`:        `"lamp" -"dusk keeper"`,
		`lamp -"dusk keeper`:          `"lamp" -"dusk keeper"`,
		`lamp(-dusk)`:                 `"lamp(-dusk)"`,
		`(lamp (-dusk) [-"oil can"])`: `"lamp" -"dusk)" -"oil can" "])"`,
		"lamp or -dusk oil":           `"lamp" -"dusk" or "oil"`,
		"oil - lamp":                  `"oil" "lamp"`,
		"well-known":                  `"well-known"`,
		"cafe\u0301 -e\u0301te\u0301": `"café" -"été"`,
		"лампа -масло 灯塔 -黄昏":         `"лампа" -"масло" "灯塔" -"黄昏"`,
		`""`:                          "",
		"- -- -\"\"":                  "",
	} {
		if got := web(parse(text)); got != want {
			t.Errorf("%q is read as %s, want %s", text, got, want)
		}
	}
}

func TestWhatAnIndexIsAskedForHasNoPhrases(t *testing.T) {
	if got, want := web(loose(parse(`"a b" or "c d" e`))), `"a" "b" or "c" "d" "e"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestMatchesAreRankedByFewWordsEachOnce(t *testing.T) {
	for _, c := range []struct{ text, index, ranking string }{
		{strings.Repeat("b ", 200), `"b"`, `"b"`},
		{`"` + strings.Repeat("b ", 200) + `"`, `"b"`, `"b"`},
		{"a B b or b a a", `"a" "B" or "b" "a"`, `"a" "B" or "b" "a"`},
		{strings.Repeat("q w e r t z u i o p lighthouse ", 9), `"q" "w" "e" "r" "t" "z" "u" "i" "o" "p" "lighthouse"`, `"q" "w" "e" "r" "t" "z" "u" "lighthouse"`},
		{"a or b or c or d or e or f or g or h or lamp", `"a" or "b" or "c" or "d" or "e" or "f" or "g" or "h" or "lamp"`,
			`"a" or "b" or "c" or "d" or "e" or "f" or "g" or "lamp"`},
		{"b or lamps lights keepers towers waters stones storms winters", `"b" or "lamps" "lights" "keepers" "towers" "waters" "stones" "storms" "winters"`,
			`"lamps" "lights" "keepers" "towers" "waters" "stones" "storms" "winters"`},
	} {
		words := loose(these(parse(c.text), wanted))
		if got := web(words); got != c.index {
			t.Errorf("%.40q: the index is asked for %s, want %s", c.text, got, c.index)
		}
		if got := web(telling(words)); got != c.ranking {
			t.Errorf("%.40q: matches are ranked by %s, want %s", c.text, got, c.ranking)
		}
	}
}

func TestKeysAreEqualWhereAnswersAre(t *testing.T) {
	key := func(change func(*Query)) string {
		q := Query{Text: "Café  lamp", Mode: Simple, Limit: 10, Filter: []Condition{{"a", "1"}, {"b", "2"}}}
		change(&q)
		return q.Key()
	}
	base := key(func(*Query) {})
	for name, change := range map[string]func(*Query){
		"case and white space":  func(q *Query) { q.Text = " café\tLAMP " },
		"another normal form":   func(q *Query) { q.Text = "cafe\u0301 lamp" },
		"quotes around a word":  func(q *Query) { q.Text = `café "lamp"` },
		"the default":           func(q *Query) { q.PerDocument = DefaultPerDocument },
		"conditions in order":   func(q *Query) { q.Filter = []Condition{{"b", "2"}, {"a", "1"}} },
		"a condition twice":     func(q *Query) { q.Filter = append(q.Filter, Condition{"a", "1"}) },
		"an or without a right": func(q *Query) { q.Text = "café lamp or" },
	} {
		if key(change) != base {
			t.Errorf("%s: another key", name)
		}
	}
	different := map[string]string{"": base}
	for name, change := range map[string]func(*Query){
		"or": func(q *Query) { q.Text = "café or lamp" }, "excluded": func(q *Query) { q.Text = "café -lamp" }, "phrase": func(q *Query) { q.Text = `"café lamp"` },
		"order": func(q *Query) { q.Text = "lamp café" }, "accent": func(q *Query) { q.Text = "cafe lamp" }, "quoted or": func(q *Query) { q.Text = `café "or" lamp` },
		"mode": func(q *Query) { q.Mode = Complex }, "limit": func(q *Query) { q.Limit = 11 }, "perDocument": func(q *Query) { q.PerDocument = 4 },
		"cursor": func(q *Query) { q.Cursor = "x" }, "content": func(q *Query) { q.Content = true }, "neighbours": func(q *Query) { q.Neighbours = 1 },
		"filter": func(q *Query) { q.Filter = q.Filter[:1] }, "value": func(q *Query) { q.Filter = []Condition{{"a", "2"}, {"b", "2"}} },
		"case of a value": func(q *Query) { q.Filter = []Condition{{"A", "1"}, {"b", "2"}} }, "split": func(q *Query) { q.Filter = []Condition{{"a", `1"="b`}} },
	} {
		k := key(change)
		if strings.Contains(k, "\x00") || different[k] != "" || k == base {
			t.Errorf("%s: the key of another query", name)
		}
		different[k] = name
	}
}

func TestCursorsBelongToTheirSearch(t *testing.T) {
	q := Query{Text: "lamp", Mode: Simple, Limit: 10}
	last := found{Piece: Piece{Place: Place{Position: 7}}, Tier: tierTerms, Score: 0.1}
	q.Cursor = q.cursorAt(last)
	same := q
	same.Limit, same.Content, same.Text = 50, true, " LAMP"
	if got, err := same.after(); err != nil || cmp.Diff(&last, got) != "" {
		t.Errorf("%+v (%v), want %+v", got, err, last)
	}
	for name, change := range map[string]func(*Query){
		"another text": func(q *Query) { q.Text = "oil" }, "another mode": func(q *Query) { q.Mode = Complex },
		"another filter": func(q *Query) { q.Filter = []Condition{{"a", "b"}} }, "another perDocument": func(q *Query) { q.PerDocument = 50 },
		"no base64": func(q *Query) { q.Cursor = "?" }, "cut off": func(q *Query) { q.Cursor = q.Cursor[:8] }, "longer": func(q *Query) { q.Cursor += "AAAA" },
	} {
		other := q
		change(&other)
		if other.Check() == nil {
			t.Errorf("%s: the cursor is accepted", name)
		}
	}
}

func TestConditionsMeanWhatTheyCouldMean(t *testing.T) {
	for value, want := range map[string][]string{
		"en":       {`{"k":"en"}`, `{"k":["en"]}`},
		"7":        {`{"k":"7"}`, `{"k":["7"]}`, `{"k":7}`, `{"k":[7]}`},
		"-1.5e3":   {`{"k":"-1.5e3"}`, `{"k":["-1.5e3"]}`, `{"k":-1.5e3}`, `{"k":[-1.5e3]}`},
		"true":     {`{"k":"true"}`, `{"k":["true"]}`, `{"k":true}`, `{"k":[true]}`},
		`"7"`:      {`{"k":"7"}`, `{"k":["7"]}`},
		"1e-20000": {`{"k":"1e-20000"}`, `{"k":["1e-20000"]}`},
		"007":      {`{"k":"007"}`, `{"k":["007"]}`},
		"e\u0301":  {`{"k":"é"}`, `{"k":["é"]}`, "{\"k\":\"e\u0301\"}", "{\"k\":[\"e\u0301\"]}"},
	} {
		got, err := Condition{"k", value}.alternatives()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s (%v, -want +got):\n%s", value, err, diff)
		}
	}
}

// TestAFilterMeetsBothForms: metadata is kept as it was sent.
func TestAFilterMeetsBothForms(t *testing.T) {
	for _, sent := range []Condition{{"caf\u00e9", "caf\u00e9"}, {"cafe\u0301", "cafe\u0301"}, {"cafe\u0301", `"caf` + "\u00e9" + `"`}} {
		objects, err := sent.alternatives()
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"caf\u00e9", "cafe\u0301"} {
			for _, value := range []string{"caf\u00e9", "cafe\u0301"} {
				for _, want := range []string{`{"` + key + `":"` + value + `"}`, `{"` + key + `":["` + value + `"]}`} {
					if !slices.Contains(objects, want) {
						t.Errorf("%+q is not met by %+q", sent, want)
					}
				}
			}
		}
	}
	if objects, err := (Condition{"a", "1"}).alternatives(); err != nil || len(objects) != 4 {
		t.Errorf("%q (%v), want four", objects, err)
	}
}
