package cloudwatch

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
)

func arn(name string) string { return "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:" + name }

func declared(name string, more map[string]any) awsapi.Resource {
	state := map[string]any{
		"name": name, "arn": arn(name), "comparisonOperator": "GreaterThanThreshold", "threshold": 5.0, "evaluationPeriods": 3.0,
		"datapointsToAlarm": 2.0, "treatMissingData": "notBreaching", "actionsEnabled": true,
		"alarmActions": []any{topic}, "okActions": []any{topic}, "alarmDescription": "Bad. https://x/docs/operations.md#bad",
	}
	for k, v := range more {
		state[k] = v
	}
	return resource(state)
}

func onMetric(name, stat string, more map[string]any) map[string]any {
	out := map[string]any{
		"namespace": "AWS/ApplicationELB", "metricName": name, "statistic": stat, "period": 60.0,
		"dimensions": map[string]any{"LoadBalancer": "app/rag/1"},
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

func line(id, name string) any {
	return map[string]any{"id": id, "returnData": false, "metric": map[string]any{
		"namespace": "AWS/ApplicationELB", "metricName": name, "stat": "Sum", "period": 60.0, "dimensions": map[string]any{"LoadBalancer": "app/rag/1"}}}
}

// someAlarms are one on a metric, one on a share of two, and one on both.
func someAlarms() account {
	return account{
		topicToken: {resource(map[string]any{"arn": topic})},
		metricAlarmToken: {
			declared("count", onMetric("RequestCount", "Sum", nil)),
			declared("share", map[string]any{"threshold": 0.2, "evaluationPeriods": 1.0, "datapointsToAlarm": 1.0, "alarmActions": []any{}, "metricQueries": []any{
				map[string]any{"id": "result", "expression": "FILL(bad, 0) / all", "returnData": true}, line("bad", "HTTPCode_ELB_5XX_Count"), line("all", "RequestCount"),
			}}),
		},
		compositeAlarmToken: {resource(map[string]any{
			"alarmName": "both", "arn": arn("both"), "alarmRule": `ALARM("count") AND ALARM("share")`, "alarmActions": []any{topic}})},
	}
}

// states are what DescribeAlarms says.
func states(t *testing.T, client *sdk.Client) map[string]types.StateValue {
	t.Helper()
	got, err := client.DescribeAlarms(context.Background(), &sdk.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{"MetricAlarm", "CompositeAlarm"}})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]types.StateValue{}
	for _, a := range got.MetricAlarms {
		out[aws.ToString(a.AlarmName)] = a.StateValue
	}
	for _, a := range got.CompositeAlarms {
		out[aws.ToString(a.AlarmName)] = a.StateValue
	}
	return out
}

func TestAlarmsFireTellTheirTopicAndResolve(t *testing.T) {
	s, client, sent := serve(t, someAlarms())
	s.Tick(noon)
	if got := states(t, client); got["count"] != "OK" || got["share"] != "OK" || got["both"] != "OK" {
		t.Fatalf("without data: %v", got)
	}
	*sent = nil
	observe(t, s, balancer("RequestCount"), 1, 9, 9)
	observe(t, s, balancer("HTTPCode_ELB_5XX_Count"), -1, -1, 4)
	s.Tick(noon)
	if got := states(t, client); got["count"] != "ALARM" || got["share"] != "ALARM" || got["both"] != "ALARM" {
		t.Fatalf("after the fault: %v", got)
	}
	if len(*sent) != 2 || (*sent)[0].subject != `ALARM: "count" in eu-central-1` || (*sent)[1].subject != `ALARM: "both" in eu-central-1` {
		t.Fatalf("sent %v", *sent)
	}
	var told notification
	if err := json.Unmarshal([]byte((*sent)[0].text), &told); err != nil {
		t.Fatal(err)
	}
	if told.NewStateValue != Alarm || told.OldStateValue != OK || told.AlarmARN != arn("count") || told.AWSAccountID != "123456789012" ||
		told.Trigger.Dimensions[0].Value != "app/rag/1" ||
		!strings.HasPrefix(told.NewStateReason, "Threshold Crossed: 2 out of the last 3 datapoints [9, 9, 1] were greater than the threshold (5)") {
		t.Errorf("told %+v %+v", told, told.Trigger)
	}
	*sent = nil
	s.Tick(noon.Add(6 * time.Minute))
	if got := states(t, client); got["count"] != "OK" || got["both"] != "OK" || len(*sent) != 2 {
		t.Errorf("after it: %v, sent %v", got, *sent)
	}
}

