package review_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/review"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// run is a whole run of peak, days ago.
func run(days int, p95 float64, more ...func(*load.Run)) *load.Run {
	began := now.AddDate(0, 0, -days)
	r := &load.Run{
		Name: load.NewRun("peak", began), Scenario: load.Scenario{Name: "peak", Users: 50, DurationSeconds: 60, Generators: 1},
		Environment: map[string]string{"stack": "prod", "image": "0.1.0", "configuration": "c1"}, BeganAt: began,
		EndedAt: began.Add(time.Minute), Passed: true,
		Figures: []load.Figure{
			{Name: "response p95", Unit: "ms", Better: load.Lower, Value: p95},
			{Name: "throughput", Unit: "right answers/s", Better: load.Higher, Value: 100},
		},
		ErrorBudget: &load.ErrorBudget{Requests: 1000, Allowed: 10, Faults: 1, SpentPercent: 10},
	}
	for _, m := range more {
		m(r)
	}
	return r
}

// ask reviews runs of the last 60 days.
func ask(runs []*load.Run, more ...func(*review.Input)) *review.Review {
	in := review.Input{
		Stack: "prod", Since: now.AddDate(0, 0, -60), At: now, Runs: runs, Configuration: "c1",
		Scenarios: []review.Scenario{{Name: "peak", Last: now.AddDate(0, 0, -1)}}, Bill: review.Bill{LeastUSD: 730, MostUSD: 1460},
	}
	for _, m := range more {
		m(&in)
	}
	return review.New(in)
}

