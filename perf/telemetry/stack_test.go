package telemetry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	gocmp "github.com/google/go-cmp/cmp"
)

// plantedMetrics is a region's CloudWatch: alarms on metrics, "namespace Dimension=value,…", and values by minute of
// "metric stat first-value".
type plantedMetrics struct {
	alarms  []string
	value   func(metric, stat, id string, minute time.Time) (float64, bool)
	fault   error
	perPage int // alarms
	pages   int // of data; 0 stands for 1
	asked   []*cloudwatch.GetMetricDataInput
}

func dimensionsOf(text string) (all []types.Dimension) {
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(pair, "=")
		all = append(all, types.Dimension{Name: &name, Value: &value})
	}
	return all
}

// Every second alarm is one on an expression. A page has perPage alarms, 3 by default.
func (p *plantedMetrics) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	if p.fault != nil {
		return nil, p.fault
	}
	if *in.AlarmNamePrefix != "rag-dev-" || *in.MaxRecords > 100 {
		return nil, fmt.Errorf("asked for %d of %s", *in.MaxRecords, *in.AlarmNamePrefix)
	}
	n, perPage := number(in.NextToken), cmp.Or(p.perPage, 3)
	out := &cloudwatch.DescribeAlarmsOutput{}
	for i, text := range p.alarms[n:min(n+perPage, len(p.alarms))] {
		namespace, of, _ := strings.Cut(text, " ")
		alarm := types.MetricAlarm{}
		if i%2 == 0 {
			alarm.Namespace, alarm.Dimensions = &namespace, dimensionsOf(of)
		} else {
			alarm.Metrics = []types.MetricDataQuery{{Expression: aws.String("a / 2")}, {MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: &namespace, Dimensions: dimensionsOf(of)}}}}
		}
		out.MetricAlarms = append(out.MetricAlarms, alarm)
	}
	if n+perPage < len(p.alarms) {
		out.NextToken = aws.String(fmt.Sprint(n + perPage))
	}
	return out, nil
}

// number is that of a page; 0 without a token.
func number(token *string) int {
	n, err := strconv.Atoi(aws.ToString(token))
	if err != nil {
		return 0
	}
	return n
}

func (p *plantedMetrics) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	p.asked = append(p.asked, in)
	out := &cloudwatch.GetMetricDataOutput{}
	page := number(in.NextToken)
	if page+1 < p.pages {
		out.NextToken = aws.String(fmt.Sprint(page + 1))
	}
	for _, q := range in.MetricDataQueries {
		r := types.MetricDataResult{Id: q.Id, Label: q.MetricStat.Metric.MetricName, StatusCode: types.StatusCodeComplete}
		period := time.Duration(*q.MetricStat.Period) * time.Second
		for i, at := 0, *in.StartTime; at.Before(*in.EndTime); i, at = i+1, at.Add(period) {
			value, known := p.value(*q.MetricStat.Metric.MetricName, *q.MetricStat.Stat, *q.MetricStat.Metric.Dimensions[0].Value, at)
			if known && i%max(p.pages, 1) == page {
				r.Timestamps, r.Values = append(r.Timestamps, at), append(r.Values, value)
			}
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out, nil
}

// plantedDatabases tells of instances: off has no Performance Insights.
type plantedDatabases map[string]string

func (p plantedDatabases) DescribeDBInstances(_ context.Context, in *rds.DescribeDBInstancesInput, _ ...func(*rds.Options)) (*rds.DescribeDBInstancesOutput, error) {
	resource, known := p[*in.DBInstanceIdentifier]
	if !known {
		return nil, errors.New("DBInstanceNotFound")
	}
	return &rds.DescribeDBInstancesOutput{DBInstances: []rdstypes.DBInstance{{DbiResourceId: &resource, PerformanceInsightsEnabled: aws.Bool(resource != "db-OFF")}}}, nil
}

// began is a run of five minutes that begins within a minute.
var (
	began   = time.Date(2026, 11, 30, 12, 0, 20, 0, time.UTC)
	ofStack = Window{From: began, To: began.Add(5 * time.Minute), Step: 30 * time.Second}
)

// everything is a CloudWatch that has 3 of everything in each minute, but for what a test says otherwise.
func everything() *plantedMetrics {
	return &plantedMetrics{
		alarms: []string{
			"AWS/ApplicationELB LoadBalancer=app/rag/1", "AWS/ApplicationELB LoadBalancer=app/rag/1", "AWS/ApplicationELB TargetGroup=targetgroup/rag/2,LoadBalancer=app/rag/1",
			"AWS/RDS DBInstanceIdentifier=rag-dev-x-replica-1", "AWS/RDS DBInstanceIdentifier=rag-dev-x", "AWS/ElastiCache CacheClusterId=rag-dev-001",
			"AWS/ElastiCache CacheClusterId=rag-dev-002", "ContainerInsights ClusterName=rag-dev",
		},
		value: func(string, string, string, time.Time) (float64, bool) { return 3, true },
	}
}

func stackOf(t *testing.T, regional, global *plantedMetrics, insights http.HandlerFunc) Stack {
	t.Helper()
	s := httptest.NewServer(insights)
	t.Cleanup(s.Close)
	return Stack{
		Prefix: "rag-dev-",
		Account: aws.Config{Region: "eu-central-1", BaseEndpoint: aws.String(s.URL), HTTPClient: s.Client(),
			Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "")},
		metrics: func(region string) metricsAPI {
			return map[string]metricsAPI{"eu-central-1": regional, globalRegion: global}[region]
		},
		databases: plantedDatabases{"rag-dev-x": "db-ONE", "rag-dev-x-replica-1": "db-TWO"},
		now:       func() time.Time { return ofStack.To.Add(time.Hour) },
	}
}

