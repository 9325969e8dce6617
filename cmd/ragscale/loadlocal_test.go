package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/stacks"
)

// localRun is a run of smoke with a k6 that says what it was given and ends with a code.
func localRun(t *testing.T, code int) (*localLoad, *strings.Builder) {
	t.Helper()
	config := func(name string, data map[string]string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: loadNamespace}, Data: data}
	}
	clients := fake.NewClientset(
		config("k6-scripts", map[string]string{"run.sh": `exec k6 "${0%/*}/main.js"`, "main.js": "", "environment.json": "{}"}),
		config("scenario-smoke", map[string]string{"scenario.json": `{"name":"smoke"}`}))
	k6 := filepath.Join(t.TempDir(), "k6")
	text := "#!/bin/sh\necho at $TARGET_URL with $(cat $SCENARIO_FILE) $(cat $ENVIRONMENT_FILE)\necho result >$RESULTS_FOLDER/summary.json\nexit " + strconv.Itoa(code) + "\n"
	if err := os.WriteFile(k6, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	var out, notes strings.Builder
	return &localLoad{
		console: console{out: &out, notes: &notes}, generator: image.Image{Env: map[string]string{"PATH": filepath.Dir(k6) + ":" + os.Getenv("PATH")}},
		clients: clients, folder: t.TempDir(), run: "smoke-1", target: "http://127.0.0.1:8080",
	}, &out
}

var smoke = stacks.LoadScenario{Name: "smoke", GracefulSeconds: 10}

func TestLocalLoadRunsTheDeclaredScriptsWithThisMachinesK6(t *testing.T) {
	l, out := localRun(t, 0)
	if err := l.start(t.Context(), smoke); err != nil {
		t.Fatal(err)
	}
	if want := "at http://127.0.0.1:8080 with {\"name\":\"smoke\"} {}\n"; out.String() != want {
		t.Errorf("k6 says %q, want %q", out, want)
	}
	if _, err := os.Stat(filepath.Join(l.folder, "generator-0", "summary.json")); err != nil {
		t.Error(err)
	}
}

func TestLocalLoadsVerdict(t *testing.T) {
	l, _ := localRun(t, thresholdsMissed)
	if err := l.start(t.Context(), smoke); err != nil { // its result says what was missed
		t.Errorf("missed thresholds: %v", err)
	}
	l, _ = localRun(t, 107)
	if err := l.start(t.Context(), smoke); err == nil || err.Error() != "run smoke-1: k6: exit status 107" {
		t.Errorf("a script's fault: %v", err)
	}
}

// k6Saying puts a k6 on PATH that says it is of a version, and returns its folder.
func k6Saying(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "k6"), []byte("#!/bin/sh\necho '"+version+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

func TestLoadGeneratorIsTheK6OnPathOnlyWhereItIsOfVersion2(t *testing.T) {
	l := layout.Layout{Bin: "/tools"}
	for version, itself := range map[string]bool{"k6 v2.3.0 (go1.26.8, linux/amd64)": true, "k6 v1.7.1 (go1.25.0, linux/amd64)": false, "": false} {
		dir := k6Saying(t, version)
		want, says := "/tools/k6", "the sandbox's runner of k6 scripts"
		if itself {
			want, says = filepath.Join(dir, "k6"), version
		}
		got := loadGenerator(l)
		if got.Entrypoint[0] != want || got.Env["LOAD_GENERATOR"] != says || !strings.HasPrefix(got.Env["PATH"], filepath.Dir(want)+":") {
			t.Errorf("k6 on PATH says %q: %+v, want %s, which says it is %q", version, got, want, says)
		}
	}
}
