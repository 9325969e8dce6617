package cloudwatch

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/awsrpc"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
)

func badValue(format string, args ...any) error {
	return &awsrpc.Error{Shape: "InvalidParameterValueException", Code: "InvalidParameterValue", Message: fmt.Sprintf(format, args...)}
}

func badCombination(format string, args ...any) error {
	return &awsrpc.Error{Shape: "InvalidParameterCombinationException", Code: "InvalidParameterCombination", Message: fmt.Sprintf(format, args...)}
}

func lacking(name string) error {
	return &awsrpc.Error{Shape: "MissingRequiredParameterException", Code: "MissingParameter", Message: "The parameter " + name + " is required."}
}

func badToken() error {
	return &awsrpc.Error{Shape: "InvalidNextToken", Message: "The next token specified is invalid."}
}

type statisticsInput struct {
	Namespace, MetricName, Unit    string
	Dimensions                     []metrics.Dimension
	StartTime, EndTime             time.Time
	Period                         int
	Statistics, ExtendedStatistics []string
}

type datapoint struct {
	Timestamp                                   time.Time
	SampleCount, Average, Sum, Minimum, Maximum *float64
	Unit                                        string
	ExtendedStatistics                          map[string]float64
}

type statisticsOutput struct {
	Label      string
	Datapoints []datapoint
}

// mostDatapoints of one GetMetricStatistics.
const mostDatapoints = 1440

func (in statisticsInput) check() error {
	switch {
	case in.Namespace == "":
		return lacking("Namespace")
	case in.MetricName == "":
		return lacking("MetricName")
	case in.StartTime.IsZero():
		return lacking("StartTime")
	case in.EndTime.IsZero():
		return lacking("EndTime")
	case !in.StartTime.Before(in.EndTime):
		return badValue("The parameter StartTime must be less than the parameter EndTime.")
	case len(in.Statistics)+len(in.ExtendedStatistics) == 0:
		return badCombination("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	case in.Period < 1 || in.Period > 86400 || checkPeriod(in.Period) != nil:
		return badValue("The parameter Period must be a multiple of 60, or 1, 5, 10, 20 or 30, at most 86400; it is %d.", in.Period)
	}
	if n := int(in.EndTime.Sub(in.StartTime).Seconds()) / in.Period; n > mostDatapoints {
		return badCombination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints "+
			"requested by increasing Period, or decreasing the time range.", n, mostDatapoints)
	}
	return nil
}

func (s *Service) getMetricStatistics(c awsrpc.Call) (any, error) {
	var in statisticsInput
	if err := c.Into(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	stats := map[string]metrics.Statistic{}
	for _, name := range append(in.Statistics, in.ExtendedStatistics...) {
		stat, err := metrics.ParseStatistic(name)
		if err != nil {
			return nil, badValue("The value for parameter Statistics is not supported: %v.", err)
		}
		stats[name] = stat
	}
	line := query{metric: metricName{in.Namespace, in.MetricName, in.Dimensions}.id(c.Region), unit: in.Unit}
	unit, _ := metrics.UnitOf(line.metric)
	g := s.within(in.StartTime, in.EndTime, in.Period)
	out := statisticsOutput{Label: in.MetricName, Datapoints: []datapoint{}}
	for i := range g.n {
		if set := line.set(s.cfg.Store, g, i); set.Count > 0 {
			d := datapoint{Timestamp: g.at(i), Unit: unit}
			for name, stat := range stats {
				d.put(name, stat.Of(set))
			}
			out.Datapoints = append(out.Datapoints, d)
		}
	}
	return out, nil
}

func (d *datapoint) put(name string, v float64) {
	simple := map[string]**float64{
		"SampleCount": &d.SampleCount, "Average": &d.Average, "Sum": &d.Sum, "Minimum": &d.Minimum, "Maximum": &d.Maximum,
	}
	if at := simple[name]; at != nil {
		*at = &v
		return
	}
	if d.ExtendedStatistics == nil {
		d.ExtendedStatistics = map[string]float64{}
	}
	d.ExtendedStatistics[name] = v
}

type listInput struct {
	Namespace, MetricName, RecentlyActive, NextToken string
	Dimensions                                       []metrics.Dimension
}

type listOutput struct {
	Metrics   []metricName
	NextToken string
}

// listPage is how many metrics one answer has.
const listPage = 500

func (s *Service) listMetrics(c awsrpc.Call) (any, error) {
	var in listInput
	if err := c.Into(&in); err != nil {
		return nil, err
	}
	f := metrics.Filter{Region: c.Region, Namespace: in.Namespace, Name: in.MetricName, Dimensions: in.Dimensions}
	switch in.RecentlyActive {
	case "":
	case "PT3H":
		f.Since = s.now().Add(-3 * time.Hour)
	default:
		return nil, badValue("The parameter RecentlyActive is %q, want PT3H.", in.RecentlyActive)
	}
	all := s.cfg.Store.List(f)
	part, next, err := cut(all, in.NextToken, listPage)
	out := listOutput{Metrics: []metricName{}, NextToken: next}
	for _, id := range part {
		out.Metrics = append(out.Metrics, metricName{id.Namespace, id.Name, id.Dimensions})
	}
	return out, err
}

// cut is a page of a list from a token on, and the token of the next.
func cut[T any](all []T, token string, size int) (part []T, next string, err error) {
	from := 0
	if token != "" {
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > len(all) {
			return nil, "", badToken()
		}
	}
	to := min(from+size, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}
