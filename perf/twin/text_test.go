package twin

import (
	"strings"
	"testing"
)

func TestShortagesAreToldApart(t *testing.T) {
	after := func(seconds float64) *float64 { return &seconds }
	for want, s := range map[string]Shortage{
		"connections are what is short": {Database: true, NoPolicy: true},
		"No policy that reacts can meet it: pods are ready 40 s after the decision at the soonest, and it is over by then": {NoPolicy: true, Earliest: 40},
		"than maxReplicas lets":                   {Beyond: true, Decided: after(1)},
		"So many were never wanted":               {Earliest: 20},
		"in the first 130 s no policy":            {Earliest: 130, NoNode: true, Decided: after(20)},
		"since nodes must come":                   {Earliest: 130, NoNode: true, Decided: after(20)},
		"after 20 s and served after 50 s; in th": {Earliest: 20, Decided: after(20), Enough: after(50)},
	} {
		if got := s.why(); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want in it %q", s, got, want)
		}
	}
}

// TestTellingPointsAreBounded: a trajectory of an hour is a page, with its ends and its changes.
func TestTellingPointsAreBounded(t *testing.T) {
	var all []Point
	for i := range 720 {
		all = append(all, Point{At: float64(5 * i), Wanted: i / 7, Serving: i / 9})
	}
	kept := telling(all)
	if len(kept) != mostRows || kept[0].At != 0 || kept[len(kept)-1].At != 3595 {
		t.Errorf("%d points from %v to %v, want %d with both ends", len(kept), kept[0].At, kept[len(kept)-1].At, mostRows)
	}
	steady := telling([]Point{{At: 0}, {At: 5}, {At: 10, OverShare: 0.5}, {At: 15, OverShare: 0.5}, {At: 20}})
	if len(steady) != 3 || steady[1].At != 10 {
		t.Errorf("%+v, want the ends and the point that misses", steady)
	}
}
