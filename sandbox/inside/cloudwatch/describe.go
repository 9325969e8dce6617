package cloudwatch

import (
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/awsrpc"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
)

// common are the members that both kinds of alarms have in an answer.
type common struct {
	AlarmName, AlarmArn, AlarmDescription             string
	ActionsEnabled                                    bool
	OKActions, AlarmActions                           []string
	InsufficientDataActions                           []string
	AlarmConfigurationUpdatedTimestamp                time.Time
	StateValue, StateReason, StateReasonData          string
	StateUpdatedTimestamp, StateTransitionedTimestamp time.Time
}

type answeredMetric struct {
	Metric metricName
	Period int
	Stat   string
	Unit   string
}

type answeredQuery struct {
	ID                string `aws:"Id"`
	Expression, Label string
	MetricStat        *answeredMetric
	ReturnData        bool
}

type answeredAlarm struct {
	common
	MetricName, Namespace, Statistic, ExtendedStatistic, Unit string
	Dimensions                                                []metrics.Dimension
	Period                                                    *int
	EvaluationPeriods, DatapointsToAlarm                      int
	Threshold                                                 *float64
	ThresholdMetricID                                         string `aws:"ThresholdMetricId"`
	ComparisonOperator, TreatMissingData                      string
	EvaluateLowSampleCountPercentile                          string
	Metrics                                                   []answeredQuery
}

type answeredComposite struct {
	common
	AlarmRule string
}

type alarmsInput struct {
	AlarmNames, AlarmTypes                    []string
	AlarmNamePrefix, StateValue, ActionPrefix string
	ChildrenOfAlarmName, ParentsOfAlarmName   string
	NextToken                                 string
	MaxRecords                                *int
}

type alarmsOutput struct {
	CompositeAlarms []answeredComposite
	MetricAlarms    []answeredAlarm
	NextToken       string
}

const mostRecords = 100

// records is how many an answer may have.
func records(asked *int) (int, error) {
	if asked == nil {
		return mostRecords, nil
	}
	if *asked < 1 || *asked > mostRecords {
		return 0, awsrpc.Invalid("MaxRecords is %d, want 1 to %d", *asked, mostRecords)
	}
	return *asked, nil
}

func (in alarmsInput) check() error {
	switch {
	case len(in.AlarmNames) > 0 && in.AlarmNamePrefix != "":
		return badCombination("AlarmNames and AlarmNamePrefix are both given, want one of them")
	case len(in.AlarmNames) > mostRecords:
		return awsrpc.Invalid("AlarmNames has %d members, want at most %d", len(in.AlarmNames), mostRecords)
	case in.StateValue != "" && !slices.Contains([]State{OK, Alarm, Insufficient}, State(in.StateValue)):
		return awsrpc.Invalid("StateValue is %q, want OK, ALARM or INSUFFICIENT_DATA", in.StateValue)
	case in.ChildrenOfAlarmName != "" || in.ParentsOfAlarmName != "":
		return awsrpc.Invalid("ChildrenOfAlarmName and ParentsOfAlarmName are not answered here")
	}
	return checkKinds(in.AlarmTypes)
}

func checkKinds(kinds []string) error {
	for _, kind := range kinds {
		if kind != "MetricAlarm" && kind != "CompositeAlarm" {
			return awsrpc.Invalid("AlarmTypes has %q, want MetricAlarm or CompositeAlarm: others are not here", kind)
		}
	}
	return nil
}

// wanted says whether a kind is asked for: without a word, metric alarms alone.
func wanted(kinds []string, kind string) bool {
	return slices.Contains(kinds, kind) || len(kinds) == 0 && kind == "MetricAlarm"
}

func (in alarmsInput) selects(a alarm, st standing) bool {
	return wanted(in.AlarmTypes, a.kind()) &&
		(len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, a.name)) &&
		strings.HasPrefix(a.name, in.AlarmNamePrefix) &&
		(in.StateValue == "" || st.State == State(in.StateValue)) &&
		(in.ActionPrefix == "" || slices.ContainsFunc(slices.Concat(a.AlarmActions, a.OkActions, a.InsufficientDataActions),
			func(action string) bool { return strings.HasPrefix(action, in.ActionPrefix) }))
}

func (s *Service) describeAlarms(c awsrpc.Call) (any, error) {
	var in alarmsInput
	if err := c.Into(&in); err != nil {
		return nil, err
	}
	size, err := records(in.MaxRecords)
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return nil, err
	}
	all, err := s.alarms(c.Region)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all = slices.DeleteFunc(all, func(a alarm) bool { return !in.selects(a, s.standing(a, s.now())) })
	part, next, err := cut(all, in.NextToken, size)
	out := alarmsOutput{CompositeAlarms: []answeredComposite{}, MetricAlarms: []answeredAlarm{}, NextToken: next}
	for _, a := range part {
		shared := a.common(s.standing(a, s.now()))
		if a.composite {
			out.CompositeAlarms = append(out.CompositeAlarms, answeredComposite{shared, a.AlarmRule})
		} else {
			out.MetricAlarms = append(out.MetricAlarms, a.answer(shared))
		}
	}
	return out, err
}

