package stacks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/slo"
	"github.com/ragscale/ragscale/stacks"
)

func TestScenariosAreTheTargetsOfTheDesign(t *testing.T) {
	type target struct{ Users, Minutes, RampUpMinutes int }
	want := map[string]target{"normal": {100, 30, 5}, "peak": {500, 15, 2}, "stress": {1000, 10, 1}, "endurance": {200, 240, 10}}
	got := map[string]target{}
	for _, s := range mustParse(t, "prod", nil).LoadScenarios() {
		if _, stated := want[s.Name]; stated {
			got[s.Name] = target{s.Users, s.DurationSeconds / 60, s.RampUpSeconds / 60}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStressOffersTheThroughputObjective(t *testing.T) {
	c := mustParse(t, "prod", nil)
	if got := c.LoadTests.Scenarios.Stress.OfferedRPS(); got < c.SLO.ThroughputRPS {
		t.Errorf("stress offers %v requests/s, the objective is %v", got, c.SLO.ThroughputRPS)
	}
}

func TestBreakpointAloneGoesBeyondTheObjectiveAndStopsThere(t *testing.T) {
	for _, stack := range []string{"prod", "dev", "local"} {
		c := mustParse(t, stack, nil)
		for _, s := range c.LoadScenarios() {
			if s.StopAtFault != (s.Name == "breakpoint") {
				t.Errorf("%s: %s stops at a fault: %v", stack, s.Name, s.StopAtFault)
			}
			if s.StopAtFault && s.OfferedRPS() < 2*c.SLO.ThroughputRPS {
				t.Errorf("%s: %s offers %v requests/s, the objective is %v", stack, s.Name, s.OfferedRPS(), c.SLO.ThroughputRPS)
			}
		}
	}
}

func TestDeadlineHoldsTheRunAndTheWaitForItsNodes(t *testing.T) {
	normal := mustParse(t, "prod", nil).LoadScenarios()[1]
	// 30 min, 30 s for what is in flight, 6 min for nodes, 5 min for the results
	if want := 1800 + 30 + 360 + 300; normal.Name != "normal" || normal.DeadlineSeconds != want {
		t.Errorf("%s: %d s, want %d", normal.Name, normal.DeadlineSeconds, want)
	}
}

func TestScenarioWithoutScheduleIsSuspended(t *testing.T) {
	for _, s := range mustParse(t, "dev", nil).LoadScenarios() {
		if s.Suspended != (s.Schedule == "") {
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
}

func TestLocalRunsAreShort(t *testing.T) {
	for _, s := range mustParse(t, "local", nil).LoadScenarios() {
		if s.DurationSeconds > 300 || s.Users > 200 || s.Schedule != "" {
			t.Errorf("%+v", s)
		}
	}
}

func TestLoadThresholdsAreTheObjectives(t *testing.T) {
	c := mustParse(t, "prod", map[string]string{"ragscale:slo": `{"responseSeconds": 1.5, "complexSearchSeconds": 4, "uploadSecondsPerMB": 20, "availabilityPercent": 99, "recallPercent": 90, "freshnessSeconds": 45}`})
	want := slo.LoadTest{ResponseMillis: 1500, ComplexSearchMillis: 4000, UploadSecondsPerMB: 20, FailedRatio: 0.01, RecallRatio: 0.9, DegradedRatio: 0.01, FreshnessSeconds: 45}
	if diff := cmp.Diff(want, c.LoadThresholds()); diff != "" {
		t.Error(diff)
	}
}

func TestStepsAloneHaveLevelsAndReachBeyondTheObjective(t *testing.T) {
	for _, stack := range []string{"prod", "dev", "local"} {
		c := mustParse(t, stack, nil)
		for _, s := range c.LoadScenarios() {
			if (s.Levels > 0) != (s.Name == "steps") {
				t.Errorf("%s: %s has %d levels", stack, s.Name, s.Levels)
			}
			if s.Levels > 0 && (s.OfferedRPS() < 2*c.SLO.ThroughputRPS || !s.AnswersOnly || s.Levels < 6) {
				t.Errorf("%s: %+v, the objective is %v requests/s", stack, s, c.SLO.ThroughputRPS)
			}
		}
	}
}

func TestFaultOfALoadTestNamesItsKey(t *testing.T) {
	faultTable(t, []faultCase{
		{"loadTests", `{"scenarios": {"peek": {}}}`, `ragscale:loadTests.scenarios.peek is no known key (did you mean peak?), want one of smoke, normal, peak, stress, endurance, breakpoint, steps`},
		{"loadTests", `{"scenarios": {"peak": {"schedule": "61 * * * *"}}}`, `ragscale:loadTests.scenarios.peak.schedule is "61 * * * *", want a cron expression such as "30 1 * * 1-5" (UTC), or nothing`},
		{"loadTests", `{"scenarios": {"peak": {"schedule": "0 0 3 * * *"}}}`, `ragscale:loadTests.scenarios.peak.schedule is "0 0 3 * * *", want a cron expression such as "30 1 * * 1-5" (UTC), or nothing`},
		{"loadTests", `{"scenarios": {"peak": {"schedule": "CRON_TZ=Asia/Tokyo 0 3 * * *"}}}`, `ragscale:loadTests.scenarios.peak.schedule is "CRON_TZ=Asia/Tokyo 0 3 * * *", want a cron expression such as "30 1 * * 1-5" (UTC), or nothing`},
		{"loadTests", `{"scenarios": {"peak": {"schedule": "@daily"}}}`, `<nil>`},
		{"loadTests", `{"scenarios": {"normal": {"rampUpSeconds": 1801}}}`, `ragscale:loadTests.scenarios.normal.rampUpSeconds is 1801, want at most durationSeconds, 1800, of which it is a part`},
		{"loadTests", `{"scenarios": {"smoke": {"users": 2, "generators": 3}}}`, `ragscale:loadTests.scenarios.smoke.generators is 3, want at most users, 2: each pod needs one`},
		{"loadTests", `{"scenarios": {"stress": {"generators": 9}}}`, `ragscale:loadTests.scenarios.stress.generators is 9, want at most 8, the places on the 4 nodes of cluster.nodeGroups.loadtest`},
		{"loadTests", `{"scenarios": {"smoke": {"thinkSeconds": 0}}}`, `ragscale:loadTests.scenarios.smoke.thinkSeconds is 0, want a number from 0.1 to 600`},
	})
}

func TestProductionIsLoadedOnPurposeOnly(t *testing.T) {
	values := onCall()
	values["aws:region"] = "eu-central-1"
	values["ragscale:loadTests"] = `{"scenarios": {"normal": {"schedule": "0 3 * * *"}}}`
	_, err := stacks.Parse("prod", values)
	if want := `ragscale:loadTests.scenarios.normal.schedule is "0 3 * * *" in production, want nothing, or loadTests.allowProduction`; text(err) != want {
		t.Errorf("%v", err)
	}
	values["ragscale:loadTests"] = `{"allowProduction": true, "scenarios": {"normal": {"schedule": "0 3 * * *"}}}`
	if _, err := stacks.Parse("prod", values); err != nil {
		t.Error(err)
	}
}

func TestProductionsGeneratorsHaveNodesOfTheirOwn(t *testing.T) {
	values := onCall()
	values["aws:region"] = "eu-central-1"
	values["ragscale:cluster"] = `{"nodeGroups": {"api": {}, "burst": {}, "system": {}}}`
	_, err := stacks.Parse("prod", values)
	if want := `ragscale:cluster.nodeGroups.loadtest is not declared, want a group of its own for the load generators: beside the API they would measure themselves`; text(err) != want {
		t.Errorf("%v", err)
	}
}
