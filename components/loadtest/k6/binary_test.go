package k6_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ragscale/ragscale/components/loadtest/k6"
)

// runK6 runs a scenario as a pod does, with the k6 on PATH, and returns its result, what it printed and its exit code.
func runK6(t *testing.T, url string, s k6.Scenario) (result object, out string, code int) {
	t.Helper()
	if _, err := exec.LookPath("k6"); err != nil {
		t.Skip("k6 is not on PATH")
	}
	dir := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scripts, err := k6.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range scripts {
		write(name, []byte(text))
	}
	s.Generators = 20 // of which this one prepares its share of the documents
	scenario, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	run, err := os.ReadFile("../run.sh")
	if err != nil {
		t.Fatal(err)
	}
	write("scenario.json", scenario)
	write("environment.json", []byte(`{"stack":"test"}`))
	write("run.sh", run)
	cmd := exec.CommandContext(t.Context(), "/bin/sh", filepath.Join(dir, "run.sh"))
	cmd.Env = append(os.Environ(), "GENERATORS=1", "JOB_COMPLETION_INDEX=0", "JOB_NAME=test", k6.EnvTarget+"="+url, k6.EnvResults+"="+dir,
		k6.EnvScenario+"="+filepath.Join(dir, "scenario.json"), k6.EnvEnvironment+"="+filepath.Join(dir, "environment.json"))
	printed, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "summary.json")); err != nil {
		t.Logf("no summary: %v", err)
	} else if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	return result, string(printed), cmd.ProcessState.ExitCode()
}

func TestK6ItselfRunsTheScripts(t *testing.T) {
	a, url := newAPI(t)
	s := smoke()
	s.RampUpSeconds, s.DurationSeconds, s.ThinkSeconds = 0, 5, 0.1
	result, out, code := runK6(t, url, s)
	if code != 0 || result["passed"] != true {
		t.Fatalf("exit code %d, passed %v:\n%s", code, result["passed"], out)
	}
	if checks := result["checks"].([]any); len(checks) < 15 {
		t.Errorf("%d checks, want those of six kinds of requests: %v", len(checks), checks)
	}
	if thresholds := result["thresholds"].([]any); len(thresholds) != 6 {
		t.Errorf("%d verdicts, want 6: %v", len(thresholds), thresholds)
	}
	if len(a.documents) != 0 {
		t.Errorf("%d documents are left", len(a.documents))
	}
}

func TestK6ItselfMissesAThreshold(t *testing.T) {
	a, url := newAPI(t)
	s := smoke()
	s.RampUpSeconds, s.DurationSeconds, s.ThinkSeconds = 0, 3, 0.1
	a.deaf = true // searches find nothing
	result, out, code := runK6(t, url, s)
	if code != 99 || result["passed"] != false {
		t.Fatalf("exit code %d, passed %v, want 99:\n%s", code, result["passed"], out)
	}
}

func TestK6ItselfRefusesProduction(t *testing.T) {
	_, url := newAPI(t)
	s := smoke()
	s.Production = true
	result, out, code := runK6(t, url, s)
	if code != 108 || result["passed"] != false {
		t.Fatalf("exit code %d, passed %v, want 108:\n%s", code, result["passed"], out)
	}
}

func TestK6ItselfEndsABreakpointAtAFault(t *testing.T) {
	a, url := newAPI(t)
	s := smoke()
	s.Name, s.Users, s.RampUpSeconds, s.DurationSeconds, s.ThinkSeconds, s.StopAtFault = "breakpoint", 10, 120, 120, 1, true
	a.deaf = true
	result, out, code := runK6(t, url, s)
	if millis, _ := result["durationMillis"].(float64); code != 99 || millis == 0 || millis > 60_000 {
		t.Fatalf("exit code %d after %v ms, want 99 before its time:\n%s", code, result["durationMillis"], out)
	}
}
