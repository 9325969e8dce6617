package window

import (
	"slices"
	"strings"
	"time"
)

// days are how AWS writes the days of the week, in the order of package time.
var days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Next is when a weekly window such as "sun:03:30-sun:04:30" (UTC) begins for the first time after now; ok is false for
// what is no window.
func Next(weekly string, now time.Time) (begin time.Time, ok bool) {
	from, _, _ := strings.Cut(strings.ToLower(weekly), "-")
	day, clock, _ := strings.Cut(from, ":")
	weekday := slices.Index(days, day)
	at, err := time.Parse("15:04", clock)
	if weekday < 0 || err != nil {
		return time.Time{}, false
	}
	now = now.UTC()
	ahead := (weekday - int(now.Weekday()) + len(days)) % len(days)
	begin = time.Date(now.Year(), now.Month(), now.Day()+ahead, at.Hour(), at.Minute(), 0, 0, time.UTC)
	if !begin.After(now) {
		begin = begin.AddDate(0, 0, len(days))
	}
	return begin, true
}
