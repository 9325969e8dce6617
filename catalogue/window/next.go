package window

import (
	"slices"
	"strings"
	"time"
)

// sundayFirst are how AWS writes the days of the week, in the order of package time.
var sundayFirst = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Next is when a weekly window such as "sun:03:30-sun:04:30" (UTC) begins for the first time after now; ok is false for
// what is no window.
func Next(weekly string, now time.Time) (begin time.Time, ok bool) {
	from, _, _ := strings.Cut(strings.ToLower(weekly), "-")
	day, clock, _ := strings.Cut(from, ":")
	weekday := slices.Index(sundayFirst, day)
	at, err := time.Parse("15:04", clock)
	if weekday < 0 || err != nil {
		return time.Time{}, false
	}
	now = now.UTC()
	ahead := (weekday - int(now.Weekday()) + len(sundayFirst)) % len(sundayFirst)
	begin = time.Date(now.Year(), now.Month(), now.Day()+ahead, at.Hour(), at.Minute(), 0, 0, time.UTC)
	if !begin.After(now) {
		begin = begin.AddDate(0, 0, len(sundayFirst))
	}
	return begin, true
}
