package main

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ragscale/ragscale/perf/telemetry"
	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/insights"
	"github.com/ragscale/ragscale/sandbox/sigv4"
)

// watchedAccount has a database with alarms, and a load balancer.
type watchedAccount map[string][]awsapi.Resource

func (a watchedAccount) List(token string) ([]awsapi.Resource, error) { return a[token], nil }

func ofAccount() watchedAccount {
	resource := func(state map[string]any) awsapi.Resource {
		return awsapi.Resource{ID: "id", Region: "eu-central-1", Ready: true, State: state}
	}
	alarm := func(name, namespace, metric string, dimensions map[string]any) awsapi.Resource {
		return resource(map[string]any{
			"name": name, "arn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:" + name, "comparisonOperator": "GreaterThanThreshold", "threshold": 5.0,
			"evaluationPeriods": 1.0, "namespace": namespace, "metricName": metric, "statistic": "Average", "period": 60.0, "dimensions": dimensions,
		})
	}
	return watchedAccount{
		"aws:cloudwatch/metricAlarm:MetricAlarm": {
			alarm("rag-local-database-cpu", "AWS/RDS", "CPUUtilization", map[string]any{"DBInstanceIdentifier": "rag-local"}),
			alarm("rag-local-api-latency", "AWS/ApplicationELB", "TargetResponseTime", map[string]any{"LoadBalancer": "app/rag/1"}),
			alarm("rag-other-api-latency", "AWS/ApplicationELB", "TargetResponseTime", map[string]any{"LoadBalancer": "app/other/1"}),
		},
		"aws:rds/instance:Instance": {resource(map[string]any{"identifier": "rag-local", "resourceId": "db-ONE", "performanceInsightsEnabled": true})},
	}
}

// The sandbox's APIs are asked as AWS's are: a run's telemetry has what its CloudWatch measured of the stack's own
// resources, and its Performance Insights understands what it is asked.
func TestTelemetryIsReadThroughTheSandboxsOwnAPIs(t *testing.T) {
	account, store := ofAccount(), metrics.NewStore()
	watch, err := cloudwatch.New(cloudwatch.Config{
		Account: account, Store: store, State: filepath.Join(t.TempDir(), "alarms.json"), Log: slog.New(slog.DiscardHandler),
		Publish: func(string, string, string) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := awsapi.New(awsapi.Config{Account: account, Log: slog.New(slog.DiscardHandler),
		Keys: func(id string) (sigv4.Key, bool) {
			return sigv4.Key{Secret: "secret", ARN: "arn:aws:iam::123456789012:user/x"}, id == "AKIA"
		}})
	s.MountRPC("monitoring", watch.RPC())
	s.MountRPC("pi", insights.New(insights.Config{Account: account, Log: slog.New(slog.DiscardHandler)}).RPC())
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)

	from := time.Now().UTC().Truncate(time.Minute).Add(-5 * time.Minute)
	for minute := range 3 {
		for balancer, requests := range map[string]int{"app/rag/1": 600, "app/other/1": 60000} {
			at := from.Add(time.Duration(minute)*time.Minute + 9*time.Second)
			id := func(name string) metrics.ID {
				return metrics.Of("eu-central-1", "AWS/ApplicationELB", name, "LoadBalancer", balancer)
			}
			if err := store.Observe(id("RequestCount"), at, float64(requests*(minute+1)), 1); err != nil {
				t.Fatal(err)
			}
			if err := store.Observe(id("TargetResponseTime"), at, 0.25, requests); err != nil {
				t.Fatal(err)
			}
		}
	}
	store.Publish(from.Add(3 * time.Minute))
	panels, missing := telemetry.Stack{Prefix: "rag-local-", Account: aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""), Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}}.Panels(t.Context(), telemetry.Window{From: from, To: from.Add(3 * time.Minute), Step: 30 * time.Second})
	got := map[string]string{}
	for _, p := range panels {
		for _, s := range p.Series {
			got[p.Name+" "+s.Name] = fmt.Sprintf("%.4g", s.Values)
		}
	}
	for name, want := range map[string]string{"balancer-requests requests": "[10 20 30]", "balancer-time p95": "[250 250 250]", "balancer-faults 503": "[0 0 0]"} {
		if got[name] != want {
			t.Errorf("%s is %s, want %s; there are %v", name, got[name], want, got)
		}
	}
	var said strings.Builder
	for _, m := range missing {
		fmt.Fprintln(&said, m.What+": "+m.Why)
	}
	for _, want := range []string{"CPU of the database's instances: CloudWatch has no values of the run's time\n",
		"Load of the database's primary by wait event, mean active sessions: Performance Insights has no values of the run's time\n"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("missing %s\nwant %s", said.String(), want)
		}
	}
}
