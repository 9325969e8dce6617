package load

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(v float64) *float64 { return &v }

// runsOf are runs that differ in speed alone.
func runsOf(t *testing.T, slower ...float64) (all []*Run) {
	t.Helper()
	for i, s := range slower {
		r := runOf(t, part{slower: s})
		r.Name = fmt.Sprintf("peak-%v-%d", s, i)
		all = append(all, r)
	}
	return all
}

func TestLimitsAreHeldAgainstFigures(t *testing.T) {
	run := runOf(t, part{faults: 2})
	run.Hold([]Budget{
		{Figure: "response p95", Limit: at(1000)}, {Figure: "response p50", Limit: at(1)}, {Figure: "faults", Limit: at(0)},
		{Figure: "throughput", Limit: at(1)}, {Figure: "upload p95", Limit: at(30)},
	}, nil, nil)
	var got []string
	for _, h := range run.Budgets {
		got = append(got, fmt.Sprintf("%s %s %v %s: %s", h.Figure, h.Term, h.Limit, h.Unit, h.Outcome))
	}
	want := []string{
		"response p95 at most 1000 ms: kept", "response p50 at most 1 ms: missed", "faults at most 0 ratio: missed",
		"throughput at least 1 right answers/s: kept", "upload p95 at most 30 : not measured",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestARelativeBudgetIsMissedOnlyWhereItIsNoChance(t *testing.T) {
	baseline := runsOf(t, 1, 1.02, 0.98, 1.01, 0.99, 1)
	for _, c := range []struct {
		now  []float64
		want Outcome
		why  string
	}{
		{[]float64{1.01, 1.03, 1.02}, Kept, ""},
		{[]float64{1.4, 1.42, 1.38}, Missed, ""},
		{[]float64{1.11}, NotMeasured, "it may be chance: the change is "},
	} {
		comparison, err := Compare(baseline, runsOf(t, c.now...), nil)
		if err != nil {
			t.Fatal(err)
		}
		comparison.Hold([]Budget{{Figure: "response p95", WorsePercent: at(10)}})
		if h := comparison.Budgets[0]; h.Outcome != c.want || !strings.HasPrefix(h.Why, c.why) {
			t.Errorf("%v: %+v, %v", c.now, h, *h.Value)
		}
	}
}

// Less throughput is what is worse.
func TestWorseThroughputIsLess(t *testing.T) {
	slow := runsOf(t, 1, 1, 1)
	for i, r := range slow {
		r.Figures = []Figure{{Name: "throughput", Unit: "right answers/s", Better: Higher, Value: 80 + float64(i), Samples: 100}}
	}
	fast := runsOf(t, 1, 1, 1, 1)
	for i, r := range fast {
		r.Name += "-then"
		r.Figures = []Figure{{Name: "throughput", Unit: "right answers/s", Better: Higher, Value: 100 + float64(i), Samples: 100}}
	}
	for want, sides := range map[Outcome][2][]*Run{Missed: {fast, slow}, Kept: {slow, fast}} {
		c, err := Compare(sides[0], sides[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Hold([]Budget{{Figure: "throughput", WorsePercent: at(5)}, {Figure: "throughput", Limit: at(90)}})
		if c.Budgets[0].Outcome != want || c.Budgets[1].Outcome != want || c.Budgets[1].Term != AtLeast {
			t.Errorf("want %s: %+v", want, c.Budgets)
		}
	}
}

func TestABudgetThatNothingTellsOfIsNotMeasured(t *testing.T) {
	budget := []Budget{{Figure: "response p95", WorsePercent: at(10), Limit: at(1000)}}
	run := runOf(t, part{})
	run.Hold(budget, nil, errors.New("scenario peak: no baseline"))
	if h := run.Budgets[1]; h.Outcome != NotMeasured || h.Why != "scenario peak: no baseline" || run.Budgets[0].Outcome != Kept {
		t.Errorf("without a baseline: %+v", run.Budgets)
	}
	one, err := Compare(runsOf(t, 1), runsOf(t, 1.5), nil)
	if err != nil {
		t.Fatal(err)
	}
	run.Hold(budget, one, nil)
	if h := run.Budgets[1]; h.Outcome != NotMeasured || h.Why != "the noise from run to run is not known" {
		t.Errorf("one run a side: %+v", h)
	}
	short := runOf(t, part{took: 10 * time.Second})
	short.Hold(budget, nil, nil)
	if h := short.Budgets[0]; h.Outcome != NotMeasured || h.Why != "run peak-1 was cut short: generator 0 ended after 10 of 60 s; want whole runs" {
		t.Errorf("a run that was cut short: %+v", h)
	}
}

func TestErrorBudgetIsWhatTheObjectiveAllows(t *testing.T) {
	got := runOf(t, part{faults: 1}).ErrorBudget
	if diff := cmp.Diff(&ErrorBudget{Requests: 2000, Allowed: 2, Faults: 1, SpentPercent: 50}, got); diff != "" {
		t.Error(diff)
	}
	for _, threshold := range []string{"rate<=0", "rate<0"} {
		one := part{}.result()
		one.Thresholds = []Threshold{{faultsMetric, threshold}}
		run, err := Merge("peak-1", []Result{one})
		if err != nil || run.ErrorBudget != nil {
			t.Errorf("%s allows none: %+v, %v", threshold, run.ErrorBudget, err)
		}
	}
}
