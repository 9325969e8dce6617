package wrap

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextBreaksBetweenWords(t *testing.T) {
	long := strings.Repeat("x", 30)
	if got, want := Text("α bc def "+long+" g", 6, "  "), "α bc\n  def\n  "+long+"\n  g"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Text("", 6, ""); got != "" {
		t.Errorf("%q of nothing", got)
	}
}

// TestTablesKeepToTheWidth: narrow columns leave room beside them, wide ones beneath.
func TestTablesKeepToTheWidth(t *testing.T) {
	origin := strings.Repeat("target ÷ vCPU ", 30) + "end"
	for name, wide := range map[string]int{"beside": 10, "beneath": 60} {
		rows := [][]string{{"SIZE", "TODAY", "FROM"}, {"a", strings.Repeat("w", wide), origin}, {strings.Repeat("b", 40), "c", ""}}
		got := Table(rows)
		for _, line := range strings.Split(got, "\n") {
			if n := utf8.RuneCountInString(line); n > Width {
				t.Errorf("%s: a line of %d characters, want at most %d: %s", name, n, Width, line)
			}
		}
		if words := strings.Join(strings.Fields(got), " "); !strings.Contains(words, "vCPU end") || strings.Count(words, "vCPU") != 30 {
			t.Errorf("%s: words are lost in\n%s", name, got)
		}
	}
	if got := Table(nil); got != "" {
		t.Errorf("%q of no rows", got)
	}
}
