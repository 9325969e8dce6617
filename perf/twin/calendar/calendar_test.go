package calendar

import (
	"slices"
	"testing"
)

func TestEventsHappenInOrder(t *testing.T) {
	var c Calendar
	var done []int
	for i, at := range []float64{3, 1, 2, 1, 3, 0} {
		c.Plan(at, func() { done = append(done, i) })
	}
	last := 0.0
	for {
		at, do, ok := c.Next(2.5)
		if !ok {
			break
		}
		if at < last {
			t.Errorf("%v after %v", at, last)
		}
		last = at
		if do(); len(done) == 1 { // plans more, before what is left
			c.Plan(0.5, func() { done = append(done, 9) })
		}
	}
	if want := []int{5, 9, 1, 3, 2}; !slices.Equal(done, want) {
		t.Errorf("%v happened, want %v and what is after 2.5 left", done, want)
	}
	if at, _, ok := c.Next(3); !ok || at != 3 {
		t.Errorf("%v, %t; want what is at 3", at, ok)
	}
}
