package search

import (
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"

	"github.com/ragscale/ragscale/ragapi/text"
)

// Sizes of snippets. Chunks that have no word to show give their beginning.
const (
	fragments      = 2
	fragmentWords  = 24
	leadWords      = 6 // before the first word found
	snippetLetters = 200
)

// token is a word of a text.
type token struct {
	start, end int    // in bytes
	lexeme     string // of those asked for, which it is a form of; else empty
}

// snippet shows a text around the words that are forms of lexemes, or with prefixes begin with one: the one or two pieces with the most of them. Pieces are
// escaped one by one and marks set between them, so that no text can forge a mark.
func snippet(text string, lexemes []string, prefixes bool) string {
	words := tokens(text, lexemes, prefixes)
	shown := pieces(words)
	if len(shown) == 0 {
		return html.EscapeString(beginning(text))
	}
	var b strings.Builder
	for i, p := range shown {
		from, to := bordersOf(text, words, p)
		if i > 0 {
			b.WriteString(" … ")
		}
		for _, t := range words[p.first:p.last] {
			if t.lexeme != "" {
				b.WriteString(html.EscapeString(text[from:t.start]) + "<mark>" + html.EscapeString(text[t.start:t.end]) + "</mark>")
				from = t.end
			}
		}
		b.WriteString(html.EscapeString(text[from:to]))
	}
	return b.String()
}

func beginning(text string) string {
	letters := 0
	for i := range text {
		if letters++; letters > snippetLetters {
			return text[:i]
		}
	}
	return text
}

// tokens splits a text into words and finds those that are forms of lexemes, as PostgreSQL's english configuration makes them.
func tokens(text string, lexemes []string, prefixes bool) []token {
	words := make([]token, 0, len(text)/5)
	start := -1 // of the word that is being read
	for i, r := range text {
		switch in := inWord(r); {
		case in && start < 0:
			start = i
		case !in && start >= 0:
			words = append(words, token{start, i, formOf(text[start:i], lexemes, prefixes)})
			start = -1
		}
	}
	if start >= 0 {
		words = append(words, token{start, len(text), formOf(text[start:], lexemes, prefixes)})
	}
	return words
}

// formOf returns the lexeme that word is a form of, or with prefixes begins with.
func formOf(word string, lexemes []string, prefixes bool) string {
	first, _ := utf8.DecodeRuneInString(word)
	if first = unicode.ToLower(first); first == 'ς' {
		first = 'σ'
	}
	stem := ""
	for _, lexeme := range lexemes {
		// Stemming keeps the first letter.
		if begin, _ := utf8.DecodeRuneInString(lexeme); begin != first {
			continue
		}
		if stem == "" {
			env := snowballstem.NewEnv(text.Fold(word))
			english.Stem(env)
			stem = env.Current()
		}
		if stem == lexeme || prefixes && letters(lexeme) >= leastPrefix && strings.HasPrefix(stem, lexeme) {
			return lexeme
		}
	}
	return ""
}

// piece is a run of tokens: tokens[first:last].
type piece struct{ first, last int }

// pieces chooses what to show, in reading order.
func pieces(tokens []token) (chosen []piece) {
	for range fragments {
		if p := best(tokens, chosen); p.last > 0 {
			chosen = append(chosen, p)
		}
	}
	slices.SortFunc(chosen, func(a, b piece) int { return a.first - b.first })
	return chosen
}

// best returns the first of the pieces with most to show that are apart from those chosen; an empty one if there is none.
func best(tokens []token, chosen []piece) (best piece) {
	shown, most := window{tokens: tokens, found: map[string]int{}}, 0
	for i, t := range tokens {
		if t.lexeme == "" {
			continue
		}
		first := max(0, i-leadWords)
		p := piece{first, min(len(tokens), first+fragmentWords)}
		shown.move(p)
		if shown.worth > most && !slices.ContainsFunc(chosen, func(c piece) bool { return p.first < c.last && c.first < p.last }) {
			best, most = p, shown.worth
		}
	}
	return best
}

// window is a piece that moves over a text. Each token comes in and goes out once, however many pieces there are.
type window struct {
	tokens []token
	piece
	found map[string]int // words, by lexeme
	worth int            // a point for each word found, and more for each lexeme
}

func (w *window) move(to piece) {
	for ; w.last < to.last; w.last++ {
		w.count(w.tokens[w.last].lexeme, 1)
	}
	for ; w.first < to.first; w.first++ {
		w.count(w.tokens[w.first].lexeme, -1)
	}
}

// count adds a word, or takes it away.
func (w *window) count(lexeme string, n int) {
	if lexeme == "" {
		return
	}
	before := w.found[lexeme]
	w.found[lexeme] = before + n
	w.worth += n
	if before == 0 || before+n == 0 {
		w.worth += n * fragmentWords
	}
}

// bordersOf returns where a piece begins and ends in its text, with the punctuation around it.
func bordersOf(text string, tokens []token, p piece) (from, to int) {
	if p.first > 0 {
		from = tokens[p.first].start
	}
	last := tokens[p.last-1].end
	rest := text[last:]
	if p.last < len(tokens) {
		rest = rest[:tokens[p.last].start-last]
		if space := strings.IndexFunc(rest, unicode.IsSpace); space >= 0 {
			rest = rest[:space]
		}
	}
	from += len(text[from:]) - len(strings.TrimLeftFunc(text[from:], unicode.IsSpace))
	return from, last + len(strings.TrimRightFunc(rest, unicode.IsSpace))
}
