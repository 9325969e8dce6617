// Package text decides what a text may be and in which form it is kept.
//
// Owns: the faults of texts, Unicode normalisation, the marks of snippets. Does not own: how long which text may be.
package text

import (
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MarkStart and MarkStop stand around the words found until a snippet is escaped: private-use characters, which no escaping
// touches. Clean takes them out of what is uploaded, so that no text can mark itself.
const (
	MarkStart = "\ue000"
	MarkStop  = "\ue001"
)

// Fault says why s cannot be kept, or "".
func Fault(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case strings.IndexByte(s, 0) >= 0:
		return "has a NUL character, which cannot be stored"
	}
	return ""
}

// Grown is how many bytes Clean makes of n at most. Only texts of rare characters grow at all: those that form C takes apart.
func Grown(n int) int { return n + n/4 + 4096 }

var marks = strings.NewReplacer(MarkStart, "\ufffd", MarkStop, "\ufffd")

// Clean returns an uploaded text in the form in which it is kept: normal, and with U+FFFD for marks. It is false for a text
// that would grow beyond bounds.
func Clean(s string) (string, bool) {
	if !norm.NFC.IsNormalString(s) {
		most := Grown(len(s))
		var normal strings.Builder
		normal.Grow(most + 1)
		// Neither side fails: a text is read, and written to memory.
		n, err := io.Copy(&normal, io.LimitReader(norm.NFC.Reader(strings.NewReader(s)), int64(most)+1))
		fits := err == nil && n <= int64(most)
		if clean := normal.String(); fits && whole(s, clean) {
			s = clean
		} else if s, fits = exactly(s, most); !fits {
			return "", false
		}
	}
	if strings.Contains(s, MarkStart) || strings.Contains(s, MarkStop) {
		s = marks.Replace(s)
	}
	return s, true
}
