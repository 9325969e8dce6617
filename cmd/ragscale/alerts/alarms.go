package alerts

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// page is how an alarm tells: every one of CloudWatch's does so at once.
const page = "page"

// kinds are asked for by name: without it CloudWatch tells of metric alarms alone.
var kinds = []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}

// Alarms tells which alarms of a region are in ALARM and which were, in the time back from now: those whose names begin
// with prefix and that tell somebody.
func Alarms(ctx context.Context, client *cloudwatch.Client, prefix string, now time.Time, back time.Duration) ([]Alert, error) {
	known, err := describe(ctx, client, prefix)
	if err != nil {
		return nil, err
	}
	past, err := transitions(ctx, client, now.Add(-back))
	if err != nil {
		return nil, err
	}
	out := []Alert{}
	for name, a := range known {
		since := now.Add(-back) // or before
		ringing := false
		for _, t := range past[name] {
			switch {
			case t.to == types.StateValueAlarm:
				since, ringing = t.at, true
			case ringing || t.from == types.StateValueAlarm:
				until := t.at
				out = append(out, a.alert(Resolved, since, &until))
				ringing = false
			}
		}
		if a.state == types.StateValueAlarm {
			out = append(out, a.alert(Firing, a.since, nil))
		}
	}
	Sort(out)
	return out, nil
}

// alarm is one of CloudWatch's.
type alarm struct {
	name, description string
	state             types.StateValue
	since             time.Time
	labels            map[string]string
}

func (a alarm) alert(state string, since time.Time, until *time.Time) Alert {
	summary, link := a.description, ""
	if i := strings.LastIndex(a.description, " "); i >= 0 && strings.Contains(a.description[i:], "#") {
		summary, link = a.description[:i], a.description[i+1:]
	}
	if state == Resolved {
		summary = ""
	}
	return Alert{
		Name: a.name, Source: CloudWatch, State: state, Severity: page, Labels: a.labels, Summary: summary, Since: since.UTC(), Until: until,
		Runbook: sectionOf(link),
	}
}

// describe finds the alarms that tell somebody.
func describe(ctx context.Context, client *cloudwatch.Client, prefix string) (map[string]alarm, error) {
	out := map[string]alarm{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(client, &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: &prefix, AlarmTypes: kinds})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("CloudWatch's alarms: %w", err)
		}
		for _, a := range page.MetricAlarms {
			labels := map[string]string{}
			for _, d := range a.Dimensions {
				labels[aws.ToString(d.Name)] = aws.ToString(d.Value)
			}
			if len(a.AlarmActions) > 0 {
				name := aws.ToString(a.AlarmName)
				out[name] = alarm{name, aws.ToString(a.AlarmDescription), a.StateValue, changed(a.StateTransitionedTimestamp, a.StateUpdatedTimestamp), labels}
			}
		}
		for _, a := range page.CompositeAlarms {
			if len(a.AlarmActions) > 0 {
				name, since := aws.ToString(a.AlarmName), changed(a.StateTransitionedTimestamp, a.StateUpdatedTimestamp)
				out[name] = alarm{name, aws.ToString(a.AlarmDescription), a.StateValue, since, map[string]string{}}
			}
		}
	}
	return out, nil
}

func changed(transitioned, updated *time.Time) time.Time {
	if transitioned != nil {
		return *transitioned
	}
	return aws.ToTime(updated)
}

// transition is a change of an alarm's state.
type transition struct {
	at       time.Time
	from, to types.StateValue
}

// transitions are the changes since a time, by the alarm's name, oldest first.
func transitions(ctx context.Context, client *cloudwatch.Client, since time.Time) (map[string][]transition, error) {
	out := map[string][]transition{}
	pages := cloudwatch.NewDescribeAlarmHistoryPaginator(client, &cloudwatch.DescribeAlarmHistoryInput{
		AlarmTypes: kinds, HistoryItemType: types.HistoryItemTypeStateUpdate, StartDate: &since, ScanBy: types.ScanByTimestampAscending,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("CloudWatch's history: %w", err)
		}
		for _, item := range page.AlarmHistoryItems {
			var change struct {
				OldState, NewState struct{ StateValue types.StateValue }
			}
			if err := json.Unmarshal([]byte(aws.ToString(item.HistoryData)), &change); err != nil {
				return nil, fmt.Errorf("CloudWatch's history of %s: %w", aws.ToString(item.AlarmName), err)
			}
			name := aws.ToString(item.AlarmName)
			out[name] = append(out[name], transition{aws.ToTime(item.Timestamp), change.OldState.StateValue, change.NewState.StateValue})
		}
	}
	return out, nil
}
