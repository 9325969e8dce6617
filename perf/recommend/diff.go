package recommend

import (
	"fmt"
	"strings"
)

// around is how many lines that stay a patch shows about those that change.
const around = 3

// step is a line of both files, of the old one (-) or of the new one (+).
type step struct {
	sign byte
	text string
}

// patch is what `git apply` and `patch -p1` take to make one text of a file of another; "" for the same.
func patch(name string, before, after []byte) string {
	steps := steps(lines(before), lines(after))
	var b strings.Builder
	for i := 0; i < len(steps); i++ {
		if steps[i].sign == ' ' {
			continue
		}
		if b.Len() == 0 {
			fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n", name, name)
		}
		from := max(0, i-around)
		to := hunkEnd(steps, i)
		hunk(&b, steps, from, to)
		i = to
	}
	return b.String()
}

// hunkEnd is where a hunk ends that has a change at i: changes less than twice the context apart are one.
func hunkEnd(steps []step, i int) int {
	last := i
	for j := i; j < len(steps) && j-last <= 2*around; j++ {
		if steps[j].sign != ' ' {
			last = j
		}
	}
	return min(len(steps), last+around+1)
}

func hunk(b *strings.Builder, steps []step, from, to int) {
	oldAt, newAt := 1, 1
	for _, s := range steps[:from] {
		oldAt, newAt = oldAt+count(s, '+'), newAt+count(s, '-')
	}
	olds, news := 0, 0
	for _, s := range steps[from:to] {
		olds, news = olds+count(s, '+'), news+count(s, '-')
	}
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", oldAt, olds, newAt, news)
	for _, s := range steps[from:to] {
		b.WriteByte(s.sign)
		b.WriteString(s.text)
		if !strings.HasSuffix(s.text, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// count is 1 for a step that is in the file that does not have lines of a sign.
func count(s step, not byte) int {
	if s.sign == not {
		return 0
	}
	return 1
}

func lines(text []byte) []string {
	all := strings.SplitAfter(string(text), "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

// steps are the longest common lines, with what differs between them.
func steps(a, b []string) (all []step) {
	length := common(a, b)
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			all = append(all, step{' ', a[i]})
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			all = append(all, step{'-', a[i]})
			i++
		default:
			all = append(all, step{'+', b[j]})
			j++
		}
	}
	for _, line := range a[i:] {
		all = append(all, step{'-', line})
	}
	for _, line := range b[j:] {
		all = append(all, step{'+', line})
	}
	return all
}

// common is how long the longest common part is of what is left of two texts, by where each is.
func common(a, b []string) [][]int {
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	return length
}
