package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ran is what a run left.
type ran struct {
	code      int
	out, errs string
	metrics   map[string]map[string]any // of --summary-export
	points    []point                   // of --out json
}

type point struct {
	Metric, Type string
	Data         struct {
		Value float64
		Tags  map[string]string
	}
}

// runScript runs a script, whose environment has URL, with flags.
func runScript(t *testing.T, url, script string, flags ...string) ran {
	t.Helper()
	dir := t.TempDir()
	file, export, lines := filepath.Join(dir, "script.js"), filepath.Join(dir, "summary.json"), filepath.Join(dir, "lines.json")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	arguments := append([]string{"run", "--summary-export", export, "--out", "json=" + lines}, flags...)
	r := ran{code: Main(append(arguments, file), map[string]string{"URL": url}, &out, &errs)}
	r.out, r.errs = out.String(), errs.String()
	if text, err := os.ReadFile(export); err == nil {
		summary := struct{ Metrics map[string]map[string]any }{}
		if err := json.Unmarshal(text, &summary); err != nil {
			t.Fatal(err)
		}
		r.metrics = summary.Metrics
	}
	text, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var p point
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Type == "Point" {
			r.points = append(r.points, p)
		}
	}
	return r
}

// count is a counter's, 0 where nothing was counted.
func (r ran) count(metric string) int {
	n, _ := r.metrics[metric]["count"].(float64)
	return int(n)
}

// said are the lines of console.log, in order.
func (r ran) said(t *testing.T) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(r.errs) {
		if !strings.Contains(line, "source=console") {
			continue
		}
		_, rest, _ := strings.Cut(line, " msg=")
		text, _, _ := strings.Cut(rest, " source=")
		var message string
		if _, err := fmt.Sscanf(text, "%q", &message); err != nil {
			t.Fatal(err)
		}
		all = append(all, message)
	}
	return all
}

// server answers what load scripts ask for.
func server(t testing.TB) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	mux.HandleFunc("/json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"a":{"b":[1,2,{"c":"d"}]},"n":null}`) })
	mux.HandleFunc("/missing", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusNotFound) })
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/cookie", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "served", Value: "1", Path: "/"})
		fmt.Fprint(w, strings.Join(r.Header["Cookie"], "; "))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Header.Get("Content-Type"), r.Header.Get("X-Own"), body)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

const idle = "export default function () {} "

