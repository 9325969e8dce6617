package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// exported runs dashboards export for a stack into a fresh folder.
func exported(t *testing.T, args ...string) (dir, stdout, stderr string, code int) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "boards")
	stdout, stderr, code = ragscale(t, append([]string{"dashboards", "export", "--out", dir}, args...)...)
	return dir, stdout, stderr, code
}

func TestDashboardsExportWritesWhatItSays(t *testing.T) {
	dir, out, errs, code := exported(t, "--stack", "prod")
	paths := strings.Fields(out)
	if code != 0 || len(paths) == 0 {
		t.Fatalf("exit code %d, %s, output %q", code, errs, out)
	}
	written, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(written) != len(paths) {
		t.Fatalf("%q are written (%v), %q are said to be", written, err, paths)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			Title  string
			Panels []any
		}
		if err := json.Unmarshal(text, &board); err != nil || board.Title == "" || len(board.Panels) == 0 {
			t.Errorf("%s: title %q, %d panels, %v", path, board.Title, len(board.Panels), err)
		}
	}
}

func TestDashboardsExportDrawsTheStacksObjectives(t *testing.T) {
	boards := map[string]string{}
	for name, slo := range map[string]string{"as they are": `{}`, "stricter": `{"responseSeconds": 1.5}`} {
		t.Run(name, func(t *testing.T) {
			dir, errs, code := exportedWith(t, slo)
			if code != 0 {
				t.Fatalf("exit code %d, %s", code, errs)
			}
			boards[name] = contents(t, dir)
		})
	}
	if boards["as they are"] == boards["stricter"] {
		t.Error("another response objective, the same dashboards")
	}
}

// exportedWith is exported for a stack with objectives of its own.
func exportedWith(t *testing.T, slo string) (dir, stderr string, code int) {
	t.Helper()
	ragscale(t, "plan", "pools") // leaves the test in a checkout of its own
	file := "config:\n  aws:region: eu-central-1\n  ragscale:environment: development\n  ragscale:api: {auth: {enabled: false}}\n  ragscale:slo: '" + slo + "'\n"
	if err := os.WriteFile("Pulumi.other.yaml", []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "boards")
	var errs strings.Builder
	code = run(t.Context(), []string{"dashboards", "export", "--stack", "other", "--out", dir}, io.Discard, &errs)
	return dir, errs.String(), code
}

func contents(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file in %s: %v", dir, err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

func TestDashboardsExportTakesCloudWatchsFromTheState(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(state, []byte(`{"version": 3, "deployment": {"resources": [{"type": "aws:s3/bucket:Bucket"},
		{"type": "aws:cloudwatch/dashboard:Dashboard", "outputs": {"dashboardBody": "{\"widgets\":[{\"type\":\"text\"}]}"}}]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	dir, out, errs, code := exported(t, "--stack", "prod", "--state", state)
	if code != 0 || !strings.Contains(out, "cloudwatch.json\n") {
		t.Fatalf("exit code %d, %s, output %q", code, errs, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "cloudwatch.json"))
	if err != nil {
		t.Fatal(err)
	}
	var body struct{ Widgets []struct{ Type string } }
	if err := json.Unmarshal(text, &body); err != nil || len(body.Widgets) != 1 || body.Widgets[0].Type != "text" {
		t.Errorf("%s (%v)", text, err)
	}
}

func TestDashboardsExportWithoutWhatItNeedsWritesNothing(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(empty, []byte(`{"deployment": {"resources": []}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no such stack":           {[]string{"--stack", "staging"}, `stack is "staging", want one of: dev, local, prod`},
		"no such file":            {[]string{"--state", "/nowhere/state.json"}, "/nowhere/state.json: no such file"},
		"a stack never deployed":  {[]string{"--state", empty}, empty + " has no dashboard of CloudWatch, want the state of a deployed stack"},
		"a folder that is a file": {[]string{"--out", empty}, empty + ": not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, out, errs, code := exported(t, c.args...)
			if code != exitFailed || out != "" || !strings.Contains(errs, c.want) {
				t.Errorf("exit code %d, output %q, message %q", code, out, errs)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Errorf("%s exists", dir)
			}
		})
	}
}