func written(t *testing.T, r *review.Review) string {
	t.Helper()
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// steady are runs with a little noise, from days ago on.
func steady(from, n int, p95 float64, more ...func(*load.Run)) (all []*load.Run) {
	for i := range n {
		all = append(all, run(from-i, p95*(1+0.01*float64(i%3-1)), more...))
	}
	return all
}

func TestAChangeHasWhatElseChangedThen(t *testing.T) {
	image := func(r *load.Run) { r.Environment["image"], r.Environment["configuration"] = "0.2.0", "c2" }
	r := ask(append(steady(40, 12, 200), steady(20, 8, 160, image)...))
	if len(r.Series) != 1 || len(r.Series[0].Changes) != 1 {
		t.Fatalf("%+v", r.Series)
	}
	c := r.Series[0].Changes[0]
	want := []load.Change{{Key: "configuration", Then: []string{"c1"}, Now: []string{"c2"}}, {Key: "image", Then: []string{"0.1.0"}, Now: []string{"0.2.0"}}}
	if diff := cmp.Diff(want, c.Differs); diff != "" || !c.Better || c.Figure != "response p95" || !c.At.Equal(now.AddDate(0, 0, -20)) {
		t.Errorf("%+v %s", c, diff)
	}
	if text := written(t, r); !strings.Contains(text, "2026-11-10: response p95 got better by -20") {
		t.Error(text)
	}
}

func TestFewOrConstantRunsChangeNothing(t *testing.T) {
	for name, runs := range map[string][]*load.Run{
		"none": {}, "one": steady(1, 1, 200), "two": {run(2, 100), run(1, 900)},
		"constant":    {run(9, 200), run(8, 200), run(7, 200), run(6, 200), run(5, 200), run(4, 200), run(3, 200)},
		"not numbers": {run(5, math.NaN()), run(4, math.Inf(1)), run(3, 200), run(2, math.NaN())},
	} {
		r := ask(runs)
		for _, s := range r.Series {
			if len(s.Changes) != 0 {
				t.Errorf("%s: %+v", name, s.Changes)
			}
		}
		if text := written(t, r); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

// Runs of another load, or made by another generator, are no part of a trend; nor is one that was cut short.
func TestRunsOfDifferentLoadsAreApart(t *testing.T) {
	more := func(r *load.Run) { r.Scenario.Users = 500; r.Figures[0].Value *= 5 }
	other := func(r *load.Run) { r.Program = "k6 v2.3.0"; r.Figures[0].Value *= 3 }
	short := func(r *load.Run) { r.Partial, r.Passed = true, false; r.Figures[0].Value = 1 }
	runs := append(append(append(steady(30, 8, 200), steady(20, 8, 200, more)...), steady(10, 8, 200, other)...), run(1, 1, short))
	r := ask(runs)
	if len(r.Series) != 3 {
		t.Fatalf("%d series, want 3", len(r.Series))
	}
	for _, s := range r.Series {
		if len(s.Changes) != 0 || len(s.Trends[0].Values) != 8 {
			t.Errorf("%s: %d values, %+v", s.Load, len(s.Trends[0].Values), s.Changes)
		}
	}
	if s := r.Series[0]; len(s.Runs) != 9 || s.Unfit != 1 || s.Passed != 8 {
		t.Errorf("%+v", s)
	}
}

// A gap in a figure is no value; a clock that was off makes no run of tomorrow.
func TestGapsAndClocks(t *testing.T) {
	without := func(r *load.Run) { r.Figures = r.Figures[1:] }
	runs := append(steady(30, 6, 200), run(10, 0, without), run(-3, 900), run(100, 900), run(2, 201))
	r := ask(runs)
	if len(r.Series) != 1 || len(r.Series[0].Runs) != 8 {
		t.Fatalf("%+v", r.Series)
	}
	for _, trend := range r.Series[0].Trends {
		if want := map[string]int{"response p95": 7, "throughput": 8}[trend.Figure]; len(trend.Values) != want {
			t.Errorf("%s: %d values, want %d", trend.Figure, len(trend.Values), want)
		}
	}
	if want := "run peak-20261203-120000 began 2026-12-03 12:00:00, which is not yet: a clock was off"; !strings.Contains(fmt.Sprint(r.Missing), want) {
		t.Errorf("%v, want %s", r.Missing, want)
	}
}

func TestWhatIsDue(t *testing.T) {
	limit, least := 210.0, 104.0
	faults := func(r *load.Run) { r.ErrorBudget.Faults = 9 }
	r := ask(steady(9, 5, 200, faults), func(in *review.Input) {
		in.Scenarios[0].Budgets = []load.Budget{{Figure: "response p95", Limit: &limit}, {Figure: "throughput", Limit: &least}}
		in.Scenarios = append(in.Scenarios, review.Scenario{Name: "stress", Last: now.AddDate(0, 0, -45)}, review.Scenario{Name: "smoke"})
		in.Baselines = []load.Baseline{{Scenario: "peak", SetAt: now.AddDate(0, 0, -100), Runs: []*load.Run{run(100, 1, func(r *load.Run) { r.Scenario.Users = 5 })}}}
	})
	want := []string{
		"stress has not run for 45 days", "smoke has never run", "peak (50 users, 1m0s, generators 1): 90 % of its error budget is spent",
		"peak: response p95 of peak-20261125-120000 is 200 ms, budget at most 210 ms",
		"peak: throughput of peak-20261125-120000 is 100 /s, budget at least 104 /s",
		"peak: peak-20261125-120000 is of another load than the baseline, which compares with it no more",
		"the baseline of peak is 100 days old",
	}
	if diff := cmp.Diff(want, r.Due); diff != "" {
		t.Error(diff)
	}
	if r := ask(steady(9, 3, 200)); !cmp.Equal(r.Due, []string{"peak has 3 runs and no baseline"}) {
		t.Errorf("a baseline that was forgotten: %v", r.Due)
	}
}

// 730 USD a month are 1 USD an hour, in which 100 answers a second are 360,000.
func TestCostIsToldOnlyWhereTheBillIsKnown(t *testing.T) {
	cheap := func(r *load.Run) { r.Figures[1].Value = 50 }
	r := ask([]*load.Run{run(9, 200, cheap), run(1, 200)})
	got := r.Series[0].Cost
	want := &review.Cost{Then: review.Range{LeastUSD: 1e6 / 180000.0, MostUSD: 2e6 / 180000.0}, Now: review.Range{LeastUSD: 1e6 / 360000.0, MostUSD: 2e6 / 360000.0}, ThenRun: "peak-20261121-120000", NowRun: "peak-20261129-120000"}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })); diff != "" {
		t.Error(diff)
	}
	for why, more := range map[string]func(*review.Input){
		"no whole run was made under the configuration of now": func(in *review.Input) { in.Configuration = "c9" },
		"the catalogue has no price":                           func(in *review.Input) { in.Bill.NotPriced = []string{"rds db.x9"} },
	} {
		if r := ask(steady(9, 5, 200), more); r.Series[0].Cost != nil || !strings.Contains(fmt.Sprint(r.Missing), why) {
			t.Errorf("%+v, %v, want %s", r.Series[0].Cost, r.Missing, why)
		}
	}
}

func TestNamesInAReviewAreText(t *testing.T) {
	bad := func(r *load.Run) { r.Environment["image"] = "`<script>`\n# x" }
	text := written(t, ask(append(steady(40, 12, 200), steady(20, 8, 260, bad)...), func(in *review.Input) { in.Unread = []string{"a\n# b | <i>"} }))
	if strings.Contains(text, "\n# x") || strings.Contains(text, "\n# b") || strings.Contains(text, "- a\n") {
		t.Error(text)
	}
}
