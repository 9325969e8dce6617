package loadscripts

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/components/loadtest/k6"
)

// trialStep runs a step of a trial in a pod's folder and returns what it printed.
func trialStep(t *testing.T, runner, dir, url, step string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(runner, program), "run", "--quiet", "--no-color", filepath.Join(dir, "trial.js"))
	cmd.Env = append(os.Environ(), append(env, "TRIAL_STEP="+step, k6.EnvTarget+"="+url, k6.EnvResults+"="+dir,
		k6.EnvScenario+"="+filepath.Join(dir, "scenario.json"), k6.EnvEnvironment+"="+filepath.Join(dir, "environment.json"))...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s%s", step, err, out, errs.String())
	}
	return string(out)
}

func TestATrialsBlocksShareWhatIsPreparedAndLeaveNothing(t *testing.T) {
	for name, runner := range runners(t) {
		t.Run(name, func(t *testing.T) {
			a, url := newAPI(t)
			a.quick = true
			dir := pod(t, brief(60))
			trialStep(t, runner, dir, url, "prepare")
			stored := len(a.documents)
			if stored != 100 {
				t.Fatalf("%d documents are prepared, want 100", stored)
			}
			for _, block := range []string{"1", "2"} {
				var got struct {
					Metrics map[string]struct{ Values map[string]float64 }
				}
				out := trialStep(t, runner, dir, url, "block", "BLOCK="+block, "BLOCK_SECONDS=3", "DISCARDED_SECONDS=1")
				if err := json.Unmarshal([]byte(out), &got); err != nil {
					t.Fatalf("%v in %s", err, out)
				}
				all, counted := got.Metrics["faults"].Values, got.Metrics["faults{phase:counted}"].Values
				times := got.Metrics["http_req_duration{phase:counted,expected_response:true,objective:response}"].Values
				if all["passes"] != 0 || counted["fails"] < 10 || counted["fails"] >= all["fails"] || times["count"] < 10 || times["p(95)"] <= 0 {
					t.Errorf("block %s: all %v, counted %v, times %v", block, all, counted, times)
				}
				if len(a.documents) != stored {
					t.Errorf("block %s leaves %d documents, want the %d that are prepared", block, len(a.documents), stored)
				}
			}
			trialStep(t, runner, dir, url, "sweep")
			if len(a.documents) != 0 {
				t.Errorf("%d documents are left", len(a.documents))
			}
		})
	}
}