// loads of 2 sessions in each second of which one waits for a read, all of one statement with a literal's mark.
func twoSessions(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var q loadQuestion
		if err := json.Unmarshal(body, &q); err != nil {
			t.Error(err)
		}
		if scope := r.Header.Get("Authorization"); !strings.Contains(scope, "/eu-central-1/pi/aws4_request") || r.Header.Get("X-Amz-Target") != "PerformanceInsightsv20180227.GetResourceMetrics" {
			t.Errorf("signed as %q for %q", scope, r.Header.Get("X-Amz-Target"))
		}
		line := func(dimensions string, value float64) string {
			var points []string
			for at := q.StartTime; at < q.EndTime; at += int64(q.PeriodInSeconds) {
				points = append(points, fmt.Sprintf(`{"Timestamp": %d, "Value": %v}`, at+int64(q.PeriodInSeconds), value))
			}
			return fmt.Sprintf(`{"Key": {"Metric": "db.load.avg"%s}, "DataPoints": [%s]}`, dimensions, strings.Join(points, ","))
		}
		fmt.Fprintf(w, `{"MetricList": [%s, %s, %s, %s, %s]}`, line("", 2), line(`, "Dimensions": {"db.wait_event.name": "CPU", "db.wait_event.type": "CPU"}`, 0.75),
			line(`, "Dimensions": {"db.wait_event.name": "DataFileRead", "db.wait_event.type": "IO"}`, 1), line("", 2),
			line(`, "Dimensions": {"db.sql_tokenized.statement": "SELECT *\n  FROM chunks WHERE id = ?"}`, 2))
	}
}

func valuesOf(panels []Panel) map[string]Values {
	all := map[string]Values{}
	for _, p := range panels {
		for _, s := range p.Series {
			all[p.Name+": "+s.Name] = s.Values
		}
	}
	return all
}

