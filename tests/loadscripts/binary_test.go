package loadscripts

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ragscale/ragscale/components/loadtest/k6"
	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/run"
)

// program is the name under which this test's binary is the sandbox's runner.
const program = "k6"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == program {
		os.Exit(run.Main(os.Args[1:], js.Environment(), os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// runners are the folders of the programs that run the scripts: the sandbox's, and k6 itself where it is on PATH.
func runners(t testing.TB) map[string]string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, program)); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"the sandbox's": dir}
	if itself, err := exec.LookPath(program); err == nil {
		all["k6 itself"] = filepath.Dir(itself)
	}
	return all
}

// ended is a run that is over.
type ended struct {
	result object // as it is left in the bucket
	text   []byte // of it
	out    string
	state  *os.ProcessState
}

// runK6 runs a scenario as a pod does, and returns its result, what it printed and its exit code.
func runK6(t *testing.T, runner, url string, s k6.Scenario) (result object, out string, code int) {
	t.Helper()
	r := startK6(t, runner, url, s)
	return r.result, r.out, r.state.ExitCode()
}

func startK6(t testing.TB, runner, url string, s k6.Scenario) ended {
	t.Helper()
	dir := pod(t, s)
	cmd := exec.CommandContext(t.Context(), "/bin/sh", filepath.Join(dir, "run.sh"))
	cmd.Env = append(os.Environ(), "PATH="+runner+":"+os.Getenv("PATH"), "GENERATORS=1", "JOB_COMPLETION_INDEX=0", "JOB_NAME=test",
		k6.EnvTarget+"="+url, k6.EnvResults+"="+dir, k6.EnvScenario+"="+filepath.Join(dir, "scenario.json"),
		k6.EnvEnvironment+"="+filepath.Join(dir, "environment.json"))
	printed, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	r := ended{out: string(printed), state: cmd.ProcessState}
	if r.text, err = os.ReadFile(filepath.Join(dir, "summary.json")); err != nil {
		t.Logf("no summary: %v", err)
	} else if err := json.Unmarshal(r.text, &r.result); err != nil {
		t.Fatal(err)
	}
	return r
}

// pod is a folder with what a generator's pod has mounted.
func pod(t testing.TB, s k6.Scenario) (dir string) {
	t.Helper()
	files, err := k6.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	scenario, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	shell, err := os.ReadFile("../../components/loadtest/run.sh")
	if err != nil {
		t.Fatal(err)
	}
	files["scenario.json"], files["environment.json"], files["run.sh"] = string(scenario), `{"stack":"test"}`, string(shell)
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// brief is a run of some seconds without pauses worth the name.
func brief(seconds int) k6.Scenario {
	s := smoke()
	s.RampUpSeconds, s.DurationSeconds, s.ThinkSeconds = 0, seconds, 0.1
	return s
}

func TestScriptsRunToTheirEnd(t *testing.T) {
	for name, runner := range runners(t) {
		t.Run(name, func(t *testing.T) {
			a, url := newAPI(t)
			a.quick = true
			result, out, code := runK6(t, runner, url, brief(5))
			if code != 0 || result["passed"] != true {
				t.Fatalf("exit code %d, passed %v:\n%s", code, result["passed"], out)
			}
			if checks := result["checks"].([]any); len(checks) < 15 {
				t.Errorf("%d checks, want those of six kinds of requests: %v", len(checks), checks)
			}
			if thresholds := result["thresholds"].([]any); len(thresholds) != 10 {
				t.Errorf("%d verdicts, want 10: %v", len(thresholds), thresholds)
			}
			if len(a.documents) != 0 {
				t.Errorf("%d documents are left", len(a.documents))
			}
			wantWholeSlices(t, result)
		})
	}
}

// wantWholeSlices wants the slices of a run to have all its requests, each once.
func wantWholeSlices(t *testing.T, result object) {
	t.Helper()
	metrics, took := result["metrics"].(object), result["slices"].(object)["took"].(object)
	if len(took) < 6 {
		t.Errorf("slices of %d kinds, want those of six", len(took))
	}
	for kind, rows := range took {
		sum := 0.0
		for _, row := range rows.([]any) {
			sum += row.([]any)[1].(float64)
		}
		if want := metrics["http_req_duration{kind:"+kind+"}"].(object)["values"].(object)["count"]; sum != want {
			t.Errorf("slices have %v requests of %s, want %v", sum, kind, want)
		}
	}
}

func TestMissedThresholdEndsWithItsCode(t *testing.T) {
	for name, runner := range runners(t) {
		t.Run(name, func(t *testing.T) {
			a, url := newAPI(t)
			a.quick = true
			a.deaf = true // searches find nothing
			if result, out, code := runK6(t, runner, url, brief(3)); code != 99 || result["passed"] != false {
				t.Fatalf("exit code %d, passed %v, want 99:\n%s", code, result["passed"], out)
			}
		})
	}
}

func TestProductionIsRefusedWithItsCode(t *testing.T) {
	for name, runner := range runners(t) {
		t.Run(name, func(t *testing.T) {
			_, url := newAPI(t)
			s := smoke()
			s.Production = true
			if result, out, code := runK6(t, runner, url, s); code != 108 || result["passed"] != false {
				t.Fatalf("exit code %d, passed %v, want 108:\n%s", code, result["passed"], out)
			}
		})
	}
}

func TestBreakpointEndsAtAFault(t *testing.T) {
	for name, runner := range runners(t) {
		t.Run(name, func(t *testing.T) {
			a, url := newAPI(t)
			a.quick = true
			a.deaf = true
			s := brief(120)
			s.Name, s.Users, s.RampUpSeconds, s.ThinkSeconds, s.StopAtFault = "breakpoint", 10, 120, 1, true
			result, out, code := runK6(t, runner, url, s)
			if millis, _ := result["durationMillis"].(float64); code != 99 || millis == 0 || millis > 60_000 {
				t.Fatalf("exit code %d after %v ms, want 99 before its time:\n%s", code, result["durationMillis"], out)
			}
		})
	}
}
