// Package chunk splits a text into overlapping pieces that are small enough to rank and to show.
//
// Owns: where a text is cut. Does not own: storage and indexing of the pieces.
package chunk

import (
	"unicode"
	"unicode/utf8"
)

// Size and Overlap are what documents are split with, in bytes of UTF-8. 1,000 bytes of English are some 170 words:
// a few paragraphs, which a snippet can stand for. A seventh is said twice, so that a sentence at a cut is whole in one of two pieces.
const (
	Size    = 1000
	Overlap = 150
)

// Piece is a part of a text: text[Start:End].
type Piece struct {
	Start, End int // byte offsets, at rune boundaries
}

// Split cuts text into pieces of at most size bytes, each but the first beginning at most overlap bytes before the end
// of the one before it. The pieces cover the whole text in order. Cuts fall, where one is near enough, at the end of a
// paragraph, else of a sentence, else of a word. size must be at least 8 and overlap less than half of it.
func Split(text string, size, overlap int) []Piece {
	var pieces []Piece
	for start := 0; start < len(text); {
		end := cut(text, start, size)
		pieces = append(pieces, Piece{Start: start, End: end})
		if end == len(text) {
			break
		}
		start = overlapStart(text, start, end, overlap)
	}
	return pieces
}

// cut returns where the piece that begins at start ends.
func cut(text string, start, size int) int {
	if len(text)-start <= size {
		return len(text)
	}
	limit := runeStart(text, start+size)
	// Half a piece at least is kept: a better cut is not worth many more pieces.
	window := text[start+size/2 : limit]
	best, bestKind := 0, none
	for i := len(window); i > 0 && bestKind < paragraph; i-- {
		if kind := boundary(window, i); kind > bestKind {
			best, bestKind = i, kind
		}
	}
	if bestKind == none {
		return limit
	}
	return start + size/2 + best
}

// Kinds of places to cut at, better ones later.
const (
	none = iota
	word
	sentence
	paragraph
)

// boundary says what ends just before byte i of s, which is looked at by bytes: the marks it knows are ASCII.
func boundary(s string, i int) int {
	switch last := s[i-1]; {
	case last == '\n' && i > 1 && s[i-2] == '\n':
		return paragraph
	case last == '\n':
		return sentence
	case last == ' ' || last == '\t':
		if i > 1 && (s[i-2] == '.' || s[i-2] == '!' || s[i-2] == '?') {
			return sentence
		}
		return word
	}
	return none
}

// overlapStart returns where the piece after the one at start:end begins: at a word within the overlap, if there is one.
func overlapStart(text string, start, end, overlap int) int {
	from := max(runeStart(text, end-overlap), start+1)
	for from < end && !utf8.RuneStart(text[from]) {
		from++
	}
	for i, r := range text[from:end] {
		if unicode.IsSpace(r) {
			return from + i + utf8.RuneLen(r)
		}
	}
	return from
}

// runeStart returns the start of the rune that byte i of text belongs to.
func runeStart(text string, i int) int {
	for i > 0 && !utf8.RuneStart(text[i]) {
		i--
	}
	return i
}
