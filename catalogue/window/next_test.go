package window_test

import (
	"testing"
	"time"

	"github.com/ragscale/ragscale/catalogue/window"
)

func TestTheNextWindowBeginsAfterNow(t *testing.T) {
	const layout = "Mon 2006-01-02 15:04"
	for when, want := range map[string]string{
		"Sat 2026-12-05 23:00": "Sun 2026-12-06 03:30",
		"Sun 2026-12-06 03:29": "Sun 2026-12-06 03:30",
		"Sun 2026-12-06 03:30": "Sun 2026-12-13 03:30", // it has begun
		"Mon 2026-12-07 00:00": "Sun 2026-12-13 03:30",
		"Thu 2026-12-31 12:00": "Sun 2027-01-03 03:30",
	} {
		at, err := time.Parse(layout, when)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := window.Next("Sun:03:30-sun:04:30", at)
		if !ok || got.Format(layout) != want {
			t.Errorf("after %s: got %s, want %s", when, got.Format(layout), want)
		}
	}
	for _, text := range []string{"", "03:30-04:30", "son:03:30-sun:04:30", "sun:25:00-sun:26:00"} {
		if got, ok := window.Next(text, time.Now()); ok {
			t.Errorf("%q is no window, got %s", text, got)
		}
	}
}

func TestTheNextWindowIsInUTC(t *testing.T) {
	east := time.FixedZone("east", 10*60*60)
	got, _ := window.Next("sun:22:00-sun:23:00", time.Date(2026, 12, 7, 7, 0, 0, 0, east)) // Sunday 21:00 UTC
	if want := time.Date(2026, 12, 6, 22, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