func TestAStacksResourcesAreThoseThatItsAlarmsName(t *testing.T) {
	regional, global := everything(), everything()
	global.alarms = []string{"AWS/CloudFront Region=Global,DistributionId=E1"}
	panels, missing := stackOf(t, regional, global, twoSessions(t)).Panels(t.Context(), ofStack)
	if len(missing) > 0 {
		t.Errorf("missing %+v", missing)
	}
	got := valuesOf(panels)
	for name, want := range map[string]float64{
		"balancer-requests: requests": 0.05, "balancer-time: p95": 3000, "balancer-faults: 5xx of targets": 0.05, "balancer-connections: active": 3, "balancer-targets: healthy, the least": 3,
		"database-cpu: primary": 0.03, "database-cpu: replica-1": 0.03, "database-memory: primary": 3.0 / (1 << 20), "database-operations: replica-1 writes": 3, "database-latency: primary reads": 3000,
		"cache-hits: 001": 0.03, "cache-evictions: 002": 0.05, "edge-hits: hits": 0.03, "node-cpu: most": 0.03,
		"database-load: CPU": 0.75, "database-load: IO:DataFileRead": 1, "database-load: other": 0.25, "database-statements: SELECT * FROM chunks WHERE id = ?": 2, "database-load-replica-1: CPU": 0.75,
	} {
		v := got[name]
		if len(v) == 0 || slices.ContainsFunc(v, func(one float64) bool { return math.Abs(one-want) > 1e-9 }) {
			t.Errorf("%s is %v, want %v; there are %v", name, v, want, slices.Sorted(maps.Keys(got)))
		}
	}
	for _, p := range panels {
		load := strings.HasPrefix(p.Name, "database-load") || strings.HasPrefix(p.Name, "database-statements")
		from, step, n := "12:00:30", 60.0, 5
		if load {
			from, step, n = "12:00:25", 10, 30
		}
		if p.From.Format(time.TimeOnly) != from || p.StepSeconds != step || len(p.Series[0].Values) != n || p.Stacked != load || p.Note == "" || p.Source == "" {
			t.Errorf("%s is from %s by %v s, %d values, stacked %v, note %q by %q", p.Name, p.From.Format(time.TimeOnly), p.StepSeconds, len(p.Series[0].Values), p.Stacked, p.Note, p.Source)
		}
	}
	if len(regional.asked) != 1 || len(global.asked) != 1 {
		t.Errorf("asked %d and %d times", len(regional.asked), len(global.asked))
	}
}

// Counters that AWS publishes where something was counted are 0 where the load balancer was measured, and nothing where
// it was not.
func TestWhatWasNotCountedIsNoneWhereRequestsWere(t *testing.T) {
	regional := everything()
	regional.pages = 3
	regional.value = func(metric, _, _ string, at time.Time) (float64, bool) {
		switch metric {
		case requestCount:
			return 600, at.Minute() < 4
		case "HTTPCode_ELB_503_Count":
			return 60, at.Minute() == 2
		}
		return 0, false
	}
	panels, missing := stackOf(t, regional, &plantedMetrics{}, twoSessions(t)).Panels(t.Context(), ofStack)
	got := valuesOf(panels)
	if v := fmt.Sprint(got["balancer-requests: requests"], got["balancer-faults: 503"], got["balancer-faults: 504"]); v != "[10 10 10 10 NaN] [0 0 1 0 NaN] [0 0 0 0 NaN]" {
		t.Errorf("got %s", v)
	}
	for _, want := range []string{
		"CPU of the database's instances: CloudWatch has no values of the run's time\n", "CPU credits left of the database's instances: CloudWatch has no values of the run's time: only burstable classes (db.t) have them",
	} {
		if !strings.Contains(said(missing)+"\n", want) {
			t.Errorf("missing %s, want %s", said(missing), want)
		}
	}
	if strings.Contains(said(missing), "edge") || len(regional.asked) != 3 {
		t.Errorf("asked %d times, missing %s: there is no edge", len(regional.asked), said(missing))
	}
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	refuse := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type": "com.amazon#NotAuthorizedException", "message": "no permission"}`)
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"MetricList": [], "NextToken": "again"}`)
	}
	for want, plant := range map[string]func(*Stack, *plantedMetrics, *plantedMetrics) http.HandlerFunc{
		"all that CloudWatch and Performance Insights know: CloudWatch's alarms in eu-central-1: AccessDenied": func(_ *Stack, r, _ *plantedMetrics) http.HandlerFunc {
			r.fault = errors.New("AccessDenied")
			return refuse
		},
		"no alarm's name begins with rag-dev- in eu-central-1": func(_ *Stack, r, _ *plantedMetrics) http.HandlerFunc {
			r.alarms = nil
			return refuse
		},
		"CloudWatch's alarms in eu-central-1 have more than 20 pages": func(_ *Stack, r, _ *plantedMetrics) http.HandlerFunc {
			r.alarms = slices.Repeat(r.alarms, 100)
			return refuse
		},
		"the distribution of the edge, if there is one: CloudWatch's alarms in us-east-1: AccessDenied": func(_ *Stack, _, g *plantedMetrics) http.HandlerFunc {
			g.fault = errors.New("AccessDenied")
			return twoSessions(t)
		},
		"Load of the database's primary: Performance Insights of ADDRESS answers 400: NotAuthorizedException no permission": func(_ *Stack, _, _ *plantedMetrics) http.HandlerFunc { return refuse },
		"Load of the database's primary: Performance Insights of ADDRESS answers 502: <html>": func(_ *Stack, _, _ *plantedMetrics) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadGateway)
				fmt.Fprint(w, "<html>"+strings.Repeat("x", 1<<20))
			}
		},
		"Load of the database's primary: Performance Insights of db-ONE has more than 20 pages": func(_ *Stack, _, _ *plantedMetrics) http.HandlerFunc { return endless },
		"Load of the database's primary by wait event, mean active sessions: Performance Insights has no values of the run's time": func(_ *Stack, _, _ *plantedMetrics) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"MetricList": []}`) }
		},
		"Load of the database's primary: Performance Insights is off for rag-dev-x: key database.insights of the stack's file": func(s *Stack, _, _ *plantedMetrics) http.HandlerFunc {
			s.databases = plantedDatabases{"rag-dev-x": "db-OFF"}
			return refuse
		},
		"Load of the database's replica-1: instance rag-dev-x-replica-1: DBInstanceNotFound": func(s *Stack, _, _ *plantedMetrics) http.HandlerFunc {
			s.databases = plantedDatabases{"rag-dev-x": "db-ONE"}
			return twoSessions(t)
		},
		"the last minutes, as far as CloudWatch knows of them later: it was asked 12s after the end of the run": func(s *Stack, _, _ *plantedMetrics) http.HandlerFunc {
			s.now = func() time.Time { return ofStack.To.Add(12 * time.Second) }
			return twoSessions(t)
		},
	} {
		regional, global := everything(), &plantedMetrics{}
		var handler http.HandlerFunc
		s := stackOf(t, regional, global, func(w http.ResponseWriter, r *http.Request) { handler(w, r) })
		handler = plant(&s, regional, global)
		_, missing := s.Panels(t.Context(), ofStack)
		text := strings.ReplaceAll(saidWhole(missing), *s.Account.BaseEndpoint, "ADDRESS")
		if !strings.Contains(text, want) || len(text) > 8000 {
			t.Errorf("missing %.4000s\nwant %s", text, want)
		}
	}
}

