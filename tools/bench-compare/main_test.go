package main

import (
	"math"
	"testing"
)

// Mann and Whitney's published critical values, both sides at 5 %: 5 for 6 and 6 values, 13 for 8 and 8 (Siegel, table K).
func TestMannWhitneyIsThePublishedOne(t *testing.T) {
	for _, c := range []struct{ n, critical int }{{6, 5}, {8, 13}, {12, 37}} {
		pairs := c.n * c.n
		if p := 2 * exact(c.n, c.n, pairs-c.critical); p > 0.05 {
			t.Errorf("%d values: %v at the critical value", c.n, p)
		}
		if p := 2 * exact(c.n, c.n, pairs-c.critical-1); p <= 0.05 {
			t.Errorf("%d values: %v before the critical value", c.n, p)
		}
	}
	if p := exact(3, 2, 6); math.Abs(p-0.1) > 1e-12 { // one of the 10 orders
		t.Errorf("the last of 10 orders: %v", p)
	}
}
