package load

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// shares are those that the scripts ask for.
var shares = []float64{0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 1}

// row is a slice's with log-normal samples, which it returns, too.
func row(random *rand.Rand, number, n int, middle float64) (row, samples []float64) {
	samples = logNormal(random, n, middle, 0.5)
	slices.Sort(samples)
	row = []float64{float64(number), float64(n)}
	for _, share := range shares {
		row = append(row, sampleAt(samples, share))
	}
	return row, samples
}

// sampleAt is a percentile as k6 has it.
func sampleAt(sorted []float64, share float64) float64 {
	exact := share * float64(len(sorted)-1)
	low := int(exact)
	return sorted[low] + (sorted[min(low+1, len(sorted)-1)]-sorted[low])*(exact-float64(low))
}

func TestSlicesAreThoseOfAllSamplesTogether(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var pooled []float64
	var results []Result
	for i := range 4 {
		r := part{index: i, of: 4}.result()
		document, first := row(random, 3, 2000*(i+1), 100*float64(i+1))
		upload, second := row(random, 3, 500, 300)
		search, _ := row(random, 3, 400, 5000)
		r.Slices = &Slices{Seconds: 10, Shares: shares, Took: map[string][][]float64{"document": {document}, "upload": {upload}, complexKind: {search}},
			Faults: [][]float64{{3, float64(i), 1000}}}
		results, pooled = append(results, r), slices.Concat(pooled, first, second)
	}
	run, err := Merge("peak-1", results)
	if err != nil {
		t.Fatal(err)
	}
	all := run.Slices()
	if len(all) != 1 || all[0].AtSeconds != 30 || all[0].Seconds != 10 || all[0].Wrong != 6 || all[0].Answers != 4000 {
		t.Fatalf("%+v", all)
	}
	slices.Sort(pooled)
	s := all[0]
	mean := 0.0
	for _, sample := range pooled {
		mean += sample / float64(len(pooled))
	}
	if math.Abs(s.Response.Mean/mean-1) > 0.01 {
		t.Errorf("the mean is %v, want %v", s.Response.Mean, mean)
	}
	for share, got := range map[float64]*float64{0.5: s.Response.P50, 0.95: s.Response.P95, 0.99: s.Response.P99} {
		if want := sampleAt(pooled, share); got == nil || math.Abs(*got/want-1) > 0.01 {
			t.Errorf("p%v is %v, want %v", 100*share, got, want)
		}
	}
	if s.Response.Requests != 22000 || s.Complex.Requests != 1600 || len(s.Kinds) != 3 || s.Kinds["upload"].Requests != 2000 {
		t.Errorf("%+v", s)
	}
}

// A generator that began later has its slices later; what is slow then is slow then.
func TestSlicesOfGeneratorsAreWhereTheyWereInTime(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var results []Result
	for i, late := range []time.Duration{0, 4 * time.Second, 21 * time.Second} {
		r := part{index: i, of: 3, late: late}.result()
		r.Slices = &Slices{Seconds: 10, Shares: shares, Took: map[string][][]float64{}}
		for number := range 6 {
			slow := number+int(math.Round(late.Seconds()/10)) == 4 // for all at the same time
			middle := 100.0
			if slow {
				middle = 1000
			}
			one, _ := row(random, number, 500, middle)
			r.Slices.Took["document"] = append(r.Slices.Took["document"], one)
		}
		results = append(results, r)
	}
	run, err := Merge("peak-1", results)
	if err != nil {
		t.Fatal(err)
	}
	all := run.Slices()
	if len(all) != 8 {
		t.Fatalf("%d slices, want 8", len(all))
	}
	for i, s := range all {
		if slow := *s.Response.P50 > 500; slow != (i == 4) {
			t.Errorf("slice %d at %v s: p50 %v", i, s.AtSeconds, *s.Response.P50)
		}
	}
}

