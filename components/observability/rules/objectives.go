package rules

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/slo"
)

// percentileBudget is what a 95th percentile leaves: one request in twenty may be slower.
const percentileBudget = 0.05

// objective is a promise about a share of events: bad ones are at most budget of all.
type objective struct {
	name    string // value of the label slo
	alert   string // start of the alerts' names
	section string
	// bad and total are rates over 5 minutes. bad exists whenever total does.
	bad, total string
	budget     float64
	summary    string
	of         slo.Threshold
}

// burn is a pair of windows. The long one makes sure that it matters, the short one that it still goes on.
type burn struct {
	long, short string
	factor      float64 // times the rate that uses up the budget in exactly 30 days
}

// Burn rates of 30 days' budget: 14.4 uses 2 % of it in an hour, 6 uses 5 % in six hours, 3 uses a tenth in a day, 1
// uses a tenth in three days.
// Source: https://sre.google/workbook/alerting-on-slos/ , multiwindow, multi-burn-rate alerts; read 2026-11-24.
var (
	pageBurns   = []burn{{"1h", "5m", FastestBurn}, {"6h", "30m", SecondBurn}}
	ticketBurns = []burn{{"1d", "2h", thirdBurn}, {"3d", "6h", slowestBurn}}
)

// FastestBurn is the highest burn rate that is looked for: a budget above 1/14.4 cannot burn that fast.
const (
	FastestBurn = 14.4
	SecondBurn  = 6
	thirdBurn   = 3
	slowestBurn = 1
)

// windows of all burn rates but the shortest, which is recorded from the rates themselves.
var windows = []string{"30m", "1h", "2h", "6h", "1d", "3d"}

// The API's own bounds of its histograms, seconds. Source: ragapi/metrics; a test compares them with what the API
// serves.
var (
	RequestBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 1.5, 1.75, 2, 2.25, 2.5, 3.5, 4.5, 5, 5.5, 7.5,
		10, 30}
	ProcessingBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 20, 25, 30, 35, 60, 120, 300}
)

// users leaves out what the kubelet asks: a pod that starts says that it is not ready, and no user has met a fault.
const users = `route!~"/healthz|/readyz"`

func (c Config) list() []objective {
	limits := c.Thresholds.API
	requests := `sum(rate(ragapi_http_request_duration_seconds_count{` + users + `}[5m]))`
	return []objective{
		{
			name: "availability", alert: "AvailabilityBurn", section: "availability-burn",
			bad:   `sum(rate(ragapi_http_request_duration_seconds_count{` + users + `,status=~"5.."}[5m])) or 0 * ` + requests,
			total: requests, budget: limits.ErrorRatio.Value, of: limits.ErrorRatio,
			summary: "Requests fail faster than the availability objective allows.",
		},
		{
			name: "latency", alert: "LatencyBurn", section: "latency-burn",
			bad:   slower("ragapi_http_request_duration_seconds", users, RequestBuckets, limits.ResponseSeconds.Value),
			total: requests, budget: percentileBudget, of: limits.ResponseSeconds,
			summary: fmt.Sprintf("More than one request in twenty takes longer than %s s.",
				number(limits.ResponseSeconds.Value)),
		},
		{
			name: "complex-search", alert: "ComplexSearchBurn", section: "complex-search-burn",
			bad:   slower("ragapi_search_duration_seconds", `mode="complex"`, RequestBuckets, limits.ComplexSearchSeconds.Value),
			total: `sum(rate(ragapi_search_duration_seconds_count{mode="complex"}[5m]))`, budget: percentileBudget,
			of: limits.ComplexSearchSeconds,
			summary: fmt.Sprintf("More than one complex search in twenty takes longer than %s s.",
				number(limits.ComplexSearchSeconds.Value)),
		},
		{
			name: "upload", alert: "UploadBurn", section: "upload-burn",
			bad: slower("ragapi_document_processing_seconds_per_megabyte", "", ProcessingBuckets,
				limits.UploadSecondsPerMB.Value),
			total: `sum(rate(ragapi_document_processing_seconds_per_megabyte_count[5m]))`, budget: percentileBudget,
			of: limits.UploadSecondsPerMB,
			summary: fmt.Sprintf("More than one document in twenty takes longer than %s s per MB.",
				number(limits.UploadSecondsPerMB.Value)),
		},
	}
}

