// Package window reads the spans of the day and of the week in which AWS may work on a service.
//
// Owns: how windows are written, how long they may be, whether two of them meet. Does not own: how long a service wants
// them (catalogue/rds, catalogue/redis), when a stack's are.
package window

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// LessThan is what no window lasts.
// Source: https://github.com/getmoto/moto/pull/5839 (RDS's answers to a maintenance window); read 2026-11-30. That
// ElastiCache is alike is as remembered 2026-11-30; CreateReplicationGroup would settle it.
const LessThan = day

// How windows are written, as regular expressions.
// Source: CreateDBInstance (PreferredBackupWindow, PreferredMaintenanceWindow) of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23.
const (
	DailyPattern  = clockPattern + "-" + clockPattern
	WeeklyPattern = dayPattern + ":" + clockPattern + "-" + dayPattern + ":" + clockPattern

	clockPattern = `([01][0-9]|2[0-3]):[0-5][0-9]`
	dayPattern   = `(mon|tue|wed|thu|fri|sat|sun)`
)

var (
	daily  = regexp.MustCompile("^" + DailyPattern + "$")
	weekly = regexp.MustCompile("^" + WeeklyPattern + "$")
)

// days are the names that AWS gives them, as in WeeklyPattern; read 2026-11-23.
var days = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// Window is a recurring span of time, in UTC.
type Window struct {
	Start  time.Duration // after the beginning of the day or of the week, which is Monday
	Length time.Duration
}

// Daily reads "02:00-03:00".
func Daily(text string) (Window, error) {
	if !daily.MatchString(text) {
		return Window{}, fmt.Errorf("is %q, want hours in UTC such as 02:00-03:00", text)
	}
	from, to, _ := strings.Cut(text, "-")
	return between(clock(from), clock(to), day), nil
}

// Weekly reads "sun:03:30-sun:04:30". AWS takes the days in capitals too and gives them back in small letters, which
// would be a difference at every update.
func Weekly(text string) (Window, error) {
	if !weekly.MatchString(text) {
		return Window{}, fmt.Errorf("is %q, want days and hours in UTC such as sun:03:30-sun:04:30", text)
	}
	from, to, _ := strings.Cut(text, "-")
	return between(onDay(from), onDay(to), week), nil
}

// Last says what is wrong with a window's length, where a service wants at least so much; nil if nothing is.
func (w Window) Last(least time.Duration) error {
	switch {
	case w.Length < least:
		return fmt.Errorf("lasts %d minutes, want at least %d", minutes(w.Length), minutes(least))
	case w.Length >= LessThan:
		return fmt.Errorf("lasts %d minutes, want less than %d (a day)", minutes(w.Length), minutes(LessThan))
	}
	return nil
}

// Meet tells whether a daily window meets a weekly one on any day. That one ends where the other begins is fine.
func Meet(daily, weekly Window) bool {
	for at := daily.Start - day; at < week+day; at += day {
		if at < weekly.Start+weekly.Length && weekly.Start < at+daily.Length {
			return true
		}
	}
	return false
}

func between(from, to, period time.Duration) Window {
	return Window{Start: from, Length: (to - from + period) % period}
}

// clock is the time of day in "02:00", whose form was checked.
func clock(text string) time.Duration {
	digit := func(i int) time.Duration { return time.Duration(text[i] - '0') }
	return (digit(0)*10+digit(1))*time.Hour + (digit(3)*10+digit(4))*time.Minute
}

func onDay(text string) time.Duration {
	return time.Duration(slices.Index(days, text[:3]))*day + clock(text[4:])
}

func minutes(d time.Duration) int { return int(d / time.Minute) }
