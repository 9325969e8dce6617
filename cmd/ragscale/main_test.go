package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// ragscale runs a command in a folder with the project's stack files, and a sandbox that does not run.
func ragscale(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	enterProject(t)
	return ragscaleHere(args...)
}

// enterProject makes such a folder and goes there.
func enterProject(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob("../../Pulumi*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("stack files: %v (%v)", files, err)
	}
	dir := t.TempDir()
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv(layout.EnvDir, filepath.Join(dir, "sandbox"))
}

func ragscaleHere(args ...string) (stdout, stderr string, code int) {
	var out, errs strings.Builder
	code = run(context.Background(), args, &out, &errs)
	return out.String(), errs.String(), code
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown stack":            {[]string{"up", "--stack", "staging"}, 1, `stack is "staging", want one of: dev, local, prod`},
		"no registry here":         {[]string{"image", "push"}, 1, "stack local has no registry, its pods run .sandbox/bin/ragapi, which `make build` builds: want a stack on AWS, --stack"},
		"no folder for an image":   {[]string{"image", "build"}, 1, "--output is not given, want a folder for the layout"},
		"stack for AWS":            {[]string{"up", "--stack", "prod"}, 1, "`pulumi up --stack prod` deploys it"},
		"status without a sandbox": {[]string{"status"}, 1, "make up"},
		"no cluster":               {[]string{"kubeconfig"}, 1, "there is no cluster yet"},
		"nothing built":            {[]string{"preview", "--stack", "prod"}, 1, "run `make build`"},
		"unknown command":          {[]string{"deploy"}, 1, `unknown command "deploy"`},
		"down without a sandbox":   {[]string{"down"}, 0, "nothing to remove"},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs, code := ragscale(t, c.args...)
			if code != c.code || !strings.Contains(errs, c.want) {
				t.Errorf("exit code %d and message %q, want %d and %q in it", code, errs, c.code, c.want)
			}
		})
	}
}

func TestOutsideACheckoutItSaysSo(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, errs strings.Builder
	if code := run(context.Background(), []string{"status"}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "no Pulumi.yaml at or above") {
		t.Errorf("exit code %d, message %q", code, errs.String())
	}
}

func TestAnInterruptSaysWhatFitsTheCommand(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for args, want := range map[string]string{
		"up":          "ragscale: interrupted; what was done is recorded: `ragscale up` goes on from there, `ragscale down` removes it\n",
		"down":        "ragscale: interrupted; what was removed is recorded: `ragscale down` goes on from there\n",
		"load run x":  "ragscale: interrupted\n",
		"load report": "ragscale: interrupted\n",
	} {
		var out, errs strings.Builder
		// A flag that there is not ends any command at once.
		if code := run(ctx, append(strings.Fields(args), "--there-is-none"), &out, &errs); code != 1 || errs.String() != want {
			t.Errorf("%s: %d %q, want %q", args, code, errs.String(), want)
		}
	}
}

func TestSandboxStatusHasItsOwnExitCode(t *testing.T) {
	if out, _, code := ragscale(t, "sandbox", "status"); code != exitUnhealthy || !strings.Contains(out, "make up") {
		t.Errorf("exit code %d, output %q, want %d and what to do", code, out, exitUnhealthy)
	}
}

func TestTwoCommandsDoNotWorkOnOneSandbox(t *testing.T) {
	p := project{layout: layout.Layout{Dir: t.TempDir()}}
	release, err := p.lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.lock(); err == nil || !strings.Contains(err.Error(), "another ragscale command works on") {
		t.Errorf("the second lock is %v, want refused", err)
	}
	release()
	if release, err = p.lock(); err != nil {
		t.Errorf("after the first ended: %v", err)
	} else {
		release()
	}
}

func TestAFullDiskIsRefused(t *testing.T) {
	if err := checkSpace("/proc"); err == nil || !strings.Contains(err.Error(), "/proc has 0 MB free, want 1024") {
		t.Errorf("error is %v, want one that names the folder and both figures", err)
	}
}
