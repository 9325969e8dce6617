package search

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkSnippet is one chunk of real size: of a language, and of what makes a snippet the most work.
func BenchmarkSnippet(b *testing.B) {
	var many []string
	for i := range 120 {
		many = append(many, fmt.Sprintf("b%c%c", 'a'+i%26, 'a'+i/26))
	}
	for name, c := range map[string]struct {
		unit    string
		lexemes []string
	}{
		"plain":             {"The keeper of the lighthouse trims his lamp at dusk. ", []string{"lamp", "keeper"}},
		"one word":          {"lamp ", []string{"lamp"}},
		"letters":           {"b c d e f ", strings.Split("bcdefghjkl", "")},
		"many that begin":   {strings.Join(many, " ") + " ", many},
		"one run":           {"b", many},
		"vowels":            {"yaya", []string{"ya"}},
		"suffixes":          {"bationsings ", many},
		"signs":             {"b<&", []string{"b"}},
		"one long, stemmed": {"bingings", []string{"bing"}},
	} {
		text := strings.Repeat(c.unit, 1000/len(c.unit)+1)[:1000]
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				snippet(text, c.lexemes, true)
			}
		})
	}
}
