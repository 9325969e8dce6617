package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// reviewed are whole runs of one an hour, whose figures change with the image.
func reviewed(t *testing.T) string {
	t.Helper()
	var all []generated
	for i := range 24 {
		g := generated{run: fmt.Sprintf("peak-20261124-%02d0000", i), p95: 200 + float64(i%4), uploads: 30, image: "0.1.0"}
		if i >= 14 {
			g.p95, g.image = 240+float64(i%4), "0.2.0"
		}
		all = append(all, g)
	}
	return kept(t, all...)
}

func TestReviewTellsWhereFiguresChangedAndWhatDiffered(t *testing.T) {
	enterProject(t)
	folder := reviewed(t)
	out, errs, code := ragscaleHere("load", "review", "--since", "2026-11-01", "--stack", "prod", "--folder", folder)
	for _, want := range []string{
		"# Load tests of stack prod, 2026-11-01 to ", "## peak", "500 users, 15m0s, generators 1", "Runs 24",
		"response p95 got worse by +", "with `peak-20261124-140000`", "Since `peak-20261124-130000`: image `0.2.0`, was `0.1.0`.",
		"Error budget: 0 % spent", "- smoke has never run", "- peak has 24 runs and no baseline",
		"cost of peak (500 users, 15m0s, generators 1, 2.2.0): no whole run was made under the configuration of now",
	} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, lacks %q:\n%s%s", code, want, out, errs)
		}
	}
	var got struct {
		Series []struct {
			Changes []struct{ Figure, Run string }
		}
	}
	out, errs, code = ragscaleHere("load", "review", "--since", "2026-11-01", "--stack", "prod", "--folder", folder, "--format", "json")
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || len(got.Series) != 1 || len(got.Series[0].Changes) == 0 {
		t.Errorf("exit code %d, %v, %+v\n%s", code, err, got, errs)
	}
}

func TestReviewOfWhatIsNotThereOrCannotBeRead(t *testing.T) {
	enterProject(t)
	empty := t.TempDir()
	broken := filepath.Join(empty, "results", "peak", "peak-20261124-010000", "generator-0")
	for name, want := range map[string]string{"": "There was no run.", "{": "summary.json: unexpected end of JSON input", `{"version": 9}`: "it is from a newer version of these scripts"} {
		if name != "" {
			if err := os.MkdirAll(broken, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(broken, "summary.json"), []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, errs, code := ragscaleHere("load", "review", "--since", "2026-11-01", "--stack", "prod", "--folder", empty)
		if code != 0 || !strings.Contains(out, want) || !strings.Contains(out, "- normal has never run") {
			t.Errorf("%q: exit code %d, want %q:\n%s%s", name, code, want, out, errs)
		}
		if err := os.RemoveAll(filepath.Join(empty, "results")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSinceIsADayOrHowLongAgo(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{"2026-11-01": "2026-11-01", "30d": "2026-10-31", "2w": "2026-11-16", "12h": "2026-11-30", "2026-12-01": "", "yesterday": "", "0d": "", "-3d": "", "99999999999d": "", "": ""} {
		got, err := sinceOf(text, now)
		if (err != nil) != (want == "") || want != "" && got.Format(time.DateOnly) != want {
			t.Errorf("%q: %v, %v, want %q", text, got, err, want)
		}
	}
}
