package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

// part is what a generator of peak measured.
type part struct {
	p95, count             float64 // of responses: ms, requests
	failed, right, dropped float64
	began                  string
}

// json is summary.json as the scripts write it, of generator index.
func (p part) json(index int) []byte {
	values := func(v map[string]float64) map[string]any { return map[string]any{"values": v} }
	text, err := json.Marshal(map[string]any{
		"version": 1, "scenario": map[string]any{"name": "peak"}, "generator": map[string]any{"index": index, "job": "peak-1"}, "beganAt": p.began,
		"thresholds": []map[string]any{
			{"metric": "http_req_duration{objective:response}", "threshold": "p(95)<2000"},
			{"metric": "faults", "threshold": "rate<=0.001"},
			{"metric": "dropped_iterations", "threshold": "count==0"},
			{"metric": "upload_seconds_per_mb", "threshold": "p(95)<30"},
		},
		"metrics": map[string]any{
			"iterations":                            values(map[string]float64{"count": p.right + p.failed}),
			"http_req_duration{objective:response}": values(map[string]float64{"p(95)": p.p95, "count": p.count}),
			"faults":                                values(map[string]float64{"passes": p.failed, "fails": p.right}),
			"dropped_iterations":                    values(map[string]float64{"count": p.dropped}),
		},
	})
	if err != nil {
		panic(err) // of constants
	}
	return text
}

