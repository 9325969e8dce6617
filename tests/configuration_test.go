package tests

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// badConfigurationCreatesNothing: every fault is named with its path, at once, and the sandbox is not even started.
func badConfigurationCreatesNothing(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	for name, c := range map[string]struct {
		stack string
		edit  func(string) string
		want  []string
	}{
		"unknown stack": {"staging", nil, []string{`stack is "staging"`, "dev, local, prod"}},
		"unknown key":   {"local", func(f string) string { return f + "\n  ragscale:cahce: {}\n" }, []string{"ragscale:cahce"}},
		"two wrong values": {"local", func(f string) string {
			return strings.Replace(f, "costCentre: none", "costCentre: [1]", 1) + "\n  ragscale:tags: 7\n"
		}, []string{"ragscale:tags", "ragscale:costCentre"}},
		"a stack for AWS": {"prod", nil, []string{"pulumi up --stack prod"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := checkoutWith(t, s.root, c.stack, c.edit)
			_, errs, code := s.ragscale(t, dir, "up", "--stack", c.stack)
			if code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			for _, w := range c.want {
				if !strings.Contains(errs, w) {
					t.Errorf("the message lacks %q:\n%s", w, errs)
				}
			}
			if left := processesOf(t, s.layout.Dir); len(left) > 0 {
				t.Errorf("started: %v", left)
			}
		})
	}
	t.Run("busy port", func(t *testing.T) {
		l, err := net.Listen("tcp", s.layout.HostAddr(6443))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, errs, code := s.ragscale(t, "", "up")
		if code != 1 || !strings.Contains(errs, s.layout.HostAddr(6443)) || !strings.Contains(errs, "RAGSCALE_SANDBOX_IP") {
			t.Errorf("exit code %d, message %q, want 1, the busy address and what to set", code, errs)
		}
	})
}

// checkoutWith makes a folder with the project's stack files, one of them edited.
func checkoutWith(t *testing.T, root, stack string, edit func(string) string) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob(filepath.Join(root, "Pulumi*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if edit != nil && filepath.Base(f) == "Pulumi."+stack+".yaml" {
			text = edit(text)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func everyStackPreviews(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	for _, stack := range []string{"dev", "prod", "local"} {
		out := s.must(t, "preview", "--stack", stack)
		for _, want := range []string{"aws:eks:Cluster", "aws:rds:Instance", "aws:lb:LoadBalancer", "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"} {
			if !strings.Contains(out, want) {
				t.Errorf("the plan of %s lacks %s:\n%s", stack, want, out)
			}
		}
	}
	if left := processesOf(t, s.layout.Dir); len(left) > 0 {
		t.Errorf("a preview started %v", left)
	}
}
