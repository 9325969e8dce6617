package cloudwatch

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/awsrpc"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
)

const (
	mostQueries = 500    // of one GetMetricData
	mostPoints  = 100800 // of one answer
	descending  = "TimestampDescending"
	ascending   = "TimestampAscending"
)

type metricStat struct {
	Metric     metricName
	Period     int
	Stat, Unit string
}

type dataQuery struct {
	ID                string `aws:"Id"`
	Expression, Label string
	MetricStat        *metricStat
	ReturnData        *bool
	Period            *int
}

type dataInput struct {
	MetricDataQueries []dataQuery
	StartTime         time.Time
	EndTime           time.Time
	ScanBy, NextToken string
	MaxDatapoints     *int
}

type dataResult struct {
	ID         string `aws:"Id"`
	Label      string
	Timestamps []time.Time
	Values     []float64
	StatusCode string
}

type dataOutput struct {
	MetricDataResults []dataResult
	NextToken         string
}

func (s *Service) getMetricData(c awsrpc.Call) (any, error) {
	var in dataInput
	if err := c.Into(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	asked, err := in.question(c.Region)
	if err != nil {
		return nil, err
	}
	var all []dataResult
	for _, q := range in.MetricDataQueries {
		if q.ReturnData != nil && !*q.ReturnData {
			continue
		}
		one, err := s.result(asked, q, in)
		if err != nil {
			return nil, awsrpc.Invalid("Error in expression '%s': %v", q.ID, err)
		}
		all = append(all, one)
	}
	return in.page(all)
}

func (in dataInput) check() error {
	switch {
	case len(in.MetricDataQueries) == 0 || len(in.MetricDataQueries) > mostQueries:
		return awsrpc.Invalid("The parameter MetricDataQueries has %d members, want 1 to %d.", len(in.MetricDataQueries), mostQueries)
	case in.StartTime.IsZero() || in.EndTime.IsZero():
		return awsrpc.Invalid("The parameters StartTime and EndTime are required.")
	case !in.StartTime.Before(in.EndTime):
		return awsrpc.Invalid("The parameter StartTime must be less than the parameter EndTime.")
	case !slices.Contains([]string{"", descending, ascending}, in.ScanBy):
		return awsrpc.Invalid("The parameter ScanBy is %q, want TimestampDescending or TimestampAscending.", in.ScanBy)
	case in.MaxDatapoints != nil && (*in.MaxDatapoints < 1 || *in.MaxDatapoints > mostPoints):
		return awsrpc.Invalid("The parameter MaxDatapoints is %d, want 1 to %d.", *in.MaxDatapoints, mostPoints)
	}
	return nil
}

// question checks the queries.
func (in dataInput) question(region string) (question, error) {
	out := question{}
	for _, q := range in.MetricDataQueries {
		if !idForm.MatchString(q.ID) {
			return nil, awsrpc.Invalid("The value %q for parameter MetricDataQueries.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", q.ID)
		}
		if _, twice := out[q.ID]; twice {
			return nil, awsrpc.Invalid("The values for parameter id in MetricDataQueries are not unique.")
		}
		line, err := q.line(region)
		if err != nil {
			return nil, err
		}
		out[q.ID] = line
	}
	return out, nil
}

func (q dataQuery) line(region string) (query, error) {
	if (q.MetricStat == nil) == (q.Expression == "") {
		return query{}, awsrpc.Invalid("Query '%s' has neither or both of MetricStat and Expression, want one.", q.ID)
	}
	if q.Expression != "" {
		line := query{id: q.ID, expression: q.Expression}
		if q.Period != nil {
			line.period = *q.Period
			return line, checkPeriod(line.period)
		}
		return line, nil
	}
	stat, err := metrics.ParseStatistic(q.MetricStat.Stat)
	if err != nil {
		return query{}, awsrpc.Invalid("The value for parameter MetricDataQueries.MetricStat.Stat of '%s' is not supported: %v.", q.ID, err)
	}
	if m := q.MetricStat.Metric; m.MetricName == "" || m.Namespace == "" {
		return query{}, awsrpc.Invalid("The Metric of '%s' has no Namespace or MetricName.", q.ID)
	}
	line := query{id: q.ID, metric: q.MetricStat.Metric.id(region), stat: stat, unit: q.MetricStat.Unit, period: q.MetricStat.Period}
	return line, checkPeriod(line.period)
}

func checkPeriod(seconds int) error {
	if slices.Contains([]int{1, 5, 10, 20, 30}, seconds) || seconds > 0 && seconds%60 == 0 && seconds <= 86400 {
		return nil
	}
	return awsrpc.Invalid("Period is %d, want 1, 5, 10, 20, 30 or a multiple of 60, at most a day.", seconds)
}

// result computes one line. The time looked at is bounded by what is kept.
func (s *Service) result(asked question, q dataQuery, in dataInput) (dataResult, error) {
	out := dataResult{ID: q.ID, Label: q.Label, StatusCode: "Complete", Timestamps: []time.Time{}, Values: []float64{}}
	if out.Label == "" && q.MetricStat != nil {
		out.Label = q.MetricStat.Metric.MetricName
	} else if out.Label == "" {
		out.Label = q.ID
	}
	period, err := asked.periodOf(q.ID)
	if err != nil {
		return out, err
	}
	g := s.within(in.StartTime, in.EndTime, period)
	points, err := asked.points(s.cfg.Store, q.ID, g)
	if err != nil {
		return out, err
	}
	for i, v := range points {
		if !math.IsNaN(v) {
			out.Timestamps, out.Values = append(out.Timestamps, g.at(i)), append(out.Values, v)
		}
	}
	if in.ScanBy != ascending {
		slices.Reverse(out.Timestamps)
		slices.Reverse(out.Values)
	}
	return out, nil
}

// within is the grid of a time, without what cannot have data.
func (s *Service) within(from, to time.Time, period int) grid {
	now := s.now()
	if oldest := now.Add(-metrics.Kept - 24*time.Hour); from.Before(oldest) {
		from = oldest
	}
	if newest := now.Add(time.Minute); to.After(newest) {
		to = newest
	}
	return aligned(from, to, period)
}

// page cuts the data points that one answer may have.
func (in dataInput) page(all []dataResult) (any, error) {
	limit, skip := mostPoints, 0
	if in.MaxDatapoints != nil {
		limit = *in.MaxDatapoints
	}
	if in.NextToken != "" {
		var err error
		if skip, err = strconv.Atoi(in.NextToken); err != nil || skip < 0 {
			return nil, &awsrpc.Error{Shape: "InvalidNextToken", Message: "The next token specified is invalid."}
		}
	}
	out, first := dataOutput{MetricDataResults: []dataResult{}}, skip
	for _, r := range all {
		from := min(skip, len(r.Values))
		to := min(from+limit, len(r.Values))
		skip, limit = skip-from, limit-(to-from)
		if to < len(r.Values) {
			r.StatusCode = "PartialData"
			out.NextToken = strconv.Itoa(first + in.size())
		}
		r.Timestamps, r.Values = r.Timestamps[from:to], r.Values[from:to]
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out, nil
}

func (in dataInput) size() int {
	if in.MaxDatapoints != nil {
		return *in.MaxDatapoints
	}
	return mostPoints
}
