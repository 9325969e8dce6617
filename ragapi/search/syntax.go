package search

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/ragscale/ragscale/ragapi/text"
)

// operand is a word, or a "quoted phrase", with what stands before it.
type operand struct {
	text     string // its words, one space between them
	phrase   bool
	excluded bool // -word
	or       bool // it may stand in for the wanted operand before it
}

// parse reads a query as web search engines do: words, "quoted phrases", or, -not. Nothing is an error: a quote that is not
// closed ends with the text, an "or" without anything at both sides is no operator, and a dash that touches no word is none.
// The query is normalised (NFC) and its white space collapsed, so that equal queries are read alike.
//
// It is read here and not by PostgreSQL, because what is excluded must be known apart: it holds for every list of a search.
func parse(query string) []operand {
	var operands []operand
	or := false
	for rest := skip(text.Normal(query)); rest != ""; rest = skip(rest) {
		rest = strings.TrimLeft(rest, "([{")
		unsigned := strings.TrimLeft(rest, "-")
		next := operand{excluded: unsigned != rest}
		next.text, next.phrase, rest = one(unsigned)
		switch {
		case next.text == "":
		case !next.excluded && !next.phrase && strings.EqualFold(next.text, "or"):
			or = true
		case next.excluded:
			operands = append(operands, next)
		default:
			next.or = or && slices.ContainsFunc(operands, wanted)
			or = false
			operands = append(operands, next)
		}
	}
	return operands
}

// one splits the operand off with which text begins.
func one(text string) (operand string, phrase bool, rest string) {
	if quoted, found := strings.CutPrefix(text, `"`); found {
		inner, rest, _ := strings.Cut(quoted, `"`)
		return strings.Join(strings.Fields(inner), " "), true, rest
	}
	end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
	if end < 0 {
		return text, false, ""
	}
	return text[:end], false, text[end:]
}

func skip(text string) string { return strings.TrimLeftFunc(text, unicode.IsSpace) }

func wanted(o operand) bool { return !o.excluded }

func excluded(o operand) bool { return o.excluded }

// web writes operands as PostgreSQL's websearch_to_tsquery reads them. All are quoted, so that nothing in a word is an operator.
func web(operands []operand) string {
	var b strings.Builder
	for i, o := range operands {
		if i > 0 {
			b.WriteByte(' ')
		}
		if o.or {
			b.WriteString("or ")
		}
		if o.excluded {
			b.WriteByte('-')
		}
		b.WriteString(`"` + o.text + `"`)
	}
	return b.String()
}

// these returns the operands that are as is says.
func these(operands []operand, is func(operand) bool) []operand {
	return slices.DeleteFunc(slices.Clone(operands), func(o operand) bool { return !is(o) })
}

// anyOf returns the operands so that one of them is enough.
func anyOf(operands []operand) []operand {
	some := slices.Clone(operands)
	for i := range some {
		some[i] = operand{text: some[i].text, or: i > 0}
	}
	return some
}

// plain returns the operands' words, without quotes and operators.
func plain(operands []operand) string {
	texts := make([]string, len(operands))
	for i, o := range operands {
		texts[i] = o.text
	}
	return strings.Join(texts, " ")
}

// said returns the operands as a title says them, "To be or not to be" too: a text is found under it however it is typed.
func said(operands []operand) string {
	var words []string
	for _, o := range operands {
		if o.or {
			words = append(words, "or")
		}
		words = append(words, o.text)
	}
	return strings.Join(words, " ")
}

// loose returns the operands with their words anywhere, those of phrases and those that signs join: what an index alone can tell.
func loose(operands []operand) []operand {
	var words []operand
	or := false
	for _, o := range operands {
		or = or || o.or // of one without words, the next one has it
		for w := range strings.FieldsFuncSeq(o.text, apart) {
			words = append(words, operand{text: w, or: or && len(words) > 0})
			or = false
		}
	}
	return distinct(words)
}

// distinct leaves out what an operand before it asks for already: only an "or" between them makes it another question.
func distinct(operands []operand) []operand {
	var all []operand
	seen := map[string]bool{}
	for _, o := range operands {
		if o.or {
			clear(seen)
		}
		if text := strings.ToLower(o.text); !seen[text] {
			seen[text] = true
			all = append(all, o)
		}
	}
	return all
}

// telling returns the words that tell most, which are the longest, in their order.
func telling(words []operand) []operand {
	places := make([]int, len(words))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(letters(words[b].text), letters(words[a].text)) })
	places = places[:min(rankedWords, len(places))]
	slices.Sort(places)
	some := make([]operand, len(places))
	for i, place := range places {
		some[i] = words[place]
		some[i].or = some[i].or && i > 0
	}
	return some
}

// apart reports whether PostgreSQL reads what is before and after r as different words, whatever they are.
func apart(r rune) bool {
	return unicode.IsSpace(r) || r <= unicode.MaxASCII && !inWord(r)
}

const (
	// maxWords bounds the fallback's query, which ORs every word of the text.
	maxWords = 16
	// rankedWords bounds the words that matches with every word are ranked by.
	rankedWords = 8
	// leastPrefix is how many letters a word needs to stand for those that begin with it: shorter ones begin too many.
	leastPrefix = 3
)

// anyWord turns operands into a tsquery that any of their words satisfies, or a word that begins with one of them.
func anyWord(operands []operand) string {
	var terms []string
	for _, w := range wordsOf(operands) {
		term := "'" + w + "'" // letters, marks and digits only: nothing that to_tsquery could trip over
		if letters(w) >= leastPrefix {
			term += ":*"
		}
		if len(terms) < maxWords && !slices.Contains(terms, term) {
			terms = append(terms, term)
		}
	}
	return strings.Join(terms, " | ")
}

func wordsOf(operands []operand) []string {
	return strings.FieldsFunc(plain(operands), func(r rune) bool { return !inWord(r) })
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// letters counts a word's letters, those of scripts that write syllables or words with one of them twice.
func letters(word string) (n int) {
	for _, r := range word {
		n++
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			n++
		}
	}
	return n
}
