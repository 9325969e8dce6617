package chunk

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// check returns what is wrong with the pieces of text, or "".
func check(text string, pieces []Piece, size, overlap int) string {
	if text == "" {
		if len(pieces) != 0 {
			return "an empty text has pieces"
		}
		return ""
	}
	if len(pieces) == 0 || pieces[0].Start != 0 || pieces[len(pieces)-1].End != len(text) {
		return "the pieces do not cover the text"
	}
	for i, p := range pieces {
		switch {
		case p.End <= p.Start:
			return "an empty piece"
		case p.End-p.Start > size:
			return "a piece over the size"
		case !utf8.ValidString(text[p.Start:p.End]):
			return "a cut inside a rune"
		}
		if i == 0 {
			continue
		}
		before := pieces[i-1]
		switch {
		case p.Start <= before.Start || p.End <= before.End:
			return "no progress"
		case p.Start > before.End:
			return "a gap"
		case before.End-p.Start > overlap+utf8.UTFMax:
			return "more than the overlap is said twice"
		}
	}
	return ""
}

func FuzzPiecesCoverAnyText(f *testing.F) {
	for _, seed := range []string{"", "a", " ", "one two three four five", strings.Repeat("ä", 50), strings.Repeat("漢字 ", 40), strings.Repeat("x", 300), "a.\n\nb! c? d\te\n", strings.Repeat("\n", 100), strings.Repeat("A sentence. ", 30)} {
		f.Add(seed, uint8(0), uint8(0))
		f.Add(seed, uint8(40), uint8(19))
	}
	f.Fuzz(func(t *testing.T, text string, size, overlap uint8) {
		if !utf8.ValidString(text) {
			t.Skip("uploads that are not UTF-8 are refused before")
		}
		s := 8 + int(size)
		o := int(overlap) % (s/2 - 1)
		if fault := check(text, Split(text, s, o), s, o); fault != "" {
			t.Errorf("size %d, overlap %d: %s in %q: %v", s, o, fault, text, Split(text, s, o))
		}
	})
}

func TestCutsFallAtTheBestBoundaryInReach(t *testing.T) {
	for name, c := range map[string]struct{ text, first string }{
		"paragraph before sentence": {"aaaa bbbb.\n\ncc. dd eeeeeeeeeeeee", "aaaa bbbb.\n\n"},
		"sentence before word":      {"aaaa bbbb cc. ddd eeeeeeeeeeeeeee", "aaaa bbbb cc. "},
		"word before any rune":      {"aaaa bbbb cccc ddddddddddddddddddd", "aaaa bbbb cccc "},
		"any rune at last":          {strings.Repeat("x", 30), strings.Repeat("x", 20)},
	} {
		t.Run(name, func(t *testing.T) {
			p := Split(c.text, 20, 4)[0]
			if got := c.text[p.Start:p.End]; got != c.first {
				t.Errorf("first piece %q, want %q", got, c.first)
			}
		})
	}
}

func TestNeighboursOverlapAtAWord(t *testing.T) {
	text := strings.Repeat("alpha beta gamma delta. ", 20)
	pieces := Split(text, 100, 30)
	for i, p := range pieces[1:] {
		if p.Start >= pieces[i].End {
			t.Errorf("piece %d begins at %d, want before %d", i+1, p.Start, pieces[i].End)
		}
		if text[p.Start-1] != ' ' {
			t.Errorf("piece %d begins inside a word: %q", i+1, text[p.Start:p.End])
		}
	}
}

func BenchmarkSplitOneMegabyte(b *testing.B) {
	text := strings.Repeat("A plain sentence of some length, as documents have them. ", 1<<20/57)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Split(text, Size, Overlap)
	}
}