func TestAPercentileOfTooFewIsNotTold(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n, want := range map[int]string{1: "", 2: "p50", 19: "p50", 20: "p50 p95", 99: "p50 p95", 100: "p50 p95 p99"} {
		one, _ := row(random, 0, n, 100)
		r := part{}.result()
		r.Slices = &Slices{Seconds: 10, Shares: shares, Took: map[string][][]float64{"document": {one}}}
		run, err := Merge("peak-1", []Result{r})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		took := run.Slices()[0].Response
		for i, p := range []*float64{took.P50, took.P95, took.P99} {
			if p != nil {
				got = append(got, []string{"p50", "p95", "p99"}[i])
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%d samples: %v, want %s", n, got, want)
		}
	}
}

func TestResultsWithoutSlicesOrWithOthersHaveNone(t *testing.T) {
	old, short, long := part{of: 2}.result(), part{of: 2}.result(), part{index: 1, of: 2}.result()
	short.Slices, long.Slices = &Slices{Seconds: 10, Shares: shares}, &Slices{Seconds: 20, Shares: shares}
	for name, results := range map[string][]Result{"one is of an older version": {old, long}, "of different lengths": {short, long}} {
		run, err := Merge("peak-1", results)
		if err != nil {
			t.Fatal(err)
		}
		if all := run.Slices(); all != nil {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

func TestSlicesOfAnotherFormAreRefused(t *testing.T) {
	for slices, want := range map[string]string{
		`{"seconds": 0, "shares": [0, 1]}`:                                               "slices.seconds is 0, want more than 0",
		`{"seconds": 10, "shares": [0.5]}`:                                               "slices.shares are [0.5], want them to rise from 0 to 1",
		`{"seconds": 10, "shares": [0, 1], "took": {"d": [[0, 1, 2]]}}`:                  "slices.took.d[0] is [0 1 2], want 4 values: a slice from 0 to 9999, a count, …",
		`{"seconds": 10, "shares": [0, 1], "took": {"d": [[1e9, 1, 2, 3]]}}`:             "slices.took.d[0] is [1e+09 1 2 3], want 4 values",
		`{"seconds": 10, "shares": [0, 1], "faults": [[0, 0, 1], [1.5, 0, 1]]}`:          "slices.faults[1] is [1.5 0 1], want 3 values",
		`{"seconds": 10, "shares": [0, 1], "took": {"d": [[0, 1, 2, 3]]}, "faults": []}`: "",
	} {
		r := part{}.result()
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse("s", []byte(strings.Replace(string(text), "{", `{"version": 3, "slices": `+slices+",", 1)))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", slices, err, want)
		}
	}
}

// longest is what one generator leaves of four hours, as large as the scripts make it: 60 slices of nine kinds.
func longest(t testing.TB, index, of int) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(9, uint64(index)))
	r := part{index: index, of: of}.result()
	r.Scenario.DurationSeconds = 14400
	r.EndedAt = r.BeganAt.Add(4 * time.Hour)
	r.Slices = &Slices{Seconds: 240, Shares: shares, Took: map[string][][]float64{}}
	for k := range 9 {
		kind := fmt.Sprintf("kind-number-%d", k)
		r.Metrics[kindPrefix+kind+"}"] = summaryOf(logNormal(random, 2000, 100, 0.5), asked())
		for number := range 60 {
			one, _ := row(random, number, 400, 100)
			r.Slices.Took[kind] = append(r.Slices.Took[kind], one)
		}
	}
	for i := range 12 { // k6's own trends
		r.Metrics[fmt.Sprintf("http_req_part_%d", i)] = summaryOf(logNormal(random, 2000, 100, 0.5), asked())
	}
	for number := range 60 {
		r.Slices.Faults = append(r.Slices.Faults, []float64{float64(number), 0, 3600})
	}
	text, err := json.MarshalIndent(r, "", "  ") // as the scripts do
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.Replace(string(text), "{", `{"version": 3,`, 1))
}

// stored keeps four hours of sixteen generators, and returns how many bytes they are.
func stored(t testing.TB, s Folder) (size int) {
	t.Helper()
	for i := range 16 {
		text := longest(t, i, 16)
		size += len(text)
		if err := s.Write(t.Context(), fmt.Sprintf("results/peak/peak-1/generator-%d/summary.json", i), text); err != nil {
			t.Fatal(err)
		}
	}
	return size
}

func TestFourHoursOfSixteenGeneratorsAreSmall(t *testing.T) {
	s := Folder(t.TempDir())
	if size := stored(t, s); size > 50<<20 {
		t.Errorf("%d bytes, want 50 MiB at most", size)
	}
	run, err := Read(t.Context(), s, "peak", "peak-1")
	if err != nil || len(run.Slices()) != 60 {
		t.Errorf("%v, error %v", run, err)
	}
}

// BenchmarkJudging reads, merges and judges four hours of sixteen generators, with their slices.
func BenchmarkJudging(b *testing.B) {
	s := Folder(b.TempDir())
	size := stored(b, s)
	for b.Loop() {
		run, err := Read(b.Context(), s, "peak", "peak-1")
		if err != nil || len(run.Slices()) != 60 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size)/1e6, "MB")
}
