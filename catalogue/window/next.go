package window

import (
	"strings"
	"time"
)

// Next is when a weekly window begins for the first time after now; ok is false for what is no window.
func Next(weekly string, now time.Time) (begin time.Time, ok bool) {
	w, err := Weekly(strings.ToLower(weekly))
	if err != nil {
		return time.Time{}, false
	}
	now = now.UTC()
	sinceMonday := (int(now.Weekday()) + len(days) - int(time.Monday)) % len(days)
	monday := time.Date(now.Year(), now.Month(), now.Day()-sinceMonday, 0, 0, 0, 0, time.UTC)
	begin = monday.Add(w.Start)
	if !begin.After(now) {
		begin = begin.AddDate(0, 0, len(days))
	}
	return begin, true
}
