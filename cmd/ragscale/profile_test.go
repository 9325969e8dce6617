package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/perf/profile"
)

// keptProfiles makes a folder with a set of one window, of a CPU profile of this process.
func keptProfiles(t *testing.T, name string) string {
	t.Helper()
	folder := t.TempDir()
	prefix := filepath.Join(folder, filepath.FromSlash(profile.Prefix("normal", name)))
	if err := os.MkdirAll(prefix, 0o700); err != nil {
		t.Fatal(err)
	}
	var cpu bytes.Buffer
	if err := pprof.StartCPUProfile(&cpu); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < 300*time.Millisecond; { // 30 samples
		gz := gzip.NewWriter(&bytes.Buffer{})
		if _, err := gz.Write(bytes.Repeat([]byte("busy"), 1<<14)); err != nil {
			t.Fatal(err)
		}
	}
	pprof.StopCPUProfile()
	index, err := json.Marshal(profile.Set{
		Version: profile.Version, Name: name, Stack: "local", TakenAt: time.Now(),
		Windows: []profile.Window{{
			Number: 1, Pod: "api-1", Tier: profile.API, Seconds: 0.3, Served: map[string]float64{"/v1/search": 10},
			Files: map[profile.Kind]string{profile.CPU: "0001-api-1-cpu.pb.gz"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{"0001-api-1-cpu.pb.gz": cpu.Bytes(), "index.json": index} {
		if err := os.WriteFile(filepath.Join(prefix, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestAProfileOfARunIsShownInThreeFormatsAndForTheCompiler(t *testing.T) {
	const name = "normal-20261130-170000"
	folder := keptProfiles(t, name)
	t.Chdir("../..")
	pgo := filepath.Join(t.TempDir(), "default.pgo")
	for format, want := range map[string]string{"text": "CPU OF THE API: ", "json": `"per": "request"`, "html": "<svg viewBox"} {
		var out, notes bytes.Buffer
		code := run(t.Context(), []string{"profile", name, "--folder", folder, "--format", format, "--pgo", pgo}, &out, &notes)
		if code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: code %d and %q, %q; want %q in it", format, code, out.String()[:min(out.Len(), 200)], notes.String(), want)
		}
	}
	text, err := os.ReadFile(pgo)
	if err != nil || len(text) < 2 || text[0] != 0x1f || text[1] != 0x8b {
		t.Errorf("the compiler's profile has %d bytes: %v", len(text), err)
	}
	var out, notes bytes.Buffer
	if code := run(t.Context(), []string{"profile", "list", "--folder", folder}, &out, &notes); code != 0 || out.String() != name+"\n" {
		t.Errorf("code %d and %q, %q", code, out.String(), notes.String())
	}
}

func TestAComparisonOfTooFewWindowsDoesNotTell(t *testing.T) {
	const name = "normal-20261130-170000"
	folder := keptProfiles(t, name)
	t.Chdir("../..")
	var out, notes bytes.Buffer
	const other = "normal-20261130-180000"
	if err := os.CopyFS(filepath.Join(folder, "results", "normal", other), os.DirFS(filepath.Join(folder, "results", "normal", name))); err != nil {
		t.Fatal(err)
	}
	code := run(t.Context(), []string{"profile", "compare", name, other, "--folder", folder}, &out, &notes)
	if code != exitFailed || !strings.Contains(notes.String(), "the profiles do not tell") || strings.Contains(out.String(), "SAME  ") {
		t.Errorf("code %d, %q and %q", code, out.String(), notes.String())
	}
	for want, args := range map[string][]string{
		name + " is named twice":                                      {"compare", name, other + "," + name},
		"names several sets, want one":                                {name + "," + other},
		"are of stack \"local\", want some of \"prod\"":               {name, "--stack", "prod"},
		"--pgo wants CPU profiles, and --kind is heap,block: add cpu": {"--kind", "heap,block", "--pgo", "x.pgo"},
	} {
		notes.Reset()
		code := run(t.Context(), append([]string{"profile", "--folder", folder}, args...), &out, &notes)
		if code != exitFailed || !strings.Contains(notes.String(), want) {
			t.Errorf("code %d and %q, want %q", code, notes.String(), want)
		}
	}
}

func TestWhatAProfileIsToBeIsChecked(t *testing.T) {
	t.Chdir("../..")
	for want, args := range map[string][]string{
		"--format is \"pdf\", want text, json or html": {"--format", "pdf"},
		"windows are 0, want 1 to 120\nkind is \"cpus\", want one of cpu, allocs, heap, mutex, block, goroutine\ntier is \"db\", want api or worker":            {"--windows", "0", "--kind", "cpus", "--tier", "db"},
		"normal-1 has no profiles (`ragscale profile list` lists those that there are): `ragscale profile` takes some while a run goes on: file does not exist": {"normal-1", "--folder", t.TempDir()},
		"kind is \"heap\", want cpu or allocs: of the others there is no test":                                                                                  {"compare", "normal-1", "normal-2", "--kind", "heap"},
	} {
		var out, notes bytes.Buffer
		if code := run(t.Context(), append([]string{"profile"}, args...), &out, &notes); code != exitFailed || notes.String() != "ragscale: "+want+"\n" {
			t.Errorf("code %d and %q, want %q", code, notes.String(), want)
		}
	}
}

func TestReadyPodsOfBothTiersAreProfiled(t *testing.T) {
	pod := func(name, app, port string, ready corev1.ConditionStatus) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: platform.Namespace, Name: name, Labels: map[string]string{"app.kubernetes.io/name": app}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: port, ContainerPort: 9090}}}}},
			Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}},
		}
	}
	going := pod("api-3", platform.APIName, adminPort, corev1.ConditionTrue)
	now := metav1.Now()
	going.DeletionTimestamp, going.Finalizers = &now, []string{"kept"}
	s := &profiledPods{tiers: []string{profile.API, profile.Worker}, clients: fake.NewClientset(
		pod("api-1", platform.APIName, adminPort, corev1.ConditionTrue), pod("api-2", platform.APIName, adminPort, corev1.ConditionFalse), going,
		pod("api-4", platform.APIName, "other", corev1.ConditionTrue), pod("worker-1", platform.WorkerName, adminPort, corev1.ConditionTrue),
		pod("pgbouncer-1", "pgbouncer", adminPort, corev1.ConditionTrue),
	)}
	pods, err := s.Pods(t.Context())
	want := []profile.Pod{{Name: "api-1", Tier: profile.API}, {Name: "worker-1", Tier: profile.Worker}}
	if err != nil || !slices.Equal(pods, want) || s.ports["worker-1"].port != 9090 {
		t.Errorf("pods are %v, %v; want %v", pods, err, want)
	}
}

// TestAScenarioWithoutASteadyPhaseIsRefused, and the others have their users.
func TestAScenarioWithoutASteadyPhaseIsRefused(t *testing.T) {
	cfg, err := project{dir: "../.."}.config(localStack)
	if err != nil {
		t.Fatal(err)
	}
	s := &loaded{cfg: cfg}
	if _, err := s.usersOf("breakpoint-20261130-170000"); err == nil || !strings.Contains(err.Error(), "has no steady phase: its users become ever more; want --now") {
		t.Errorf("error is %v", err)
	}
	if users, err := s.usersOf("normal-20261130-170000"); err != nil || users != 0.99*float64(cfg.LoadTests.Scenarios.Normal.Users) {
		t.Errorf("users are %v, %v", users, err)
	}
}