// slower is the rate of events above a limit. Where the limit is no bound of the histogram the next lower one counts:
// the alert is then stricter than the objective, never laxer.
func slower(metric, labels string, bounds []float64, limit float64) string {
	within := "le=~`" + bound(bounds, limit) + "`"
	if labels != "" {
		within = labels + "," + within
	}
	count := metric + "_count"
	if labels != "" {
		count += "{" + labels + "}"
	}
	return fmt.Sprintf("sum(rate(%s[5m])) - sum(rate(%s_bucket{%s}[5m]))", count, metric, within)
}

// bound is the largest bound that is not above the limit, as a pattern: servers of Prometheus 3 write "2.0" where those
// before write "2". Source: https://prometheus.io/docs/prometheus/latest/migration/ ; read 2026-11-24.
func bound(bounds []float64, limit float64) string {
	best := bounds[0]
	for _, b := range bounds {
		if b <= limit {
			best = b
		}
	}
	text := regexp.QuoteMeta(number(best))
	if best == math.Trunc(best) {
		text += `(\.0)?`
	}
	return text
}

func (c Config) objectives() Group {
	all := c.list()
	g := Group{Name: "objectives", Interval: interval}
	for _, o := range all {
		for name, expr := range orderedPairs("slo:bad:rate5m", o.bad, "slo:total:rate5m", o.total, "slo:budget:ratio",
			"vector("+number(o.budget)+")") {
			g.Rules = append(g.Rules, Rule{Record: name, Expr: expr, Labels: map[string]string{"slo": o.name}})
		}
	}
	g.Rules = append(g.Rules, record("slo:bad:ratio_5m", "slo:bad:rate5m / slo:total:rate5m"))
	for _, w := range windows {
		// Sums of rates, not the mean of ratios: an hour of two requests must not weigh like the busiest one.
		g.Rules = append(g.Rules, record("slo:bad:ratio_"+w,
			fmt.Sprintf("sum_over_time(slo:bad:rate5m[%s]) / sum_over_time(slo:total:rate5m[%s])", w, w)))
	}
	for _, o := range all {
		g.Rules = append(g.Rules, c.alerts(
			alert{name: o.alert + "Fast", severity: Page, section: o.section, minutes: 2, summary: o.summary,
				expr: o.burning(pageBurns), of: []slo.Threshold{o.of}},
			alert{name: o.alert + "Slow", severity: Ticket, section: o.section, minutes: 15, summary: o.summary,
				expr: o.burning(ticketBurns), of: []slo.Threshold{o.of}},
		)...)
	}
	return g
}

// orderedPairs yields its arguments two by two, in order.
func orderedPairs(pairs ...string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for pair := range slices.Chunk(pairs, 2) {
			if !yield(pair[0], pair[1]) {
				return
			}
		}
	}
}

// BurnLimit is the share of bad events at which a budget burns factor times too fast, without the digits that floating
// point adds.
func BurnLimit(factor, budget float64) float64 { return math.Round(factor*budget*1e9) / 1e9 }

func (o objective) burning(pairs []burn) string {
	either := make([]string, len(pairs))
	for i, b := range pairs {
		limit := number(BurnLimit(b.factor, o.budget))
		either[i] = fmt.Sprintf(`(slo:bad:ratio_%s{slo=%q} > %s and slo:bad:ratio_%s{slo=%q} > %s)`, b.long, o.name, limit,
			b.short, o.name, limit)
	}
	return strings.Join(either, "\nor\n")
}