func runOf(t *testing.T, parts ...part) []loadResult {
	t.Helper()
	var results []loadResult
	for i, p := range parts {
		r, err := parseResult("summary.json", p.json(i))
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	return results
}

func TestRunIsJudgedByTheSumsOfItsGenerators(t *testing.T) {
	first := part{p95: 300, count: 1000, failed: 3, right: 1997, began: "2026-11-24T03:00:00.000Z"}
	second := part{p95: 400, count: 3000, right: 4000, began: "2026-11-24T03:00:04.500Z"}
	report, err := mergeResults("peak-1", 2, runOf(t, first, second))
	if err != nil {
		t.Fatal(err)
	}
	number := func(v float64) *float64 { return &v }
	want := loadReport{Scenario: "peak", Run: "peak-1", Generators: 2, SkewSeconds: 4.5, Passed: true, Verdicts: []loadVerdict{
		{Metric: "dropped_iterations", Threshold: "count==0", Value: number(0), OK: true},
		{Metric: "faults", Threshold: "rate<=0.001", Value: number(0.0005), OK: true}, // the first alone has 0.0015
		{Metric: "http_req_duration{objective:response}", Threshold: "p(95)<2000", Value: number(400), AtMost: true, OK: true},
		{Metric: "upload_seconds_per_mb", Threshold: "p(95)<30", OK: true},
	}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRunMissesWhatItsGeneratorsMissTogether(t *testing.T) {
	fine := part{p95: 300, count: 1000, right: 1000, began: "2026-11-24T03:00:00Z"}
	for metric, change := range map[string]func(p *part){
		"dropped_iterations":                    func(p *part) { p.dropped = 1 },
		"faults":                                func(p *part) { p.failed = 3 },
		"http_req_duration{objective:response}": func(p *part) { p.p95 = 2000 },
	} {
		worse := fine
		change(&worse)
		report, err := mergeResults("peak-1", 2, runOf(t, fine, worse))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range report.Verdicts {
			if v.OK == (v.Metric == metric) {
				t.Errorf("worse %s: %+v", metric, v)
			}
		}
		if report.Passed {
			t.Errorf("worse %s: the run passed", metric)
		}
	}
}

// A run on this machine has all users in one generator, whatever the scenario says.
func TestARunIsJudgedByTheGeneratorsThatItHad(t *testing.T) {
	results := runOf(t, part{p95: 300, count: 1000, right: 1000, began: "2026-11-24T03:00:00Z"})
	results[0].Scenario.Generators = 1
	if report, err := mergeResults("peak-1", 3, results); err != nil || report.Generators != 1 || !report.Passed {
		t.Errorf("%+v, %v", report, err)
	}
	results[0].Scenario.Generators = 2
	if _, err := mergeResults("peak-1", 1, results); err == nil || !strings.Contains(err.Error(), "has 1 results, want 2") {
		t.Errorf("got %v", err)
	}
}

func TestRunThatIsNotWholeIsNotJudged(t *testing.T) {
	fine := part{p95: 300, count: 1000, right: 1000, began: "2026-11-24T03:00:00Z"}
	idle := part{p95: 300, count: 1000, began: "2026-11-24T03:00:00Z"}
	for want, parts := range map[string][]part{
		"run peak-1 has 1 results, want 2, one of each generator": {fine},
		"run peak-1: generator 1 made no load, want some of each": {fine, idle},
		"run peak-1 has 3 results, want 2, one of each generator": {fine, fine, fine},
	} {
		if _, err := mergeResults("peak-1", 2, runOf(t, parts...)); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	if _, err := parseResult("summary.json", []byte(`{"version": 2}`)); err == nil || err.Error() != "summary.json: version is 2, want 1" {
		t.Errorf("error is %v", err)
	}
}

func TestResultsAreReadFromTheBucket(t *testing.T) {
	objects := map[string][]byte{
		"results/peak/peak-1/generator-0/summary.json": part{p95: 1, right: 1, began: "2026-11-24T03:00:00Z"}.json(0),
		"results/peak/peak-1/generator-0/summary.txt":  []byte("peak"),
		"results/peak/peak-1/generator-1/summary.json": part{p95: 2, right: 1, began: "2026-11-24T03:00:00Z"}.json(1),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, "/b/")
		if text, ok := objects[key]; ok {
			fmt.Fprintf(w, "%s", text)
			return
		}
		if prefix := r.URL.Query().Get("prefix"); prefix != "results/peak/peak-1/" {
			t.Errorf("asks for %s, prefix %q", r.URL, prefix)
		}
		fmt.Fprint(w, `<ListBucketResult>`)
		for key := range objects {
			fmt.Fprintf(w, `<Contents><Key>%s</Key></Contents>`, key)
		}
		fmt.Fprint(w, `</ListBucketResult>`)
	}))
	t.Cleanup(server.Close)
	client := s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
	results, err := resultsInBucket(t.Context(), client, "b", "results/peak/peak-1/")()
	if err != nil || len(results) != 2 {
		t.Fatalf("%d results, error %v, want 2", len(results), err)
	}
}

func TestReportOfACopyIsPrinted(t *testing.T) {
	folder := t.TempDir()
	for i, p95 := range []float64{250.125, 1800} {
		dir := filepath.Join(folder, fmt.Sprintf("generator-%d", i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		text := part{p95: p95, count: 10, failed: float64(i), right: 10, began: "2026-11-24T03:00:00Z"}.json(i)
		if err := os.WriteFile(filepath.Join(dir, resultFile), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, errs, code := ragscale(t, "load", "report", "peak-1", "--stack", "prod", "--folder", folder)
	want := `peak-1: THRESHOLDS MISSED over 2 generators, which began within 0.0 s
  kept    dropped_iterations                     count==0     0
  MISSED  faults                                 rate<=0.001  0.048
  kept    http_req_duration{objective:response}  p(95)<2000   at most 1800
  kept    upload_seconds_per_mb                  p(95)<30     nothing measured
`
	if diff := cmp.Diff(want, out); diff != "" || code != exitUnhealthy {
		t.Errorf("exit code %d, %s (-want +got):\n%s", code, errs, diff)
	}
}

func TestReportWantsARun(t *testing.T) {
	_, errs, code := ragscale(t, "load", "report", "peak", "--stack", "prod")
	if want := "RUN is \"peak\", want a run of one of smoke, normal, peak, stress, endurance, breakpoint, such as smoke-20261124-033000"; code != exitFailed || !strings.Contains(errs, want) {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
