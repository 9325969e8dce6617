package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// generated is what one generator of peak measured in 15 minutes.
type generated struct {
	run                string
	index, generators  int
	p95                float64 // ms, of 1,000 responses
	wrong              float64 // of 1,000 requests
	uploads            float64
	image, endedMinute string // "15" where it is not said
}

// text is summary.json as the scripts write it.
func (g generated) text(t *testing.T) []byte {
	t.Helper()
	if g.endedMinute == "" {
		g.endedMinute = "15"
	}
	trend := func(count, p95 float64) map[string]any {
		return map[string]any{"values": map[string]float64{"count": count, "min": p95 / 10, "med": p95 / 2, "p(90)": p95 * 0.9, "p(95)": p95, "p(99)": p95 * 1.5, "max": 3 * p95}}
	}
	values := func(v map[string]float64) map[string]any { return map[string]any{"values": v} }
	text, err := json.Marshal(map[string]any{
		"version":     2,
		"scenario":    map[string]any{"name": "peak", "users": 500, "durationSeconds": 900, "thinkSeconds": 1, "generators": g.generators},
		"generator":   map[string]any{"index": g.index, "job": g.run},
		"environment": map[string]any{"stack": "prod", "region": "eu-central-1", "k6": "2.2.0", "image": g.image},
		"beganAt":     "2026-11-24T03:00:00.000Z", "endedAt": "2026-11-24T03:" + g.endedMinute + ":00.000Z",
		"thresholds": []map[string]any{
			{"metric": "http_req_duration{objective:response}", "threshold": "p(95)<2000"},
			{"metric": "faults", "threshold": "rate<=0.001"},
			{"metric": "dropped_iterations", "threshold": "count==0"},
			{"metric": "upload_seconds_per_mb", "threshold": "p(95)<30"},
		},
		"metrics": map[string]any{
			"iterations":                            values(map[string]float64{"count": 1000}),
			"http_req_duration{objective:response}": trend(1000, g.p95),
			"http_req_duration{kind:document}":      trend(200, g.p95),
			"upload_seconds_per_mb":                 trend(g.uploads, 2),
			"faults":                                values(map[string]float64{"passes": g.wrong, "fails": 1000 - g.wrong}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// kept writes what generators left, and returns the folder.
func kept(t *testing.T, all ...generated) string {
	t.Helper()
	folder := t.TempDir()
	for _, g := range all {
		if g.generators == 0 {
			g.generators = 1
		}
		dir := filepath.Join(folder, "results", "peak", g.run, fmt.Sprintf("generator-%d", g.index))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "summary.json"), g.text(t), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestReportIsPrinted(t *testing.T) {
	folder := kept(t, generated{run: "peak-1", generators: 2, p95: 250, uploads: 30}, generated{run: "peak-1", index: 1, generators: 2, p95: 250, wrong: 3, uploads: 30})
	out, errs, code := ragscale(t, "load", "report", "peak-1", "--stack", "prod", "--folder", folder)
	want := `peak-1: OBJECTIVES MISSED, 900 s, 500 users, generators 2, which began within 0.0 s
  error budget: 150 % spent, 3 faults of 2 allowed
  not measured, by scripts of before: recall, freshness, answers without vectors; it counts for no verdict
  kept    dropped_iterations                     count==0     0
  MISSED  faults                                 rate<=0.001  0.002
  kept    http_req_duration{objective:response}  p(95)<2000   250
  kept    upload_seconds_per_mb                  p(95)<30     2

  why: missed: Failed or wrong answers 0.15 %, want at most 0.1 % → diagnosis: not enough data: the steady part of 900 s has no telemetry: the run has no telemetry

  ms        requests  p50  p95  p99  max
  document  400       125  250  375  750
`
	if diff := cmp.Diff(want, out); diff != "" || code != exitUnhealthy {
		t.Errorf("exit code %d, %s (-want +got):\n%s", code, errs, diff)
	}
}

func TestReportThatDoesNotTellIsNoPass(t *testing.T) {
	enterProject(t)
	folder := kept(t, generated{run: "peak-1", p95: 250, uploads: 3}, generated{run: "peak-2", p95: 250, uploads: 30, endedMinute: "10"}, generated{run: "peak-3", p95: 250, uploads: 30})
	for run, want := range map[string]struct {
		code int
		text string
	}{
		"peak-1": {exitFailed, "run peak-1 is no pass: upload_seconds_per_mb: not measured (3 samples, want 20 or more)"},
		"peak-2": {exitFailed, "run peak-2 is no pass: generator 0 ended after 600 of 900 s"},
		"peak-3": {0, ""},
		"peak-4": {exitFailed, "run peak-4: "},
	} {
		if _, errs, code := ragscaleHere("load", "report", run, "--stack", "prod", "--folder", folder); code != want.code || !strings.Contains(errs, want.text) {
			t.Errorf("%s: exit code %d, %q, want %d, %q", run, code, errs, want.code, want.text)
		}
	}
}

func TestReportAsJSON(t *testing.T) {
	folder := kept(t, generated{run: "peak-1", p95: 250, uploads: 30})
	out, _, code := ragscale(t, "load", "report", "peak-1", "--stack", "prod", "--folder", folder, "--json")
	var got struct {
		Run      string
		Passed   bool
		Verdicts []struct {
			Metric, Threshold, Outcome string
			Value                      float64
		}
		Endpoints []struct{ Kind string }
		Figures   []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
		t.Fatalf("exit code %d: %v", code, err)
	}
	if got.Run != "peak-1" || !got.Passed || len(got.Verdicts) != 4 || got.Verdicts[0].Outcome != "kept" || got.Verdicts[2].Value != 250 || len(got.Endpoints) != 1 || len(got.Figures) == 0 {
		t.Errorf("%+v", got)
	}
}

func TestReportAsAPageAndForAPullRequest(t *testing.T) {
	enterProject(t)
	folder := kept(t, generated{run: "peak-1", p95: 250, uploads: 30}, generated{run: "peak-2", p95: 252, uploads: 30, image: "0.2.0"}, generated{run: "peak-3", p95: 250, uploads: 30, wrong: 5})
	report := func(args ...string) (out, errs string, code int) {
		return ragscaleHere(append([]string{"load", "report", "--stack", "prod", "--folder", folder}, args...)...)
	}
	told := `{"version": 1, "from": "2026-11-24T03:00:00Z", "stepSeconds": 30, "panels": [{"name": "replicas", "title": "Replicas", "unit": "", "source": "P",
		"series": [{"name": "api ready", "values": [2, null, 4]}]}], "missing": [{"what": "Nodes", "why": "no series"}]}`
	if err := os.WriteFile(filepath.Join(folder, "results", "peak", "peak-2", "telemetry.json"), []byte(told), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	out, errs, code := report("peak-2", "--against", "peak-1", "--format", "html", "--output", file)
	page, err := os.ReadFile(file)
	if err != nil || code != 0 || out != "" || !strings.Contains(errs, "the report is in "+file) {
		t.Fatalf("exit code %d, %v: %s%s", code, err, out, errs)
	}
	for _, want := range []string{"<!DOCTYPE html>", "The objectives were kept.", "<td class=\"long\">0.2.0</td>", "With peak-1;", "api ready from 2 to 4", "no series"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if out, _, code := report("peak-3", "--format", "md"); code != exitUnhealthy || !strings.Contains(out, "OBJECTIVES MISSED") || !strings.Contains(out, "no baseline") {
		t.Errorf("exit code %d: %s", code, out)
	}
	for want, args := range map[string][]string{
		`--format is "pdf", want one of html, md, json, text`: {"peak-1", "--format", "pdf"},
		"run peak-9: ": {"peak-1", "--against", "peak-9"},
	} {
		if out, errs, code := report(args...); code != exitFailed || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d, %s%s, want %s", args, code, out, errs, want)
		}
	}
	if out, _, _ := report("peak-1", "--against", "peak-1", "--format", "md"); !strings.Contains(out, "peak-1 is one of the runs that it would be compared with") {
		t.Errorf("a run against itself: %s", out)
	}
}

// What cannot be explained is said in its place; the report is that of the run, whatever the stack has become.
func TestAReportSaysWhatItCannotExplain(t *testing.T) {
	enterProject(t)
	folder := kept(t, generated{run: "peak-1", p95: 250, uploads: 30, wrong: 5})
	say := func(stack string, wants ...string) {
		t.Helper()
		page, errs, code := ragscaleHere("load", "report", "peak-1", "--stack", stack, "--folder", folder, "--format", "html")
		if code != exitUnhealthy {
			t.Errorf("exit code %d: %s", code, errs)
		}
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("stack %s: the page does not say %s", stack, want)
			}
		}
	}
	say("prod", "<strong>Not enough data</strong>", "Pulumi.prod.yaml has changed since run peak-1", "no profile was taken: <code>ragscale profile</code> during a run takes one")
	say("dev", "There is none: run peak-1 is of stack &#34;prod&#34;, want one of &#34;dev&#34;", "There are none: they are made of the diagnosis")
	if err := os.MkdirAll(filepath.Join(folder, "results", "peak", "peak-1", "profiles"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "results", "peak", "peak-1", "profiles", "index.json"), []byte(`{"version": 9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	say("prod", "index.json: version is 9, want 1")
}

// A run of the stack as it is, with profiles, has all three.
func TestAReportHasDiagnosisRecommendationsAndProfile(t *testing.T) {
	enterProject(t)
	folder, profiles := kept(t, generated{run: "peak-1", p95: 250, uploads: 30}), keptProfiles(t, "normal-1")
	if err := os.Rename(filepath.Join(profiles, "results", "normal", "normal-1", "profiles"), filepath.Join(folder, "results", "peak", "peak-1", "profiles")); err != nil {
		t.Fatal(err)
	}
	stackOfRuns(t, folder, "prod")
	out, errs, code := ragscaleHere("load", "report", "peak-1", "--stack", "prod", "--folder", folder, "--json")
	var got struct {
		Diagnosis       struct{ Run string }
		Recommendations struct{ Run string }
		Profile         struct{ Hotspots []struct{ Tier string } }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("exit code %d, %s: %v", code, errs, err)
	}
	if got.Diagnosis.Run != "peak-1" || got.Recommendations.Run != "peak-1" || len(got.Profile.Hotspots) != 1 {
		t.Errorf("%+v", got)
	}
	page, _, _ := ragscaleHere("load", "report", "peak-1", "--stack", "prod", "--folder", folder, "--format", "html")
	if want := `role="img" aria-label="CPU of the API: `; !strings.Contains(page, want) {
		t.Errorf("the page has no %s", want)
	}
}

func TestReportWantsARun(t *testing.T) {
	_, errs, code := ragscale(t, "load", "report", "peek-1", "--stack", "prod", "--folder", t.TempDir())
	if want := `"peek-1" is no run, want one of smoke, normal, peak, stress, endurance, breakpoint, steps, such as smoke-20261124-033000`; code != exitFailed || !strings.Contains(errs, want) {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// The loop of an engineer: runs, a baseline, a change, a comparison.
func TestRunsAreListedAndComparedWithTheBaseline(t *testing.T) {
	enterProject(t)
	var all []generated
	for i, p95 := range []float64{200, 204, 196, 202, 198, 204} {
		all = append(all, generated{run: fmt.Sprintf("peak-20261124-%d", i), p95: p95, uploads: 30, image: "0.1.0"})
	}
	for i, p95 := range []float64{230, 234, 226} {
		all = append(all, generated{run: fmt.Sprintf("peak-20261125-%d", i), p95: p95, uploads: 30, image: "0.2.0"})
	}
	folder := kept(t, all...)
	say := func(code int, want string, args ...string) {
		t.Helper()
		out, errs, got := ragscaleHere(append([]string{"load"}, append(args, "--stack", "prod", "--folder", folder)...)...)
		if got != code || !strings.Contains(out+errs, want) {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s%s", args, got, code, want, out, errs)
		}
	}
	say(exitFailed, "scenario peak: no baseline, want `ragscale load baseline set RUN...` or --against RUN", "compare", "peak")
	say(0, "peak: runs 6, set ", "baseline", "set", all[0].run, all[1].run, all[2].run, all[3].run, all[4].run, all[5].run)
	say(0, "peak-20261124-5  generators 1  *", "list")
	say(0, "response p95 200 ms", "baseline", "show", "peak")
	say(0, "peak: runs 6, set ", "baseline", "list")
	say(exitUnhealthy, "image: 0.2.0, was 0.1.0", "compare", all[6].run, all[7].run, all[8].run)
	say(exitUnhealthy, "REGRESSED  response p95", "compare", "peak")
	say(0, "SAME", "compare", all[0].run, all[1].run, all[2].run, "--against", all[3].run+","+all[4].run+","+all[5].run)
	say(exitFailed, "peak-20261126: ", "compare", "peak-20261126")
	say(0, "", "baseline", "forget", "peak")
	say(exitFailed, "no baseline", "baseline", "show", "peak")
}
