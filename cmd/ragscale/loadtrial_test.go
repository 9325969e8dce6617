package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/trial"
	"github.com/ragscale/ragscale/perf/trial/cluster"
)

func TestATrialIsRefusedBeforeAnythingIsMade(t *testing.T) {
	enterProject(t)
	notExecutable := filepath.Join(t.TempDir(), "ragapi")
	if err := os.WriteFile(notExecutable, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		`SCENARIO is not given`:                                {},
		`SCENARIO is "peek", want one of smoke`:                {"peek"},
		"stack prod is on AWS, want stack local":               {"normal", "--stack", "prod"},
		`--b is "GOGC", want KEY=VALUE`:                        {"normal", "--b", "GOGC"},
		"--b says env.GOGC twice":                              {"normal", "--b", "env.GOGC=1", "--b", "env.GOGC=2"},
		"env.DATABASE_PASSWORD is a secret":                    {"normal", "--b", "env.DATABASE_PASSWORD=x"},
		"--discard is 10s, want less than the block":           {"normal", "--discard", "10s"},
		"--budget is 5s, want two blocks of 10s":               {"normal", "--budget", "5s"},
		"--margin is 0, want above 0":                          {"normal", "--margin", "0"},
		"--replicas is 0, want 1 to 20":                        {"normal", "--replicas", "0"},
		"ragscale:api.memory is no known key":                  {"normal", "--b", "api.memory=1Gi"},
		"ragscale:costCentre is no block":                      {"normal", "--b", "costCentre.x=1"},
		"want one that `go build -o FILE ./ragapi`":            {"normal", "--program-b", notExecutable},
		"stack local is not up":                                {"normal", "--b", "env.GOGC=50"},
		"database.parameters.random_page_cost cannot be tried": {"normal", "--b", "database.parameters.random_page_cost=1.5"},
		"stack local is not up: there is no cluster":           {"--clean"},
		"is no name of a trial":                                {"--show", "../x"},
	} {
		_, errs, code := ragscaleHere(append([]string{"load", "trial"}, args...)...)
		if code != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d, %q, want %q", args, code, errs, want)
		}
	}
}

func TestAllFaultsOfATrialAreToldAtOnce(t *testing.T) {
	_, errs, _ := ragscale(t, "load", "trial", "normal", "--block", "0s", "--margin", "90", "--a", "x", "--b", "y")
	for _, want := range []string{"--block is 0s", "--margin is 90", `--a is "x"`, `--b is "y"`} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q lacks %q", errs, want)
		}
	}
}

