package fault

import (
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/window"
)

// clusterName is EKS's rule.
var clusterName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)

// Region wants the name of an AWS region.
func (l *List) Region(field, value string) {
	if !catalogue.IsRegion(value) {
		l.Add("%s is %q, want an AWS region such as eu-central-1", field, value)
	}
}

// ClusterName wants a name that EKS takes.
func (l *List) ClusterName(field, value string) {
	if !clusterName.MatchString(value) {
		l.Add("%s is %q, want 1 to 100 letters, digits, - and _, the first a letter or digit", field, value)
	}
}

// Subnets wants so many that they are in two zones.
func (l *List) Subnets(field string, count int) {
	if count < 2 {
		l.Add("%s has %d, want 2 or more, each in a zone of its own", field, count)
	}
}

// LogDays wants a number of days that CloudWatch keeps logs. zero says what 0 means; where it is empty 0 is a fault
// too.
func (l *List) LogDays(field string, days int, zero string) {
	logDays := catalogue.LogDays()
	switch {
	case slices.Contains(logDays, days):
	case zero == "":
		l.Add("%s is %d, want one of %v", field, days, logDays)
	case days != 0:
		l.Add("%s is %d, want 0 (%s) or one of %v", field, days, zero, logDays)
	}
}

// IPv4Range wants one without host bits, and tells whether that is what value is.
func (l *List) IPv4Range(field, value, example string) (netip.Prefix, bool) {
	prefix, err := netip.ParsePrefix(value)
	switch {
	case err != nil || !prefix.Addr().Is4():
		l.Add("%s is %q, want an IPv4 range such as %s", field, value, example)
	case prefix != prefix.Masked():
		l.Add("%s is %q, want %s: no host bits", field, value, prefix.Masked())
	default:
		return prefix, true
	}
	return netip.Prefix{}, false
}

// Span is a window of the day or of the week as an argument has it; empty leaves it to AWS.
type Span struct{ Field, Value string }

// Windows wants both as AWS writes them, of at least so long, and apart.
func (l *List) Windows(daily, weekly Span, least time.Duration) {
	d, hasDaily := l.window(daily, window.Daily, least)
	w, hasWeekly := l.window(weekly, window.Weekly, least)
	if hasDaily && hasWeekly && window.Meet(d, w) {
		l.Add("%s is %q within %s %q, want them apart", daily.Field, daily.Value, weekly.Field, weekly.Value)
	}
}

// window reads a span; ok = false where there is none, or a fault.
func (l *List) window(s Span, read func(string) (window.Window, error),
	least time.Duration) (w window.Window, ok bool) {
	if s.Value == "" {
		return w, false
	}
	w, err := read(s.Value)
	if err == nil {
		err = w.Last(least)
	}
	if err != nil {
		l.Add("%s %w", s.Field, err)
		return w, false
	}
	return w, true
}
