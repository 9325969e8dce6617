// Package spelling guesses what was meant.
//
// Owns: how near two words are, and which is near enough. Does not own: which words there are, and how the guess is
// put.
package spelling

import "strings"

// longest is a word's length from which on nothing is guessed: it is no name.
const longest = 64

// Near is the candidate that is nearest to word, or "" when none is near: two edits in a short word, one in three
// letters of a longer one. Letter case and underscores do not count.
func Near(word string, candidates []string) string {
	if len(word) > longest {
		return ""
	}
	best, least := "", 1+max(min(2, len(word)-1), len(word)/3)
	for _, c := range candidates {
		if d := distance(fold(word), fold(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// distance counts the edits from a to b: bytes added, removed, replaced, or two neighbours swapped.
func distance(a, b string) int {
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j-1]+cost, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
