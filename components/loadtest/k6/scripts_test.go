package k6_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/components/loadtest/k6"
	"github.com/ragscale/ragscale/slo"
)

func smoke() k6.Scenario {
	return k6.Scenario{
		Name: "smoke", Users: 2, RampUpSeconds: 2, DurationSeconds: 10, ThinkSeconds: 1, GracefulSeconds: 30, Generators: 1,
		Thresholds: slo.LoadTest{ResponseMillis: 2000, ComplexSearchMillis: 5000, UploadSecondsPerMB: 30, FailedRatio: 0.001},
	}
}

// kinds are those of the requests that objectives judge, in order.
func (g *generator) kinds() []string {
	var kinds []string
	for _, r := range g.Requests {
		if r.Tags["objective"] != "" {
			kinds = append(kinds, r.Tags["kind"])
		}
	}
	return kinds
}

func TestFirstUserAsksForEveryKind(t *testing.T) {
	_, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	g.mustUser(1).act(6, g.prepare())
	g.wantNoFault()
	want := []string{"search-simple", "search-complex", "document", "session", "dashboard", "upload", "upload-status", "upload-status", "upload-search"}
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
	for _, r := range g.Requests {
		got[r.Tags["kind"]+" "+r.Tags["name"]] = r.Tags["objective"]
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
		if _, err := v.CallIn("user.js", "act", "session", data); err != nil {
			t.Fatal(err)
		}
	}
	g.wantNoFault()
	var got []string
	for _, r := range g.Requests {
		if r.Tags["kind"] == "session" {
			got = append(got, r.Tags["name"])
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
		kind, err := v.CallIn("mix.js", "pick", (float64(i)+0.5)/n)
		if err != nil {
			t.Fatal(err)
		}
		got[fmt.Sprint(kind)] += 100
	}
	want := map[string]int{"search-simple": 45 * n, "search-complex": 15 * n, "document": 20 * n, "session": 14 * n, "dashboard": 5 * n, "upload": n}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMixIsComplete(t *testing.T) {
	_, url := newAPI(t)
	var mix []struct{ Percent float64 }
	v := newGenerator(t, url, smoke()).mustUser(1)
	if err := v.VM.ExportTo(v.Module("mix.js").Get("mix"), &mix); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, m := range mix {
		sum += m.Percent
	}
	if sum != 100 {
		t.Errorf("%v percent of actions are said what they are, want 100", sum)
	}
}

func TestQueriesAndDocumentsArePopularAfterZipf(t *testing.T) {
	_, url := newAPI(t)
	v := newGenerator(t, url, smoke()).mustUser(1)
	index, err := v.VM.RunString("(zipf) => { const of = zipf(100); const n = Array(100).fill(0); for (let i = 0; i < 100000; i++) n[of((i + 0.5) / 100000)]++; return n; }")
	if err != nil {
		t.Fatal(err)
	}
	count, ok := sobek.AssertFunction(index)
	if !ok {
		t.Fatal("no function")
	}
	result, err := count(nil, v.Module("zipf.js").Get("zipf"))
	if err != nil {
		t.Fatal(err)
	}
	var counts []float64
	if err := v.VM.ExportTo(result, &counts); err != nil {
		t.Fatal(err)
	}
	sum, reached := 0.0, 0.0
	for rank := range counts {
		sum += 1 / float64(rank+1)
	}
	for i, n := range counts {
		reached += n
		want := 0.0
		for rank := range i + 1 {
			want += 100_000 / (float64(rank+1) * sum)
		}
		if math.Abs(reached-want) > 20 {
			t.Errorf("of 100000, ranks 1 to %d are asked for %v times, want %.0f", i+1, reached, want)
		}
	}
	for _, rank := range []int{2, 10, 100} {
		if got, want := counts[0]/counts[rank-1], float64(rank); math.Abs(got-want) > 0.05*want {
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
			kind, err := v.CallIn("mix.js", "next", user, i)
			if err != nil {
				t.Fatal(err)
			}
			counts[kind.(string)]++
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
			if err := u.VM.Set("text", u.Module("corpus.js").Get("text")); err != nil {
				t.Fatal(err)
			}
			made, err := u.VM.RunString(fmt.Sprintf("text('zymarker', %d, Math.random)", bytes))
			if err != nil {
				t.Fatal(err)
			}
			texts[made.String()] = true
			if n := len(made.String()); math.Abs(float64(n-bytes)) > 0.15*float64(bytes) {
				t.Errorf("a text of %d bytes has %d", bytes, n)
			}
			if n := len(strings.Split(made.String(), "zymarker")); n != 2 {
				t.Errorf("a text of %d bytes has its marker %d times, want 1", bytes, n-1)
			}
			if n := float64(strings.Count(made.String(), "lamp")) * 50 / float64(len(made.String())); n < 0.5 || n > 4 {
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
		seconds, err := v.CallIn("mix.js", "pause", s.ThinkSeconds, (float64(i)+0.5)/n)
		if err != nil {
			t.Fatal(err)
		}
		switch seconds := seconds.(type) {
		case float64:
			sum += seconds
		case int64:
			sum += float64(seconds)
		}
	}
	if mean := sum / n; math.Abs(mean-4) > 0.02 {
		t.Errorf("the mean pause is %.3f s, want 4", mean)
	}
	data := g.prepare()
	before := len(g.Pauses)
	v.act(3, data) // searches and a document: a pause each
	if pauses := len(g.Pauses) - before; pauses != 3 {
		t.Errorf("%d pauses in 3 iterations", pauses)
	}
}

func TestBreakpointDoesNotPause(t *testing.T) {
	_, url := newAPI(t)
	s := smoke()
	s.StopAtFault = true
	g := newGenerator(t, url, s)
	data := g.prepare()
	before := len(g.Pauses)
	g.mustUser(1).act(3, data)
	if pauses := len(g.Pauses) - before; pauses != 0 {
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
		_, err := v.Call("setup")
		if refused != (err != nil) || refused != (len(g.Requests) == 0) {
			t.Errorf("%s=%q: error %v after %d requests", k6.EnvAllowProduction, permission, err, len(g.Requests))
		}
		if want := "scenario smoke aims at production, want ALLOW_PRODUCTION=true"; refused && v.Aborted != want {
			t.Errorf("aborted with %q, want %q", v.Aborted, want)
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
	if _, err := g.mustUser(0).Call("teardown", data); err != nil {
		t.Fatal(err)
	}
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
	if _, err := g.mustUser(0).Call("teardown", nil); err != nil || len(g.Requests) > 0 {
		t.Errorf("%v, %d requests", err, len(g.Requests))
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

func TestStandInsRefuseWhatK6DoesNotDocument(t *testing.T) {
	for source, want := range map[string]string{
		`import fs from 'fs';`:                                                  `module "fs"`,
		`import { spawn } from 'k6';`:                                           "spawn",
		`import http from 'k6/http'; http.fetch();`:                             "k6/http has no property fetch",
		`import exec from 'k6/execution'; exec.test.stop();`:                    "k6/execution test has no property stop",
		`import { sleep } from 'k6'; sleep(1);`:                                 "sleep is called in the init context",
		`import http from 'k6/http'; http.get('http://127.0.0.1:1');`:           "is requested in the init context",
		`import { SharedArray } from 'k6/data'; new SharedArray('a', () => 1);`: `SharedArray "a" holds a int64, want an array`,
		`open('/etc/passwd');`:                                                  `there is no file "/etc/passwd"`,
		`import { Rate } from 'k6/metrics'; new Rate('a b');`:                   `metric "a b" is made`,
		`import { Rate } from 'k6/metrics'; new Rate('a').sum;`:                 "a has no property sum",
		`process.env;`:   "process is not defined",
		`require('k6');`: "require is not defined",
		`import { check } from 'k6'; check(1, {'is right': true});`:              `check "is right" is no function`,
		`import http from 'k6/http'; export const a = http.get; a.call();`:       "is requested in the init context",
		`import { Trend } from 'k6/metrics'; const t = new Trend('t'); t.add(1)`: "t.add is called in the init context",
	} {
		g := newGenerator(t, "http://127.0.0.1:1", smoke())
		g.Scripts = map[string]string{k6.Entry: source}
		if _, err := g.User(1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
}
