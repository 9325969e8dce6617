package telemetry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

// workspace answers queries over planted series with Prometheus' own engine, as Managed Prometheus does. Queries about
// what is broken are refused.
func workspace(t *testing.T, series storage.Queryable, broken string) Workspace {
	t.Helper()
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 1e6)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if scope := r.Header.Get("Authorization"); !strings.Contains(scope, "/eu-central-1/aps/aws4_request") {
			t.Errorf("signed as %q", scope)
		}
		q := r.URL.Query()
		if broken != "" && strings.Contains(q.Get("query"), broken) {
			http.Error(w, `{"message": "no permission"}`, http.StatusForbidden)
			return
		}
		at := func(name string) time.Time {
			seconds, err := strconv.ParseInt(q.Get(name), 10, 64)
			if err != nil {
				t.Error(err)
			}
			return time.Unix(seconds, 0)
		}
		step := time.Duration(at("step").Unix()) * time.Second
		asked, err := engine.NewRangeQuery(r.Context(), series, nil, q.Get("query"), at("start"), at("end"), step)
		if err != nil {
			t.Errorf("%s: %v", q.Get("query"), err)
			return
		}
		defer asked.Close()
		answer(t, w, asked.Exec(r.Context()))
	}))
	t.Cleanup(s.Close)
	return Workspace{Endpoint: s.URL + "/workspaces/ws-1/", Account: aws.Config{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""), HTTPClient: s.Client(),
	}}
}

func answer(t *testing.T, w http.ResponseWriter, result *promql.Result) {
	t.Helper()
	matrix, err := result.Matrix()
	if err != nil {
		t.Error(err)
	}
	err = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "matrix", "result": matrix}})
	if err != nil {
		t.Error(err)
	}
}

func planted(t *testing.T) storage.Queryable {
	t.Helper()
	text, err := os.ReadFile("testdata/stack.series")
	if err != nil {
		t.Fatal(err)
	}
	s := promqltest.LoadedStorage(t, string(text))
	t.Cleanup(func() { s.Close() })
	return s
}

// window is ten minutes of the planted half hour.
var window = Window{From: time.Unix(600, 0).UTC(), To: time.Unix(1200, 0).UTC(), Step: 30 * time.Second}

func TestEveryPanelIsHadOfAStackThatHasEverything(t *testing.T) {
	panels, missing := workspace(t, planted(t), "").Panels(t.Context(), window)
	if len(missing) > 0 || len(panels) != len(asked) {
		t.Fatalf("%d of %d panels, missing %+v", len(panels), len(asked), missing)
	}
	got := map[string]float64{}
	for _, p := range panels {
		for _, s := range p.Series {
			want := 21
			if p.Note != "" {
				want = 17 // from two minutes on
			}
			if len(s.Values) != want {
				t.Errorf("%s has %d values, want %d", s.Name, len(s.Values), want)
			}
			got[p.Name+" "+s.Name] = s.Values[want-1]
		}
	}
	for name, want := range map[string]float64{
		"api-routes /v1/search": 150, "api-status 202": 1, "replicas agentic-rag-api wanted": 3, "replicas agentic-rag-api ready": 3, "cpu api": 1, "cpu worker": 0.1,
		"memory api": 200, "goroutines api": 44, "pool-wait primary": 2, "cache process": 0.5, "cache redis": 0.25, "nodes ready": 3, "degraded vector": 1, "search simple": 95,
		"busy requests": 15, "busy pool primary waiting": 0.1, "busy pgbouncer rag waiting": 0.2, "busy pgbouncer rag in transaction": 2, "busy cache get": 0.01, "busy vectors query": 0.05, "busy search simple": 5,
		"rates requests": 151, "rates pool primary": 50, "rates pgbouncer rag": 50, "rates search simple": 100, "rates vectors query": 10, "busy garbage collection": 0.25,
		"route-time GET /v1/search": 100, "pod-time agentic-rag-api-1": 148.5, "pod-cpu agentic-rag-api-1": 0.5, "pool primary in use": 3, "pool primary at most": 8,
		"hpa agentic-rag-api at most": 3, "shed connections": 2, "restarts agentic-rag/api": 4, "vector-jobs available": 7, "cache-in-use in use": 1,
	} {
		if value, ok := got[name]; !ok || value < want*0.999 || value > want*1.001 {
			t.Errorf("%s is %v, want %v", name, value, want)
		}
	}
	if _, ok := got["replicas coredns ready"]; ok {
		t.Error("replicas of what nobody scales")
	}
	for _, p := range panels {
		if p.Name == "replicas" && (p.Series[0].Values[0] != 2 || p.Series[1].Values[3] != 2 || p.Series[0].Values[3] != 3) {
			t.Errorf("ready ones come later than wanted ones: %+v", p.Series)
		}
	}
}

