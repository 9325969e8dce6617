package cloudwatch

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// notification is the message of an alarm to a topic. Its members are CloudWatch's, as remembered 2026-11-30; a mail of a
// real alarm settles it.
type notification struct {
	AlarmName                          string
	AlarmDescription                   *string
	AWSAccountID                       string `json:"AWSAccountId"`
	AlarmConfigurationUpdatedTimestamp string
	NewStateValue                      State
	NewStateReason                     string
	StateChangeTime                    string
	Region                             string
	AlarmARN                           string `json:"AlarmArn"`
	OldStateValue                      State
	OKActions                          []string
	AlarmActions                       []string
	InsufficientDataActions            []string
	AlarmRule                          string   `json:",omitempty"`
	Trigger                            *trigger `json:",omitempty"`
}

type trigger struct {
	MetricName                       string           `json:",omitempty"`
	Namespace                        string           `json:",omitempty"`
	Statistic                        string           `json:",omitempty"`
	Dimensions                       []triggerPart    `json:",omitempty"`
	Metrics                          []map[string]any `json:",omitempty"`
	Period                           int              `json:",omitempty"`
	EvaluationPeriods                int
	DatapointsToAlarm                int
	ComparisonOperator               string
	Threshold                        *float64
	TreatMissingData                 string
	EvaluateLowSampleCountPercentile string
}

type triggerPart struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

// mostSubject is SNS's limit of characters.
const mostSubject = 100

// publish tells a topic of a new state. Other kinds of actions are not taken here.
func (s *Service) publish(a alarm, topic string, before, now standing, at time.Time) error {
	if !strings.HasPrefix(topic, "arn:aws:sns:") {
		return fmt.Errorf("the sandbox takes actions of topics, and none such as %s", topic)
	}
	all, err := s.cfg.Account.List(topicToken)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.State["arn"] != topic {
			continue
		}
		raw, err := json.Marshal(a.notification(before, now, at))
		if err != nil {
			return err
		}
		subject := fmt.Sprintf("%s: %q in %s", now.State, a.name, a.region)
		return s.cfg.Publish(topic, subject[:min(len(subject), mostSubject)], string(raw))
	}
	return errNoTopic
}

func (a alarm) notification(before, now standing, at time.Time) notification {
	const form = "2006-01-02T15:04:05.000-0700"
	n := notification{
		AlarmName: a.name, AWSAccountID: field(a.arn, 4), AlarmConfigurationUpdatedTimestamp: now.Configured.UTC().Format(form),
		NewStateValue: now.State, NewStateReason: now.Reason, StateChangeTime: at.UTC().Format(form), Region: a.region, AlarmARN: a.arn,
		OldStateValue: before.State, OKActions: list(a.OkActions), AlarmActions: list(a.AlarmActions),
		InsufficientDataActions: list(a.InsufficientDataActions), AlarmRule: a.AlarmRule,
	}
	if a.AlarmDescription != "" {
		n.AlarmDescription = &a.AlarmDescription
	}
	if !a.composite {
		n.Trigger = a.trigger()
	}
	return n
}

func (a alarm) trigger() *trigger {
	t := &trigger{
		MetricName: a.MetricName, Namespace: a.Namespace, Statistic: strings.ToUpper(a.Statistic), Period: a.Period,
		EvaluationPeriods: a.EvaluationPeriods, DatapointsToAlarm: a.DatapointsToAlarm, ComparisonOperator: a.ComparisonOperator,
		Threshold: a.Threshold, TreatMissingData: a.TreatMissingData, EvaluateLowSampleCountPercentile: a.EvaluateLowSampleCountPercentiles,
	}
	if a.Statistic == "" {
		t.Statistic = a.ExtendedStatistic
	}
	for _, d := range dimensions(a.Dimensions) {
		t.Dimensions = append(t.Dimensions, triggerPart{d.Value, d.Name})
	}
	for _, q := range a.MetricQueries {
		t.Metrics = append(t.Metrics, map[string]any{"Id": q.ID, "Expression": q.Expression, "Label": q.Label, "ReturnData": q.ReturnData})
	}
	return t
}

// list is never null in JSON.
func list(actions []string) []string { return append([]string{}, actions...) }

// field is a part of an ARN.
func field(arn string, i int) string {
	parts := strings.SplitN(arn, ":", 7)
	if i < len(parts) {
		return parts[i]
	}
	return ""
}
