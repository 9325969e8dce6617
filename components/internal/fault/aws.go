package fault

import (
	"net/netip"
	"regexp"
	"slices"
)

var (
	region = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[1-9]$`)
	// clusterName is EKS's rule.
	clusterName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)
	// logDays are all that CloudWatch takes, but for 0, which never expires.
	// Source: PutRetentionPolicy of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs@v1.74.4 and
	// retentionInDays of aws.cloudwatch.LogGroup, pulumi-aws v6.83.4; read 2026-11-23.
	logDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)

// Region wants the name of an AWS region.
func (l *List) Region(field, value string) {
	if !region.MatchString(value) {
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

// LogDays wants a number of days that CloudWatch keeps logs. zero says what 0 means; where it is empty 0 is a fault too.
func (l *List) LogDays(field string, days int, zero string) {
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
