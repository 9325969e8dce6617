package tests

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragscale/ragscale/components/loadtest/k6"
	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/k6/run"
)

// askedKinds are what every scenario asks for; an upload is followed until a search finds it.
var askedKinds = []string{"search-simple", "search-complex", "document", "session", "dashboard", "upload", "upload-status", "upload-search"}

// declaredLoad are the scripts and the scenarios as they are declared in the cluster.
func declaredLoad(t *testing.T, where target) (scripts map[string]string, scenarios map[string]k6.Scenario) {
	t.Helper()
	configs, err := clients(t, where).CoreV1().ConfigMaps("loadtest").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	scenarios = map[string]k6.Scenario{}
	for _, c := range configs.Items {
		if c.Name == "k6-scripts" {
			scripts = c.Data
		}
		name, ok := strings.CutPrefix(c.Name, "scenario-")
		if !ok {
			continue
		}
		var s k6.Scenario
		if err := json.Unmarshal([]byte(c.Data["scenario.json"]), &s); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		scenarios[name] = s
	}
	if len(scenarios) != 7 || scripts[k6.Entry] == "" {
		t.Fatalf("%d scenarios and %d scripts are declared, want 7 and theirs", len(scenarios), len(scripts))
	}
	return scripts, scenarios
}

// loadScriptsRun: the scripts and scenarios as they are declared in the cluster ask the API for everything, and its answers
// are right.
func loadScriptsRun(t *testing.T, where target) {
	api := where.apiURL(t)
	scripts, scenarios := declaredLoad(t, where)
	for name, s := range scenarios {
		t.Run(name, func(t *testing.T) {
			s.Users, s.RampUpSeconds, s.DurationSeconds, s.ThinkSeconds = 2, 0, 8, 0.2
			s.Generators = 20 // of which one prepares its share of the documents
			runsTheScenario(t, api, scripts, s)
		})
	}
}

// runsTheScenario runs one briefly, and looks at all that it asked and was answered.
func runsTheScenario(t *testing.T, api string, scripts map[string]string, s k6.Scenario) {
	got := runScripts(t, api, scripts, s)
	kinds := map[string]int{}
	for _, sample := range got.of("http_reqs") {
		kinds[sample.Tags["kind"]]++
		if !strings.HasPrefix(sample.Tags["status"], "2") {
			t.Errorf("%s answers %s", sample.Tags["name"], sample.Tags["status"])
		}
	}
	for _, kind := range askedKinds {
		if kinds[kind] == 0 {
			t.Errorf("nothing is asked of kind %s: %v", kind, kinds)
		}
	}
	for _, check := range got.of("checks") {
		if check.Value == 0 {
			t.Errorf("check failed: %s", check.Tags["check"])
		}
	}
	uploads := got.of("upload_seconds_per_mb")
	givenUp := func(sample metrics.Sample) bool { return sample.Value >= 2*s.Thresholds.UploadSecondsPerMB }
	if len(uploads) == 0 || slices.ContainsFunc(uploads, givenUp) {
		t.Errorf("uploads are found after %v s per MB, want one at least, and none given up", uploads)
	}
}

// scriptRun is what a run of the scripts did.
type scriptRun struct {
	one     sync.Mutex
	samples []metrics.Sample
	said    strings.Builder
	result  map[string]any // as it is left in the bucket
	code    int
}

// Add implements metrics.Output.
func (r *scriptRun) Add(samples []metrics.Sample) {
	r.one.Lock()
	defer r.one.Unlock()
	r.samples = append(r.samples, samples...)
}

func (r *scriptRun) of(metric string) []metrics.Sample {
	return slices.DeleteFunc(slices.Clone(r.samples), func(s metrics.Sample) bool { return s.Metric.Name != metric })
}

// runScripts runs the declared scripts from here, with the sandbox's runner.
func runScripts(t *testing.T, api string, scripts map[string]string, s k6.Scenario) *scriptRun {
	t.Helper()
	dir := t.TempDir()
	scenario, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"scenario.json": string(scenario)}
	for name, text := range scripts {
		files[name] = text
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := &scriptRun{}
	got.code = run.Run(t.Context(), run.Config{
		Script: filepath.Join(dir, k6.Entry), Outputs: []metrics.Output{got}, Out: &got.said, Log: &js.Log{To: &got.said},
		Env: map[string]string{
			k6.EnvTarget: api, k6.EnvScenario: filepath.Join(dir, "scenario.json"), k6.EnvResults: dir,
			k6.EnvEnvironment: filepath.Join(dir, "environment.json"),
		},
	})
	text, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err == nil {
		err = json.Unmarshal(text, &got.result)
	}
	if err != nil {
		t.Fatalf("exit code %d, %v:\n%s", got.code, err, &got.said)
	}
	t.Log(got.said.String())
	return got
}
