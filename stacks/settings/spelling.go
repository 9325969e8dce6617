package settings

import "github.com/ragscale/ragscale/spelling"

// DidYouMean returns " (did you mean x?)" for the candidate nearest to word, "" if none is near.
func DidYouMean(word string, candidates []string) string {
	if near := spelling.Near(word, candidates); near != "" {
		return " (did you mean " + near + "?)"
	}
	return ""
}