func saidWhole(all []Missing) string {
	var lines []string
	for _, m := range all {
		lines = append(lines, m.What+": "+m.Why)
	}
	return strings.Join(lines, "\n")
}

// A cloud that has more than any stack: sixty replicas of which each metric has a value each second, and statements
// without end.
func TestWhatIsAskedAndKeptIsBounded(t *testing.T) {
	regional := everything()
	regional.perPage = 100
	for i := range 60 {
		regional.alarms = append(regional.alarms, fmt.Sprintf("AWS/RDS DBInstanceIdentifier=rag-dev-x-replica-%02d", i), fmt.Sprintf("AWS/ElastiCache CacheClusterId=rag-dev-1%02d", i))
	}
	for i := range 200 {
		regional.alarms = append(regional.alarms, fmt.Sprintf("Custom X=%d", i))
	}
	long := Window{From: began, To: began.Add(72 * time.Hour), Step: 30 * time.Minute}
	s := stackOf(t, regional, &plantedMetrics{}, func(w http.ResponseWriter, _ *http.Request) {
		var lines []string
		for i := range 500 {
			lines = append(lines, fmt.Sprintf(`{"Key": {"Dimensions": {"db.sql_tokenized.statement": "%d %s"}}, "DataPoints": [{"Timestamp": %d, "Value": 1}]}`, i, strings.Repeat("é", 400), began.Unix()+7200))
		}
		lines = append(lines, fmt.Sprintf(`{"Key": {}, "DataPoints": [{"Timestamp": %d, "Value": 500}]}`, began.Unix()+7200))
		fmt.Fprintf(w, `{"MetricList": [%s]}`, strings.Join(lines, ","))
	})
	panels, _ := s.Panels(t.Context(), long)
	for _, p := range panels {
		if len(p.Series) > mostSeries || len(p.Series[0].Values) > mostPoints {
			t.Errorf("%s has %d series of %d values", p.Name, len(p.Series), len(p.Series[0].Values))
		}
		if strings.HasPrefix(p.Name, "database-statements") && (len(p.Series) != mostParts+1 || p.Series[mostParts].Name != other || len([]rune(p.Series[0].Name)) != mostStatement) {
			t.Errorf("%s: %d series, of which the last is %s", p.Name, len(p.Series), p.Series[len(p.Series)-1].Name)
		}
	}
	for _, in := range regional.asked {
		of := map[string]int{}
		for _, q := range in.MetricDataQueries {
			of[*q.MetricStat.Metric.MetricName+*q.MetricStat.Stat]++
		}
		if of["CPUUtilizationAverage"] > mostSubjects || of["CPUUtilizationAverage"] == 0 && len(regional.asked) == 1 {
			t.Errorf("%d instances are asked about, want %d at most", of["CPUUtilizationAverage"], mostSubjects)
		}
		n := int(in.EndTime.Sub(*in.StartTime)/time.Second) / int(*in.MetricDataQueries[0].MetricStat.Period)
		if len(in.MetricDataQueries) > mostQueries || n > mostPoints || n*len(in.MetricDataQueries) > 100800 {
			t.Errorf("%d queries of %d points", len(in.MetricDataQueries), n)
		}
	}
	text, err := json.Marshal(Telemetry{Version: Version, Panels: panels})
	if err != nil || len(text) > 2<<20 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// A second is named by its end: that from 12:01:29 to 12:01:30 is the last of its ten.
func TestLoadIsPlacedByTheEndOfItsPeriod(t *testing.T) {
	s := stackOf(t, everything(), &plantedMetrics{}, func(w http.ResponseWriter, _ *http.Request) {
		points := func(value float64) string {
			var all []string
			for second := 0; second <= 300; second++ {
				v := 0.0
				if second > 60 && second <= 70 { // ends of the seconds from 12:01:20 to 12:01:30
					v = value
				}
				all = append(all, fmt.Sprintf(`{"Timestamp": %d, "Value": %v}`, began.Unix()+int64(second), v))
			}
			return strings.Join(all, ",")
		}
		fmt.Fprintf(w, `{"MetricList": [{"Key": {}, "DataPoints": [%s]}, {"Key": {"Dimensions": {"db.wait_event.name": "CPU"}}, "DataPoints": [{"Timestamp": %d, "Value": 5}, {"Timestamp": %d}]}]}`,
			points(3), began.Unix()+70, began.Unix()+71)
	})
	panels, _ := s.Panels(t.Context(), ofStack)
	for name, want := range map[string]string{"CPU": "[0 0 0 0 0 0 0.5 0]", other: "[0 0 0 0 0 0 2.5 0]"} {
		if got := fmt.Sprint(valuesOf(panels)["database-load: "+name][:8]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestPeriodsAreThoseWhoseMiddleIsWithinARun(t *testing.T) {
	at := func(text string) time.Time {
		when, err := time.Parse(time.DateTime, "2026-11-30 "+text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, c := range []struct {
		from, to string
		age      time.Duration
		want     string
	}{
		{"12:00:00", "12:02:00", 0, "12:00:00 1m0s 2"}, {"12:00:31", "12:02:29", 0, "12:01:00 1m0s 1"}, {"12:00:30", "12:02:30", 0, "12:00:00 1m0s 3"},
		{"12:00:40", "12:01:10", 0, "12:00:00 1m0s 1"}, {"12:00:10", "12:00:20", 0, "12:00:00 1m0s 1"}, {"12:00:00", "16:00:00", 0, "12:00:00 2m0s 120"},
		{"12:00:00", "13:00:00", 20 * 24 * time.Hour, "12:00:00 5m0s 12"}, {"12:00:00", "13:00:00", 70 * 24 * time.Hour, "12:00:00 1h0m0s 1"},
	} {
		in := Window{From: at(c.from), To: at(c.to)}
		g := minutes(in, in.From.Add(c.age))
		if got := fmt.Sprint(g.from.Format(time.TimeOnly), " ", g.period, " ", g.n); got != c.want {
			t.Errorf("%s to %s, %s ago: %s, want %s", c.from, c.to, c.age, got, c.want)
		}
	}
	for length, want := range map[time.Duration]string{time.Minute: "1s 10s", 15 * time.Minute: "1s 10s", 16 * time.Minute: "1m0s 1m0s", 4 * time.Hour: "1m0s 2m0s", 72 * time.Hour: "5m0s 25m0s", 1000 * time.Hour: "1h0m0s 6h0m0s"} {
		g := insightsGrid(Window{From: began, To: began.Add(length)})
		if got := fmt.Sprint(g.asked, " ", g.period); got != want || g.n > mostPoints {
			t.Errorf("%s: %s with %d, want %s", length, got, g.n, want)
		}
	}
	if diff := gocmp.Diff([]string{"minute", "2 minutes", "10 s"}, []string{words(time.Minute), words(2 * time.Minute), words(fineStep)}); diff != "" {
		t.Error(diff)
	}
}
