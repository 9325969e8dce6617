// Package wrap keeps the lines of what people read to a width.
//
// Owns: where lines and a table's last column break. Does not own: what they say.
package wrap

import (
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

const (
	// Width is how many characters a line of a plan has at the most.
	Width = 140
	// leastRoom is how narrow a last column gets before it stands beneath its row.
	leastRoom = 44
	// between is how far columns are apart.
	between = 2
)

// Text breaks a text between words at a width, characters; further lines begin with an indent. A word that is longer
// stands alone.
func Text(text string, width int, indent string) string {
	var b strings.Builder
	used := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+n > width:
			b.WriteString("\n" + indent)
			used = utf8.RuneCountInString(indent)
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}

// Table aligns rows of as many cells each. The last column breaks within the width; where the others leave it no
// room, it stands beneath its row.
func Table(rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	before := 0
	for c := range len(rows[0]) - 1 {
		before += column(rows, c) + between
	}
	beneath := before > Width-leastRoom
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, between, ' ', 0)
	for _, row := range rows {
		last := len(row) - 1
		_, _ = t.Write([]byte(strings.Join(row[:last], "\t")))
		if !beneath {
			empty := "\n" + strings.Repeat("\t", last)
			_, _ = t.Write([]byte("\t" + strings.ReplaceAll(Text(row[last], Width-before, ""), "\n", empty)))
		}
		_, _ = t.Write([]byte("\n"))
	}
	_ = t.Flush() // what is written to is memory
	if beneath {
		return under(b.String(), rows)
	}
	return b.String()
}

// column is how wide a column is.
func column(rows [][]string, c int) (widest int) {
	for _, row := range rows {
		widest = max(widest, utf8.RuneCountInString(row[c]))
	}
	return widest
}

// under puts last columns beneath the lines of their rows.
func under(lines string, rows [][]string) string {
	const indent = "    "
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(lines, "\n"), "\n") {
		b.WriteString(line + "\n")
		if last := rows[i][len(rows[i])-1]; last != "" {
			b.WriteString(indent + Text(last, Width-len(indent), indent) + "\n")
		}
	}
	return b.String()
}
