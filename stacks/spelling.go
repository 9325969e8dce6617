package stacks

import "github.com/ragscale/ragscale/spelling"

// didYouMean returns " (did you mean x?)" for the candidate nearest to word, "" if none is near.
func didYouMean(word string, candidates []string) string {
	if near := spelling.Near(word, candidates); near != "" {
		return " (did you mean " + near + "?)"
	}
	return ""
}
