package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/k8s"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// target is where the suites run: the sandbox, or a stack on AWS.
type target interface {
	up(t *testing.T) update
	refresh(t *testing.T) update
	destroy(t *testing.T) update
	apiURL(t *testing.T) string
	kubectl(t *testing.T, namespace string) *k8s.KubectlOptions
	cleanUp(t *testing.T)
}

// update is what the engine reported of one run.
type update struct {
	output    string
	unchanged int
	changed   int // created, updated, replaced, deleted
}

// counts are the closing lines of Pulumi's report: "    + 112 created", "    84 unchanged".
var counts = regexp.MustCompile(`(?m)^\s+(?:[-+~]{1,2} ?)?(\d+) (created|updated|deleted|replaced|changed|unchanged)$`)

func parseUpdate(t *testing.T, output string) update {
	t.Helper()
	u := update{output: output}
	for _, m := range counts.FindAllStringSubmatch(output, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		switch m[2] {
		case "unchanged":
			u.unchanged += n
		case "changed": // the sum of the lines above it
		default:
			u.changed += n
		}
	}
	return u
}

func newTarget(t *testing.T) target {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	if stack := os.Getenv("RAGSCALE_TEST_STACK"); stack != "" {
		return &awsTarget{root: root, stack: stack}
	}
	return newSandbox(t, root, "test")
}

// sandboxTarget drives bin/ragscale with a sandbox of its own beside the developer's.
type sandboxTarget struct {
	root   string
	layout layout.Layout
}

func newSandbox(t *testing.T, root, name string) *sandboxTarget {
	t.Helper()
	l := layout.Layout{Dir: filepath.Join(root, ".sandbox", name), Bin: filepath.Join(root, ".sandbox", "bin")}
	return &sandboxTarget{root: root, layout: l}
}

// ragscale runs the CLI in folder dir ("": the checkout) and returns its standard output and its exit code.
func (s *sandboxTarget) ragscale(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	if dir == "" {
		dir = s.root
	}
	cmd := exec.Command(filepath.Join(s.root, "bin", "ragscale"), args...)
	cmd.Dir = dir
	cmd.Env = s.environment()
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("ragscale %v: %v (is it built? `make build`)", args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func (s *sandboxTarget) environment() []string {
	return append(os.Environ(), layout.EnvDir+"="+s.layout.Dir, layout.EnvBin+"="+s.layout.Bin, "NO_COLOR=1")
}

// records are the files of the cloud's inventory whose names begin with kind.
func (s *sandboxTarget) records(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.layout.Cloud(), kind+"--*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (s *sandboxTarget) must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := s.ragscale(t, "", args...)
	if code != 0 {
		t.Fatalf("ragscale %v: exit code %d\n%s\n%s", args, code, out, errs)
	}
	return out
}

func (s *sandboxTarget) up(t *testing.T) update      { return parseUpdate(t, s.must(t, "up")) }
func (s *sandboxTarget) refresh(t *testing.T) update { return parseUpdate(t, s.must(t, "refresh")) }
func (s *sandboxTarget) destroy(t *testing.T) update { return parseUpdate(t, s.must(t, "down")) }

// statusJSON is the part of `ragscale status --json` that the suites use.
type statusJSON struct {
	Stack, APIURL, Kubeconfig, DatabaseURL string
	Healthy                                bool
	Problems                               []string
	Pods                                   []struct {
		Namespace, Name, Phase string
		Ready                  bool
	}
	Databases []struct {
		ID, Source string
		Healthy    bool
		LagSeconds float64
	}
	Caches    []struct{ MemoryBytes int64 }
	Processes []struct {
		Name  string
		PID   int
		State string
		Since time.Time
	}
}

// status is what the stack says of itself, healthy or not: a pod that is rolled or killed by the claim before does not fail
// the next one. Who wants health waits for it.
func (s *sandboxTarget) status(t *testing.T) statusJSON {
	t.Helper()
	out, errs, _ := s.ragscale(t, "", "status", "--json")
	var st statusJSON
	if err := json.Unmarshal([]byte(out), &st); err != nil {
		t.Fatalf("status --json: %v\n%s\n%s", err, out, errs)
	}
	return st
}

func (s *sandboxTarget) apiURL(t *testing.T) string { return s.status(t).APIURL }

func (s *sandboxTarget) kubectl(_ *testing.T, namespace string) *k8s.KubectlOptions {
	return k8s.NewKubectlOptions("", s.layout.Kubeconfig(), namespace)
}

func (s *sandboxTarget) cleanUp(t *testing.T) {
	if _, errs, code := s.ragscale(t, "", "down", "--force"); code != 0 {
		t.Errorf("down --force: exit code %d: %s", code, errs)
	}
	if !t.Failed() {
		if err := os.RemoveAll(s.layout.Dir); err != nil {
			t.Error(err)
		}
	}
}

// awsTarget drives the Pulumi CLI on a real stack: the same program through infra/main.go.
type awsTarget struct{ root, stack string }

func (a *awsTarget) pulumi(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), "pulumi", append(args, "--stack", a.stack)...)
	cmd.Dir = a.root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("pulumi %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (a *awsTarget) up(t *testing.T) update {
	return parseUpdate(t, a.pulumi(t, "up", "--yes", "--skip-preview", "--color", "never"))
}

func (a *awsTarget) refresh(t *testing.T) update {
	return parseUpdate(t, a.pulumi(t, "refresh", "--yes", "--skip-preview", "--color", "never"))
}

func (a *awsTarget) destroy(t *testing.T) update {
	return parseUpdate(t, a.pulumi(t, "destroy", "--yes", "--skip-preview", "--color", "never"))
}

func (a *awsTarget) output(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(a.pulumi(t, "stack", "output", name, "--show-secrets"))
}

func (a *awsTarget) apiURL(t *testing.T) string { return a.output(t, "apiUrl") }

func (a *awsTarget) kubectl(t *testing.T, namespace string) *k8s.KubectlOptions {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(a.output(t, "kubeconfig")), 0o600); err != nil {
		t.Fatal(err)
	}
	return k8s.NewKubectlOptions("", path, namespace)
}

// cleanUp leaves a stack on AWS to its owner when a claim failed: what is left is the evidence.
func (a *awsTarget) cleanUp(t *testing.T) {
	if t.Failed() {
		fmt.Fprintf(os.Stderr, "stack %s is left as it is\n", a.stack)
	}
}
