package health

import "testing"

// TestALookThatTakesItsTimeIsFollowedByTheNext: else three that have no answer would take twice the time that readers wait for them.
func TestALookThatTakesItsTimeIsFollowedByTheNext(t *testing.T) {
	for range 1000 {
		if got := rest(2 * period); got != 0 {
			t.Fatalf("%v after one that took two periods, want none", got)
		}
		if got := rest(period / 2); got < period/5 || got > period {
			t.Fatalf("%v after one that took half a period", got)
		}
	}
}
