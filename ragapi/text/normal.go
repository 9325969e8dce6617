package text

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Normal returns s in Unicode's normalisation form C, in which equal texts have equal bytes. It may have three times the
// bytes of s.
func Normal(s string) string {
	if normal := norm.NFC.String(s); whole(s, normal) {
		return normal
	}
	normal, _ := exactly(s, 3*len(s))
	return normal
}

// joiner stands where package norm has cut a run of more than 30 marks, so that texts can be read in pieces (UAX 15, 13). It is no part of
// form C, which never adds or drops one.
const joiner = "\u034f"

// whole reports whether package norm has made normal of s without cutting a run of marks.
func whole(s, normal string) bool { return strings.Count(normal, joiner) == strings.Count(s, joiner) }

// mostMarks are those that package norm leaves in one run.
const mostMarks = 30

// exactly returns s in form C, however many marks are in a row; false if that has more than most bytes.
func exactly(s string, most int) (string, bool) {
	c := composer{most: most}
	done, begin, runes := 0, 0, 0 // done is in out; begin is where characters begin that may act upon each other
	for i := 0; i <= len(s) && !c.over(); {
		size, parts, starts := 1, 1, true
		if i < len(s) && s[i] >= utf8.RuneSelf {
			at := norm.NFC.PropertiesString(s[i:])
			size, parts, starts = width(at), max(1, utf8.RuneCount(at.Decomposition())), at.BoundaryBefore()
		}
		if starts {
			if runes > mostMarks || i == len(s) || i-done > pieceBytes {
				c.out = append(c.out, norm.NFC.String(s[done:begin])...)
				c.add(s[begin:i])
				done = i
			}
			begin, runes = i, 0
		}
		i, runes = i+size, runes+parts
	}
	return string(c.out), !c.over()
}

// pieceBytes bound what is made normal before it is looked at how much it is.
const pieceBytes = 64 << 10

// width is how many bytes a character has; what is no UTF-8 is read byte by byte.
func width(at norm.Properties) int { return max(1, at.Size()) }

// composer brings characters that act upon each other into form C, after UAX 15 and the Unicode Standard, 3.11.
type composer struct {
	out  []byte
	run  []byte // marks that are not in their order yet
	most int    // bytes
	cut  bool   // there were more
}

func (c *composer) over() bool { return c.cut || len(c.out) > c.most }

func (c *composer) add(s string) {
	from := len(c.out)
	for rest := s; rest != "" && !c.cut; {
		at := norm.NFC.PropertiesString(rest)
		parts := at.Decomposition()
		if parts == nil {
			parts = []byte(rest[:width(at)])
		}
		c.take(parts)
		rest = rest[width(at):]
		c.cut = len(c.out)+len(c.run) > c.most+utf8.UTFMax // what is put together again is a few bytes shorter
	}
	c.order()
	c.out = c.out[:from+compose(c.out[from:])]
}

// take adds characters that cannot be taken apart.
func (c *composer) take(parts []byte) {
	for len(parts) > 0 {
		at := norm.NFC.Properties(parts)
		if at.CCC() == 0 {
			c.order()
			c.out = append(c.out, parts[:width(at)]...)
		} else {
			c.run = append(c.run, parts[:width(at)]...)
		}
		parts = parts[width(at):]
	}
}

// order writes the run, its marks by their class: those of one class stay in their order.
func (c *composer) order() {
	var end [256]int
	each(c.run, func(mark []byte, class uint8) { end[class] += len(mark) })
	place := len(c.out)
	for class, bytes := range end {
		end[class], place = place, place+bytes
	}
	c.out = append(c.out, c.run...)
	each(c.run, func(mark []byte, class uint8) { end[class] += copy(c.out[end[class]:], mark) })
	c.run = c.run[:0]
}

func each(run []byte, do func(mark []byte, class uint8)) {
	for len(run) > 0 {
		at := norm.NFC.Properties(run)
		do(run[:width(at)], at.CCC())
		run = run[width(at):]
	}
}

// compose puts characters that are taken apart and in order together, in place, and returns how many bytes are left: what is put together
// is no longer than its parts.
func compose(b []byte) (end int) {
	var lead []byte // the character at b[start:] that those after it may join; nil before the first
	start, last := 0, uint8(0)
	for i := 0; i < len(b); {
		at := norm.NFC.Properties(b[i:])
		next, class := b[i:i+width(at)], at.CCC()
		i += len(next)
		if adjacent := end == start+len(lead); lead != nil && (adjacent || last < class) {
			if both := norm.NFC.Bytes(append(append([]byte{}, lead...), next...)); utf8.RuneCount(both) == 1 {
				copy(b[start+len(both):], b[start+len(lead):end])
				end += copy(b[start:], both) - len(lead)
				lead = both
				continue
			}
		}
		if last = class; class == 0 {
			lead, start = append([]byte{}, next...), end
		}
		end += copy(b[end:], next)
	}
	return end
}
