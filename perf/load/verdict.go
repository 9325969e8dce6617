package load

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
)

// Outcome is what a run says of a threshold.
type Outcome string

// Outcomes. A run with one of the last two tells nothing of its stack there, and is no pass.
const (
	Kept           Outcome = "kept"
	Missed         Outcome = "missed"
	NotMeasured    Outcome = "not measured"    // no samples, or too few
	GeneratorBound Outcome = "generator-bound" // the generators were what was slow
)

// Verdict is a threshold judged over all generators.
type Verdict struct {
	Threshold
	Value   *float64 `json:"value"` // nil where nothing was measured
	Samples float64  `json:"samples"`
	Outcome Outcome  `json:"outcome"`
	Why     string   `json:"why,omitempty"` // of the last two outcomes
}

const (
	// mostStretch is how much of the declared load may be lacking because generators wake their users late. A load that
	// is 5 % smaller than declared is another load.
	mostStretch = 0.05
	// leastBeyond is how many samples have to lie beyond a percentile on average: fewer, and it is the largest sample by
	// chance.
	leastBeyond = 1
)

// rule is a threshold that was understood.
type rule struct {
	statistic string
	share     float64 // of a percentile; 0 for others
	operator  string
	limit     float64
}

// thresholdPattern is a threshold as the scripts write them: p(95)<2000, max<30, rate<=0.001, rate>=0.95, count==0.
var thresholdPattern = regexp.MustCompile(`^(p\([0-9.]+\)|med|max|rate|count)(<=|<|>=|==)([0-9.e+-]+)$`)

func (t Threshold) rule() (rule, error) {
	parts := thresholdPattern.FindStringSubmatch(t.Threshold)
	if parts == nil {
		return rule{}, fmt.Errorf("threshold of %s is %q, want one such as p(95)<2000, rate<=0.001 or count==0",
			t.Metric, t.Threshold)
	}
	limit, err := strconv.ParseFloat(parts[3], 64)
	if err != nil {
		return rule{}, fmt.Errorf("threshold of %s is %q: %w", t.Metric, t.Threshold, err)
	}
	share, _ := percentile(parts[1]) // 0 of max, which any number of samples has
	return rule{statistic: parts[1], share: share, operator: parts[2], limit: limit}, nil
}

func (r rule) holds(value float64) bool {
	switch r.operator {
	case "<":
		return value < r.limit
	case "<=":
		return value <= r.limit
	case ">=":
		return value >= r.limit
	}
	return value == r.limit
}

// judge holds the run against all its thresholds.
func (r *Run) judge() {
	seen := map[Threshold]bool{}
	r.Passed = !r.Partial
	for _, one := range r.results {
		for _, t := range one.Thresholds {
			if seen[t] {
				continue
			}
			seen[t] = true
			verdict := r.verdict(t)
			r.Verdicts = append(r.Verdicts, verdict)
			r.Passed = r.Passed && verdict.Outcome == Kept
		}
	}
	slices.SortFunc(r.Verdicts, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Threshold.Threshold, b.Threshold.Threshold))
	})
	r.judgeQuality()
}

// Open says why a run that missed nothing is no pass nevertheless.
func (r *Run) Open() (why []string) {
	why = r.Cut()
	for _, v := range r.Verdicts {
		if v.Outcome == NotMeasured || v.Outcome == GeneratorBound {
			why = append(why, fmt.Sprintf("%s: %s (%s)", v.Metric, v.Outcome, v.Why))
		}
	}
	return why
}

// Add adds verdicts on what generators do not see.
func (r *Run) Add(verdicts ...Verdict) {
	for _, v := range verdicts {
		r.Verdicts = append(r.Verdicts, v)
		r.Passed = r.Passed && v.Outcome == Kept
	}
}

// Missed tells whether an objective was.
func (r *Run) Missed() bool {
	return slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return v.Outcome == Missed })
}

// Limit is what a threshold is held against.
func (t Threshold) Limit() float64 {
	rule, err := t.rule()
	if err != nil {
		return math.NaN()
	}
	return rule.limit
}

// Share is that of a percentile, 0.95 of p(95)<2000; 0 of another statistic.
func (t Threshold) Share() float64 {
	rule, err := t.rule()
	if err != nil {
		return 0
	}
	return rule.share
}

func (r *Run) verdict(t Threshold) Verdict {
	rule, err := t.rule()
	if err != nil {
		panic(err) // Parse has checked it
	}
	v := Verdict{Threshold: t, Samples: r.samples(t.Metric), Outcome: Missed}
	if v.Value = r.value(t.Metric, rule); v.Value == nil {
		v.Outcome, v.Why = NotMeasured, "no samples"
		return v
	}
	if least := math.Ceil(leastBeyond/(1-rule.share) - 1e-6); rule.share > 0 && v.Samples < least {
		v.Outcome, v.Why = NotMeasured, fmt.Sprintf("%v samples, want %v or more", v.Samples, least)
		return v
	}
	if rule.holds(*v.Value) {
		v.Outcome = Kept
	}
	if why := r.generatorBound(t.Metric, rule, *v.Value); why != "" {
		v.Outcome, v.Why = GeneratorBound, why
	}
	return v
}

// generatorBound says why a value is one of the generators and not of the stack. What is missed for certain stays
// missed: a smaller load would only have been kinder.
func (r *Run) generatorBound(metric string, rule rule, value float64) string {
	kept := rule.holds(value)
	if kept && r.Stretch != nil && *r.Stretch > mostStretch {
		return fmt.Sprintf("users went on %.0f %% later than they meant to: the load was smaller than declared",
			*r.Stretch*100)
	}
	lag := r.trend(lagMetric)
	if kept || rule.share == 0 || len(lag) == 0 {
		return ""
	}
	if late := lag.quantile(rule.share); rule.holds(value - late/millis(metric)) {
		return fmt.Sprintf("generators woke users up to %.0f ms late, which may be all that was missed", late)
	}
	return ""
}

// millis is how many are in the unit of a trend: k6's own are in ms, uploadMetric and freshnessMetric in s.
func millis(metric string) float64 {
	if metric == uploadMetric || metric == freshnessMetric {
		return 1000
	}
	return 1
}

// value is a statistic of a metric over all generators; nil where none measured it. Of a count nothing is 0.
func (r *Run) value(metric string, rule rule) *float64 {
	var v float64
	switch {
	case rule.statistic == "count":
		v = r.sum(metric, "count")
	case r.samples(metric) == 0:
		return nil
	case rule.statistic == "rate": // of k6's: passes are what was true
		v = r.sum(metric, "passes") / (r.sum(metric, "passes") + r.sum(metric, "fails"))
	default:
		all := r.trend(metric)
		if len(all) == 0 {
			return nil
		}
		if v = all.quantile(rule.share); rule.statistic == "max" {
			v = all.quantile(1)
		}
	}
	return &v
}
