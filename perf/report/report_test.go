package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/perf/load"
)

func TestTheVerdictIsWhatTheRunTells(t *testing.T) {
	for headline, p := range map[string]planted{
		"objectives kept":   {},
		"OBJECTIVES MISSED": {wrong: 40},
		"NO PASS":           {uploads: 4},
	} {
		r := New(p.run(t), alone, nil)
		if r.Headline() != headline {
			t.Errorf("%+v: %s, want %s", p, r.Headline(), headline)
		}
		for _, f := range []Format{HTML, Markdown, Text} {
			if text := written(t, r, f); !strings.Contains(text, headline) {
				t.Errorf("%s does not say %q", f, headline)
			}
		}
	}
}

// Faster and worse is worse: what was found less is told first, whatever else is kept.
func TestFewerFoundIsMissedInEveryForm(t *testing.T) {
	r := New(planted{lost: 100}.run(t), alone, nil)
	for f, want := range map[Format]string{
		HTML: "Relevant documents among ten hits", Markdown: "| Relevant documents among ten hits | at least 95 % | 94.4 % | 1,800 | MISSED |", Text: "MISSED  recall",
	} {
		if text := written(t, r, f); !strings.Contains(text, want) || !strings.Contains(text, "OBJECTIVES MISSED") {
			t.Errorf("%s does not say %q", f, want)
		}
	}
}

// What the scripts of its time did not measure is said, and counts for no verdict.
func TestARunOfBeforeSaysThatItDoesNotTellOfQuality(t *testing.T) {
	r := New(planted{old: true}.run(t), alone, nil)
	for f, want := range map[Format]string{
		HTML: "and measured none of them", Markdown: "recall, freshness, answers without vectors", JSON: "recall, freshness, answers without vectors",
		Text: "not measured, by scripts of before: recall, freshness, answers without vectors",
	} {
		if text := written(t, r, f); !strings.Contains(text, want) {
			t.Errorf("%s does not say %q", f, want)
		}
	}
	if !r.Passed || r.Headline() != "objectives kept" {
		t.Errorf("passed %v, %s", r.Passed, r.Headline())
	}
}

func TestABudgetThatIsMissedIsToldInEveryForm(t *testing.T) {
	limit := 10.0
	run := planted{}.run(t)
	run.Hold([]load.Budget{{Figure: "response p95", Limit: &limit}}, nil, nil)
	r := New(run, alone, nil)
	for _, f := range []Format{HTML, Markdown, Text} {
		text := written(t, r, f)
		for _, want := range []string{"BUDGETS MISSED", "udget of response p95", "at most 10 ms", "0 faults of"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q", f, want)
			}
		}
	}
}

func TestWhatWasNotMeasuredIsToldWithItsReason(t *testing.T) {
	for why, p := range map[string]planted{
		"generator 0 ended after 300 of 600 s":                                        {took: 5 * time.Minute},
		"not measured: no samples":                                                    {uploads: -1},
		"not measured: 7 samples, want 20 or more":                                    {uploads: 7},
		"generator-bound: users went on 6 % later than they meant to: the load was s": {lag: 60},
		"scenario normal: no baseline":                                                {},
	} {
		for _, f := range []Format{HTML, Markdown, JSON} {
			if text := written(t, New(p.run(t), alone, nil), f); !strings.Contains(text, why) {
				t.Errorf("%s of %+v does not say %q", f, p, why)
			}
		}
	}
}

func TestJSONHasTheRunAndMore(t *testing.T) {
	run := planted{generators: 2, under: map[string]string{"image": "0.2.0"}}.run(t)
	var got struct {
		Run         string
		Passed      bool
		Verdicts    []struct{ Outcome string }
		Endpoints   []struct{ Kind string }
		NotMeasured []Gap
		Spreads     []struct {
			Name, Unit string
			Points     []struct{ Share, Value float64 }
		}
		Comparison struct{ Then []string }
	}
	if err := json.Unmarshal([]byte(written(t, New(run, against(t, run, 1), nil), JSON)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Run != "normal-1" || !got.Passed || len(got.Verdicts) != 10 || len(got.Endpoints) != 6 || len(got.Comparison.Then) != 3 || got.NotMeasured == nil {
		t.Errorf("%+v", got)
	}
	if s := got.Spreads; len(s) != 3 || s[0].Name != "response" || s[2].Unit != "s/MB" || s[0].Points[0].Share != 0 || s[0].Points[len(s[0].Points)-1].Share != 1 {
		t.Errorf("spreads %+v", s)
	}
}

// Forms that people and pipelines read as they are.
func TestFormsOfARun(t *testing.T) {
	run := planted{generators: 2, slower: 1.5, uploads: 4, under: map[string]string{"image": "0.2.0"}}.run(t)
	for _, f := range []Format{Markdown, Text} {
		golden(t, "compared."+string(f), written(t, New(run, against(t, run, 1), nil), f))
		golden(t, "alone."+string(f), written(t, New(planted{wrong: 40}.run(t), alone, nil), f))
	}
}

func TestAnotherFormatIsRefused(t *testing.T) {
	want := `format is "pdf", want one of html, md, json, text`
	if err := Format("pdf").Check(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// What a scenario, a kind, a setting or a reason says is never more than text.
func TestNamesThatArePlanted(t *testing.T) {
	const script, link = `<script>alert("x")</script>`, `[a](http://x) | b` + "\n# c @team"
	run := planted{kinds: map[string]float64{script: 1, link: 2}, under: map[string]string{"image": script, "note": link}}.run(t)
	run.Scenario.Name, run.Name = script, "normal`1\n"
	r := New(run, Against{Why: script}, nil)
	page := written(t, r, HTML)
	if strings.Contains(page, "<script") || strings.Contains(page, "javascript:") {
		t.Error("the page has a script")
	}
	if !strings.Contains(page, "&lt;script&gt;") {
		t.Error("the page does not show the name as text")
	}
	text := written(t, r, Markdown)
	for _, bad := range []string{"<script", "[a](", "\n# c", "@team", "normal`"} {
		if strings.Contains(text, bad) {
			t.Errorf("the Markdown has %q:\n%s", bad, text)
		}
	}
}

func TestNumbersArePrintedInTheDigitsThatTell(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 0.00123: "0.00123", 0.5: "0.5", 7.126: "7.13", 99.96: "100", 1234567.8: "1,234,568", -1234: "-1,234"} {
		if got := digits(value); got != want {
			t.Errorf("%v: %s, want %s", value, got, want)
		}
	}
	for value, want := range map[float64]string{0: "0:00", 59.6: "1:00", 605: "10:05", 3661: "1:01:01"} {
		if got := span(value); got != want {
			t.Errorf("%v s: %s, want %s", value, got, want)
		}
	}
	if diff := cmp.Diff("0.1 %", amount(0.001, "%")); diff != "" {
		t.Error(diff)
	}
}
