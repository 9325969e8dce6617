package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/load"
)

// Metrics of the scripts that objectives are about.
const (
	responseMetric = "http_req_duration{objective:response}"
	complexMetric  = "http_req_duration{objective:complex-search}"
)

// subjects are what people call the scripts' metrics, and their units.
var subjects = map[string]struct{ name, unit string }{
	responseMetric:          {"Response time", "ms"},
	complexMetric:           {"Complex search", "ms"},
	"upload_seconds_per_mb": {"Upload until it is found, per MB", "s"},
	"faults":                {"Failed or wrong answers", "%"},
	"dropped_iterations":    {"Load that could not be made", ""},
	"recall":                {"Relevant documents among ten hits", "%"},
	"degraded":              {"Complex searches answered without vectors", "%"},
	"without_vectors":       {"Complex searches that show no vectors", "%"},
	"freshness_seconds":     {"Upload until an earlier search finds it", "s"},
}

// subject is a metric as people call it, with its unit. One that nobody has named stands as it is.
func subject(metric string) (name, unit string) {
	if s, ok := subjects[metric]; ok {
		return s.name, s.unit
	}
	if strings.HasPrefix(metric, "http_req_failed") {
		return "Failed requests", "%"
	}
	if of, is := strings.CutPrefix(metric, "growth of "); is {
		return "Growth of " + of, "%"
	}
	return metric, ""
}

// objective names what a threshold is about: Response time p95.
func objective(t load.Threshold) string {
	name, _ := subject(t.Metric)
	if strings.HasPrefix(t.Threshold, "max") {
		return name + ", the longest"
	}
	if share := t.Share(); share > 0 {
		return name + " " + percentileName(share)
	}
	return name
}

func percentileName(share float64) string { return "p" + Short(share*100) }

// limit is a threshold's side of the comparison: below 2,000 ms.
func limit(t load.Threshold) string {
	_, unit := subject(t.Metric)
	value := amount(t.Limit(), unit)
	switch {
	case t.Threshold == "":
		return "–"
	case strings.Contains(t.Threshold, ">="):
		return "at least " + value
	case strings.Contains(t.Threshold, "<="):
		return "at most " + value
	case strings.Contains(t.Threshold, "=="):
		return value
	}
	return "below " + value
}

// Wanted is what a figure may come to by a budget: at most 800 ms.
func Wanted(h load.Held) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", h.Term, Short(h.Limit), h.Unit))
}

// came is what a figure came to, a dash for nothing.
func came(h load.Held) string {
	if h.Value == nil {
		return "–"
	}
	return figure(*h.Value, h.Unit)
}

// measured is what a verdict is about, a dash for nothing.
func measured(v load.Verdict) string {
	if v.Value == nil {
		return "–"
	}
	_, unit := subject(v.Metric)
	return amount(*v.Value, unit)
}

// amount is a value with its unit, in as many digits as tell something. A unit of % takes shares.
func amount(v float64, unit string) string {
	if unit == "%" {
		v *= 100
	}
	text := digits(v)
	if math.IsNaN(v) {
		return text
	}
	if unit != "" {
		text += " " + unit
	}
	return text
}

// digits is a number in three digits, or more where it is large, in groups of three.
func digits(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	decimals := 0
	if size := math.Abs(v); size > 0 && size < 100 {
		decimals = min(6, max(0, 2-int(math.Floor(math.Log10(size)))))
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	whole, rest, _ := strings.Cut(text, ".")
	if rest != "" {
		rest = "." + rest
	}
	return grouped(whole) + rest
}

func grouped(whole string) string {
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole
}

// Short is a number with three decimals at most, and as few as it needs.
func Short(v float64) string {
	text := strconv.FormatFloat(v, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// said is an outcome as people see it: what is not well stands out.
func said(o load.Outcome) string {
	if o == load.Kept {
		return string(o)
	}
	return strings.ToUpper(string(o))
}

// changed is a change as people see it: of a ratio a difference in points, else a share.
func changed(a compare.Answer, change float64) string {
	if a.Smallest == 0 {
		return fmt.Sprintf("%+.3f points", change*100)
	}
	return fmt.Sprintf("%+.1f %%", change*100)
}

// known tells whether a comparison has an interval.
func known(a compare.Answer) bool { return a.P != 1 || a.Smallest != 0 }

// figure is a figure's value with its unit; of a ratio in percent.
func figure(v float64, unit string) string {
	switch unit {
	case "ratio":
		unit = "%"
	case "right answers/s": // the figure's name says of what
		unit = "/s"
	}
	return amount(v, unit)
}

// span is a time within a run: 1:05, 1:02:05.
func span(seconds float64) string {
	d := time.Duration(math.Round(seconds)) * time.Second
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%02d", h, m, s)
	}
	return fmt.Sprintf("%d:%02d", m, s)
}
