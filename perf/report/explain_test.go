package report

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/perf/diagnose"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/profile"
	"github.com/ragscale/ragscale/perf/recommend"
	"github.com/ragscale/ragscale/perf/telemetry"
	"github.com/ragscale/ragscale/stacks"
)

const statement = "SELECT id, body FROM documents WHERE tenant = $? ORDER BY <script>"

// taken is what a stack told whose primary is taken, two thirds of it by one statement.
func taken() *telemetry.Telemetry {
	panel := func(name string, series map[string]float64) telemetry.Panel {
		p := telemetry.Panel{Name: name, Title: name, Source: "Managed Prometheus"}
		for s, v := range series {
			one := telemetry.Series{Name: s}
			for range 21 {
				one.Values = append(one.Values, v)
			}
			p.Series = append(p.Series, one)
		}
		return p
	}
	return &telemetry.Telemetry{Version: 1, From: noon, StepSeconds: 30, Missing: []telemetry.Missing{{What: "Edge", Why: "nobody asked it"}},
		Panels: []telemetry.Panel{
			panel("database-cpu", map[string]float64{"primary": 0.97}),
			panel("database-load", map[string]float64{"CPU": 9}),
			panel("database-statements", map[string]float64{statement: 6, "other": 3}),
			panel("busy", map[string]float64{"requests": 20, "pgbouncer ragapi in transaction": 18, "pgbouncer ragapi waiting": 0}),
			panel("rates", map[string]float64{"requests": 10}),
		}}
}

