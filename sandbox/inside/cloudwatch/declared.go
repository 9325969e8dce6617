package cloudwatch

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
)

const (
	metricAlarmToken    = "aws:cloudwatch/metricAlarm:MetricAlarm"
	compositeAlarmToken = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
	topicToken          = "aws:sns/topic:Topic"
)

// alarm is a declared one, metric or composite, as the provider names its properties.
type alarm struct {
	region, arn, name string
	composite         bool

	MetricName, Namespace, Statistic, ExtendedStatistic, Unit string
	Dimensions                                                map[string]string
	Period, EvaluationPeriods, DatapointsToAlarm              int
	Threshold                                                 *float64
	ThresholdMetricID                                         string `json:"thresholdMetricId"`
	ComparisonOperator, TreatMissingData                      string
	EvaluateLowSampleCountPercentiles                         string
	MetricQueries                                             []alarmQuery

	AlarmRule string

	AlarmDescription                                 string
	ActionsEnabled                                   *bool
	AlarmActions, OkActions, InsufficientDataActions []string
}

type alarmQuery struct {
	ID, Expression, Label string
	ReturnData            bool
	Period                int
	Metric                *struct {
		Namespace, MetricName, Stat, Unit string
		Dimensions                        map[string]string
		Period                            int
	}
}

// alarms are the declared ones that exist, by name; metric alarms first. region "" is every region.
func (s *Service) alarms(region string) ([]alarm, error) {
	var out []alarm
	for _, token := range []string{metricAlarmToken, compositeAlarmToken} {
		all, err := s.cfg.Account.List(token)
		if err != nil {
			return nil, err
		}
		from := len(out)
		for _, r := range all {
			if !r.Ready || region != "" && r.Region != region {
				continue
			}
			a, err := readAlarm(r.State)
			if err != nil {
				return nil, fmt.Errorf("alarm %s: %w", r.ID, err)
			}
			a.region, a.composite = r.Region, token == compositeAlarmToken
			out = append(out, a)
		}
		slices.SortFunc(out[from:], func(a, b alarm) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.region, b.region)) })
	}
	return out, nil
}

func readAlarm(state map[string]any) (alarm, error) {
	raw, err := json.Marshal(state)
	if err != nil {
		return alarm{}, err
	}
	var a alarm
	var named struct{ Arn, Name, AlarmName string }
	err = errors.Join(json.Unmarshal(raw, &a), json.Unmarshal(raw, &named))
	a.arn, a.name = named.Arn, cmp.Or(named.AlarmName, named.Name)
	a.DatapointsToAlarm = cmp.Or(a.DatapointsToAlarm, a.EvaluationPeriods)
	return a, err
}

// acts says whether actions are taken; they are unless the alarm says otherwise.
func (a alarm) acts() bool { return a.ActionsEnabled == nil || *a.ActionsEnabled }

func (a alarm) actions(st State) []string {
	switch st {
	case Alarm:
		return a.AlarmActions
	case OK:
		return a.OkActions
	}
	return a.InsufficientDataActions
}

func dimensions(m map[string]string) []metrics.Dimension {
	var pairs []string
	for name, value := range m {
		pairs = append(pairs, name, value)
	}
	return metrics.Of("", "", "", pairs...).Dimensions
}

// stat is the statistic of an alarm on one metric.
func (a alarm) stat() string { return cmp.Or(a.Statistic, a.ExtendedStatistic) }

// question is what the alarm asks, and the line that it compares.
func (a alarm) question() (question, string, error) {
	if len(a.MetricQueries) == 0 {
		stat, err := metrics.ParseStatistic(a.stat())
		id := metrics.ID{Region: a.region, Namespace: a.Namespace, Name: a.MetricName, Dimensions: dimensions(a.Dimensions)}
		return question{"m": {id: "m", metric: id, stat: stat, unit: a.Unit, period: a.Period}}, "m", err
	}
	out, compared := question{}, ""
	for _, q := range a.MetricQueries {
		line := query{id: q.ID, expression: q.Expression, period: q.Period}
		if m := q.Metric; m != nil {
			var err error
			if line.stat, err = metrics.ParseStatistic(m.Stat); err != nil {
				return nil, "", err
			}
			line.metric = metrics.ID{Region: a.region, Namespace: m.Namespace, Name: m.MetricName, Dimensions: dimensions(m.Dimensions)}
			line.unit, line.period = m.Unit, m.Period
		}
		out[q.ID] = line
		if q.ReturnData {
			compared = q.ID
		}
	}
	if compared == "" && len(a.MetricQueries) == 1 {
		compared = a.MetricQueries[0].ID
	}
	if compared == "" {
		return nil, "", errors.New("no query of its metrics returns data")
	}
	return out, compared, nil
}

// breaches says whether a value is what the alarm is about. Bands of anomaly detection are not computed here.
func (a alarm) breaches(v float64) (bool, error) {
	if a.Threshold == nil || a.ThresholdMetricID != "" {
		return false, errors.New("a band of anomaly detection is not computed here")
	}
	switch a.ComparisonOperator {
	case "GreaterThanThreshold":
		return v > *a.Threshold, nil
	case "GreaterThanOrEqualToThreshold":
		return v >= *a.Threshold, nil
	case "LessThanThreshold":
		return v < *a.Threshold, nil
	case "LessThanOrEqualToThreshold":
		return v <= *a.Threshold, nil
	}
	return false, fmt.Errorf("the comparison %s is not computed here", a.ComparisonOperator)
}

// comparisonText words a comparison as CloudWatch's reasons do.
func (a alarm) comparisonText() string {
	words := map[string]string{
		"GreaterThanThreshold": "greater than", "GreaterThanOrEqualToThreshold": "greater than or equal to",
		"LessThanThreshold": "less than", "LessThanOrEqualToThreshold": "less than or equal to",
	}
	return cmp.Or(words[a.ComparisonOperator], strings.ToLower(a.ComparisonOperator))
}
