package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	"github.com/aws/smithy-go/transport/http/protocol/rpcv2"

	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
)

const (
	region = "eu-central-1"
	topic  = "arn:aws:sns:eu-central-1:123456789012:alarms"
)

// noon is the end of the newest minute.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// account holds resources by type.
type account map[string][]awsapi.Resource

func (a account) List(token string) ([]awsapi.Resource, error) { return a[token], nil }

func resource(state map[string]any) awsapi.Resource {
	return awsapi.Resource{ID: "id", Region: region, Ready: true, State: state}
}

// protocols are all that clients may speak, as the SDK writes them.
var protocols = map[string]func(*sdk.Options){
	"CBOR":  func(o *sdk.Options) { o.Protocol = rpcv2.NewCBOR(schemas.GraniteServiceVersion20100801) },
	"JSON":  func(o *sdk.Options) { o.Protocol = awsjson.New10(schemas.GraniteServiceVersion20100801) },
	"query": func(o *sdk.Options) { o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801) },
}

type message struct{ topic, subject, text string }

// serve runs a service at noon and returns a client of it, and what it published.
func serve(t *testing.T, a account) (*Service, *sdk.Client, *[]message) {
	t.Helper()
	var sent []message
	s, err := New(Config{
		Account: a, Store: metrics.NewStore(), State: filepath.Join(t.TempDir(), "x", "alarms.json"), Log: slog.New(slog.DiscardHandler),
		Publish: func(topic, subject, text string) error {
			sent = append(sent, message{topic, subject, text})
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return noon }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.RPC().Serve(w, r, region, "123456789012") }))
	t.Cleanup(server.Close)
	return s, sdk.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}), &sent
}

// observe has a metric measured in the minutes that end at noon, the last value in the last minute; a negative one is none.
func observe(t *testing.T, s *Service, id metrics.ID, values ...float64) {
	t.Helper()
	for i, v := range values {
		if v < 0 {
			continue
		}
		if err := s.cfg.Store.Observe(id, noon.Add(-time.Duration(len(values)-i)*time.Minute+time.Second), v, 1); err != nil {
			t.Fatal(err)
		}
	}
	s.cfg.Store.Publish(noon)
}

func balancer(name string) metrics.ID {
	return metrics.Of(region, "AWS/ApplicationELB", name, "LoadBalancer", "app/rag/1")
}

func stat(id, name, statistic string, seconds int32) types.MetricDataQuery {
	return types.MetricDataQuery{Id: aws.String(id), MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String("AWS/ApplicationELB"), MetricName: aws.String(name),
			Dimensions: []types.Dimension{{Name: aws.String("LoadBalancer"), Value: aws.String("app/rag/1")}}},
		Period: aws.Int32(seconds), Stat: aws.String(statistic),
	}}
}

func expression(id, text string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: aws.String(id), Expression: aws.String(text)}
}

