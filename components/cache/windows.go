package cache

import (
	"fmt"
	"regexp"
	"slices"
)

const (
	minutesPerDay  = 24 * 60
	minutesPerWeek = 7 * minutesPerDay
	// leastWindow is ElastiCache's minimum length of either window, in minutes.
	leastWindow = 60
)

var (
	dailyWindow  = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])$`)
	weeklyWindow = regexp.MustCompile(`^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):([0-5][0-9])-(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):([0-5][0-9])$`)
	weekdays     = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
)

// window is a span of minutes that starts at start and lasts length, within a period that wraps around.
type window struct{ start, length int }

func (f *faults) windows(snapshot, maintenance string) {
	daily, dailyErr := parseDaily(snapshot)
	if dailyErr != nil {
		f.add("SnapshotWindow is %w", dailyErr)
	}
	weekly, weeklyErr := parseWeekly(maintenance)
	if weeklyErr != nil {
		f.add("MaintenanceWindow is %w", weeklyErr)
	}
	if dailyErr == nil && weeklyErr == nil && overlap(daily, weekly) {
		f.add("SnapshotWindow is %q within MaintenanceWindow %q, want them apart", snapshot, maintenance)
	}
}

// parseDaily reads "02:00-03:00". Empty is the zero window.
func parseDaily(s string) (window, error) {
	if s == "" {
		return window{}, nil
	}
	m := dailyWindow.FindStringSubmatch(s)
	if m == nil {
		return window{}, fmt.Errorf(`%q, want hours such as "02:00-03:00"`, s)
	}
	return span(s, minutes(m[1], m[2]), minutes(m[3], m[4]), minutesPerDay)
}

// parseWeekly reads "sun:04:00-sun:05:00". Empty is the zero window.
func parseWeekly(s string) (window, error) {
	if s == "" {
		return window{}, nil
	}
	m := weeklyWindow.FindStringSubmatch(s)
	if m == nil {
		return window{}, fmt.Errorf(`%q, want days and hours such as "sun:04:00-sun:05:00"`, s)
	}
	from := slices.Index(weekdays, m[1])*minutesPerDay + minutes(m[2], m[3])
	to := slices.Index(weekdays, m[4])*minutesPerDay + minutes(m[5], m[6])
	w, err := span(s, from, to, minutesPerWeek)
	if err == nil && w.length >= minutesPerDay {
		return window{}, fmt.Errorf("%q, want less than 24 hours", s)
	}
	return w, err
}

func span(s string, from, to, period int) (window, error) {
	length := (to - from + period) % period
	if length < leastWindow {
		return window{}, fmt.Errorf("%q, want %d minutes or more", s, leastWindow)
	}
	return window{start: from, length: length}, nil
}

// minutes since midnight of an hour and a minute, two digits each.
func minutes(hour, minute string) int { return twoDigits(hour)*60 + twoDigits(minute) }

func twoDigits(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// overlap tells whether the daily window touches the weekly one on any day.
func overlap(daily, weekly window) bool {
	if daily.length == 0 || weekly.length == 0 {
		return false
	}
	for day := range weekdays {
		start := day*minutesPerDay + daily.start
		if within(start, weekly) || within(weekly.start, window{start: start, length: daily.length}) {
			return true
		}
	}
	return false
}

func within(minute int, w window) bool {
	return (minute-w.start+minutesPerWeek)%minutesPerWeek < w.length
}
