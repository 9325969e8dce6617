package stacks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/stacks"
)

func number(v float64) *float64 { return &v }

func TestBudgetsAreReadFromTheirOwnNamespace(t *testing.T) {
	values, err := stacks.ReadFile(write(t, `
config:
  perf:budgets:
    normal:
      throughput: {limit: 80}
      faults: {limit: 0}
      responseP95: {limit: 800, worsePercent: 10}
`))
	if err != nil {
		t.Fatal(err)
	}
	c := mustParse(t, "dev", values)
	want := []stacks.LoadBudget{
		{Figure: "responseP95", Limit: number(800), WorsePercent: number(10)}, {Figure: "faults", Limit: number(0)},
		{Figure: "throughput", Limit: number(80)},
	}
	if diff := cmp.Diff(want, c.LoadBudgets("normal")); diff != "" {
		t.Error(diff)
	}
	if got := c.LoadBudgets("peak"); got != nil {
		t.Errorf("of a scenario without any: %v", got)
	}
	checkRoundTrip(t, c)
}

func TestFaultsOfBudgetsAreToldAtOnce(t *testing.T) {
	for text, want := range map[string]string{
		`{"normel": {}}`:                   "perf:budgets.normel is no key here, want one of smoke, normal, peak, stress, endurance, breakpoint, steps",
		`{"normal": {"p95": {}}}`:          "perf:budgets.normal.p95 is no known key, want one of responseP50, responseP95, complexSearchP50,",
		`{"peak": {"faults": {}}}`:         "perf:budgets.peak.faults has 0 entries, want at least 1",
		`{"peak": {"faults": 1}}`:          "perf:budgets.peak.faults is 1, want an object",
		`{"peak": {"faults": {"most":1}}}`: "perf:budgets.peak.faults.most is no key here, want limit or worsePercent",
		`{"peak": {"faults": {"limit":2}, "responseP50": {"limit":9}, "responseP95": {"limit":8}}}`: `perf:budgets.peak.faults.limit is 2, want a share from 0 to 1
perf:budgets.peak.responseP50.limit is 9, want at most that of responseP95, 8`,
		`{"peak": {"throughput": {"limit":-1, "worsePercent": "10 %"}}}`: `perf:budgets.peak.throughput.limit is -1, want a number from 0 to 1000000
perf:budgets.peak.throughput.worsePercent is "10 %", want a number from 0 to 1000000`,
	} {
		if _, err := parse(map[string]string{"perf:budgets": text}); !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
	_, err := parse(map[string]string{"perf:budgtes": "{}", "ragscale:cahce": "{}"})
	for _, want := range []string{"perf:budgtes is no known key (did you mean budgets?), want one of budgets", "ragscale:cahce is no known key (did you mean cache?)"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

func TestDigestTellsConfigurationsApart(t *testing.T) {
	one := mustParse(t, "dev", nil).Digest()
	if same := mustParse(t, "dev", map[string]string{"perf:budgets": `{"peak": {"faults": {"limit": 0}}}`}).Digest(); same != one || len(one) != 12 {
		t.Errorf("with a budget %s, without %s: nothing is made otherwise", same, one)
	}
	seen := map[string]bool{one: true}
	for _, other := range []map[string]string{{"ragscale:database": `{"replicas": 2}`}, {"ragscale:costCentre": "x"}, {"ragscale:slo": `{"cpuPercent": 71}`}} {
		if d := mustParse(t, "dev", other).Digest(); seen[d] {
			t.Errorf("%v: %s again", other, d)
		} else {
			seen[d] = true
		}
	}
}
