// Package schedule judges the windows of the week in which AWS may work on a service.
//
// Owns: how windows are written, their least length, that the daily one is apart from the weekly one. Does not own: when a
// service's windows are.
package schedule

import (
	"fmt"
	"regexp"
	"slices"
)

const (
	minutesPerDay  = 24 * 60
	minutesPerWeek = 7 * minutesPerDay
)

var (
	dailyWindow  = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])$`)
	weeklyWindow = regexp.MustCompile(`^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):([0-5][0-9])-(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):([0-5][0-9])$`)
	weekdays     = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
)

// window is a span of minutes that starts at start and lasts length, within a period that wraps around.
type window struct{ start, length int }

// Field is a window as an argument has it, in UTC; empty leaves it to AWS.
type Field struct{ Name, Value string }

// Faults are what is wrong with a daily window such as "02:00-03:00" and a weekly one such as "sun:04:00-sun:05:00", either
// of which lasts least minutes or more.
func Faults(daily, weekly Field, least int) []error {
	var faults []error
	day, dayErr := parseDaily(daily.Value, least)
	if dayErr != nil {
		faults = append(faults, fmt.Errorf("%s is %w", daily.Name, dayErr))
	}
	week, weekErr := parseWeekly(weekly.Value, least)
	if weekErr != nil {
		faults = append(faults, fmt.Errorf("%s is %w", weekly.Name, weekErr))
	}
	if dayErr == nil && weekErr == nil && overlap(day, week) {
		faults = append(faults, fmt.Errorf("%s is %q within %s %q, want them apart", daily.Name, daily.Value, weekly.Name, weekly.Value))
	}
	return faults
}

// parseDaily reads "02:00-03:00". Empty is the zero window.
func parseDaily(s string, least int) (window, error) {
	if s == "" {
		return window{}, nil
	}
	m := dailyWindow.FindStringSubmatch(s)
	if m == nil {
		return window{}, fmt.Errorf(`%q, want hours such as "02:00-03:00"`, s)
	}
	return span(s, minutes(m[1], m[2]), minutes(m[3], m[4]), minutesPerDay, least)
}

// parseWeekly reads "sun:04:00-sun:05:00". Empty is the zero window.
func parseWeekly(s string, least int) (window, error) {
	if s == "" {
		return window{}, nil
	}
	m := weeklyWindow.FindStringSubmatch(s)
	if m == nil {
		return window{}, fmt.Errorf(`%q, want days and hours such as "sun:04:00-sun:05:00"`, s)
	}
	from := slices.Index(weekdays, m[1])*minutesPerDay + minutes(m[2], m[3])
	to := slices.Index(weekdays, m[4])*minutesPerDay + minutes(m[5], m[6])
	w, err := span(s, from, to, minutesPerWeek, least)
	if err == nil && w.length >= minutesPerDay {
		return window{}, fmt.Errorf("%q, want less than 24 hours", s)
	}
	return w, err
}

func span(s string, from, to, period, least int) (window, error) {
	length := (to - from + period) % period
	if length < least {
		return window{}, fmt.Errorf("%q, want %d minutes or more", s, least)
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