// Codes are those with which k6 v2.2.0 ended, but where its own way is to go on: what is not known here is refused.
func TestRunsEndWithK6sCodes(t *testing.T) {
	exec := "import exec from 'k6/execution'; "
	for script, want := range map[string]struct {
		code int
		text string
	}{
		idle:                                 {Fine, ""},
		"import x from 'k6/nope'; " + idle:   {ScriptFault, `unknown module "k6/nope"`},
		"import x from 'fs'; " + idle:        {ScriptFault, `module "fs"`},
		"import { nope } from 'k6'; " + idle: {ScriptFault, "nope"},
		"syntax error(":                      {ScriptFault, "Line 1:8 Unexpected identifier"},
		"throw new Error('boom'); " + idle:   {ScriptFault, "Error: boom"},
		"export default function () { throw new Error('boom') }":                                                                        {Fine, "Error: boom"},
		"export default async function () { throw new Error('boom') }":                                                                  {Fine, "Error: boom"},
		"export const options = { foo: 1 }; " + idle:                                                                                    {InvalidConfig, "option foo is not known here"},
		"export const options = { vus: 0 }; " + idle:                                                                                    {InvalidConfig, "vus is 0"},
		"export const options = { scenarios: { a: { executor: 'no' } } }; " + idle:                                                      {InvalidConfig, "unknown executor type 'no'"},
		"export const options = { scenarios: { a: { executor: 'constant-vus' } } }; " + idle:                                            {InvalidConfig, "duration is not set"},
		"export const options = { scenarios: { a: { executor: 'constant-vus', duration: '1s', foo: 1 } } }; " + idle:                    {InvalidConfig, `unknown field "foo"`},
		"export const options = { scenarios: { a: { executor: 'per-vu-iterations', exec: 'zz' } } }; " + idle:                           {InvalidConfig, "function 'zz' not found in exports"},
		"export const options = { thresholds: { http_reqs: ['p(95)<1'] } }; " + idle:                                                    {InvalidConfig, "unsupported aggregation method"},
		"export const options = { thresholds: { nope: ['rate<1'] } }; " + idle:                                                          {InvalidConfig, `no metric name "nope" found`},
		"export const options = { thresholds: { http_reqs: ['bogus'] } }; " + idle:                                                      {InvalidConfig, `failed parsing threshold expression "bogus"`},
		"export const options = { thresholds: { iterations: ['count>1'] } }; " + idle:                                                   {ThresholdsMissed, "thresholds on metrics 'iterations' have been crossed"},
		"export const options = { thresholds: { dropped_iterations: ['count>0'] } }; " + idle:                                           {ThresholdsMissed, "dropped_iterations"},
		"export const options = { thresholds: { checks: ['rate>0.9'] } }; " + idle:                                                      {Fine, ""},
		"export function setup() { throw new Error('s') } " + idle:                                                                      {ScriptFault, "Error: s"},
		"export function teardown() { throw new Error('s') } " + idle:                                                                   {ScriptFault, "Error: s"},
		"import { sleep } from 'k6'; export const options = { setupTimeout: '1s' }; export function setup() { sleep(9) } " + idle:       {SetupTimeout, "setup() execution timed out after 1 seconds"},
		"import { sleep } from 'k6'; export const options = { teardownTimeout: '1s' }; export function teardown() { sleep(9) } " + idle: {TeardownTimeout, "teardown() execution timed out after 1 seconds"},
		exec + "exec.test.abort('why'); " + idle:                                                                                        {ScriptAborted, "test aborted: why"},
		exec + "export function setup() { exec.test.abort('why') } " + idle:                                                             {ScriptAborted, "test aborted: why"},
		exec + "export default function () { exec.test.abort('why') }":                                                                  {ScriptAborted, "test aborted: why"},
		exec + "export default function () { exec.test.fail('why') }":                                                                   {MarkedFailed, "test marked as failed: why"},
		"export function handleSummary() { throw new Error('hs') } " + idle:                                                             {Fine, "Error: hs"},
		"import http from 'k6/http'; http.get('http://127.0.0.1:1'); " + idle:                                                           {ScriptFault, "in the init context"},
		"import { Rate } from 'k6/metrics'; new Rate('a b'); " + idle:                                                                   {ScriptFault, "invalid metric name"},
		"import { SharedArray } from 'k6/data'; new SharedArray('a', () => 1); " + idle:                                                 {ScriptFault, "only arrays"},
		"open('/no/such/file'); " + idle:                                                                                                {ScriptFault, "/no/such/file"},
		"import { Rate } from 'k6/metrics'; export default function () { new Rate('a'); }":                                              {Fine, "init context"},
	} {
		r := runScript(t, "", script)
		if r.code != want.code || !strings.Contains(strings.ReplaceAll(r.errs, `\"`, `"`), want.text) {
			t.Errorf("%s: exit code %d, says %s; want %d and %q", script, r.code, r.errs, want.code, want.text)
		}
	}
}

func TestCommandLinesThatAreNotKnown(t *testing.T) {
	for _, arguments := range [][]string{
		{}, {"cloud"}, {"run"}, {"run", "a.js", "b.js"}, {"run", "--nonsense", "a.js"}, {"run", "--vus", "many", "a.js"}, {"run", "-s", "10s", "a.js"},
		{"run", "--out", "csv=x", "a.js"}, {"run", "--summary-mode", "full", "a.js"}, {"run", "--new-machine-readable-summary", "a.js"},
	} {
		var errs bytes.Buffer
		if code := Main(arguments, nil, io.Discard, &errs); code != Usage || errs.Len() == 0 {
			t.Errorf("k6 %s: exit code %d, says %q, want %d and why", arguments, code, &errs, Usage)
		}
	}
}

func TestLaterLayersOfOptionsWin(t *testing.T) {
	script := "export const options = { vus: 2, stages: [{ duration: '1h', target: 5 }] }; " + idle
	if r := runScript(t, "", script, "--iterations", "7"); r.code != Fine || r.count("iterations") != 7 {
		t.Errorf("exit code %d, %d iterations, want the command line's 7:\n%s", r.code, r.count("iterations"), r.errs)
	}
	var errs bytes.Buffer
	file, export := filepath.Join(t.TempDir(), "a.js"), filepath.Join(t.TempDir(), "s.json")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"K6_ITERATIONS": "4", "K6_SUMMARY_EXPORT": export}
	if code := Main([]string{"run", file}, env, io.Discard, &errs); code != Fine {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	if text, err := os.ReadFile(export); err != nil || !strings.Contains(string(text), `"count": 4`) {
		t.Errorf("%v: %s, want the environment's 4 iterations", err, text)
	}
}

