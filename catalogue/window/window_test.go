package window_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ragscale/ragscale/catalogue/window"
)

func TestWindowsAreReadAndMeasured(t *testing.T) {
	for text, want := range map[string]window.Window{
		"02:00-03:00": {Start: 2 * time.Hour, Length: time.Hour},
		"23:30-00:30": {Start: 23*time.Hour + 30*time.Minute, Length: time.Hour},
		"02:00-02:00": {Start: 2 * time.Hour},
	} {
		if got, err := window.Daily(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]window.Window{
		"mon:00:00-mon:00:30": {Length: 30 * time.Minute},
		"sun:23:30-mon:00:30": {Start: 6*24*time.Hour + 23*time.Hour + 30*time.Minute, Length: time.Hour},
	} {
		if got, err := window.Weekly(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestWhatIsNoWindowIsRefused(t *testing.T) {
	for _, text := range []string{"", "2:00-3:00", "24:00-01:00", "02:60-03:00", "02:00-03:00 ", "sun:02:00-sun:03:00"} {
		if _, err := window.Daily(text); err == nil {
			t.Errorf("%q is read as a daily window", text)
		}
	}
	for _, text := range []string{"", "02:00-03:00", "Sun:02:00-Sun:03:00", "sunday:02:00-sun:03:00", "sun:2:00-sun:3:00"} {
		if _, err := window.Weekly(text); err == nil {
			t.Errorf("%q is read as a weekly window", text)
		}
	}
}

func TestAWindowLastsLessThanADay(t *testing.T) {
	for text, want := range map[string]string{
		"sun:03:30-sun:03:59": "lasts 29 minutes, want at least 30",
		"sun:03:30-sun:04:00": "<nil>",
		"sun:03:30-mon:03:29": "<nil>",
		"sun:03:30-mon:03:30": "lasts 1440 minutes, want less than 1440 (a day)",
		"sun:03:30-sun:03:30": "lasts 0 minutes, want at least 30",
	} {
		w, err := window.Weekly(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(w.Last(30 * time.Minute)); got != want {
			t.Errorf("%s %s, want %s", text, got, want)
		}
	}
}

func TestWindowsMeetOnAnyDayAndAroundMidnight(t *testing.T) {
	for _, c := range []struct {
		daily, weekly string
		meet          bool
	}{
		{"02:00-03:00", "sun:03:00-sun:04:00", false},
		{"02:00-03:00", "sun:02:59-sun:04:00", true},
		{"02:00-03:00", "sun:01:00-sun:02:00", false},
		{"23:30-00:30", "mon:00:00-mon:01:00", true},
		{"23:30-00:30", "mon:00:30-mon:01:00", false},
		{"00:00-01:00", "sun:23:30-mon:00:30", true},
		{"12:00-12:30", "sat:13:00-sun:12:10", true},
	} {
		d, dailyErr := window.Daily(c.daily)
		w, weeklyErr := window.Weekly(c.weekly)
		if dailyErr != nil || weeklyErr != nil {
			t.Fatal(dailyErr, weeklyErr)
		}
		if got := window.Meet(d, w); got != c.meet {
			t.Errorf("%s and %s meet: %t, want %t", c.daily, c.weekly, got, c.meet)
		}
	}
}
