package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

// mostLines is how many lines a chart has: for more there are no colors that are told apart.
const mostLines = 8

// charts are those over the time of the load.
func (r *Report) charts() []Chart { return append(r.measured(), r.told()...) }

// generators are who measured what users got.
const generators = "the load generators"

// measured are the charts of what users got, over slices of time.
func (r *Report) measured() (all []Chart) {
	all = append(all,
		Chart{ID: "response", Title: "Response time, but for complex searches", Unit: "ms",
			Lines:  r.took(func(s load.Slice) *load.Took { return s.Response }),
			Limits: r.limits("ms", isResponse)},
		Chart{ID: "complex", Title: "Complex searches", Unit: "ms",
			Lines:  r.took(func(s load.Slice) *load.Took { return s.Complex }),
			Limits: r.limits("ms", func(v load.Verdict) bool { return v.Metric == complexMetric && v.Share() > 0 })},
		Chart{ID: "kinds", Title: "Kinds of requests, p95", Unit: "ms", Lines: r.kinds()},
		Chart{ID: "throughput", Title: "Throughput", Unit: "/s", Lines: []Line{
			r.line("right answers", func(s load.Slice) float64 { return (s.Answers - s.Wrong) / s.Seconds }),
			r.line("failed or wrong", func(s load.Slice) float64 { return s.Wrong / s.Seconds })}},
		Chart{ID: "faults", Title: "Failed or wrong, of all answers", Unit: "%",
			Lines:  []Line{r.line("failed or wrong", func(s load.Slice) float64 { return s.Wrong / s.Answers })},
			Limits: r.limits("%", func(v load.Verdict) bool { return v.Metric == "faults" })},
	)
	for i := range all {
		all[i].Source = generators
	}
	return slices.DeleteFunc(all, func(c Chart) bool { return !slices.ContainsFunc(c.Lines, Line.any) })
}

// any tells whether a line has a value.
func (l Line) any() bool {
	return slices.ContainsFunc(l.Points, func(p Point) bool { return !math.IsNaN(p.Value) })
}

// line is a value of each slice, in its middle.
func (r *Report) line(name string, value func(load.Slice) float64) Line {
	l := Line{Name: name}
	for _, s := range r.Slices {
		if s.Seconds > 0 {
			l.Points = append(l.Points, Point{s.AtSeconds + s.Seconds/2, value(s)})
		}
	}
	return l
}

// took are the percentiles of a part of the requests.
func (r *Report) took(of func(load.Slice) *load.Took) []Line {
	line := func(name string, value func(*load.Took) *float64) Line {
		return r.line(name, func(s load.Slice) float64 {
			if t := of(s); t != nil && value(t) != nil {
				return *value(t)
			}
			return math.NaN()
		})
	}
	return []Line{
		line("p50", func(t *load.Took) *float64 { return t.P50 }),
		line("p95", func(t *load.Took) *float64 { return t.P95 }),
		line("p99", func(t *load.Took) *float64 { return t.P99 }),
	}
}

// kinds are the 95th percentiles of the kinds of requests, those with the most requests.
func (r *Report) kinds() (all []Line) {
	requests := map[string]float64{}
	for _, s := range r.Slices {
		for kind, t := range s.Kinds {
			requests[kind] += t.Requests
		}
	}
	kinds := slices.SortedFunc(maps.Keys(requests), func(a, b string) int {
		return cmp.Or(cmp.Compare(requests[b], requests[a]), cmp.Compare(a, b))
	})
	for _, kind := range kinds[:min(mostLines, len(kinds))] {
		all = append(all, r.line(kind, func(s load.Slice) float64 {
			if t := s.Kinds[kind]; t.P95 != nil {
				return *t.P95
			}
			return math.NaN()
		}))
	}
	return all
}

// mostFigures of a chart of what the stack told are written: of a long run there would be megabytes.
const mostFigures = 45

// foremost are the panels that are looked at first, of all that there are.
var foremost = []string{"api-latency", "replicas", "nodes", "pool-wait", "database-load", "cache", "edge-hits"}

// rank is where a panel's chart stands: with the foremost, or after them.
func rank(p telemetry.Panel) int {
	if i := slices.Index(foremost, p.Name); i >= 0 {
		return i
	}
	return len(foremost)
}

// told are the charts of what the stack told, the foremost first, the others in the order in which it was asked.
func (r *Report) told() (all []Chart) {
	if r.Telemetry == nil {
		return nil
	}
	panels := slices.SortedStableFunc(slices.Values(r.Telemetry.Panels), func(a, b telemetry.Panel) int {
		return cmp.Compare(rank(a), rank(b))
	})
	for _, p := range panels {
		p = fitting(p)
		c := Chart{ID: "told-" + p.Name, Title: p.Title, Unit: p.Unit, Source: p.Source, Note: p.Note, Stacked: p.Stacked,
			Figures: mostFigures}
		from, step := r.Telemetry.Steps(p)
		began := from.Sub(r.BeganAt).Seconds()
		for _, s := range p.Series {
			l := Line{Name: s.Name}
			for i, v := range s.Values {
				// The middle of a period that is longer than the run may be beside it.
				at := min(max(began+float64(i)*step.Seconds(), 0), r.length())
				l.Points = append(l.Points, Point{at, v})
			}
			c.Lines = append(c.Lines, l)
		}
		if p.Name == "api-latency" {
			c.Limits = r.limits(p.Unit, isResponse)
		}
		all = append(all, c)
	}
	return all
}

// rest is what parts of a whole are called that have no line of their own.
const rest = "other"

// fitting is a panel with as many series as a chart has lines. Of the parts of a whole those that are left out are one.
func fitting(p telemetry.Panel) telemetry.Panel {
	n := len(p.Series)
	switch {
	case n <= mostLines:
	case p.Stacked:
		p.Series = append(slices.Clone(p.Series[:mostLines-1]), sum(p.Series[mostLines-1:]))
	default:
		p.Title, p.Series = fmt.Sprintf("%s, the %d largest of %d", p.Title, mostLines, n), p.Series[:mostLines]
	}
	return p
}

// sum is several series as one. They all have a value, or none has.
func sum(of []telemetry.Series) telemetry.Series {
	all := telemetry.Series{Name: rest, Values: slices.Clone(of[0].Values)}
	for _, s := range of[1:] {
		for i := range min(len(all.Values), len(s.Values)) {
			all.Values[i] += s.Values[i]
		}
	}
	return all
}

// isResponse tells whether a verdict is that of all requests but complex searches.
func isResponse(v load.Verdict) bool {
	return v.Metric == responseMetric && v.Share() > 0
}
