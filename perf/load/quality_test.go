package load

import (
	"slices"
	"strings"
	"testing"
)

func TestTheQualityOfAnswersIsJudgedOverAllGenerators(t *testing.T) {
	for name, c := range map[string]struct {
		first, second quality
		missed        string // metric
	}{
		"good":                                  {},
		"one of them a little worse":            {first: quality{lost: 14}}, // 286 of 300
		"found less":                            {first: quality{lost: 8}, second: quality{lost: 8}, missed: recallMetric},
		"without vectors for a while":           {second: quality{bare: 2}, missed: degradedMetric},
		"one search without, of 100":            {first: quality{bare: 1}},
		"a tenth late":                          {first: quality{fresh: append(slices.Repeat([]float64{2}, 18), 40, 40)}},
		"a fifth late":                          {first: quality{fresh: append(slices.Repeat([]float64{2}, 12), slices.Repeat([]float64{40}, 8)...)}, missed: freshnessMetric},
		"few measured by each, enough together": {first: quality{fresh: []float64{1, 1, 1, 1, 1}}, second: quality{fresh: []float64{1, 1, 1, 1, 1}}},
	} {
		run := runOf(t, part{of: 2, uploads: 20, quality: &c.first}, part{index: 1, of: 2, uploads: 20, quality: &c.second})
		for _, v := range run.Verdicts {
			if want := map[bool]Outcome{true: Missed, false: Kept}[v.Metric == c.missed]; v.Outcome != want {
				t.Errorf("%s: %+v %v, want %s", name, v, *v.Value, want)
			}
		}
		if run.Passed != (c.missed == "") {
			t.Errorf("%s: passed %v", name, run.Passed)
		}
	}
}

// A run whose scripts measure quality is no pass without: whether it was told no threshold, or measured nothing.
func TestARunThatCouldHaveMeasuredQualityAndDidNotIsNoPass(t *testing.T) {
	for _, metric := range qualityMetrics {
		for why, q := range map[string]quality{
			"the run had no threshold for it": {untold: metric}, "no samples": {unmeasured: metric}, "neither": {untold: metric, unmeasured: metric},
		} {
			run := runOf(t, part{uploads: 20, quality: &q})
			i := slices.IndexFunc(run.Verdicts, func(v Verdict) bool { return v.Metric == metric })
			if i < 0 || run.Verdicts[i].Outcome != NotMeasured || run.Passed || run.Missed() {
				t.Errorf("%s, %s: passed %v, %+v", metric, why, run.Passed, run.Verdicts)
			} else if !strings.Contains(strings.Join(run.Open(), "; "), metric+": not measured (") {
				t.Errorf("%s, %s: %v", metric, why, run.Open())
			}
		}
	}
}

// A load that goes beyond the objectives by design is measured, not judged.
func TestALoadInLevelsIsNotJudgedByQuality(t *testing.T) {
	r := part{uploads: 20}.result()
	r.Version, r.Scenario.Levels = Version, 8
	run, err := Merge("steps-1", []Result{r})
	if err != nil || !run.Passed || len(run.Verdicts) != 4 {
		t.Errorf("%+v, %v", run.Verdicts, err)
	}
}

func TestFewFreshnessesAreTooFewForTheirPercentile(t *testing.T) {
	for n, want := range map[int]Outcome{9: NotMeasured, 10: Kept} {
		run := runOf(t, part{uploads: 20, quality: &quality{fresh: slices.Repeat([]float64{1}, n)}})
		if got := outcomes(run)[freshnessMetric]; got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// Of a run that is too short for percentiles the largest is judged, of however few.
func TestTheLargestOfFewIsJudged(t *testing.T) {
	for _, c := range []struct {
		fresh []float64
		want  Outcome
	}{{[]float64{2}, Kept}, {[]float64{2, 31}, Missed}, {nil, NotMeasured}} {
		q := quality{fresh: c.fresh, untold: freshnessMetric}
		if c.fresh == nil {
			q.unmeasured = freshnessMetric
		}
		r := part{uploads: 20, quality: &q}.result()
		r.Thresholds = append(r.Thresholds, Threshold{freshnessMetric, "max<30"})
		run, err := Merge("peak-1", []Result{r})
		if err != nil || outcomes(run)[freshnessMetric] != c.want {
			t.Errorf("%v: %v, %v, want %s", c.fresh, outcomes(run), err, c.want)
		}
	}
}

// A run of before is what it was: it passes by the objectives of its time, and baselines of such runs go on.
func TestARunOfScriptsThatMeasuredNoQualityIsJudgedAsItWas(t *testing.T) {
	old, now := runOf(t, part{uploads: 20}), runOf(t, part{uploads: 20, quality: &quality{}})
	if !old.Passed || old.MeasuresQuality() || !now.Passed || !now.MeasuresQuality() {
		t.Errorf("old passed %v, measures %v; new %v, %v", old.Passed, old.MeasuresQuality(), now.Passed, now.MeasuresQuality())
	}
	c, err := Compare([]*Run{old}, []*Run{now}, nil)
	if err != nil || len(c.Answers) != len(old.Figures) {
		t.Errorf("%+v, %v", c, err)
	}
	mixed := runOf(t, part{of: 2, uploads: 20}, part{of: 2, index: 1, uploads: 20, quality: &quality{}})
	if mixed.MeasuresQuality() {
		t.Error("a run of which one generator did not measure is said to")
	}
}
