package compare

import (
	"cmp"
	"slices"
)

// correct raises the probabilities of answers for their number, as Benjamini and Hochberg do: that of rank k of n,
// the least first, n/k times, and none above that of a higher rank. What was not measured is no question.
func correct(answers []Answer) {
	var asked []*Answer
	for i := range answers {
		if answers[i].Why == "" {
			asked = append(asked, &answers[i])
		}
	}
	slices.SortFunc(asked, func(a, b *Answer) int { return cmp.Compare(b.P, a.P) })
	least := 1.0
	for i, a := range asked {
		rank := len(asked) - i
		least = min(least, a.P*float64(len(asked))/float64(rank))
		a.P = least
	}
}
