package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/perf/twin"
)

func TestPlanScalingRunsWhatIsDeclared(t *testing.T) {
	out, errs, code := ragscale(t, "plan", "scaling", "--stack", "prod", "--load", "ramp", "--for", "20m", "--search=false", "--json")
	var plan twin.Plan
	if err := json.Unmarshal([]byte(out), &plan); err != nil || code != 0 {
		t.Fatalf("exit code %d, %s: %v", code, errs, err)
	}
	first, last := plan.Result.Points[0], plan.Result.Points[len(plan.Result.Points)-1]
	if first.Wanted != 3 || last.Wanted < 18 || last.Wanted > 20 || plan.Load.Peak != 1000 || plan.Load.First != 150 {
		t.Errorf("%d replicas at first, %d at last, load %+v; want 3 and some 20 at the throughput objective", first.Wanted,
			last.Wanted, plan.Load)
	}
	if plan.PodReady != 18.5 { // 1 + 5 + half of 5, and two health checks of 5 s
		t.Errorf("pods serve after %v s, want 18.5 of what the program declares", plan.PodReady)
	}
	again, _, _ := ragscaleHere("plan", "scaling", "--stack", "prod", "--load", "ramp", "--for", "20m", "--search=false", "--json")
	if again != out {
		t.Error("the same seed gave another plan")
	}
}

func TestPlanScalingReadsAMonitorsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "day.csv")
	text := "time,rps\n2026-11-30T12:00:00Z,20\n2026-11-30T12:05:00Z,150\n2026-11-30T12:10:00Z,20\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := ragscale(t, "plan", "scaling", "--stack", "dev", "--load", file, "--peak", "75")
	for _, want := range []string{"Stack dev under load " + file, "600 s from 10 to 75 requests/s", "policies tried"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, %s, output\n%s\nwant in it %q", code, errs, out, want)
		}
	}
}

func TestPlanScalingNamesWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gap.csv")
	if err := os.WriteFile(file, []byte("0,1\n60,2\n120,-3\n7200,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	enterProject(t)
	for want, args := range map[string][]string{
		`--load is "square", want one of step, ramp, spike, wave, day, or a CSV file`: {"--load", "square"},
		`line 3: "-3" requests per second`:                                            {"--load", file},
		"--for is 5m0s with --load":                                                   {"--load", file, "--for", "5m"},
		"the load lasts 1 s":                                                          {"--for", "1s"},
		"want it to rise":                                                             {"--peak", "-5"},
		`"nonsense" is no run`:                                                        {"--run", "nonsense"},
	} {
		_, errs, code := ragscaleHere(append([]string{"plan", "scaling", "--stack", "dev"}, args...)...)
		if code != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d, message %q\nwant in it %q", args, code, errs, want)
		}
	}
}
