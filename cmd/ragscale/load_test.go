package main

import (
	"strings"
	"testing"
)

func TestLoadIsRefusedBeforeAnythingIsMade(t *testing.T) {
	for want, args := range map[string][]string{
		`SCENARIO is "peek", want one of smoke, normal, peak, stress, endurance, breakpoint`: {"load", "run", "peek"},
		"stack prod serves real users, want --allow-production":                              {"load", "run", "peak", "--stack", "prod"},
	} {
		t.Run(args[2], func(t *testing.T) {
			if _, errs, code := ragscale(t, args...); code != exitFailed || !strings.Contains(errs, want) {
				t.Errorf("%v: exit code %d, %q, want %q", args, code, errs, want)
			}
		})
	}
}
