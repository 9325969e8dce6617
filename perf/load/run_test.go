package load

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// part is what one generator measured. The zero value is a minute of 2,000 requests, all right, of some 100 ms.
type part struct {
	index, of  int           // 0 stands for 1 generator
	slower     float64       // than 100 ms; 0 stands for 1
	requests   int           // 0 stands for 2000
	faults     float64       // of them
	uploads    int           // measured ones
	lag        float64       // ms, each pause
	late, took time.Duration // the load's beginning and length; 0 stands for a minute
	quality    *quality      // of the answers; nil for scripts that did not measure it
}

// quality is what the scripts measure of answers. The zero value is that of good ones.
type quality struct {
	lost, bare float64   // of 150 relevant documents, of 50 complex searches
	fresh      []float64 // s; nil stands for 20 of a second
	untold     string    // metric that the run has no threshold for
	unmeasured string    // metric without samples
}

// measure adds it to a result.
func (q quality) measure(r *Result) {
	if q.fresh == nil {
		q.fresh = slices.Repeat([]float64{1}, 20)
	}
	r.Version = Version
	for metric, c := range map[string]struct {
		threshold string
		measured  Metric
	}{
		recallMetric:    {"rate>=0.95", Metric{Values: map[string]float64{"passes": 150 - q.lost, "fails": q.lost}}},
		degradedMetric:  {"rate<=0.01", Metric{Values: map[string]float64{"passes": q.bare, "fails": 50 - q.bare}}},
		vectorsMetric:   {"rate<=0.01", Metric{Values: map[string]float64{"passes": 0, "fails": 12}}},
		freshnessMetric: {"p(90)<30", summaryOf(q.fresh, asked())},
	} {
		if metric != q.untold {
			r.Thresholds = append(r.Thresholds, Threshold{metric, c.threshold})
		}
		if metric != q.unmeasured {
			r.Metrics[metric] = c.measured
		}
	}
}

const pauseMillis = 1000

func (p part) result() Result {
	if p.of == 0 {
		p.of = 1
	}
	if p.slower == 0 {
		p.slower = 1
	}
	if p.requests == 0 {
		p.requests = 2000
	}
	if p.took == 0 {
		p.took = time.Minute
	}
	random := rand.New(rand.NewPCG(3, uint64(p.index)))
	began, n := noon.Add(p.late), float64(p.requests)
	lag := make([]float64, p.requests)
	for i := range lag {
		lag[i] = p.lag
	}
	r := Result{
		Scenario:    Scenario{Name: "peak", Users: 50, DurationSeconds: 60, ThinkSeconds: 1, Generators: p.of},
		Generator:   Generator{Index: p.index, Job: "peak-1"},
		Environment: map[string]string{"stack": "dev", "region": "eu-central-1", "k6": "2.2", "image": "0.1.0"},
		BeganAt:     &began, EndedAt: began.Add(p.took),
		Thresholds: []Threshold{
			{responseMetric, "p(95)<2000"}, {faultsMetric, "rate<=0.001"}, {"dropped_iterations", "count==0"}, {uploadMetric, "p(95)<30"},
		},
		Metrics: map[string]Metric{
			"iterations":                 {Values: map[string]float64{"count": n}},
			responseMetric:               summaryOf(logNormal(random, p.requests, 100*p.slower, 0.5), asked()),
			kindPrefix + "document}":     summaryOf(logNormal(random, p.requests, 100*p.slower, 0.5), asked()),
			faultsMetric:                 {Values: map[string]float64{"passes": p.faults, "fails": n - p.faults}},
			pauseMetric:                  {Values: map[string]float64{"count": pauseMillis * n}},
			lagMetric:                    summaryOf(lag, asked()),
			"http_req_duration{kind:no}": {Values: map[string]float64{"count": 0}},
		},
	}
	r.Metrics[lagMetric].Values["avg"] = p.lag
	if p.uploads > 0 {
		r.Metrics[uploadMetric] = summaryOf(logNormal(random, p.uploads, 2, 0.3), asked())
	}
	if p.quality != nil {
		p.quality.measure(&r)
	}
	return r
}

