package loadscripts

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ragscale/ragscale/components/loadtest/k6"
	"github.com/ragscale/ragscale/slo"
)

func smoke() k6.Scenario {
	return k6.Scenario{
		Name: "smoke", Users: 2, RampUpSeconds: 2, DurationSeconds: 10, ThinkSeconds: 1, GracefulSeconds: 30, Generators: 1,
		Thresholds: slo.LoadTest{ResponseMillis: 2000, ComplexSearchMillis: 5000, UploadSecondsPerMB: 30, FailedRatio: 0.001, RecallRatio: 0.95, DegradedRatio: 0.001, FreshnessSeconds: 30},
	}
}

// kinds are those of the requests that objectives judge, in order.
func (g *generator) kinds() []string {
	var kinds []string
	for _, tags := range g.requests() {
		if tags["objective"] != "" {
			kinds = append(kinds, tags["kind"])
		}
	}
	return kinds
}

func TestFirstUserAsksForEveryKind(t *testing.T) {
	_, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	g.mustUser(1).act(6, g.prepare())
	g.wantNoFault()
	want := []string{"search-simple", "search-complex", "search-complex", "document", "session", "dashboard", "upload", "upload-status", "upload-status", "upload-search"}
	if diff := cmp.Diff(want, g.kinds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRequestsAreTaggedByRouteAndObjective(t *testing.T) {
	_, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	g.mustUser(1).act(6, g.prepare())
	want := map[string]string{
		"search-simple GET /v1/search": "response", "search-complex GET /v1/search": "complex-search",
		"document GET /v1/documents/{id}": "response", "session POST /v1/sessions": "response",
		"dashboard GET /v1/dashboard": "response", "upload POST /v1/documents": "response",
		"upload-status GET /v1/documents/{id}": "response", "upload-search GET /v1/search": "response",
		"preparation POST (preparation)": "", "preparation GET (preparation)": "",
	}
	got := map[string]string{}
	for _, tags := range g.requests() {
		got[tags["kind"]+" "+tags["name"]] = tags["objective"]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLongRunsBreakNoContract(t *testing.T) {
	_, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	data := g.prepare()
	for id := range 3 {
		g.mustUser(id+1).act(300, data)
	}
	g.wantNoFault()
	for _, kind := range []string{"search-simple", "search-complex", "document", "session", "dashboard", "upload", "upload-search", "delete"} {
		if !slices.Contains(g.kinds(), kind) {
			t.Errorf("900 iterations have no %s", kind)
		}
	}
}

func TestSessionIsBegunReadAndEnded(t *testing.T) {
	a, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	data := g.prepare()
	v := g.mustUser(2)
	for range 8 {
		v.does("session", data)
	}
	g.wantNoFault()
	var got []string
	for _, tags := range g.requests() {
		if tags["kind"] == "session" {
			got = append(got, tags["name"])
		}
	}
	say, read := "POST /v1/sessions/{id}/messages", "GET /v1/sessions/{id}"
	want := []string{"POST /v1/sessions", say, read, say, read, say, read, "DELETE /v1/sessions/{id}"}
	if diff := cmp.Diff(want, got); diff != "" || len(a.sessions) != 0 {
		t.Errorf("%d sessions are left (-want +got):\n%s", len(a.sessions), diff)
	}
}

func TestMixHasItsWeights(t *testing.T) {
	_, url := newAPI(t)
	v := newGenerator(t, url, smoke()).mustUser(1)
	const n = 10000
	got := map[string]int{}
	for i := range n {
		got[fmt.Sprint(v.mustCall("callIn", "mix.js", "pick", (float64(i)+0.5)/n))] += 100
	}
	want := map[string]int{"search-simple": 45 * n, "search-complex": 15 * n, "document": 20 * n, "session": 14 * n, "dashboard": 5 * n, "upload": n}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMixIsComplete(t *testing.T) {
	_, url := newAPI(t)
	v := newGenerator(t, url, smoke()).mustUser(1)
	sum := v.evaluate("scripts['mix.js'].mix.reduce((sum, m) => sum + m.percent, 0)")
	if sum != 100.0 {
		t.Errorf("%v percent of actions are said what they are, want 100", sum)
	}
}

func TestQueriesAndDocumentsArePopularAfterZipf(t *testing.T) {
	_, url := newAPI(t)
	v := newGenerator(t, url, smoke()).mustUser(1)
	counts := v.evaluate("((of, n) => { for (let i = 0; i < 100000; i++) n[of((i + 0.5) / 100000)]++; return n; })" +
		"(scripts['zipf.js'].zipf(100), Array(100).fill(0))").([]any)
	count := func(rank int) float64 { return counts[rank-1].(float64) }
	sum, reached := 0.0, 0.0
	for rank := range counts {
		sum += 1 / float64(rank+1)
	}
	for i := range counts {
		reached += count(i + 1)
		want := 0.0
		for rank := range i + 1 {
			want += 100_000 / (float64(rank+1) * sum)
		}
		if math.Abs(reached-want) > 20 {
			t.Errorf("of 100000, ranks 1 to %d are asked for %v times, want %.0f", i+1, reached, want)
		}
	}
	for _, rank := range []int{2, 10, 100} {
		if got, want := count(1)/count(rank), float64(rank); math.Abs(got-want) > 0.05*want {
			t.Errorf("rank 1 is asked for %.2f times as often as rank %d, want %v", got, rank, want)
		}
	}
}

// A run of few iterations has its share of what is rare.
func TestTheMixIsEvenInShortRuns(t *testing.T) {
	_, url := newAPI(t)
	v := newGenerator(t, url, smoke()).mustUser(1)
	counts := map[string]int{}
	const users, iterations = 50, 60
	for user := 2; user < users+2; user++ {
		for i := range iterations {
			counts[v.mustCall("callIn", "mix.js", "next", user, i).(string)]++
		}
	}
	for kind, percent := range map[string]float64{"search-simple": 45, "search-complex": 15, "document": 20, "session": 14, "dashboard": 5, "upload": 1} {
		if got, want := float64(counts[kind]), percent*users*iterations/100; math.Abs(got-want) > 0.02*want+5 {
			t.Errorf("%v %s of %d, want %v", got, kind, users*iterations, want)
		}
	}
}

func TestTextsHaveTheirLengthAndWords(t *testing.T) {
	_, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	v, other := g.mustUser(1), g.mustUser(2)
	for _, bytes := range []int{3_000, 4_000, 60_000, 1_000_000} {
		texts := map[string]bool{}
		for _, u := range []*user{v, v, other} {
			made := u.evaluate("scripts['corpus.js'].text('zymarker', %d, Math.random)", bytes).(string)
			texts[made] = true
			if n := len(made); math.Abs(float64(n-bytes)) > 0.15*float64(bytes) {
				t.Errorf("a text of %d bytes has %d", bytes, n)
			}
			if n := len(strings.Split(made, "zymarker")); n != 2 {
				t.Errorf("a text of %d bytes has its marker %d times, want 1", bytes, n-1)
			}
			if n := float64(strings.Count(made, "lamp")) * 50 / float64(len(made)); n < 0.5 || n > 4 {
				t.Errorf("a text of %d bytes has the most popular word %.1f times in 50 bytes, want some 1.5", bytes, n)
			}
		}
		if len(texts) != 3 {
			t.Errorf("%d of 3 texts of %d bytes differ", len(texts), bytes)
		}
	}
}

func TestUsersPauseWithTheScenariosMean(t *testing.T) {
	_, url := newAPI(t)
	s := smoke()
	s.ThinkSeconds = 4
	g := newGenerator(t, url, s)
	v := g.mustUser(1)
	sum := 0.0
	const n = 10000
	for i := range n {
		sum += v.mustCall("callIn", "mix.js", "pause", s.ThinkSeconds, (float64(i)+0.5)/n).(float64)
	}
	if mean := sum / n; math.Abs(mean-4) > 0.02 {
		t.Errorf("the mean pause is %.3f s, want 4", mean)
	}
	data := g.prepare()
	before := len(g.pauses)
	v.act(3, data) // searches and a document: a pause each
	if pauses := len(g.pauses) - before; pauses != 3 {
		t.Errorf("%d pauses in 3 iterations", pauses)
	}
}

func TestBreakpointDoesNotPause(t *testing.T) {
	_, url := newAPI(t)
	s := smoke()
	s.StopAtFault = true
	g := newGenerator(t, url, s)
	data := g.prepare()
	before := len(g.pauses)
	g.mustUser(1).act(3, data)
	if pauses := len(g.pauses) - before; pauses != 0 {
		t.Errorf("%d pauses, want none: arrivals set the pace", pauses)
	}
}

func TestProductionIsRefusedWithoutPermission(t *testing.T) {
	_, url := newAPI(t)
	s := smoke()
	s.Production = true
	for permission, refused := range map[string]bool{"": true, "yes": true, "true": false} {
		g := newGenerator(t, url, s)
		g.Env[k6.EnvAllowProduction] = permission
		v := g.mustUser(0)
		_, err := v.call("setup")
		if refused != (err != nil) || refused != (len(g.requests()) == 0) {
			t.Errorf("%s=%q: error %v after %d requests", k6.EnvAllowProduction, permission, err, len(g.requests()))
		}
		if want := "test aborted: scenario smoke aims at production, want ALLOW_PRODUCTION=true"; refused && err.Error() != want {
			t.Errorf("ended with %q, want %q", err, want)
		}
	}
}

func TestTeardownDeletesWhatTheRunStoredAndNothingElse(t *testing.T) {
	a, url := newAPI(t)
	theirs := func() *document {
		return &document{ID: a.id(), Title: "theirs", Status: "ready", Metadata: map[string]any{}, CreatedAt: begun}
	}
	a.documents = append(a.documents, theirs())
	g := newGenerator(t, url, smoke())
	data := g.prepare()
	g.mustUser(1).act(50, data)
	a.documents = append(a.documents, theirs())
	g.mustUser(0).mustCall("teardown", data)
	for _, d := range a.documents {
		if d.Title != "theirs" {
			t.Errorf("%s is left", d.Title)
		}
	}
	if len(a.documents) != 2 {
		t.Errorf("%d documents are left, want the 2 of others", len(a.documents))
	}
}

func TestTeardownAfterARefusalDoesNothing(t *testing.T) {
	_, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	if _, err := g.mustUser(0).call("teardown", nil); err != nil || len(g.requests()) > 0 {
		t.Errorf("%v, %d requests", err, len(g.requests()))
	}
}

func TestGeneratorsShareThePreparation(t *testing.T) {
	a, url := newAPI(t)
	s := smoke()
	s.Users, s.Generators = 4, 4
	for i := range s.Generators {
		g := newGenerator(t, url, s)
		g.Env["JOB_COMPLETION_INDEX"] = fmt.Sprint(i)
		g.prepare()
	}
	runs := map[any]int{}
	for _, d := range a.documents {
		runs[d.Metadata["loadtest"]]++
	}
	if len(runs) != 4 || len(a.documents) != 100 {
		t.Errorf("%d documents of runs %v, want 25 of each of four", len(a.documents), runs)
	}
}

func TestMissingVariableIsNamed(t *testing.T) {
	for _, name := range []string{k6.EnvTarget, k6.EnvScenario, k6.EnvEnvironment, k6.EnvResults} {
		g := newGenerator(t, "http://127.0.0.1:1", smoke())
		delete(g.Env, name)
		if _, err := g.User(1); err == nil || !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("%v, want %s named", err, name)
		}
	}
}

func TestRequestsAndFaultsBelongToTheSliceInWhichTheyAre(t *testing.T) {
	_, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	prepared := g.prepare()
	u := g.mustUser(1)
	g.now = g.now.Add(25 * time.Second)
	u.act(1, prepared)
	for _, s := range g.samples {
		if want := map[bool]string{true: "2"}[s.Tags["objective"] != "" || s.Metric.Name == "faults"]; s.Tags["slice"] != want {
			t.Errorf("%s %v is of slice %q, want %q", s.Metric.Name, s.Tags, s.Tags["slice"], want)
		}
	}
}
