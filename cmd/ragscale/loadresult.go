package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// loadResult is what one generator leaves of a run: summary.json of components/loadtest/k6.
type loadResult struct {
	Scenario struct {
		Name       string
		Generators int // of the run: one on this machine, whatever the scenario has
	}
	Generator struct {
		Index int
		Job   string
	}
	BeganAt    *time.Time // of the load; nil when none came
	Thresholds []struct{ Metric, Threshold string }
	Metrics    map[string]struct {
		Values map[string]float64
	}
}

// loadReport is a run as a whole: the stable answer of `ragscale load report --json`.
type loadReport struct {
	Scenario    string        `json:"scenario"`
	Run         string        `json:"run"`
	Generators  int           `json:"generators"`
	SkewSeconds float64       `json:"skewSeconds"` // between the first generator's load and the last one's
	Passed      bool          `json:"passed"`
	Verdicts    []loadVerdict `json:"verdicts"`
}

// loadVerdict is a threshold judged over all generators.
type loadVerdict struct {
	Metric    string   `json:"metric"`
	Threshold string   `json:"threshold"`
	Value     *float64 `json:"value"`  // null where nothing was measured
	AtMost    bool     `json:"atMost"` // the value is a bound from above: percentiles of several generators
	OK        bool     `json:"ok"`
}

// mergeResults judges a run of so many generators over all of them. Counts and rates are sums, exactly. Of percentiles
// only a bound is known: when each part has 95 % of its requests within its p(95), the whole has within the largest. A
// verdict on the bound is never too kind.
func mergeResults(run string, generators int, results []loadResult) (loadReport, error) {
	if len(results) > 0 && results[0].Scenario.Generators > 0 {
		generators = results[0].Scenario.Generators
	}
	report := loadReport{Run: run, Generators: generators, Passed: true}
	if len(results) != generators {
		return report, fmt.Errorf("run %s has %d results, want %d, one of each generator", run, len(results), generators)
	}
	var began []time.Time
	rules := map[loadVerdict]bool{}
	for _, r := range results {
		if r.BeganAt == nil || r.Metrics["iterations"].Values["count"] == 0 {
			return report, fmt.Errorf("run %s: generator %d made no load, want some of each", run, r.Generator.Index)
		}
		report.Scenario = r.Scenario.Name
		began = append(began, *r.BeganAt)
		for _, t := range r.Thresholds {
			rules[loadVerdict{Metric: t.Metric, Threshold: t.Threshold}] = true
		}
	}
	report.SkewSeconds = slices.MaxFunc(began, time.Time.Compare).Sub(slices.MinFunc(began, time.Time.Compare)).Seconds()
	for rule := range rules {
		verdict, err := judge(rule, results)
		if err != nil {
			return report, fmt.Errorf("run %s: %w", run, err)
		}
		report.Verdicts = append(report.Verdicts, verdict)
		report.Passed = report.Passed && verdict.OK
	}
	slices.SortFunc(report.Verdicts, func(a, b loadVerdict) int {
		return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Threshold, b.Threshold))
	})
	return report, nil
}

// thresholdPattern is a threshold as the scripts write them: p(95)<2000, rate<=0.001, count==0.
var thresholdPattern = regexp.MustCompile(`^(p\([0-9.]+\)|rate|count)(<=|<|==)([0-9.e+-]+)$`)

// judge compares a metric of all generators with its threshold. As in k6, what was not measured keeps it.
func judge(rule loadVerdict, results []loadResult) (loadVerdict, error) {
	parts := thresholdPattern.FindStringSubmatch(rule.Threshold)
	if parts == nil {
		return rule, fmt.Errorf("threshold of %s is %q, want one such as p(95)<2000, rate<=0.001 or count==0", rule.Metric,
			rule.Threshold)
	}
	limit, err := strconv.ParseFloat(parts[3], 64)
	if err != nil {
		return rule, fmt.Errorf("threshold of %s: %w", rule.Metric, err)
	}
	rule.Value, rule.AtMost = whole(parts[1], rule.Metric, results)
	switch v := rule.Value; {
	case v == nil:
		rule.OK = true
	case parts[2] == "<":
		rule.OK = *v < limit
	case parts[2] == "<=":
		rule.OK = *v <= limit
	default:
		rule.OK = *v == limit
	}
	return rule, nil
}

// whole is a statistic of a metric over all generators; nil where none measured it. Of a count nothing is 0.
func whole(statistic, metric string, results []loadResult) (value *float64, atMost bool) {
	if statistic == "count" {
		var n float64
		for _, r := range results {
			n += r.Metrics[metric].Values["count"]
		}
		return &n, false
	}
	var measured []map[string]float64
	for _, r := range results {
		if values := r.Metrics[metric].Values; values["count"] > 0 || values["passes"]+values["fails"] > 0 {
			measured = append(measured, values)
		}
	}
	if len(measured) == 0 {
		return nil, false
	}
	sum := func(key string) (sum float64) {
		for _, values := range measured {
			sum += values[key]
		}
		return sum
	}
	var v float64
	switch statistic {
	case "rate": // of k6's: passes are what was true
		v = sum("passes") / (sum("passes") + sum("fails"))
	default:
		v, atMost = measured[0][statistic], len(measured) > 1
		for _, values := range measured {
			v = max(v, values[statistic])
		}
	}
	return &v, atMost
}

// parseResult reads a generator's result and says what it wanted of a form it does not know.
func parseResult(name string, text []byte) (r loadResult, err error) {
	var form struct{ Version int }
	if err := json.Unmarshal(text, &form); err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	if form.Version != 1 {
		return r, fmt.Errorf("%s: version is %d, want 1", name, form.Version)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// print writes the report for people.
func (r loadReport) print(w io.Writer) error {
	verdict := "thresholds kept"
	if !r.Passed {
		verdict = "THRESHOLDS MISSED"
	}
	fmt.Fprintf(w, "%s: %s over %d generators, which began within %.1f s\n", r.Run, verdict, r.Generators, r.SkewSeconds)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range r.Verdicts {
		kept, value := "MISSED", "nothing measured"
		if v.OK {
			kept = "kept"
		}
		if v.Value != nil {
			value = strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(*v.Value, 'f', 3, 64), "0"), ".")
		}
		if v.AtMost {
			value = "at most " + value
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", kept, v.Metric, v.Threshold, value)
	}
	return table.Flush()
}
