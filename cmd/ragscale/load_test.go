package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestLoadIsRefusedBeforeAnythingIsMade(t *testing.T) {
	for want, args := range map[string][]string{
		`SCENARIO is "peek", want one of smoke, normal, peak, stress, endurance, breakpoint, steps`: {"load", "run", "peek"},
		"stack prod serves real users, want --allow-production":                                     {"load", "run", "peak", "--stack", "prod"},
	} {
		t.Run(args[2], func(t *testing.T) {
			if _, errs, code := ragscale(t, args...); code != exitFailed || !strings.Contains(errs, want) {
				t.Errorf("%v: exit code %d, %q, want %q", args, code, errs, want)
			}
		})
	}
}

func TestRevisionIsTheCheckouts(t *testing.T) {
	dir := t.TempDir()
	p := project{dir: dir}
	if got := p.revision(t.Context()); got != "" {
		t.Errorf("without a repository: %q", got)
	}
	for _, args := range [][]string{{"init", "-q"}, {"-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"}} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	if got := p.revision(t.Context()); len(got) != 12 {
		t.Errorf("%q, want twelve digits", got)
	}
}
