package search

import (
	"html"
	"strings"
	"testing"
)

func TestSnippetsShowTheWordsFound(t *testing.T) {
	long := strings.Repeat("filler ", 60)
	for name, c := range map[string]struct {
		text     string
		lexemes  []string
		prefixes bool
		want     string
	}{
		"forms of a word":           {"Lamps and lampshades.", []string{"lamp"}, false, "<mark>Lamps</mark> and lampshades."},
		"beginnings of words":       {"Lamps and lampshades.", []string{"lamp"}, true, "<mark>Lamps</mark> and <mark>lampshades</mark>."},
		"short beginnings":          {"a b ab", []string{"a"}, true, "<mark>a</mark> b ab"},
		"escaped":                   {`<b>lamp</b> & "oil"`, []string{"lamp"}, false, "&lt;b&gt;<mark>lamp</mark>&lt;/b&gt; &amp; &#34;oil&#34;"},
		"marks of its own":          {"\ue001 lamp </mark> \ue000", []string{"lamp"}, false, "\ue001 <mark>lamp</mark> &lt;/mark&gt; \ue000"},
		"none":                      {strings.Repeat("é", 300), nil, false, strings.Repeat("é", 200)},
		"empty":                     {"", []string{"lamp"}, false, ""},
		"accents":                   {"Das Café, die Cafés", []string{"café"}, false, "Das <mark>Café</mark>, die <mark>Cafés</mark>"},
		"the place with most":       {"lamp " + long + "lamp oil " + long, []string{"lamp", "oil"}, false, "lamp"},
		"two places, reading order": {"oil one. " + long + "lamp two. " + long, []string{"lamp", "oil"}, false, "<mark>oil</mark> one."},
	} {
		t.Run(name, func(t *testing.T) {
			got := snippet(c.text, c.lexemes, c.prefixes)
			if strings.Contains(c.text, "filler") {
				if words := len(strings.Fields(got)); words > fragments*fragmentWords+1 || !strings.Contains(got, c.want) {
					t.Errorf("%d words: %q", words, got)
				}
				return
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func FuzzSnippetsAreTextWithBalancedMarks(f *testing.F) {
	f.Add("The <mark>lamp</mark> \ue000oil\ue001 &amp; …", "lamp")
	f.Add("\xff\xfe lamp\x80 \u0301\u0301 灯塔", "灯塔")
	f.Fuzz(func(t *testing.T, text, lexeme string) {
		text = strings.ToValidUTF8(text, "?")
		got := snippet(text, []string{lexeme}, true)
		rest := got
		for {
			before, after, found := strings.Cut(rest, "<mark>")
			if strings.Contains(before, "</mark>") {
				t.Fatalf("a mark ends that did not begin: %q", got)
			}
			if !found {
				break
			}
			if _, rest, found = strings.Cut(after, "</mark>"); !found {
				t.Fatalf("a mark does not end: %q", got)
			}
		}
		plain := html.UnescapeString(strings.NewReplacer("<mark>", "", "</mark>", "").Replace(got))
		for piece := range strings.SplitSeq(plain, " … ") {
			if !strings.Contains(text, piece) && !strings.Contains(text, plain) {
				t.Fatalf("%q is not of the text %q", piece, text)
			}
		}
	})
}
