package catalogue_test

import (
	"slices"
	"testing"

	"github.com/ragscale/ragscale/catalogue"
)

func TestRegionsAreSortedAndKnown(t *testing.T) {
	all := catalogue.Regions()
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("got %v, want each once, sorted", all)
	}
	for name, want := range map[string]bool{"eu-central-1": true, "eu-central-9": false, "eu-central": false, "aws-global": false, "": false} {
		if got := catalogue.IsRegion(name); got != want {
			t.Errorf("%q is a region: %t, want %t", name, got, want)
		}
	}
}