func TestMetricDataIsTheSameInEveryProtocol(t *testing.T) {
	s, client, _ := serve(t, account{})
	observe(t, s, balancer("RequestCount"), 10, 20, 30, -1)
	observe(t, s, balancer("HTTPCode_ELB_5XX_Count"), -1, 5, -1, -1)
	hidden := stat("bad", "HTTPCode_ELB_5XX_Count", "Sum", 60)
	hidden.ReturnData = aws.Bool(false)
	for name, speak := range protocols {
		out, err := client.GetMetricData(context.Background(), &sdk.GetMetricDataInput{
			StartTime: aws.Time(noon.Add(-4*time.Minute + 20*time.Second)), EndTime: aws.Time(noon), ScanBy: types.ScanByTimestampAscending,
			MetricDataQueries: []types.MetricDataQuery{stat("all", "RequestCount", "Sum", 60), hidden, expression("share", "FILL(bad, 0) / all")},
		}, speak)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, r := range out.MetricDataResults {
			line := aws.ToString(r.Id) + " " + string(r.StatusCode)
			for i, v := range r.Values {
				line += fmt.Sprintf(" %s=%v", r.Timestamps[i].UTC().Format("15:04:05"), v)
			}
			got = append(got, line)
		}
		want := []string{"all Complete 11:56:00=10 11:57:00=20 11:58:00=30", "share Complete 11:56:00=0 11:57:00=0.25 11:58:00=0"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestStatisticsAndListsAreTheSameInEveryProtocol(t *testing.T) {
	s, client, _ := serve(t, account{})
	observe(t, s, balancer("TargetResponseTime"), 0.1, 0.2, 0.9)
	for name, speak := range protocols {
		out, err := client.GetMetricStatistics(context.Background(), &sdk.GetMetricStatisticsInput{
			Namespace: aws.String("AWS/ApplicationELB"), MetricName: aws.String("TargetResponseTime"), Period: aws.Int32(300),
			Dimensions: []types.Dimension{{Name: aws.String("LoadBalancer"), Value: aws.String("app/rag/1")}},
			StartTime:  aws.Time(noon.Add(-5 * time.Minute)), EndTime: aws.Time(noon), ExtendedStatistics: []string{"p50"},
			Statistics: []types.Statistic{"Maximum", "SampleCount", "Average"},
		}, speak)
		if err != nil || len(out.Datapoints) != 1 {
			t.Errorf("%s: %+v %v", name, out, err)
			continue
		}
		d := out.Datapoints[0]
		if aws.ToFloat64(d.Maximum) != 0.9 || aws.ToFloat64(d.SampleCount) != 3 || d.Unit != "Seconds" || d.Sum != nil ||
			d.ExtendedStatistics["p50"] < 0.198 || d.ExtendedStatistics["p50"] > 0.202 {
			t.Errorf("%s: %+v", name, d)
		}
		list, err := client.ListMetrics(context.Background(), &sdk.ListMetricsInput{Namespace: aws.String("AWS/ApplicationELB")}, speak)
		if err != nil || len(list.Metrics) != 1 || aws.ToString(list.Metrics[0].Dimensions[0].Value) != "app/rag/1" {
			t.Errorf("%s: %+v %v", name, list, err)
		}
	}
}

func TestWhatCloudWatchRefusesIsRefusedInItsWords(t *testing.T) {
	_, client, _ := serve(t, account{})
	ask := func(queries ...types.MetricDataQuery) func(func(*sdk.Options)) error {
		return func(speak func(*sdk.Options)) error {
			_, err := client.GetMetricData(context.Background(), &sdk.GetMetricDataInput{
				StartTime: aws.Time(noon.Add(-time.Hour)), EndTime: aws.Time(noon), MetricDataQueries: queries}, speak)
			return err
		}
	}
	one := stat("a", "RequestCount", "Sum", 60)
	for want, call := range map[string]func(func(*sdk.Options)) error{
		"ValidationError: The values for parameter id": ask(one, one),
		"ValidationError: Period is 61":                ask(stat("a", "RequestCount", "Sum", 61)),
		`the statistic is "p101"`:                      ask(stat("a", "RequestCount", "p101", 60)),
		"the expression \"a\" needs itself":            ask(expression("a", "a + 1")),
		"no query has it":                              ask(one, expression("b", "a + c")),
		"does not parse":                               ask(one, expression("b", "a +")),
		"the function ANOMALY_DETECTION_BAND":          ask(one, expression("b", "ANOMALY_DETECTION_BAND(a)")),
		"You have requested up to 3600 datapoints": func(speak func(*sdk.Options)) error {
			_, err := client.GetMetricStatistics(context.Background(), &sdk.GetMetricStatisticsInput{
				Namespace: aws.String("x"), MetricName: aws.String("y"), Period: aws.Int32(60), Statistics: []types.Statistic{"Sum"},
				StartTime: aws.Time(noon.Add(-60 * time.Hour)), EndTime: aws.Time(noon)}, speak)
			return err
		},
		"InvalidNextToken": func(speak func(*sdk.Options)) error {
			_, err := client.ListMetrics(context.Background(), &sdk.ListMetricsInput{NextToken: aws.String("-1")}, speak)
			return err
		},
		"of monitoring the sandbox answers DescribeAlarmHistory, DescribeAlarms": func(speak func(*sdk.Options)) error {
			_, err := client.ListDashboards(context.Background(), &sdk.ListDashboardsInput{}, speak)
			return err
		},
	} {
		for name, speak := range protocols {
			err := call(speak)
			var api smithy.APIError
			if !errors.As(err, &api) || !strings.Contains(api.ErrorCode()+": "+api.ErrorMessage(), want) {
				t.Errorf("%s: got %v, want %s", name, err, want)
			}
		}
	}
}

func TestPointsComeInPagesAsManyAsWereAskedFor(t *testing.T) {
	s, client, _ := serve(t, account{})
	observe(t, s, balancer("RequestCount"), 1, 2, 3, 4, 5)
	in := &sdk.GetMetricDataInput{
		StartTime: aws.Time(noon.Add(-time.Hour)), EndTime: aws.Time(noon), MaxDatapoints: aws.Int32(2),
		MetricDataQueries: []types.MetricDataQuery{stat("a", "RequestCount", "Sum", 60), stat("b", "RequestCount", "Maximum", 120)},
	}
	got := map[string][]float64{}
	pages := sdk.NewGetMetricDataPaginator(client, in)
	for n := 0; pages.HasMorePages() && n < 10; n++ {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.MetricDataResults {
			got[aws.ToString(r.Id)] = append(got[aws.ToString(r.Id)], r.Values...)
		}
	}
	if fmt.Sprint(got) != "map[a:[5 4 3 2 1] b:[5 3 1]]" {
		t.Errorf("got %v", got)
	}
}