func devConfig(t *testing.T) *stacks.Config {
	t.Helper()
	values, err := stacks.ReadFile("../../Pulumi.dev.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := stacks.Parse("dev", values)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// profiles are of an API that spends 70 % of its time in one function of ours and what that calls.
func profiles() *profile.Report {
	const ours = "github.com/ragscale/ragscale/ragapi/"
	library := &profile.Node{Name: "example.com/json.Marshal[go.shape.<script>]", Value: 5e5}
	write := &profile.Node{Name: ours + "server.writeSearch", Value: 7e5, Below: []*profile.Node{library}}
	root := &profile.Node{Name: "api", Value: 1e6, Below: []*profile.Node{
		{Name: ours + "server.(*api).handle", Value: 8e5, Below: []*profile.Node{write}}, {Name: "runtime.gcBgMarkWorker", Value: 2e5},
	}}
	return &profile.Report{
		Name: "normal-1", Run: "normal-1", Stack: "dev", TakenAt: noon, Windows: 6, Pods: 2, Notes: []string{"a note"},
		Missing: []profile.Missing{{What: "tier worker", Why: "none of its pods was profiled"}},
		Hotspots: []profile.Hotspots{
			{Kind: profile.CPU, Tier: profile.API, Unit: "ns", Per: "request", Of: 1000, Value: 1e6, Samples: 4321, Pods: 2, Windows: 12,
				Functions: []profile.Function{{Name: library.Name, Flat: 5e5, Cum: 5e5, Share: 0.5, CumPart: 0.5}},
				Labels:    []profile.Label{{Key: "route", Name: "/v1/search", Value: 8e5, Share: 0.8, Own: 1e6, OwnOf: 800}, {Key: "mode", Name: "complex", Value: 1e5}}},
			{Kind: profile.Mutex, Tier: profile.API, Unit: "ns", Per: "request", Value: 2000, Functions: []profile.Function{{Name: "sync.(*Mutex).Unlock", Share: 1}}},
		},
		Trees: []*profile.Node{root, {Name: "api", Value: 1}},
	}
}

func advice(d *diagnose.Diagnosis) *recommend.Answer {
	return &recommend.Answer{Run: d.Run, Outcome: d.Outcome, Says: d.Says, File: "Pulumi.dev.yaml",
		ByHand: []recommend.ByHand{{Cause: "database-cpu", Says: "look at `EXPLAIN` of the statement", Section: "Database CPU"}},
		Recommendations: []recommend.Recommendation{{
			Cause: "database-cpu", Says: "a larger class for the database", Edits: []recommend.Edit{{Key: "database.instanceClass", Was: "a", To: "b"}},
			Patch: "--- a/Pulumi.dev.yaml\n+++ b/Pulumi.dev.yaml\n@@ -1 +1 @@\n-  <a>\n+  b\n", Times: 2, AddsLeast: 120.5, AddsMost: 241,
			Predict: recommend.Effect{Now: 2000, Low: 300, Likely: 700, High: 1100, How: "bounds"},
			Risk:    "the database begins anew", Undo: "`git checkout -- Pulumi.dev.yaml`", Try: "unverified", WhyNext: "there is no other",
		}},
		Refused: []string{"database-cpu: cluster: refused by policies or budget: 900 USD"},
	}
}

// slow is a run that missed its response times, with all that explains it.
func slow(t *testing.T) (*load.Run, *telemetry.Telemetry, Explanation) {
	t.Helper()
	run, told, cfg := planted{slower: 30}.run(t), taken(), devConfig(t)
	run.Environment["configuration"] = cfg.Digest()
	d, err := diagnose.Of(run, told, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if d.Outcome != diagnose.Named || d.Findings[0].Cause != "database-cpu" {
		t.Fatalf("%s: %s", d.Outcome, d.Says)
	}
	return run, told, Explanation{Diagnosis: d, Advice: advice(d), Profile: profiles()}
}

func explainedReport(run *load.Run, told *telemetry.Telemetry, e Explanation) *Report {
	r := New(run, alone, told)
	r.Explain(e)
	return r
}

// From what was missed over tier and cause to the statement, and the change: on the page in its order, and in a line.
func TestTheWayLeadsFromTheMissedObjectiveToTheStatement(t *testing.T) {
	r := explainedReport(slow(t))
	var got []string
	for _, s := range r.Chain() {
		got = append(got, s.Of)
	}
	if want := "missed tier statement change"; strings.Join(got, " ") != want {
		t.Fatalf("%v, want %s", got, want)
	}
	page := written(t, r, HTML)
	at := 0
	for _, want := range []string{
		"First cause: database-cpu", "<strong>Missed</strong>: ", "Response time p95 ", "<strong>Tier</strong>: database: the processors of database primary are taken",
		"ORDER BY &lt;script&gt; (67 % of the load of the database&#39;s primary)", "<strong>Change</strong>: a larger class", "Evidence of database-cpu", "97 %",
		"Where the time of a request goes", "What binds first", "Recommendations", "<code>EXPLAIN</code>", "between 300 and 1,100",
		"120.50 USD", "-  &lt;a&gt;", "900 USD", ">Profile<", "CPU of the API", "server.writeSearch", "70.0 %", "Waiting for locks of the API", "none of its pods was profiled",
	} {
		i := strings.Index(page[at:], want)
		if i < 0 {
			t.Fatalf("the page does not say %q after what stands before it", want)
		}
		at += i
	}
	golden(t, "explained.md", "Why: "+r.sentence(cell)+"\n")
	golden(t, "explained.text", written(t, r, Text))
}

func TestOfATierThatIsProfiledTheFunctionIsNamed(t *testing.T) {
	run, told, e := slow(t)
	e.Diagnosis.Findings[0].Tier = "API"
	for want, p := range map[string]*profile.Report{
		"github.com/ragscale/ragscale/ragapi/server.writeSearch (70 % of the CPU time of a request, with what it calls of other modules; 4,321 samples in all)": profiles(),
		"not known: no profile was taken: `ragscale profile` during a run takes one":                                                                            nil,
	} {
		e.Profile, e.Unprofiled = p, "no profile was taken: `ragscale profile` during a run takes one"
		if s := explainedReport(run, told, e).Chain()[2]; s.Of != "function" || s.Says != want {
			t.Errorf("%+v, want %s", s, want)
		}
	}
	e.Diagnosis.Findings[0].Tier = "upload workers" // which were not profiled
	e.Profile = profiles()
	if s := explainedReport(run, told, e).Chain()[2]; s.Says != "not known: the profiles have no CPU time of functions of tier worker" {
		t.Errorf("%+v", s)
	}
	e.Diagnosis.Findings[0].Tier = "cache"
	if s := explainedReport(run, told, e).Chain()[2]; !strings.HasPrefix(s.Says, "neither statements nor functions") {
		t.Errorf("%+v", s)
	}
}

func TestAStatementThatWasNotKeptIsSaid(t *testing.T) {
	run, told, _ := slow(t)
	told.Panels = append(told.Panels[:2:2], told.Panels[3:]...)
	d, err := diagnose.Of(run, told, devConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	if s := explainedReport(run, told, Explanation{Diagnosis: d}).Chain()[2]; s.Says != "not known: the run kept no panel database-statements" {
		t.Errorf("%+v", s)
	}
}

// What is lacking is one sentence in its section, stands among what was not measured, and is no fault of the report.
func TestWhatExplainsNothingIsOneSentence(t *testing.T) {
	run := planted{slower: 30}.run(t)
	d, err := diagnose.Of(run, nil, devConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Explanation{
		{Undiagnosed: "run normal-1 is of stack \"prod\"", Unadvised: "they are made of the diagnosis", Unprofiled: "no profile was taken: `ragscale profile` during a run takes one"},
		{Diagnosis: d, Unadvised: "Pulumi.dev.yaml has changed", Unprofiled: "no profile was taken"},
		{},
	} {
		r := explainedReport(run, nil, e)
		page := written(t, r, HTML)
		for _, want := range []string{e.Undiagnosed, e.Unadvised, e.Unprofiled} {
			if say := string(coded(want)); !strings.Contains(page, say) {
				t.Errorf("the page does not say %q", say)
			}
		}
		if strings.Contains(page, "Where the time of a request goes") || strings.Contains(page, "may hold:") {
			t.Error("the page has tables of what was not measured")
		}
		if len(r.Gaps) < 3 {
			t.Errorf("gaps %+v", r.Gaps)
		}
		for _, f := range []Format{Markdown, Text} {
			if text := written(t, r, f); strings.Count(strings.ToLower(text), "why: ") != 1 {
				t.Errorf("%s tells of it other than once:\n%s", f, text)
			}
		}
	}
	for _, f := range []Format{Markdown, Text} {
		if text := written(t, New(run, alone, nil), f); strings.Contains(strings.ToLower(text), "why: ") {
			t.Errorf("%s explains what nobody explained:\n%s", f, text)
		}
	}
}

// Nothing that was missed needs no way: the verdict alone stands there.
func TestARunWithoutABottleneckHasNoWay(t *testing.T) {
	run, told := planted{}.run(t), taken()
	d, err := diagnose.Of(run, told, devConfig(t))
	if err != nil || d.Outcome != diagnose.None {
		t.Fatalf("%v: %s", err, d.Outcome)
	}
	r := explainedReport(run, told, Explanation{Diagnosis: d})
	if page := written(t, r, HTML); strings.Contains(page, `<ol class="chain">`) || !strings.Contains(page, "<strong>No bottleneck</strong>") {
		t.Error("the page has a way, or no verdict")
	}
	if s := r.sentence(oneLine); !strings.HasPrefix(s, "missed: nothing → diagnosis: no bottleneck: ") {
		t.Errorf("%s", s)
	}
}

func TestJSONHasAllThree(t *testing.T) {
	var got struct {
		Diagnosis struct {
			Outcome  string
			Findings []struct{ Cause string }
		}
		Recommendations struct{ Recommendations []struct{ Patch string } }
		Profile         struct{ Hotspots []struct{ Tier string } }
	}
	if err := json.Unmarshal([]byte(written(t, explainedReport(slow(t)), JSON)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Diagnosis.Findings[0].Cause != "database-cpu" || len(got.Recommendations.Recommendations) != 1 || len(got.Profile.Hotspots) != 2 {
		t.Errorf("%+v", got)
	}
}

// One page with all its parts, written where the environment asks for it, to be looked at.
func TestTheExplainedPageNeedsNothingElse(t *testing.T) {
	page := written(t, explainedReport(slow(t)), HTML)
	all := elements(t, page)
	for _, foreign := range []string{"script", "img", "link", "iframe", "object", "use", "image"} {
		if len(all[foreign]) > 0 {
			t.Errorf("the page has a <%s>, want none", foreign)
		}
	}
	if strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "<no value>") {
		t.Error("the page has a value that has no place there")
	}
	if file := os.Getenv("RAGSCALE_WRITE_PAGE"); file != "" {
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, th := range all["th"] {
		if attribute(th, "scope") == "" {
			t.Errorf("header %q has no scope", textOf(th))
		}
	}
	for _, svg := range all["svg"] {
		if attribute(svg, "aria-hidden") != "true" && (attribute(svg, "role") != "img" || attribute(svg, "aria-label") == "") {
			t.Error("a figure has no text that stands for it")
		}
	}
	levels := ""
	for n := range all["html"][0].Descendants() {
		if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
			levels += n.Data[1:]
		}
	}
	if !strings.HasPrefix(levels, "12") || strings.Contains(levels, "13") || strings.Contains(levels, "4") {
		t.Errorf("headings are of the levels %s", levels)
	}
}

// What telemetry lacks is told once, and parts that overlap are no explanation that lacks.
func TestWhatADiagnosisLacksIsToldOnce(t *testing.T) {
	r := &Report{Telemetry: &telemetry.Telemetry{}}
	r.Diagnosis = &diagnose.Diagnosis{Notes: []string{diagnose.NotKept + " a, b: no values", "other"}}
	if got := r.Notes(); len(got) != 1 || got[0] != "other" {
		t.Errorf("notes are %q", got)
	}
	if left := (diagnose.Split{Unexplained: -2, UnexplainedShare: -0.5}).Left(); left.Name != "counted beyond its time" || left.Millis != 2 || left.Share != 0.5 {
		t.Errorf("left is %+v", left)
	}
}