func (a alarm) common(st standing) common {
	return common{
		AlarmName: a.name, AlarmArn: a.arn, AlarmDescription: a.AlarmDescription, ActionsEnabled: a.acts(),
		OKActions: list(a.OkActions), AlarmActions: list(a.AlarmActions), InsufficientDataActions: list(a.InsufficientDataActions),
		AlarmConfigurationUpdatedTimestamp: st.Configured, StateValue: string(st.State), StateReason: st.Reason,
		StateReasonData: st.ReasonData, StateUpdatedTimestamp: st.Updated, StateTransitionedTimestamp: st.Since,
	}
}

func (a alarm) answer(shared common) answeredAlarm {
	out := answeredAlarm{
		common: shared, MetricName: a.MetricName, Namespace: a.Namespace, Statistic: a.Statistic, ExtendedStatistic: a.ExtendedStatistic,
		Unit: a.Unit, EvaluationPeriods: a.EvaluationPeriods, DatapointsToAlarm: a.DatapointsToAlarm, Threshold: a.Threshold,
		ThresholdMetricID: a.ThresholdMetricID, ComparisonOperator: a.ComparisonOperator, TreatMissingData: a.TreatMissingData,
		EvaluateLowSampleCountPercentile: a.EvaluateLowSampleCountPercentiles,
	}
	if a.MetricName != "" {
		out.Dimensions, out.Period = dimensions(a.Dimensions), &a.Period
	}
	for _, q := range a.MetricQueries {
		line := answeredQuery{ID: q.ID, Expression: q.Expression, Label: q.Label, ReturnData: q.ReturnData}
		if m := q.Metric; m != nil {
			line.MetricStat = &answeredMetric{metricName{m.Namespace, m.MetricName, dimensions(m.Dimensions)}, m.Period, m.Stat, m.Unit}
		}
		out.Metrics = append(out.Metrics, line)
	}
	return out
}

type forMetricInput struct {
	MetricName, Namespace, Statistic, ExtendedStatistic, Unit string
	Dimensions                                                []metrics.Dimension
	Period                                                    *int
}

func (in forMetricInput) selects(a alarm) bool {
	return (in.Statistic == "" || in.Statistic == a.Statistic) && (in.ExtendedStatistic == "" || in.ExtendedStatistic == a.ExtendedStatistic) &&
		(in.Period == nil || *in.Period == a.Period) && (in.Unit == "" || in.Unit == a.Unit)
}

// describeAlarmsForMetric leaves out alarms on expressions, as CloudWatch does.
func (s *Service) describeAlarmsForMetric(c awsrpc.Call) (any, error) {
	var in forMetricInput
	if err := c.Into(&in); err != nil {
		return nil, err
	}
	if in.MetricName == "" || in.Namespace == "" {
		return nil, awsrpc.Invalid("MetricName and Namespace are required")
	}
	all, err := s.alarms(c.Region)
	if err != nil {
		return nil, err
	}
	asked := metricName{in.Namespace, in.MetricName, in.Dimensions}.id(c.Region).String()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := struct{ MetricAlarms []answeredAlarm }{[]answeredAlarm{}}
	for _, a := range all {
		of := metricName{a.Namespace, a.MetricName, dimensions(a.Dimensions)}.id(a.region).String()
		if a.composite || of != asked || !in.selects(a) {
			continue
		}
		out.MetricAlarms = append(out.MetricAlarms, a.answer(a.common(s.standing(a, s.now()))))
	}
	return out, nil
}

type historyInput struct {
	AlarmName, HistoryItemType, NextToken, ScanBy string
	AlarmTypes                                    []string
	StartDate, EndDate                            time.Time
	MaxRecords                                    *int
}

type historyItem struct {
	AlarmName, AlarmType                         string
	Timestamp                                    time.Time
	HistoryItemType, HistorySummary, HistoryData string
}

func (in historyInput) selects(e event, region string) bool {
	return e.Region == region && wanted(in.AlarmTypes, e.Kind) && (in.AlarmName == "" || e.Name == in.AlarmName) &&
		(in.HistoryItemType == "" || e.Type == in.HistoryItemType) && !e.Time.Before(in.StartDate) &&
		(in.EndDate.IsZero() || !e.Time.After(in.EndDate))
}

func (s *Service) describeAlarmHistory(c awsrpc.Call) (any, error) {
	var in historyInput
	if err := c.Into(&in); err != nil {
		return nil, err
	}
	size, err := records(in.MaxRecords)
	if err == nil {
		err = checkKinds(in.AlarmTypes)
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []event
	for _, e := range s.kept.History {
		if in.selects(e, c.Region) {
			found = append(found, e)
		}
	}
	if in.ScanBy != ascending {
		slices.Reverse(found)
	}
	part, next, err := cut(found, in.NextToken, size)
	out := struct {
		AlarmHistoryItems []historyItem
		NextToken         string
	}{[]historyItem{}, next}
	for _, e := range part {
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, historyItem{e.Name, e.Kind, e.Time, e.Type, e.Summary, e.Data})
	}
	return out, err
}