func TestWhatAStackHasNotIsMissingAndNoError(t *testing.T) {
	for broken, want := range map[string]string{
		"process_cpu": "CPU of the API's pods, together: answers 403: no permission",
		"ragapi_":     "Wait for a connection of a pod's pool, mean: answers 403: no permission",
	} {
		panels, missing := workspace(t, planted(t), broken).Panels(t.Context(), window)
		if len(panels)+len(missing) != len(asked) || len(missing) == 0 || !strings.Contains(said(missing), want) {
			t.Errorf("%d panels, missing %s, want %s", len(panels), said(missing), want)
		}
	}
	panels, missing := workspace(t, promqltest.LoadedStorage(t, "load 30s\n up 1x60"), "").Panels(t.Context(), window)
	if len(panels) != 0 || len(missing) != len(asked) || !strings.Contains(said(missing), "Nodes: Managed Prometheus has no series of the run's time") {
		t.Errorf("an empty workspace: %d panels, missing %s", len(panels), said(missing))
	}
	_, missing = Workspace{Endpoint: "http://127.0.0.1:1/", Account: workspace(t, planted(t), "").Account}.Panels(t.Context(), window)
	if len(missing) != 1 || missing[0].What != "all that Managed Prometheus knows" {
		t.Errorf("nobody answers: %+v", missing)
	}
}

func said(all []Missing) string {
	address := regexp.MustCompile(`http://127.0.0.1:\d+/\S* `)
	var lines []string
	for _, m := range all {
		lines = append(lines, address.ReplaceAllString(m.What+": "+m.Why, ""))
	}
	return strings.Join(lines, "\n")
}

// What is asked for is served: by the lists of rules and dashboards, or by the API, all of whose metrics are scraped.
func TestMetricsThatAreAskedForAreServed(t *testing.T) {
	var served strings.Builder
	for _, file := range []string{"../../components/observability/rules/metrics.go", "../../docs/api.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		served.Write(text)
	}
	// Of our own workloads all is scraped. Source: metricMaps of pgbouncer_exporter 0.12.1 (collector.go), whose names are
	// pgbouncer_<view>_<metric>; and client_golang's Go collector, read 2026-11-30.
	served.WriteString("pgbouncer_stats_totals_client_wait_seconds_total pgbouncer_stats_totals_server_in_transaction_seconds_total " +
		"pgbouncer_stats_totals_sql_transactions_pooled_total go_cpu_classes_gc_total_cpu_seconds_total")
	histogram := regexp.MustCompile(`_(bucket|count|sum)$`)
	for _, q := range asked {
		for _, l := range q.lines {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(strings.ReplaceAll(l.expr, "$range", "2m"))
			if err != nil {
				t.Fatalf("%s: %v", l.expr, err)
			}
			for _, name := range namesIn(expr) {
				of := histogram.ReplaceAllString(name, "")
				if !strings.Contains(served.String(), name) && !strings.Contains(served.String(), "`"+of+"`") && !strings.HasPrefix(name, "process_") {
					t.Errorf("%s asks for %s, which nobody serves", q.name, name)
				}
			}
		}
	}
}

func namesIn(expr parser.Expr) (names []string) {
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			names = append(names, v.Name)
		}
		return nil
	})
	return names
}

func TestNamesOfPanelsAreTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range asked {
		if seen[q.name] || q.title == "" {
			t.Errorf("panel %q: there twice, or without a title", q.name)
		}
		seen[q.name] = true
	}
	if diff := cmp.Diff("a x b", named("a {l} b", map[string]string{"l": "x"})); diff != "" {
		t.Error(diff)
	}
	long := Window{To: time.Time{}.Add(25 * time.Hour), Step: 10 * time.Minute}
	if got := fmt.Sprintln(window.RateTime(), long.RateTime(), Window{Step: leastStep}.RateTime()); got != "2m0s 10m0s 1m0s\n" {
		t.Errorf("rates are taken over %s", got)
	}
	for _, q := range asked {
		for _, l := range q.lines {
			if strings.Contains(l.expr, "$range") != q.rates() {
				t.Errorf("panel %s: rates beside what is none", q.name)
			}
		}
	}
}

// Before a run nothing was asked: its panels begin with what it did, and not with the mean of that and of nothing.
func TestAShortRunDoesNotRiseFromNothing(t *testing.T) {
	idle := promqltest.LoadedStorage(t, `load 30s
	 ragapi_http_request_duration_seconds_count{route="/v1/search",status="200"} 0x20 3000+3000x12 36000x10
	 ragapi_http_requests_in_flight 0x20 7x22`)
	t.Cleanup(func() { idle.Close() })
	for seconds, want := range map[int64]string{300: "[100 100 100 100 100 100 100 100 100] from 30s", 90: "[100 100] from 30s", 60: "[100] from 30s", 20: "[100] from -10s"} {
		in := Window{From: time.Unix(600, 0).UTC(), To: time.Unix(600+seconds, 0).UTC(), Step: 30 * time.Second}
		if seconds == 20 {
			in.From, in.To = in.From.Add(10*time.Second), in.To.Add(40*time.Second)
			in.From = in.To.Add(-20 * time.Second)
		}
		panels, _ := workspace(t, idle, "").Panels(t.Context(), in)
		for _, p := range panels {
			switch p.Name {
			case "api-routes":
				if got := fmt.Sprint(p.Series[0].Values, " from ", p.From.Sub(in.From)); got != want || p.Note != "over the minute around each value" {
					t.Errorf("%d s: %s, %s, want %s", seconds, got, p.Note, want)
				}
			case "api-in-flight":
				if !p.From.IsZero() || p.Note != "" || p.Series[0].Values[len(p.Series[0].Values)-1] != 7 {
					t.Errorf("%d s: what is no rate is %+v", seconds, p)
				}
			}
		}
	}
}
