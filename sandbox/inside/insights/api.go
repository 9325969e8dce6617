package insights

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/awsrpc"
)

func invalid(format string, args ...any) error {
	return &awsrpc.Error{Shape: "InvalidArgumentException", Message: fmt.Sprintf(format, args...)}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

type dimensionGroup struct {
	Group      string
	Dimensions []string
	Limit      *int
}

// span is what both calls say of whose load is meant, and when.
type span struct {
	ServiceType, Identifier string
	StartTime, EndTime      time.Time
	PeriodInSeconds         *int
	MaxResults              *int
	NextToken               string
}

type metricQuery struct {
	Metric  string
	GroupBy *dimensionGroup
	Filter  map[string]string
}

// metricNames are the load on average over a period, which here is what the looks saw in either case.
var metricNames = []string{"db.load.avg", "db.sampledload.avg"}

// periods that can be asked for, s.
var periods = []int{1, 60, 300, 3600, 86400}

const (
	// mostPoints of a metric in one answer.
	mostPoints = 3600
	// mostResults is the most of one answer.
	mostResults = 25
)

func (s span) check() error {
	switch {
	case s.ServiceType != "RDS":
		return invalid("ServiceType is %q, want RDS", s.ServiceType)
	case s.StartTime.IsZero() || s.EndTime.IsZero() || !s.StartTime.Before(s.EndTime):
		return invalid("StartTime must be before EndTime")
	case s.PeriodInSeconds != nil && !slices.Contains(periods, *s.PeriodInSeconds):
		return invalid("PeriodInSeconds is %d, want one of %v", *s.PeriodInSeconds, periods)
	case s.MaxResults != nil && (*s.MaxResults < 0 || *s.MaxResults > mostResults):
		return invalid("MaxResults is %d, want 0 to %d", *s.MaxResults, mostResults)
	}
	if n := int64(s.EndTime.Sub(s.StartTime).Seconds()) / s.period(); n > mostPoints {
		return invalid("The time has %d periods, want at most %d", n, mostPoints)
	}
	return nil
}

// period is the one asked for, else the smallest that is no more than a hundred or so of the time.
func (s span) period() int64 {
	if s.PeriodInSeconds != nil {
		return int64(*s.PeriodInSeconds)
	}
	for _, p := range periods {
		if s.EndTime.Sub(s.StartTime).Seconds()/float64(p) <= 300 {
			return int64(p)
		}
	}
	return int64(periods[len(periods)-1])
}

// aligned is the time in whole periods, in seconds.
func (s span) aligned() (from, to int64) {
	p := s.period()
	from = s.StartTime.Unix() / p * p
	to = (s.EndTime.Unix() + p - 1) / p * p
	return from, to
}

// load is what was seen of the database that a call names. Call it with mu held.
func (s *Service) load(c awsrpc.Call, of span) (*load, error) {
	if err := of.check(); err != nil {
		return nil, err
	}
	all, err := s.cfg.Account.List(instanceToken)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(r awsapi.Resource) bool { return r.Region == c.Region && r.State["resourceId"] == of.Identifier })
	if i < 0 {
		return nil, &awsrpc.Error{Shape: "NotAuthorizedException", Message: "There is no resource " + of.Identifier + " here that the caller may see"}
	}
	if all[i].State["performanceInsightsEnabled"] != true {
		return nil, invalid("Performance Insights is not enabled for %s", of.Identifier)
	}
	id, _ := all[i].State["identifier"].(string)
	if found := s.loads[id]; found != nil {
		return found, nil
	}
	return newLoad(), nil // not looked at yet
}

// line is the load of the sessions that have some values, by period.
type line struct {
	dimensions map[string]string
	total      float64 // over the whole time
	points     []*float64
}

// lines are the loads by the values of dimensions, largest first; without dimensions there is one. A period without a look
// has no value.
func (l *load) lines(of span, dimensions []string, filter map[string]string) []line {
	from, to := of.aligned()
	p := of.period()
	n := int((to - from) / p)
	looks := make([]int, n)
	all := 0
	for i := range looks {
		looks[i] = l.lookedAt(from+int64(i)*p, from+int64(i+1)*p)
		all += looks[i]
	}
	t := tally{counts: map[string][]int{}, values: map[string]map[string]string{}, of: map[int32][]int{}, n: n}
	if dimensions == nil {
		t.counts[""] = make([]int, n)
	}
	for _, one := range l.between(from, to) {
		if counts := t.countsOf(one.what, l.sessions[one.what], dimensions, filter); counts != nil {
			counts[(one.at-from)/p]++
		}
	}
	var out []line
	for key, count := range t.counts {
		out = append(out, average(t.values[key], count, looks, all))
	}
	slices.SortFunc(out, func(a, b line) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(fmt.Sprint(a.dimensions), fmt.Sprint(b.dimensions)))
	})
	return out
}

// tally counts sessions by their values.
type tally struct {
	counts map[string][]int
	values map[string]map[string]string
	of     map[int32][]int // the counts of a session's values, by the session's index; nil for one that the filter leaves out
	n      int
}

func (t tally) countsOf(what int32, s session, dimensions []string, filter map[string]string) []int {
	if counts, known := t.of[what]; known {
		return counts
	}
	if !s.matches(filter) {
		t.of[what] = nil
		return nil
	}
	key := ""
	if dimensions != nil {
		has := s.values(dimensions)
		if key = fmt.Sprint(has); t.counts[key] == nil {
			t.counts[key], t.values[key] = make([]int, t.n), has
		}
	}
	t.of[what] = t.counts[key]
	return t.of[what]
}

func average(dimensions map[string]string, counts, looks []int, all int) line {
	out := line{dimensions: dimensions, points: make([]*float64, len(counts))}
	sum := 0
	for i, n := range counts {
		sum += n
		if looks[i] > 0 {
			v := float64(n) / float64(looks[i])
			out.points[i] = &v
		}
	}
	if all > 0 {
		out.total = float64(sum) / float64(all)
	}
	return out
}

// page cuts a page out of a list, and gives the token of the next.
func page[T any](all []T, of span) (part []T, next string, err error) {
	size, from := mostResults, 0
	if of.MaxResults != nil && *of.MaxResults > 0 {
		size = *of.MaxResults
	}
	if of.NextToken != "" {
		if from, err = strconv.Atoi(of.NextToken); err != nil || from < 0 || from > len(all) {
			return nil, "", invalid("NextToken is %q, want one that was answered", of.NextToken)
		}
	}
	to := min(from+size, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}