func runOf(t *testing.T, parts ...part) *Run {
	t.Helper()
	run, err := Merge("peak-1", resultsOf(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func resultsOf(parts ...part) (results []Result) {
	for _, p := range parts {
		results = append(results, p.result())
	}
	return results
}

func outcomes(r *Run) map[string]Outcome {
	all := map[string]Outcome{}
	for _, v := range r.Verdicts {
		all[v.Metric] = v.Outcome
	}
	return all
}

func TestRunIsJudgedByAllItsGeneratorsTogether(t *testing.T) {
	first, second := part{of: 2, uploads: 20, faults: 3}, part{index: 1, of: 2, uploads: 20, late: 4500 * time.Millisecond}
	run := runOf(t, first, second) // the first alone has 0.15 % faults
	want := map[string]Outcome{responseMetric: Kept, faultsMetric: Kept, "dropped_iterations": Kept, uploadMetric: Kept}
	if diff := cmp.Diff(want, outcomes(run)); diff != "" || !run.Passed || run.SkewSeconds != 4.5 {
		t.Errorf("passed %v, skew %v s (-want +got):\n%s", run.Passed, run.SkewSeconds, diff)
	}
	second.faults = 2
	if run := runOf(t, first, second); outcomes(run)[faultsMetric] != Missed || run.Passed {
		t.Errorf("5 faults of 4,000: %+v", run.Verdicts)
	}
}

func TestWhatIsMissed(t *testing.T) {
	for metric, change := range map[string]func(p *part){
		responseMetric: func(p *part) { p.slower = 20 },
		faultsMetric:   func(p *part) { p.faults = 5 },
	} {
		p := part{uploads: 30}
		change(&p)
		run := runOf(t, p)
		for _, v := range run.Verdicts {
			if (v.Outcome == Missed) != (v.Metric == metric) {
				t.Errorf("worse %s: %+v", metric, v)
			}
		}
		if run.Passed {
			t.Errorf("worse %s: the run passed", metric)
		}
	}
}

func TestWhatWasNotMeasuredIsNotKept(t *testing.T) {
	for uploads, want := range map[int]Outcome{0: NotMeasured, 1: NotMeasured, 19: NotMeasured, 20: Kept} {
		run := runOf(t, part{uploads: uploads})
		if got := outcomes(run)[uploadMetric]; got != want || run.Passed != (want == Kept) {
			t.Errorf("%d uploads: %s, passed %v; want %s", uploads, got, run.Passed, want)
		}
	}
	if got := outcomes(runOf(t, part{of: 2, uploads: 10}, part{index: 1, of: 2, uploads: 10}))[uploadMetric]; got != Kept {
		t.Errorf("two times 10 uploads: %s", got)
	}
}

func TestAGeneratorThatIsSlowIsNoVerdictOnTheStack(t *testing.T) {
	for name, c := range map[string]struct {
		part
		want Outcome
	}{
		"as fast as it should be":                       {part{lag: 1}, Kept},
		"so late that the load is another":              {part{lag: 60}, GeneratorBound},
		"missed by less than the generator may be late": {part{lag: 49, slower: 9.05}, GeneratorBound}, // p95 some 2,000 ms
		"missed by far, however late it is":             {part{lag: 60, slower: 20}, Missed},
	} {
		if got := outcomes(runOf(t, c.part))[responseMetric]; got != c.want {
			t.Errorf("%s: %s, want %s: %+v", name, got, c.want, runOf(t, c.part).Verdicts)
		}
	}
}

func TestARunThatWasCutShortIsPartialAndNoPass(t *testing.T) {
	if run := runOf(t, part{uploads: 30, took: 40 * time.Second}); !run.Partial || run.Passed {
		t.Errorf("40 of 60 s: partial %v, passed %v", run.Partial, run.Passed)
	}
	if run := runOf(t, part{uploads: 30}); run.Partial || !run.Passed {
		t.Errorf("all of its time: partial %v, passed %v", run.Partial, run.Passed)
	}
}

func TestRunThatLostAGeneratorIsPartial(t *testing.T) {
	whole, second := part{of: 2, uploads: 30}.result(), part{index: 1, of: 2}.result()
	none, ended, swept, long := second, second, second, second
	none.BeganAt = nil
	ended.EndedAt = ended.BeganAt.Add(20 * time.Second)
	after := swept.BeganAt.Add(50 * time.Second) // and then it took away what it had stored
	swept.LoadEndedAt = &after
	end := long.EndedAt
	long.LoadEndedAt, long.EndedAt = &end, end.Add(20*time.Second)
	for name, c := range map[string]struct {
		results []Result
		cut     []string
		lacking []int
	}{
		"one left nothing":        {[]Result{whole}, []string{"generator 1 left no result"}, []int{1}},
		"one made no load":        {[]Result{none, whole}, []string{"generator 1 left no result"}, []int{1}},
		"one was ended":           {[]Result{whole, ended}, []string{"generator 1 ended after 20 of 60 s"}, []int{}},
		"one was ended and swept": {[]Result{whole, swept}, []string{"generator 1 ended after 50 of 60 s"}, []int{}},
		"one swept for long":      {[]Result{whole, long}, nil, []int{}},
	} {
		run, err := Merge("peak-1", c.results)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.cut, run.Cut()) + cmp.Diff(c.lacking, run.Lacking); diff != "" || run.Partial != (c.cut != nil) || run.Passed && run.Partial {
			t.Errorf("%s: partial %v, passed %v (-want +got):\n%s", name, run.Partial, run.Passed, diff)
		}
	}
}

func TestResultsThatAreNotOfOneRunAreNotJudged(t *testing.T) {
	first, second := part{of: 2}.result(), part{index: 1, of: 2}.result()
	idle, other, twice := second, second, first
	idle.Metrics = map[string]Metric{"iterations": {Values: map[string]float64{"count": 0}}}
	other.Generator.Job = "peak-2"
	for want, results := range map[string][]Result{
		"run peak-1: generator 1 made no load, want some":                                           {idle},
		"run peak-1: generator 0 has two results":                                                   {first, twice},
		"run peak-1: generator 1 has a result of job \"peak-2\", scenario {Name:peak Users:50 Ramp": {first, other},
		"run peak-1 has no results":                                                                 nil,
	} {
		if _, err := Merge("peak-1", results); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

func TestFiguresAndEndpointsAreThoseOfTheWhole(t *testing.T) {
	run := runOf(t, part{of: 2, faults: 4, uploads: 3}, part{index: 1, of: 2, uploads: 4})
	var names []string
	for _, f := range run.Figures {
		names = append(names, f.Name)
		if f.Name == "throughput" && (f.Value < 66 || f.Value > 67) { // 3,996 right ones in a minute
			t.Errorf("%+v", f)
		}
		if f.Name == "faults" && (f.Value != 0.001 || f.Events != 4 || f.Samples != 4000) {
			t.Errorf("%+v", f)
		}
	}
	if diff := cmp.Diff([]string{"response p50", "response p95", "upload p50", "faults", "throughput"}, names); diff != "" {
		t.Error(diff)
	}
	if all := run.Endpoints(); len(all) != 1 || all[0].Kind != "document" || all[0].Requests != 4000 || all[0].P50 > all[0].P95 || all[0].P95 > all[0].P99 || all[0].P99 > all[0].Max {
		t.Errorf("%+v", all)
	}
}

func TestResultsOfAnotherFormAreRefused(t *testing.T) {
	good, err := json.Marshal(part{}.result())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"version": 1}`: "s: version is 1, want 2 to 4: it is from an older version of these scripts",
		`{"version": 5}`: "s: version is 5, want 2 to 4: it is from a newer version of these scripts",
		`nothing`:        "s: invalid character 'o' in literal null (expecting 'u')",
		`{"version": 2, "generator": {"index": 3}, "thresholds": [{"metric": "m", "threshold": "p95 < 2"}]}`: "s: scenario.name is empty, want a scenario\n" +
			"scenario.generators is 0, want 1 or more\nthreshold of m is \"p95 < 2\", want one such as p(95)<2000, rate<=0.001 or count==0",
		strings.Replace(string(good), "{", `{"version": 2, `, 1): "<nil>",
	} {
		if _, err := Parse("s", []byte(text)); fmt.Sprint(err) != want {
			t.Errorf("%.40s: %v, want %s", text, err, want)
		}
	}
}
