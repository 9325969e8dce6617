package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/stacks"
)

// stackOfRuns makes kept runs those of a stack whose configuration is that of now.
func stackOfRuns(t *testing.T, folder, stack string) {
	t.Helper()
	p, err := openProject()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := p.config(stack)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "results", "*", "*", "*", "summary.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), `"stack":"prod"`, `"stack":"`+stack+`","configuration":"`+cfg.Digest()+`"`, 1))
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDiagnoseSaysWhatItCanOfARunWithoutTelemetry(t *testing.T) {
	enterProject(t)
	slow := generated{run: "peak-20261124-030000", p95: 2500, uploads: 30}
	folder := kept(t, generated{run: "peak-20261123-030000", p95: 250, uploads: 30}, slow)
	stackOfRuns(t, folder, "prod")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"diagnose"}, exitFailed, "run peak-20261124-030000: "}, // the newest
		{[]string{"diagnose", "peak-20261123-030000"}, exitFailed, "the run tells neither times nor rates"},
		{[]string{"diagnose", "peak-9"}, exitFailed, "run peak-9: "},
		{[]string{"diagnose", "nothing-1"}, exitFailed, `"nothing-1" is no run`},
		{[]string{"recommend", "--patch", filepath.Join(folder, "x.patch")}, exitFailed, "no key is recommended"},
	} {
		out, errs, code := ragscaleHere(append(c.args, "--stack", "prod", "--folder", folder)...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d, %q, want %d, %q\n%s", c.args, code, errs, c.code, c.want, out)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "x.patch")); err == nil {
		t.Error("a patch of nothing was written")
	}
}

func TestDiagnoseRefusesARunOfAnotherStack(t *testing.T) {
	enterProject(t)
	folder := kept(t, generated{run: "peak-1", p95: 250, uploads: 30})
	_, errs, code := ragscaleHere("diagnose", "peak-1", "--stack", "dev", "--folder", folder)
	if code != exitFailed || !strings.Contains(errs, `run peak-1 is of stack "prod", want one of "dev"`) {
		t.Errorf("exit code %d, %q", code, errs)
	}
	newer := strings.Replace(string(generated{run: "peak-2", p95: 1, generators: 1}.text(t)), `"version":2`, `"version":9`, 1)
	name := filepath.Join(folder, "results", "peak", "peak-1", "generator-0", "summary.json")
	if err := os.WriteFile(name, []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code = ragscaleHere("diagnose", "peak-1", "--stack", "prod", "--folder", folder); code != exitFailed || !strings.Contains(errs, "from a newer version") {
		t.Errorf("exit code %d, %q", code, errs)
	}
}

// What a plan may not say is not recommended: the check that the command hands over is the policies' and the budget's.
func TestTheCheckOfRecommendationsIsThatOfPoliciesAndBudget(t *testing.T) {
	enterProject(t)
	p, err := openProject()
	if err != nil {
		t.Fatal(err)
	}
	values := func(change ...string) map[string]string {
		t.Helper()
		text, err := os.ReadFile(p.stackFile("prod"))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "Pulumi.prod.yaml")
		if err := os.WriteFile(file, []byte(strings.NewReplacer(change...).Replace(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		of, err := stacks.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return of
	}
	check := checkOf("prod")
	now, err := check(values())
	if err != nil || now.Least < 1000 || now.Most < now.Least {
		t.Fatalf("%+v, %v", now, err)
	}
	dearer, err := check(values("db.r7g.xlarge", "db.r7g.8xlarge"))
	if err == nil || !strings.Contains(err.Error(), "monthly-cost") || dearer.Least <= now.Least {
		t.Errorf("a database beyond the budget: %+v, %v", dearer, err)
	}
	if _, err = check(values("  ragscale:cache:\n", "  ragscale:cache:\n    workload: durable\n")); err == nil || !strings.Contains(err.Error(), "policy cache-eviction") {
		t.Errorf("a cache that evicts nothing: %v", err)
	}
}

func TestDiagnoseAsJSON(t *testing.T) {
	enterProject(t)
	folder := kept(t, generated{run: "peak-1", p95: 2500, uploads: 30})
	out, _, code := ragscaleHere("diagnose", "peak-1", "--stack", "prod", "--folder", folder, "--json")
	var got struct {
		Outcome  string
		Findings []string
		Open     []struct{ Cause string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitFailed || got.Outcome != "not enough data" || got.Findings == nil || len(got.Open) == 0 {
		t.Errorf("exit code %d, %v: %.300s", code, err, out)
	}
}

// A stack's file is replaced with its mode, and not where it may not be written to.
func TestAStackFileKeepsItsMode(t *testing.T) {
	name := filepath.Join(t.TempDir(), "Pulumi.prod.yaml")
	for mode, changes := range map[os.FileMode]bool{0o640: true, 0o444: false} {
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		fault := replaceKept(name, []byte("new"))
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if (fault == nil) != changes || (string(text) == "new") != changes || info.Mode().Perm() != mode {
			t.Errorf("mode %o: %v, %q with mode %o", mode, fault, text, info.Mode().Perm())
		}
	}
}

// A patch names the file where it is in the project, also where the stack's file is a link.
func TestAPatchNamesTheFileItself(t *testing.T) {
	enterProject(t)
	p, err := openProject()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "Pulumi.prod.yaml"): "Pulumi.prod.yaml", filepath.Join(dir, "stacks", "prod.yaml"): "stacks/prod.yaml", "/elsewhere/prod.yaml": "prod.yaml",
	} {
		if got := p.within(file); got != want {
			t.Errorf("%s is %s, want %s", file, got, want)
		}
	}
}

// What failed beside a verdict is said.
func TestWhatFailedBesideAVerdictIsSaid(t *testing.T) {
	fault := errors.New("disk full")
	if got := beside(errors.Join(errUnhealthy, errors.Join(fault, errUnhealthy))); got == nil || got.Error() != "disk full" {
		t.Errorf("%v", got)
	}
	if got := beside(errors.Join(nil, errUnhealthy)); got != nil {
		t.Errorf("%v", got)
	}
}
