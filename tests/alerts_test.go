package tests

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/gruntwork-io/terratest/modules/retry"
	"github.com/prometheus/prometheus/promql/parser"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// eventual are series that begin with an event which a healthy stack need not have seen, by a part of their selector, each
// with that event.
var eventual = map[string]string{
	"cluster_autoscaler_errors_total":            "a look at the cluster fails",
	"cluster_autoscaler_failed_scale_ups_total":  "a node group cannot grow",
	"cluster_autoscaler_scaled_down_nodes_total": "a node is taken away",
	"kube_pod_status_unschedulable":              "a pod fits no node",
	"ragapi_degraded_total":                      "an answer lacks something",
	`result="failed"`:                            "a document fails for good",
	`status=~"5.."`:                              "a request fails",
	`mode="complex"`:                             "a complex search",
	`slo="complex-search"`:                       "the same, recorded",
	"api:growth_yield:ratio":                     "pods are added",
	"hpa:time_to_scale:seconds":                  "the same, by the HPA",
}

// everySeriesIsThere: what rules and dashboards ask for, a running stack has.
func everySeriesIsThere(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	w := workspaceOf(t, s)
	selectors := map[string]string{} // and who asks
	for _, g := range w.rules(t) {
		for _, r := range g.Rules {
			collect(t, r.Query, r.Name, selectors)
		}
	}
	dir := t.TempDir()
	s.must(t, "dashboards", "export", "--out", dir)
	for _, expr := range expressions(t, dir) {
		collect(t, expr, "a dashboard", selectors)
	}
	if len(selectors) < 50 {
		t.Fatalf("rules and dashboards ask for %d series, want more: %v", len(selectors), selectors)
	}
	for selector, who := range selectors {
		if slices.ContainsFunc(keys(eventual), func(part string) bool { return strings.Contains(selector, part) }) {
			continue
		}
		retry.DoWithRetryContext(t, t.Context(), who+" finds "+selector, 90, time.Second, func() (string, error) {
			var found []any
			w.get(t, "api/v1/series", url.Values{"match[]": {selector}}, &found)
			if len(found) == 0 {
				return "", fmt.Errorf("there is no %s", selector)
			}
			return "", nil
		})
	}
}

// anAlertFiresAndResolves: nothing fires on a healthy stack; without its PgBouncers one alert says so, with the section to
// read, and reaches the topic; it ends when they are back. Beside it three alarms of CloudWatch ring on faults of theirs.
func anAlertFiresAndResolves(t *testing.T, where target) {
	s, cs := where.(*sandboxTarget), clients(t, where)
	ctx := context.WithoutCancel(t.Context()) // what was broken is mended whatever comes
	// The alarm on pods behind the load balancer takes the minutes before there were any for bad ones: it has rung once.
	retry.DoWithRetryContext(t, t.Context(), "a healthy stack has no alert", 100, 3*time.Second, func() (string, error) {
		if firing := alertsOf(t, s, "firing"); len(firing) > 0 {
			return "", fmt.Errorf("firing: %v", firing)
		}
		return "", nil
	})
	scale := func(n int32) int32 {
		scale, err := cs.AppsV1().Deployments(namespace).GetScale(ctx, "pgbouncer", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		had := scale.Spec.Replicas
		scale.Spec.Replicas = n
		if _, err := cs.AppsV1().Deployments(namespace).UpdateScale(ctx, "pgbouncer", scale, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		return had
	}
	had := scale(0)
	t.Cleanup(func() { scale(had) })
	undo := plantForCloudWatch(t, s)
	down := map[string]string{"PgBouncerDown": "docs/operations.md#pgbouncer-down"}
	awaitAlerts(t, s, "firing", down)
	awaitAlerts(t, s, "firing", alarmsOfTheFault)
	retry.DoWithRetryContext(t, t.Context(), "the topic has it", 100, time.Second, func() (string, error) {
		if log := topicLog(t, s); !strings.Contains(log, "firing: No PgBouncer answers") {
			return "", fmt.Errorf("the topic's log has %d bytes without it", len(log))
		}
		return "", nil
	})
	undo()
	scale(had)
	awaitAlerts(t, s, "resolved", down)
	awaitHealthy(t, s)
}

// topicLog is what was published to topics.
func topicLog(t *testing.T, s *sandboxTarget) string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(s.layout.Log(), "topics.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

// alertsOf are the alerts in a state, with what to read.
func alertsOf(t *testing.T, s *sandboxTarget, state string) map[string]string {
	t.Helper()
	var all []struct{ Name, State, Runbook string }
	if err := json.Unmarshal([]byte(s.must(t, "alerts", "--json", "--since", "1h")), &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, a := range all {
		if a.State == state {
			out[a.Name] = a.Runbook
		}
	}
	return out
}

// workspace is the stack's Prometheus, asked as any client of AWS's would.
type workspace struct {
	url, region string
	key         aws.Credentials
	client      *http.Client
}

func workspaceOf(t *testing.T, s *sandboxTarget) workspace {
	t.Helper()
	var env map[string]string
	if err := json.Unmarshal([]byte(s.must(t, "env", "--json")), &env); err != nil {
		t.Fatal(err)
	}
	var record struct{ ID string }
	raw, err := os.ReadFile(s.records(t, "aws_amp_workspace_Workspace")[0])
	if err == nil {
		err = json.Unmarshal(raw, &record)
	}
	authority, errCA := os.ReadFile(env["AWS_CA_BUNDLE"])
	if err != nil || errCA != nil {
		t.Fatal(err, errCA)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return workspace{
		url: env["AWS_ENDPOINT_URL"] + "/workspaces/" + record.ID + "/", region: env["AWS_REGION"],
		key:    aws.Credentials{AccessKeyID: env["AWS_ACCESS_KEY_ID"], SecretAccessKey: env["AWS_SECRET_ACCESS_KEY"]},
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}},
	}
}

const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of an empty body

// get decodes the data that the workspace answers.
func (w workspace) get(t *testing.T, path string, query url.Values, data any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path+"?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), w.key, r, nothing, "aps", w.region, time.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v, %d: %s", path, err, answer.StatusCode, body)
	}
	if err := json.Unmarshal(body, &struct{ Data any }{data}); err != nil {
		t.Fatal(err)
	}
}

type group struct {
	Rules []struct{ Name, Query string }
}

func (w workspace) rules(t *testing.T) []group {
	t.Helper()
	var all struct{ Groups []group }
	w.get(t, "api/v1/rules", nil, &all)
	return all.Groups
}

// collect notes the selectors of an expression, with their labels.
func collect(t *testing.T, expr, who string, selectors map[string]string) {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			selectors[(&parser.VectorSelector{Name: v.Name, LabelMatchers: v.LabelMatchers}).String()] = who
		}
		return nil
	})
}

// expressions are the queries of exported dashboards.
func expressions(t *testing.T, dir string) (out []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no dashboards: %v", dir, err)
	}
	for _, f := range files {
		var d struct {
			Panels []struct{ Targets []struct{ Expr string } }
		}
		raw, err := os.ReadFile(f)
		if err == nil {
			err = json.Unmarshal(raw, &d)
		}
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				out = append(out, target.Expr)
			}
		}
	}
	return out
}

func keys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}
