package alerts

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/perf/telemetry"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

const rules = `{"status":"success","data":{"groups":[{"rules":[
{"name":"CacheGone","annotations":{"runbook_url":"https://x/operations#cache-gone"},"alerts":[{"state":"firing","activeAt":"2026-11-30T11:40:00Z",
 "labels":{"alertname":"CacheGone","severity":"ticket"},"annotations":{"summary":"no cache","runbook_url":"https://x/operations#cache-gone"}}]},
{"name":"ReplicasLacking","annotations":{"runbook_url":"https://x/operations#replicas-lacking"},"alerts":[{"state":"pending","activeAt":"2026-11-30T11:59:00Z",
 "labels":{"alertname":"ReplicasLacking","severity":"page","deployment":"api"},"annotations":{"summary":"1 lacks","runbook_url":"https://x/operations#replicas-lacking"}}]},
{"name":"HPABlind","annotations":{"runbook_url":"https://x/operations#hpa-blind"},"alerts":[]}]}]}}`

// points are those of a series, so many minutes before now.
func points(minutes ...int) string {
	var out []string
	for _, m := range minutes {
		out = append(out, fmt.Sprintf(`[%d.5,"1"]`, now.Add(-time.Duration(m)*time.Minute).Unix()))
	}
	return "[" + strings.Join(out, ",") + "]"
}

// serve is a workspace whose answers are given by path.
func serve(t *testing.T, answers map[string]string) (telemetry.Workspace, *[]*http.Request) {
	t.Helper()
	var asked []*http.Request
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked = append(asked, r)
		body, ok := answers[r.URL.Path]
		if !ok {
			rw.WriteHeader(http.StatusForbidden)
			body = `{"message":"the signature does not match"}`
		}
		fmt.Fprint(rw, body)
	}))
	t.Cleanup(s.Close)
	return telemetry.Workspace{Endpoint: s.URL + "/workspaces/ws-1/", Account: aws.Config{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""), HTTPClient: s.Client(),
	}}, &asked
}

func TestWhatFiresWaitsAndWasResolvedIsToldInThatOrder(t *testing.T) {
	series := `{"status":"success","data":{"result":[
	{"metric":{"__name__":"ALERTS","alertname":"CacheGone","alertstate":"firing","severity":"ticket"},"values":` + points(200, 199, 35, 34, 2, 1, 0) + `},
	{"metric":{"__name__":"ALERTS","alertname":"HPABlind","alertstate":"firing","severity":"page","horizontalpodautoscaler":"api"},"values":` + points(60) + `}]}}`
	w, asked := serve(t, map[string]string{"/workspaces/ws-1/api/v1/rules": rules, "/workspaces/ws-1/api/v1/query_range": series})
	got, err := List(t.Context(), w, now, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	before := func(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }
	until := func(minutes int) *time.Time { at := before(minutes); return &at }
	cache := Alert{Name: "CacheGone", Source: Prometheus, Severity: "ticket", Labels: map[string]string{}, Runbook: "docs/operations.md#cache-gone"}
	with := func(a Alert, state, summary string, since time.Time, until *time.Time) Alert {
		a.State, a.Summary, a.Since, a.Until = state, summary, since, until
		return a
	}
	want := []Alert{
		with(cache, Firing, "no cache", before(2), nil),
		{Name: "ReplicasLacking", Source: Prometheus, State: Pending, Severity: "page", Labels: map[string]string{"deployment": "api"}, Summary: "1 lacks",
			Since: before(1), Runbook: "docs/operations.md#replicas-lacking"},
		with(cache, Resolved, "", before(35), until(34)),
		{Name: "HPABlind", Source: Prometheus, State: Resolved, Severity: "page", Labels: map[string]string{"horizontalpodautoscaler": "api"},
			Since: before(60), Until: until(60), Runbook: "docs/operations.md#hpa-blind"},
		with(cache, Resolved, "", before(200), until(199)),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, r := range *asked {
		if scope := r.Header.Get("Authorization"); !strings.Contains(scope, "/eu-central-1/aps/aws4_request") {
			t.Errorf("%s is signed as %q", r.URL.Path, scope)
		}
	}
}

func TestErrorsOfBothFormsAreTold(t *testing.T) {
	for want, body := range map[string]string{
		"answers 403: the signature does not match": "",
		"answers 200: <html>":                       "<html>",
	} {
		answers := map[string]string{}
		if body != "" {
			answers["/workspaces/ws-1/api/v1/rules"] = body
		}
		w, _ := serve(t, answers)
		if _, err := List(t.Context(), w, now, time.Hour); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