// Keys of the stack's file become what they change of the API's pods, and nothing else may change.
func TestKeysOfTheStackAreWhatTheyChangeOfThePods(t *testing.T) {
	enterProject(t)
	p, err := openProject()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		settings map[string]string
		want     cluster.Change
		err      string
	}{
		"a variable": {settings: map[string]string{"env.GOGC": "50"}, want: cluster.Change{Env: map[string]string{"GOGC": "50"}}},
		"a limit, with the runtime's": {
			settings: map[string]string{"api.limits.memory": "1Gi", "env.X": "1"},
			want:     cluster.Change{Env: map[string]string{"GOMEMLIMIT": "966367638", "X": "1"}, Requests: map[string]string{}, Limits: map[string]string{"memory": "1Gi"}},
		},
		"a limit that there was none of": {
			settings: map[string]string{"api.limits.cpu": "1"},
			want:     cluster.Change{Env: map[string]string{}, Requests: map[string]string{}, Limits: map[string]string{"cpu": "1"}},
		},
		"an autoscaler's":   {settings: map[string]string{"slo.hpa.maxReplicas": "2"}, err: "slo.hpa.maxReplicas cannot be tried side by side: it changes "},
		"the database's":    {settings: map[string]string{"database.parameters.random_page_cost": "1.5"}, err: "it changes aws:rds/parameterGroup:ParameterGroup"},
		"what is out of it": {settings: map[string]string{"api.limits.memory": "1"}, err: "ragscale:api.limits.memory"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := p.changeOf(localStack, trial.B, trial.Arm{Settings: c.settings})
			if c.want.Env == nil {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%+v, error %v, want %q", got, err, c.err)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// over is a trial that came to an outcome.
func over(outcome compare.Outcome) *trial.Trial {
	return &trial.Trial{
		Version: 1, Name: "trial-normal-20261130-140000", Scenario: "normal", Outcome: outcome, BlockSeconds: 10, DiscardedSeconds: 2,
		Arms:    map[trial.Side]trial.Arm{trial.B: {Settings: map[string]string{"env.GOGC": "10"}}},
		Machine: trial.Machine{Cores: 2, BusyPercent: 7}, Pairs: []trial.Pair{{First: trial.B}},
		Answers: []trial.Answer{
			{Figure: "response p95", Unit: "ms", Outcome: outcome, Judged: true, A: 20, B: 23, Change: 0.15, Low: 0.1, High: 0.2, Smallest: 0.04, Pairs: 6},
			{Figure: "faults", Unit: "ratio", Outcome: compare.Same, A: 0.001, B: 0.002, Change: 0.001, Low: -0.001, High: 0.003, Smallest: 0.005, Pairs: 6, MoreBlocks: -1},
		},
	}
}

func TestATrialIsPrintedAndHasItsExitCode(t *testing.T) {
	want := `trial-normal-20261130-140000: REGRESSED after 1 pairs of blocks of 10 s, of which 2 s do not count; 2 cores, 7 % busy before
  A: the stack as it is
  B: env.GOGC=10
             figure        A            B      change        95 % between                   seen from     pairs  more blocks
  REGRESSED  response p95  20 ms        23     +15.0 %       +10.0 % to +20.0 %             +4.0 %        6      0
  (SAME)     faults        0.001 ratio  0.002  +0.10 points  -0.10 points to +0.30 points   +0.50 points  6      too many
`
	var out strings.Builder
	c := console{out: &out, notes: &out}
	if err := c.trial(over(compare.Regressed), false); !errors.Is(err, errUnhealthy) {
		t.Errorf("error is %v", err)
	}
	if strings.Join(strings.Fields(out.String()), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, out.String()))
	}
	for outcome, fine := range map[compare.Outcome]bool{compare.Same: true, compare.Improved: true, trial.Undecided: false} {
		if err := c.trial(over(outcome), true); (err == nil) != fine || errors.Is(err, errUnhealthy) {
			t.Errorf("%s: %v", outcome, err)
		}
	}
}

func TestATrialThatIsKeptIsShown(t *testing.T) {
	enterProject(t)
	p, err := openProject()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trial.Keep(t.Context(), load.Folder(p.loadFolder()), over(compare.Regressed)); err != nil {
		t.Fatal(err)
	}
	out, _, code := ragscaleHere("load", "trial", "--show", "trial-normal-20261130-140000")
	if code != exitUnhealthy || !strings.Contains(out, "REGRESSED  response p95") {
		t.Errorf("exit code %d, %s", code, out)
	}
}

func TestTheProgressOfATrialSaysWhatIsKnown(t *testing.T) {
	var notes strings.Builder
	console{notes: &notes}.trialProgress(over(trial.Undecided))
	if want := "pair 1, UNDECIDED: response p95 +15.0 %\n"; notes.String() != want {
		t.Errorf("says %q, want %q", notes.String(), want)
	}
}

func TestProgramsOfArmsAreWhereTheSandboxRunsThemFrom(t *testing.T) {
	enterProject(t)
	p, err := openProject()
	if err != nil {
		t.Fatal(err)
	}
	build := filepath.Join(t.TempDir(), "ragapi")
	if err := os.WriteFile(build, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	arm, err := armOf("--b", nil, build)
	if err != nil {
		t.Fatal(err)
	}
	change, err := p.changeOf(localStack, trial.B, arm)
	if err != nil {
		t.Fatal(err)
	}
	image, known := localImages(p.layout).Lookup(change.Image)
	if !known || image.Entrypoint[0] != trialProgram(p.layout, trial.B) {
		t.Errorf("image %q runs %v", change.Image, image.Entrypoint)
	}
	for range 2 { // again while the first runs
		if err := p.installPrograms(map[trial.Side]trial.Arm{trial.A: {}, trial.B: arm}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(image.Entrypoint[0])
	if err != nil || info.Mode()&0o100 == 0 || time.Since(info.ModTime()) < 0 {
		t.Errorf("%v, %v", info, err)
	}
}
