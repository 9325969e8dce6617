package compare

import (
	"cmp"
	"slices"
)

// Adjust raises probabilities for their number, as Benjamini and Hochberg do: that of rank k of n, the least first, n/k
// times, and none above that of a higher rank.
func Adjust(all []float64) []float64 {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(all[b], all[a]) })
	adjusted := make([]float64, len(all))
	least := 1.0
	for i, at := range order {
		rank := len(all) - i
		least = min(least, all[at]*float64(len(all))/float64(rank))
		adjusted[at] = least
	}
	return adjusted
}

// correct adjusts the probabilities of answers. What was not measured is no question.
func correct(answers []Answer) {
	var asked []*Answer
	var p []float64
	for i := range answers {
		if answers[i].Why == "" {
			asked = append(asked, &answers[i])
			p = append(p, answers[i].P)
		}
	}
	for i, adjusted := range Adjust(p) {
		asked[i].P = adjusted
	}
}
