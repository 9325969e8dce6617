package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/perf/capacity"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/queueing"
	"github.com/ragscale/ragscale/perf/telemetry"
)

const stepsRun = "steps-20261130-120000"

// keptSteps writes a run of steps on a machine with so much of its cores to a request, and what the API's pods took of it.
func keptSteps(t *testing.T, coreSeconds float64) (folder string) {
	t.Helper()
	folder = t.TempDir()
	began := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	s := load.Scenario{Name: "steps", Users: 40 * runtime.NumCPU(), RampUpSeconds: 80, DurationSeconds: 480, ThinkSeconds: 0.25,
		Generators: 1, Levels: 8}
	stations := []queueing.Station{{Name: "cores", Demand: coreSeconds, Servers: runtime.NumCPU()}, {Name: "way", Demand: 0.005}}
	shares := []float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.998, 1}
	var took, faults [][]float64
	panel := telemetry.Panel{Name: "cpu", From: began.Add(15 * time.Second), StepSeconds: 30, Series: []telemetry.Series{{Name: "api"}}}
	for i := range 48 {
		users := s.Users * (i/6 + 1) / 8
		solved, err := queueing.Closed(stations, users, s.ThinkSeconds)
		if err != nil {
			t.Fatal(err)
		}
		n := 10 * solved.Throughput
		row := []float64{float64(i), n}
		for _, share := range shares {
			row = append(row, -1000*solved.Response*math.Log(1-min(share, 0.9995)))
		}
		took, faults = append(took, row), append(faults, []float64{float64(i), 0, n})
		if i%3 == 0 {
			panel.Series[0].Values = append(panel.Series[0].Values, 0.002*solved.Throughput)
		}
	}
	result := load.Result{
		Scenario: s, Generator: load.Generator{Job: stepsRun}, BeganAt: &began, EndedAt: began.Add(480 * time.Second),
		Environment: map[string]string{"stack": "local"},
		Metrics:     map[string]load.Metric{"iterations": {Values: map[string]float64{"count": 1000}}},
		Slices:      &load.Slices{Seconds: 10, Shares: shares, Took: map[string][][]float64{"search-simple": took}, Faults: faults},
	}
	text, err := json.Marshal(struct {
		Version int `json:"version"`
		load.Result
	}{load.Version, result})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, filepath.FromSlash(load.RunPrefix("steps", stepsRun)), "generator-0", "summary.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run, err := load.Read(t.Context(), load.Folder(folder), "steps", stepsRun)
	if err != nil {
		t.Fatal(err)
	}
	told := telemetry.Telemetry{Version: telemetry.Version, From: began, StepSeconds: 30, Panels: []telemetry.Panel{panel}}
	if err := told.Keep(t.Context(), load.Folder(folder), run); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestPlanCapacityWithoutARunSaysWhichIsMissing(t *testing.T) {
	out, errs, code := ragscale(t, "plan", "capacity", "--stack", "prod", "--rps", "1500")
	for _, want := range []string{
		"prod: 1500 requests/s (asked for)\n", "connections of the primary  151", "note      what a request takes of each tier: ragscale load run steps",
	} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, %s, want %q in\n%s", code, errs, want, out)
		}
	}
}

func TestPlanCapacityComputesFromARun(t *testing.T) {
	enterProject(t)
	folder := keptSteps(t, 0.008)
	out, errs, code := ragscaleHere("plan", "capacity", "--folder", folder, "--run", stepsRun, "--growth", "50", "--until", "2099-01-01", "--json")
	if code != exitFailed || !strings.Contains(errs, "want at most 1e+06") {
		t.Errorf("70 years of growth: exit code %d, %s%s", code, errs, out)
	}
	out, errs, code = ragscaleHere("plan", "capacity", "--folder", folder, "--run", stepsRun, "--json")
	if code != 0 {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	var got capacity.Plan
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	machine := 0.7 * float64(runtime.NumCPU()) / 0.008
	for _, l := range got.Limits {
		if l.What == "the machine's cores" && math.Abs(l.RPS/machine-1) < 0.02 {
			return
		}
	}
	t.Errorf("no limit of the machine's cores of %v in %+v", machine, got.Limits)
}

func TestPlansRefuseARunOfAnotherStack(t *testing.T) {
	enterProject(t)
	folder := keptSteps(t, 0.008)
	for _, plan := range []string{"capacity", "scaling"} {
		out, errs, code := ragscaleHere("plan", plan, "--stack", "prod", "--folder", folder, "--run", stepsRun)
		if want := `is of stack "local", want one of "prod"`; code != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %q, %q, want %q", plan, code, errs, out, want)
		}
	}
}

func TestPlanCapacityRefusesWhatItCannotAnswer(t *testing.T) {
	enterProject(t)
	folder := t.TempDir()
	for want, args := range map[string][]string{
		"has no generator-*/summary.json":          {"--run", stepsRun, "--folder", folder},
		"\"tomorrow\" is no day":                   {"--growth", "5", "--until", "tomorrow"},
		"\"peek\" is no run":                       {"--run", "peek", "--folder", folder},
		"they must all be set":                     {"--growth", "5"},
		"growth is 5000 % a month, want 0 to 1000": {"--growth", "5000", "--until", "2099-01-01"},
	} {
		if out, errs, code := ragscaleHere(append([]string{"plan", "capacity"}, args...)...); code != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d, %q, %q, want %q", args, code, errs, out, want)
		}
	}
}
