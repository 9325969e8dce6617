package spelling

import (
	"strings"
	"testing"
)

func TestNearIsWhatWasProbablyMeant(t *testing.T) {
	known := []string{"replicas", "region", "shared_buffers", "on", "off"}
	for word, want := range map[string]string{
		"replica":                "replicas",       // a letter missing
		"rgeion":                 "region",         // two swapped
		"REGION":                 "region",         // another case
		"sharedBuffers":          "shared_buffers", // another form
		"of":                     "on",             // as near as off, and first
		"x":                      "",               // everything is as near
		"elephant":               "",
		strings.Repeat("on", 40): "",
	} {
		if got := Near(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