func TestHistoryIsToldAndOutlivesARestart(t *testing.T) {
	s, client, _ := serve(t, someAlarms())
	s.Tick(noon.Add(-time.Minute))
	observe(t, s, balancer("RequestCount"), 9, 9)
	s.Tick(noon)
	again, err := New(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.kept = again.kept
	got, err := client.DescribeAlarmHistory(context.Background(), &sdk.DescribeAlarmHistoryInput{
		AlarmName: aws.String("count"), HistoryItemType: types.HistoryItemTypeStateUpdate, StartDate: aws.Time(noon.Add(-time.Hour))})
	if err != nil || len(got.AlarmHistoryItems) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	newest := got.AlarmHistoryItems[0]
	if aws.ToString(newest.HistorySummary) != "Alarm updated from OK to ALARM" || !newest.Timestamp.Equal(noon) ||
		!strings.Contains(aws.ToString(newest.HistoryData), `"newState":{"stateReason":"Threshold Crossed`) {
		t.Errorf("got %+v", newest)
	}
	if st := states(t, client); st["count"] != "ALARM" {
		t.Errorf("after a restart: %v", st)
	}
}

func TestAnActionThatFailsIsInTheHistory(t *testing.T) {
	a := someAlarms()
	delete(a, topicToken)
	s, client, sent := serve(t, a)
	s.Tick(noon)
	got, err := client.DescribeAlarmHistory(context.Background(), &sdk.DescribeAlarmHistoryInput{HistoryItemType: types.HistoryItemTypeAction})
	if err != nil || len(got.AlarmHistoryItems) != 2 || len(*sent) != 0 ||
		!strings.HasPrefix(aws.ToString(got.AlarmHistoryItems[0].HistorySummary), "Failed to execute action "+topic) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestPercentilesOfFewRequestsChangeNothing(t *testing.T) {
	a := account{metricAlarmToken: {declared("slow", onMetric("TargetResponseTime", "", map[string]any{
		"extendedStatistic": "p95", "threshold": 1.0, "evaluateLowSampleCountPercentiles": "ignore"}))}}
	for name, c := range map[string]struct {
		requests int
		want     types.StateValue
	}{"few": {199, "OK"}, "enough": {200, "ALARM"}} {
		s, client, _ := serve(t, a)
		s.Tick(noon)
		for minute := range 3 {
			at := noon.Add(-time.Duration(minute+1) * time.Minute)
			if err := s.cfg.Store.Observe(balancer("TargetResponseTime"), at, 2, c.requests); err != nil {
				t.Fatal(err)
			}
		}
		s.Tick(noon)
		if got := states(t, client)["slow"]; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAnAlarmThatCannotBeEvaluatedLacksDataAndStopsNoOther(t *testing.T) {
	a := someAlarms()
	a[metricAlarmToken] = append(a[metricAlarmToken],
		declared("band", onMetric("RequestCount", "Sum", map[string]any{"thresholdMetricId": "ad"})),
		declared("torn", map[string]any{"metricQueries": []any{map[string]any{"id": "r", "expression": "x +", "returnData": true}}}))
	s, client, _ := serve(t, a)
	observe(t, s, balancer("RequestCount"), 9, 9)
	s.Tick(noon)
	if got := states(t, client); got["band"] != "INSUFFICIENT_DATA" || got["torn"] != "INSUFFICIENT_DATA" || got["count"] != "ALARM" {
		t.Errorf("got %v", got)
	}
}

func TestAlarmsAreFoundByWhatIsAsked(t *testing.T) {
	_, client, _ := serve(t, someAlarms())
	ctx := context.Background()
	for name, speak := range protocols {
		plain, err := client.DescribeAlarms(ctx, &sdk.DescribeAlarmsInput{}, speak)
		if err != nil || len(plain.MetricAlarms) != 2 || len(plain.CompositeAlarms) != 0 {
			t.Fatalf("%s: %+v %v", name, plain, err)
		}
		share := plain.MetricAlarms[1]
		if len(share.Metrics) != 3 || share.Period != nil || aws.ToInt32(share.Metrics[1].MetricStat.Period) != 60 || aws.ToFloat64(share.Threshold) != 0.2 ||
			!aws.ToBool(share.ActionsEnabled) || aws.ToBool(share.Metrics[1].ReturnData) {
			t.Errorf("%s: %+v", name, share)
		}
		of, err := client.DescribeAlarmsForMetric(ctx, &sdk.DescribeAlarmsForMetricInput{
			Namespace: aws.String("AWS/ApplicationELB"), MetricName: aws.String("RequestCount"),
			Dimensions: []types.Dimension{{Name: aws.String("LoadBalancer"), Value: aws.String("app/rag/1")}}}, speak)
		if err != nil || len(of.MetricAlarms) != 1 || aws.ToString(of.MetricAlarms[0].AlarmName) != "count" {
			t.Errorf("%s: %+v %v", name, of, err)
		}
	}
	first, err := client.DescribeAlarms(ctx, &sdk.DescribeAlarmsInput{MaxRecords: aws.Int32(1)})
	if err != nil || len(first.MetricAlarms) != 1 || first.NextToken == nil {
		t.Errorf("%+v %v", first, err)
	}
}