func TestEveryPartOfARunHasItsTags(t *testing.T) {
	r := runScript(t, server(t), `
import http from 'k6/http';
import { check, group } from 'k6';
import { Counter } from 'k6/metrics';
import exec from 'k6/execution';
const own = new Counter('own');
export const options = { tags: { all: 'yes' }, scenarios: { s: { executor: 'shared-iterations', tags: { of: 's' }, env: { E: 'x' } } } };
export function setup() { http.get(__ENV.URL + '/setup'); return { n: 1 }; }
export default function (data) {
  exec.vu.metrics.tags.user = __ENV.E + data.n;
  group('outer', () => {
    http.get(__ENV.URL + '/a?id=7', { tags: { name: 'A', mine: 'm' } });
    group('inner', () => { check(1, { holds: true, fails: () => false }, { c: 'c' }); own.add(3, { k: 'v' }); });
  });
  http.get(http.url`+"`${__ENV.URL}/b/${8}`"+`);
}
`)
	if r.code != Fine {
		t.Fatalf("exit code %d: %s", r.code, r.errs)
	}
	common := map[string]string{"all": "yes", "of": "s", "scenario": "s", "user": "x1"}
	with := func(more map[string]string) map[string]string {
		tags := map[string]string{}
		for _, m := range []map[string]string{common, more} {
			for k, v := range m {
				tags[k] = v
			}
		}
		return tags
	}
	answered := map[string]string{"method": "GET", "status": "200", "proto": "HTTP/1.1", "expected_response": "true"}
	asked := func(more map[string]string) map[string]string {
		tags := with(answered)
		for k, v := range more {
			tags[k] = v
		}
		return tags
	}
	want := map[string][]map[string]string{
		"own": {with(map[string]string{"group": "::outer::inner", "k": "v"})},
		"checks": {
			with(map[string]string{"group": "::outer::inner", "check": "holds", "c": "c"}),
			with(map[string]string{"group": "::outer::inner", "check": "fails", "c": "c"}),
		},
		"http_reqs": {
			nil, // of setup
			asked(map[string]string{"group": "::outer", "name": "A", "url": "A", "mine": "m"}),
			asked(map[string]string{"group": "", "name": "${}/b/${}", "url": "${}/b/${}"}),
		},
	}
	got := map[string][]map[string]string{}
	for _, p := range r.points {
		if _, looked := want[p.Metric]; looked {
			got[p.Metric] = append(got[p.Metric], p.Data.Tags)
		}
	}
	setup := got["http_reqs"][0]
	if setup["group"] != "::setup" || setup["scenario"] != "" {
		t.Errorf("setup's request has tags %v", setup)
	}
	got["http_reqs"][0] = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnswersAreAsK6DocumentsThem(t *testing.T) {
	r := runScript(t, server(t), `
import http from 'k6/http';
import crypto from 'k6/crypto';
import encoding from 'k6/encoding';
const url = __ENV.URL;
export default async function () {
  const say = (...a) => console.log(...a);
  const j = http.get(url + '/json');
  say(j.status, j.json('a.b.2.c'), j.json('n'), j.json('zz'), j.json().a.b[1], j.headers['Content-Length']);
  say(http.get(url + '/missing').error_code, http.get(url + '/redirect').url.slice(url.length), http.get(url + '/redirect', { redirects: 0 }).status);
  say(http.get(url + '/loop').status);
  const lost = http.get('http://127.0.0.1:1/');
  say(lost.status, lost.body, lost.error_code, lost.error);
  const late = http.get(url + '/slow', { timeout: '100ms' });
  say(late.status, late.error_code, late.error);
  say(http.post(url + '/echo', { a: 1, b: ['x y', 'z'] }).body);
  say(http.put(url + '/echo', JSON.stringify({ a: 1 }), { headers: { 'Content-Type': 'application/json', 'X-Own': 'o' } }).body);
  say(http.post(url + '/echo', { f: http.file('content', 'n.txt', 'text/plain'), g: 'h' }).body.includes('filename="n.txt"'));
  say(http.get(url + '/cookie', { cookies: { own: 'c' } }).body, http.get(url + '/cookie').body, http.cookieJar().cookiesForURL(url).served);
  say(http.batch([url, ['POST', url + '/echo', 'p'], { method: 'DELETE', url: url + '/echo' }]).map((r) => r.body), http.batch({ one: url }).one.status);
  const later = await http.asyncRequest('GET', url + '/json');
  say(later.json('a.b.#'), http.get(url, { responseType: 'binary' }).body.byteLength, http.get(url, { responseType: 'none' }).body);
  say(crypto.sha256('x', 'hex').slice(0, 8), crypto.hmac('md5', 'k', 'x', 'base64'), encoding.b64encode('hé'), encoding.b64decode('aGk=', 'std', 's'));
}`)
	want := []string{
		"200 d null undefined 2 36",
		"1404 / 302",
		"302",
		"0 null 1212 dial tcp 127.0.0.1:1: connect: connection refused",
		"0 1050 request timeout",
		"POST application/x-www-form-urlencoded  a=1&b=x+y&b=z",
		`PUT application/json o {"a":1}`,
		"true",
		`own=c served=1 [ "1" ]`,
		`[ "hello", "POST   p", "DELETE   " ] 200`,
		"3 5 null",
		"2d711642 K6_HMAC aMOp hi",
	}
	got := r.said(t)
	if len(got) == len(want) {
		want[3], want[11] = got[3], got[11] // looked at below
		if !strings.HasPrefix(got[3], "0 null 1212 ") || !strings.HasPrefix(got[11], "2d711642 ") || !strings.HasSuffix(got[11], " aMOp hi") {
			t.Errorf("says %q and %q", got[3], got[11])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, r.errs)
	}
	if sent, failed := r.count("http_reqs"), r.metrics["http_req_failed"]["passes"]; sent < 30 || failed != 3.0 {
		t.Errorf("%d requests, %v failed; want each redirect counted, and 3 failures", sent, failed)
	}
}

func TestThresholdThatAbortsEndsTheRun(t *testing.T) {
	r := runScript(t, "", `
import { check, sleep } from 'k6';
export const options = { vus: 2, duration: '10m', thresholds: { checks: [{ threshold: 'rate>0.5', abortOnFail: true }] } };
export default function () { check(0, { never: false }); sleep(0.1); }
export function teardown() { console.log('torn down'); }
export function handleSummary(data) { return { stdout: String(data.metrics.checks.thresholds['rate>0.5'].ok) }; }`)
	if r.code != ThresholdsMissed || r.out != "false" || !slices.Contains(r.said(t), "torn down") {
		t.Errorf("exit code %d, summary %q: %s", r.code, r.out, r.errs)
	}
}

func TestUsersKeepTheirStateAndShareTheirData(t *testing.T) {
	r := runScript(t, "", `
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
const shared = new SharedArray('s', () => { console.log('made'); return [{ a: 1 }, 'two']; });
let mine = 0;
export const options = { scenarios: { s: { executor: 'per-vu-iterations', vus: 3, iterations: 2 } } };
export default function () {
  mine++;
  let refused = false;
  try { 'use strict'; shared[0].a = 2; } catch { refused = true; }
  if (mine !== exec.vu.iterationInScenario + 1 || shared[0].a !== 1 || shared.length !== 2 || [...shared][1] !== 'two' || __VU !== exec.vu.idInTest)
    exec.test.fail('state');
}`, "--env", "X=y")
	if r.code != Fine || r.count("iterations") != 6 {
		t.Errorf("exit code %d after %d iterations: %s", r.code, r.count("iterations"), r.errs)
	}
	if made := r.said(t); !slices.Equal(made, []string{"made"}) {
		t.Errorf("the shared array is made %d times, want once", len(made))
	}
}

func TestSegmentsTogetherRunEverythingOnce(t *testing.T) {
	script := `
import { Gauge } from 'k6/metrics';
import exec from 'k6/execution';
const number = new Gauge('number');
export const options = { scenarios: { s: { executor: 'shared-iterations', vus: 4, iterations: 22 } } };
export default function () { number.add(exec.scenario.iterationInTest); }`
	var numbers []float64
	for _, segment := range []string{"0:1/3", "1/3:2/3", "2/3:1"} {
		r := runScript(t, "", script, "--execution-segment", segment, "--execution-segment-sequence", "0,1/3,2/3,1")
		for _, p := range r.points {
			if p.Metric == "number" {
				numbers = append(numbers, p.Data.Value)
			}
		}
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != float64(i) {
			t.Fatalf("iterations %v, want 0 to 21 once each", numbers)
		}
	}
	if len(numbers) != 22 {
		t.Errorf("%d iterations, want 22", len(numbers))
	}
}

func TestArrivalsThatFindNobodyAreDropped(t *testing.T) {
	r := runScript(t, "", `
import { sleep } from 'k6';
export const options = { scenarios: { s: { executor: 'constant-arrival-rate', rate: 10, duration: '1s', preAllocatedVUs: 1, maxVUs: 2, gracefulStop: '0s' } } };
export default function () { sleep(30); }`)
	// The second arrival is dropped while a second user is made for those after it, which may take a moment.
	if dropped := r.count("dropped_iterations"); r.code != Fine || r.count("iterations") != 0 || dropped < 8 || dropped > 9 {
		t.Errorf("exit code %d, %d iterations, %d dropped, want all but two: %s", r.code, r.count("iterations"), r.count("dropped_iterations"), r.errs)
	}
}

func TestModulesAreLoadedFromTheirOwnFolders(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.js":    "import { b } from './lib/b.js'; const data = open('./data.txt'); export default function () { console.log(b, data); }",
		"lib/b.js":   "import c from '../lib/c.js'; export const b = 'b' + c;",
		"lib/c.js":   "export default 'c';",
		"data.txt":   "d",
		"lib/README": "",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var errs bytes.Buffer
	if code := Main([]string{"run", filepath.Join(dir, "main.js")}, nil, io.Discard, &errs); code != Fine || !strings.Contains(errs.String(), `msg="bc d"`) {
		t.Errorf("exit code %d: %s", code, &errs)
	}
}
