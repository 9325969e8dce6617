package report

import (
	"fmt"

	"github.com/ragscale/ragscale/perf/load"
)

// mostLines is how many lines a chart has: for more there are no colors that are told apart.
const mostLines = 8

// charts are those over the time of the load.
func (r *Report) charts() []Chart { return r.told() }

// told are the charts of what the stack told, in the order in which it was asked.
func (r *Report) told() (all []Chart) {
	if r.Telemetry == nil {
		return nil
	}
	began := r.Telemetry.From.Sub(r.BeganAt).Seconds()
	for _, p := range r.Telemetry.Panels {
		if more := len(p.Series) - mostLines; more > 0 {
			p.Title, p.Series = fmt.Sprintf("%s, the %d largest of %d", p.Title, mostLines, len(p.Series)), p.Series[:mostLines]
		}
		c := Chart{ID: "told-" + p.Name, Title: p.Title, Unit: p.Unit, Source: p.Source}
		for _, s := range p.Series {
			l := Line{Name: s.Name}
			for i, v := range s.Values {
				l.Points = append(l.Points, Point{began + float64(i)*r.Telemetry.StepSeconds, v})
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

// isResponse tells whether a verdict is that of all requests but complex searches.
func isResponse(v load.Verdict) bool {
	return v.Metric == "http_req_duration{objective:response}" && v.Share() > 0
}
