package tests

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragscale/ragscale/components/loadtest/k6"
	"github.com/ragscale/ragscale/components/loadtest/standin"
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
	if len(scenarios) != 6 || scripts[k6.Entry] == "" {
		t.Fatalf("%d scenarios and %d scripts are declared, want 6 and theirs", len(scenarios), len(scripts))
	}
	return scripts, scenarios
}

// loadScriptsRun: the scripts and scenarios as they are declared in the cluster ask the API for everything, and its answers
// are right.
func loadScriptsRun(t *testing.T, where target) {
	api := where.apiURL(t)
	scripts, scenarios := declaredLoad(t, where)
	for name, s := range scenarios {
		t.Run(name, func(t *testing.T) { scenarioRuns(t, api, scripts, s) })
	}
}

// scenarioRuns runs a few iterations of two users.
func scenarioRuns(t *testing.T, api string, scripts map[string]string, s k6.Scenario) {
	s.ThinkSeconds = 0.05
	s.Generators = 20 // of which one prepares its share of the documents
	g := newGenerator(t, api, scripts, s)
	setup := newUser(t, g, 0)
	data, err := setup.Call("setup")
	if err != nil {
		t.Fatal(err)
	}
	for id := range 2 {
		if err := newUser(t, g, id+1).Act(6, data); err != nil {
			t.Error(err)
		}
	}
	if _, err := setup.Call("teardown", data); err != nil {
		t.Error(err)
	}
	kinds := map[string]int{}
	for _, r := range g.Requests {
		kinds[r.Tags["kind"]]++
		if r.Status < 200 || r.Status > 299 {
			t.Errorf("%s %s answers %d", r.Method, r.Path, r.Status)
		}
	}
	for _, kind := range askedKinds {
		if kinds[kind] == 0 {
			t.Errorf("nothing is asked of kind %s: %v", kind, kinds)
		}
	}
	if failed := g.Failed(); len(failed) > 0 {
		t.Errorf("checks failed: %v", failed)
	}
	if uploads := g.Values("upload_seconds_per_mb"); len(uploads) == 0 || slices.Max(uploads) >= 2*s.Thresholds.UploadSecondsPerMB {
		t.Errorf("uploads are found after %v s per MB, want one at least, and none given up", uploads)
	}
	t.Logf("%d requests: %v", len(g.Requests), kinds)
}

// newGenerator runs the declared scripts in real time.
func newGenerator(t *testing.T, api string, scripts map[string]string, s k6.Scenario) *standin.Generator {
	t.Helper()
	g, err := standin.New(t.Context(), api, s)
	if err != nil {
		t.Fatal(err)
	}
	g.Live, g.Scripts = true, scripts
	return g
}

func newUser(t *testing.T, g *standin.Generator, id int) *standin.User {
	t.Helper()
	u, err := g.User(id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
