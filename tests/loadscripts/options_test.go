package loadscripts

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/components/loadtest/k6"
	"github.com/ragscale/ragscale/slo"
)

type object = map[string]any

// optionsOf are k6's options that the scripts export, after a round trip through JSON.
func optionsOf(t *testing.T, s k6.Scenario) object {
	t.Helper()
	text, err := newGenerator(t, "http://127.0.0.1:1", s).mustUser(1).Exported("options")
	if err != nil {
		t.Fatal(err)
	}
	var options object
	if err := json.Unmarshal(text, &options); err != nil {
		t.Fatal(err)
	}
	return options
}

func TestUsersComeDuringTheRampUpAndStay(t *testing.T) {
	peak := smoke()
	peak.Name, peak.Users, peak.RampUpSeconds, peak.DurationSeconds = "peak", 500, 120, 900
	want := object{"peak": object{
		"executor": "ramping-vus", "startVUs": 0.0, "gracefulRampDown": "30s", "gracefulStop": "30s",
		"stages": []any{object{"duration": "120s", "target": 500.0}, object{"duration": "780s", "target": 500.0}},
	}}
	if diff := cmp.Diff(want, optionsOf(t, peak)["scenarios"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWithoutRampUpEveryoneIsThereAtOnce(t *testing.T) {
	s := smoke()
	s.RampUpSeconds = 0
	scenario := optionsOf(t, s)["scenarios"].(object)["smoke"].(object)
	want := []any{object{"duration": "10s", "target": 2.0}}
	if diff := cmp.Diff(want, scenario["stages"]); diff != "" || scenario["startVUs"] != 2.0 {
		t.Errorf("starts with %v (-want +got):\n%s", scenario["startVUs"], diff)
	}
}

func TestStepsHoldEachLevel(t *testing.T) {
	s := smoke()
	s.Name, s.Users, s.RampUpSeconds, s.DurationSeconds, s.Levels = "steps", 10, 9, 60, 3
	want := object{"steps": object{
		"executor": "ramping-vus", "startVUs": 0.0, "gracefulRampDown": "30s", "gracefulStop": "30s",
		"stages": []any{
			object{"duration": "3000ms", "target": 3.0}, object{"duration": "17000ms", "target": 3.0},
			object{"duration": "3000ms", "target": 7.0}, object{"duration": "17000ms", "target": 7.0},
			object{"duration": "3000ms", "target": 10.0}, object{"duration": "17000ms", "target": 10.0},
		},
	}}
	if diff := cmp.Diff(want, optionsOf(t, s)["scenarios"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBreakpointRaisesArrivalsUntilAThresholdIsMissed(t *testing.T) {
	s := smoke()
	s.Name, s.Users, s.RampUpSeconds, s.DurationSeconds, s.ThinkSeconds, s.StopAtFault = "breakpoint", 4000, 1800, 1800, 2, true
	options := optionsOf(t, s)
	want := object{"breakpoint": object{
		"executor": "ramping-arrival-rate", "startRate": 0.0, "timeUnit": "1s", "preAllocatedVUs": 4000.0, "maxVUs": 4000.0, "gracefulStop": "30s",
		"stages": []any{object{"duration": "1800s", "target": 2000.0}},
	}}
	if diff := cmp.Diff(want, options["scenarios"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for metric, thresholds := range options["thresholds"].(object) {
		if len(thresholds.([]any)) == 0 {
			continue
		}
		if got := thresholds.([]any)[0].(object); got["abortOnFail"] != true || got["delayAbortEval"] != "30s" {
			t.Errorf("%s: %v does not end the run", metric, got)
		}
	}
}

func TestThresholdsAreThoseOfTheScenario(t *testing.T) {
	s := smoke()
	s.Thresholds = slo.LoadTest{ResponseMillis: 1500, ComplexSearchMillis: 4000, UploadSecondsPerMB: 20.5, FailedRatio: 0.01, RecallRatio: 0.9, DegradedRatio: 0.02, FreshnessSeconds: 45}
	rule := func(threshold string) []any { return []any{object{"threshold": threshold}} }
	want := object{
		"http_req_duration{objective:response}":       rule("p(95)<1500"),
		"http_req_duration{objective:complex-search}": rule("p(95)<4000"),
		"upload_seconds_per_mb":                       rule("p(95)<20.5"),
		"http_req_failed{scenario:smoke}":             rule("rate<=0.01"),
		"faults":                                      rule("rate<=0.01"),
		"dropped_iterations":                          rule("count==0"),
		"freshness_seconds":                           rule("p(90)<45"),
		"recall":                                      rule("rate>=0.9"),
		"degraded":                                    rule("rate<=0.02"),
		"without_vectors":                             rule("rate<=0.02"),
		"http_req_duration{kind:freshness}":           []any{},
	}
	want["faults{slice:0}"] = []any{}
	for _, kind := range []string{"search-simple", "search-complex", "document", "session", "dashboard", "upload", "upload-status", "upload-search", "delete"} {
		want["http_req_duration{kind:"+kind+"}"] = []any{} // measured, and not judged
		want["http_req_duration{kind:"+kind+",slice:0}"] = []any{}
	}
	if diff := cmp.Diff(want, optionsOf(t, s)["thresholds"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARunOfAnswersOnlyJudgesNoPercentile(t *testing.T) {
	s := smoke()
	s.AnswersOnly = true
	for metric, thresholds := range optionsOf(t, s)["thresholds"].(object) {
		for _, rule := range thresholds.([]any) {
			if threshold := rule.(object)["threshold"].(string); strings.HasPrefix(threshold, "p(") {
				t.Errorf("%s is judged by %s", metric, threshold)
			}
		}
	}
}

func TestSummariesHaveThePercentilesThatGeneratorsAreMergedBy(t *testing.T) {
	var names []string
	for _, name := range optionsOf(t, smoke())["summaryTrendStats"].([]any) {
		names = append(names, name.(string))
	}
	for _, want := range []string{"count", "min", "max", "med", "avg", "p(0.5)", "p(50)", "p(95)", "p(99)", "p(99.98)"} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no %s", want)
		}
	}
	if len(names) < 280 || len(names) > 400 {
		t.Errorf("%d statistics of a trend, want some 300", len(names))
	}
}

// endOfRun is what k6 hands to handleSummary, in the form of
// https://grafana.com/docs/k6/latest/results-output/end-of-test/custom-summary/ ; read 2026-11-24.
func endOfRun(ok bool, failedChecks int) object {
	trend := func(p95 float64, threshold string, ok bool) object {
		return object{"type": "trend", "contains": "time", "values": object{"count": 120, "avg": 40.5, "p(95)": p95},
			"thresholds": object{threshold: object{"ok": ok}}}
	}
	return object{
		"root_group": object{"name": "", "path": "", "groups": []any{}, "checks": []any{
			object{"name": "document: is ready", "path": "::document: is ready", "passes": 60 - failedChecks, "fails": failedChecks},
		}},
		"options": object{}, "state": object{"testRunDurationMs": 12345.6},
		"metrics": object{
			"http_req_duration{objective:response}":       trend(187.45678, "p(95)<2000", true),
			"http_req_duration{objective:complex-search}": trend(6001, "p(95)<5000", ok),
			"faults":             object{"type": "rate", "contains": "default", "values": object{"rate": 0, "passes": 0, "fails": 120}, "thresholds": object{"rate<=0.001": object{"ok": true}}},
			"dropped_iterations": object{"type": "counter", "contains": "default", "values": object{}, "thresholds": object{"count==0": object{"ok": true}}},
			"load_began":         object{"type": "gauge", "contains": "time", "values": object{"value": 1795482000500.0, "min": 1795482000500.0, "max": 1795482000500.0}},
			"load_ended":         object{"type": "gauge", "contains": "time", "values": object{"value": 1795482060500.0, "min": 1795482060500.0, "max": 1795482060500.0}},
			"iterations":         object{"type": "counter", "contains": "default", "values": object{"count": 100, "rate": 8.1}},
		},
	}
}

func summaryOf(t *testing.T, data object) map[string]string {
	t.Helper()
	files := newGenerator(t, "http://127.0.0.1:1", smoke()).mustUser(0).mustCall("handleSummary", data)
	texts := map[string]string{}
	for name, text := range files.(map[string]any) {
		texts[name] = text.(string)
	}
	return texts
}

// Who begins a run tells its revision and its images; a run of the schedule has neither.
func TestAFingerprintHasWhatTheRunsBeginnerKnows(t *testing.T) {
	g := newGenerator(t, "http://127.0.0.1:1", smoke())
	g.Env[k6.EnvRevision], g.Env[k6.EnvImages] = "4f1c", "api@sha256:0123456789ab"
	var result object
	text := g.mustUser(0).mustCall("handleSummary", endOfRun(true, 0)).(map[string]any)["/results/summary.json"].(string)
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(object{"stack": "test", "revision": "4f1c", "imageDigests": "api@sha256:0123456789ab"}, result["environment"]); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestSummaryStandsForItself(t *testing.T) {
	data := endOfRun(true, 0)
	files := summaryOf(t, data)
	var result object
	if err := json.Unmarshal([]byte(files["/results/summary.json"]), &result); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(object{"stack": "test"}, result["environment"]); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(object{"index": 0.0, "job": "smoke-1", "pod": "smoke-1-0-abcde", "node": "n1", "program": ""}, result["generator"]); diff != "" {
		t.Errorf("generator (-want +got):\n%s", diff)
	}
	if result["passed"] != true || result["durationMillis"] != 12345.6 || result["endedAt"] != "2026-11-24T01:00:00.000Z" {
		t.Errorf("passed %v after %v ms at %v", result["passed"], result["durationMillis"], result["endedAt"])
	}
	if result["beganAt"] != "2026-11-24T01:00:00.500Z" || result["loadEndedAt"] != "2026-11-24T01:01:00.500Z" {
		t.Errorf("load from %v to %v", result["beganAt"], result["loadEndedAt"])
	}
	if got := result["metrics"].(object)["iterations"]; !cmp.Equal(got, any(object{"type": "counter", "contains": "default", "values": object{"count": 100.0, "rate": 8.1}})) {
		t.Errorf("iterations are %v", got)
	}
	if len(files) != 3 || files["stdout"] != files["/results/summary.txt"] {
		t.Errorf("%d texts, want the report on stdout and in a file, and the result", len(files))
	}
}

func TestMissedThresholdsAreReadAtAGlance(t *testing.T) {
	want := `smoke: THRESHOLDS MISSED after 12 s, generator 1 of 1
  kept    dropped_iterations                           count==0     0
  kept    faults                                       rate<=0.001  0
  MISSED  http_req_duration{objective:complex-search}  p(95)<5000   6001
  kept    http_req_duration{objective:response}        p(95)<2000   187.457
checks that failed:
  3 of 60: not "document: is ready"
`
	if diff := cmp.Diff(want, summaryOf(t, endOfRun(false, 3))["stdout"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatNobodyMeasuredIsNotCalledZero(t *testing.T) {
	data := endOfRun(true, 0)
	metrics := data["metrics"].(object)
	for metric, values := range map[string]object{
		"upload_seconds_per_mb": {"count": 0, "avg": 0, "p(95)": 0}, "http_req_failed{scenario:smoke}": {"rate": 0, "passes": 0, "fails": 0},
		"dropped_iterations": {"count": 0, "rate": 0},
	} {
		threshold := map[string]string{"upload_seconds_per_mb": "p(95)<30", "dropped_iterations": "count==0"}[metric]
		if threshold == "" {
			threshold = "rate<=0.01"
		}
		metrics[metric] = object{"values": values, "thresholds": object{threshold: object{"ok": true}}}
	}
	said := summaryOf(t, data)["stdout"]
	for metric, want := range map[string]string{
		"upload_seconds_per_mb": "nothing measured", "http_req_failed{scenario:smoke}": "nothing measured", "dropped_iterations": "0",
	} {
		for line := range strings.Lines(said) {
			if strings.Contains(line, metric) && !strings.HasSuffix(strings.TrimSpace(line), "  "+want) {
				t.Errorf("says %q, want %s", line, want)
			}
		}
		if !strings.Contains(said, metric) {
			t.Errorf("%s is not in %s", metric, said)
		}
	}
}

func TestARunSaysHowManyGeneratorsItHas(t *testing.T) {
	s := smoke()
	s.Generators = 3
	g := newGenerator(t, "http://127.0.0.1:1", s)
	g.Env["GENERATORS"] = "1" // all of the users on one machine
	files := g.mustUser(0).mustCall("handleSummary", endOfRun(true, 0))
	if said := files.(map[string]any)["stdout"].(string); !strings.Contains(said, "generator 1 of 1\n") {
		t.Errorf("says %s", said)
	}
}

func TestRunThatDidNothingDidNotPass(t *testing.T) {
	data := endOfRun(true, 0)
	delete(data["metrics"].(object), "iterations") // as when setup refuses
	files := summaryOf(t, data)
	if !strings.Contains(files["/results/summary.json"], `"passed": false`) || !strings.HasPrefix(files["stdout"], "smoke: NOTHING RAN") {
		t.Errorf("says %s", files["stdout"])
	}
}

func TestSlicesAreTenSecondsOrAsLongAsLeavesSixtyOfThem(t *testing.T) {
	for seconds, want := range map[int]int{10: 1, 95: 10, 600: 60, 601: 31, 900: 45, 3600: 60, 14400: 60} {
		s := smoke()
		s.DurationSeconds = seconds
		parts := 0
		for metric := range optionsOf(t, s)["thresholds"].(object) {
			if strings.HasPrefix(metric, "faults{slice:") {
				parts++
			}
		}
		if parts != want {
			t.Errorf("%d s: %d slices, want %d", seconds, parts, want)
		}
	}
}

func TestSummaryHasItsSlicesApart(t *testing.T) {
	data := endOfRun(true, 0)
	metrics := data["metrics"].(object)
	trend := object{"count": 40, "min": 1.23456, "max": 99}
	for _, p := range []string{"5", "10", "20", "30", "40", "50", "60", "70", "80", "85", "90", "92", "94", "95", "96", "97", "98", "99", "99.5", "99.8", "99.9"} {
		trend["p("+p+")"] = 50
	}
	metrics["http_req_duration{kind:upload-search,slice:12}"] = object{"type": "trend", "values": trend}
	metrics["http_req_duration{kind:document,slice:0}"] = object{"type": "trend", "values": object{"count": 0}}
	metrics["http_req_duration{kind:document}"] = object{"type": "trend", "values": trend}
	metrics["faults{slice:12}"] = object{"type": "rate", "values": object{"passes": 2, "fails": 38}}
	metrics["faults{slice:0}"] = object{"type": "rate", "values": object{"passes": 0, "fails": 0}}
	var result object
	if err := json.Unmarshal([]byte(summaryOf(t, data)["/results/summary.json"]), &result); err != nil {
		t.Fatal(err)
	}
	parts := result["slices"].(object)
	if parts["seconds"] != 10.0 || !cmp.Equal(parts["faults"], any([]any{[]any{12.0, 2.0, 40.0}})) {
		t.Errorf("slices of %v s, faults %v", parts["seconds"], parts["faults"])
	}
	row := parts["took"].(object)["upload-search"].([]any)[0].([]any)
	if shares := parts["shares"].([]any); len(row) != 2+len(shares) || row[0] != 12.0 || row[1] != 40.0 || row[2] != 1.23 || row[len(row)-1] != 99.0 || shares[0] != 0.0 || shares[len(shares)-1] != 1.0 {
		t.Errorf("a row is %v, of shares %v", row, shares)
	}
	left := result["metrics"].(object)
	if left["http_req_duration{kind:document}"] == nil || left["faults"] == nil || left["faults{slice:12}"] != nil || left["http_req_duration{kind:upload-search,slice:12}"] != nil {
		t.Errorf("metrics beside the slices: %v", slices.Collect(maps.Keys(left)))
	}
}
