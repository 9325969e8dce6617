package alerts

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	"github.com/google/go-cmp/cmp"
)

// answers are CloudWatch's, in XML as its query protocol has them: of each action a page after another.
type answers map[string][]string

func (a answers) client(t *testing.T) (*cloudwatch.Client, *[]url.Values) {
	t.Helper()
	var asked []url.Values
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, form)
		action := form.Get("Action")
		n := 0
		if form.Get("NextToken") != "" {
			n = 1
		}
		if len(a[action]) <= n {
			rw.WriteHeader(http.StatusForbidden)
			fmt.Fprint(rw, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not allowed</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprintf(rw, `<%[1]sResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, a[action][n])
	}))
	t.Cleanup(s.Close)
	return cloudwatch.New(cloudwatch.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(s.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
		Retryer: aws.NopRetryer{},
	}, func(o *cloudwatch.Options) { o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801) }), &asked
}

func at(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }

func alarmXML(name, state string, minutes int, actions, dimensions string) string {
	return fmt.Sprintf(`<member><AlarmName>%s</AlarmName><AlarmDescription>It is bad. https://x/docs/operations.md#bad</AlarmDescription>
	<StateValue>%s</StateValue><StateTransitionedTimestamp>%s</StateTransitionedTimestamp><AlarmActions>%s</AlarmActions>%s</member>`,
		name, state, at(minutes).Format(time.RFC3339), actions, dimensions)
}

func changeXML(name, from, to string, minutes int) string {
	return fmt.Sprintf(`<member><AlarmName>%s</AlarmName><Timestamp>%s</Timestamp><HistoryItemType>StateUpdate</HistoryItemType>
	<HistoryData>{"oldState":{"stateValue":"%s"},"newState":{"stateValue":"%s"}}</HistoryData></member>`, name, at(minutes).Format(time.RFC3339), from, to)
}

func TestAlarmsOfCloudWatchAreToldWithWhatToRead(t *testing.T) {
	const topic = "<member>arn:aws:sns:eu-central-1:1:alarms</member>"
	client, asked := answers{
		"DescribeAlarms": {
			"<MetricAlarms>" + alarmXML("rag-prod-lag", "ALARM", 3, topic, "<Dimensions><member><Name>DB</Name><Value>one</Value></member></Dimensions>") +
				alarmXML("rag-prod-leg", "ALARM", 3, "", "") + "</MetricAlarms><NextToken>1</NextToken>",
			"<MetricAlarms>" + alarmXML("rag-prod-cpu", "OK", 5, topic, "") + "</MetricAlarms><CompositeAlarms>" +
				alarmXML("rag-prod-burn", "OK", 10, topic, "") + "</CompositeAlarms>",
		},
		"DescribeAlarmHistory": {
			"<AlarmHistoryItems>" + changeXML("rag-prod-burn", "OK", "ALARM", 30) + changeXML("rag-prod-other", "OK", "ALARM", 29) +
				changeXML("rag-prod-cpu", "ALARM", "INSUFFICIENT_DATA", 20) + "</AlarmHistoryItems><NextToken>1</NextToken>",
			"<AlarmHistoryItems>" + changeXML("rag-prod-cpu", "INSUFFICIENT_DATA", "OK", 19) + changeXML("rag-prod-burn", "ALARM", "OK", 10) +
				changeXML("rag-prod-lag", "OK", "ALARM", 3) + "</AlarmHistoryItems>",
		},
	}.client(t)
	got, err := Alarms(t.Context(), client, "rag-prod-", now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	one := func(name, state, summary string, since int, until *time.Time, labels map[string]string) Alert {
		return Alert{Name: name, Source: CloudWatch, State: state, Severity: "page", Labels: labels, Summary: summary, Since: at(since), Until: until,
			Runbook: "docs/operations.md#bad"}
	}
	ended := func(minutes int) *time.Time { t := at(minutes); return &t }
	want := []Alert{
		one("rag-prod-lag", Firing, "It is bad.", 3, nil, map[string]string{"DB": "one"}),
		one("rag-prod-burn", Resolved, "", 30, ended(10), map[string]string{}),
		one("rag-prod-cpu", Resolved, "", 60, ended(20), map[string]string{}), // it began before
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if form := (*asked)[0]; form.Get("AlarmNamePrefix") != "rag-prod-" || form.Get("AlarmTypes.member.2") != "CompositeAlarm" {
		t.Errorf("asked %v", form)
	}
}

func TestWhatCloudWatchRefusesIsTold(t *testing.T) {
	client, _ := answers{}.client(t)
	if _, err := Alarms(t.Context(), client, "rag-prod-", now, time.Hour); err == nil || !strings.Contains(err.Error(), "CloudWatch's alarms: ") {
		t.Errorf("got %v", err)
	}
}
