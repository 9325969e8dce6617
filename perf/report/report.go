// Package report tells people what a run of a load test measured: as a page, as Markdown for a pull request, as text.
//
// Owns: what is told and in which order, charts, the way from a missed objective to the change that mends it. Does not
// own: measuring and judging (perf/load), comparing (perf/compare), diagnosis, recommendations and profiles, which it
// is handed (perf/diagnose, perf/recommend, perf/profile), where reports go.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

// Report is what is told of a run.
type Report struct {
	*load.Run
	Endpoints  []load.Endpoint  `json:"endpoints"`
	Spreads    []load.Spread    `json:"spreads"`
	Slices     []load.Slice     `json:"slices"`     // null where results have none
	Charts     []Chart          `json:"-"`          // over the time of the load
	Comparison *load.Comparison `json:"comparison"` // null where Uncompared says why there is none
	Uncompared string           `json:"uncompared,omitempty"`
	Gaps       []Gap            `json:"notMeasured"`

	Telemetry *telemetry.Telemetry `json:"telemetry"` // null where none was kept
	Explanation

	explained bool
	against   *load.Run // one whose distribution is shown beside
}

// Gap is what was not measured.
type Gap struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Against is what a run is compared with.
type Against struct {
	Comparison *load.Comparison
	Why        string    // there is none
	Run        *load.Run // whose distribution is shown beside; nil for none
}

// New tells of a run. Its telemetry may be nil.
func New(run *load.Run, against Against, told *telemetry.Telemetry) *Report {
	r := &Report{
		Run: run, Endpoints: run.Endpoints(), Spreads: run.Spreads(), Slices: run.Slices(),
		Comparison: against.Comparison, Uncompared: against.Why, Telemetry: told, against: against.Run,
	}
	r.Charts = r.charts()
	r.Gaps = r.gaps()
	return r
}

func (r *Report) gaps() []Gap {
	all := []Gap{}
	for _, why := range r.Cut() {
		all = append(all, Gap{"a part of the load", why})
	}
	for _, v := range r.Verdicts {
		if v.Why != "" {
			all = append(all, Gap{objective(v.Threshold), string(v.Outcome) + ": " + v.Why})
		}
	}
	if !r.MeasuresQuality() {
		all = append(all, Gap{"recall, freshness, answers without vectors",
			"scripts of an earlier version made the results, and measured none of them"})
	}
	if len(r.Slices) == 0 {
		all = append(all, Gap{"latency, throughput and errors over time",
			"the results have no slices of time: scripts of an earlier version made them"})
	}
	if r.Telemetry == nil {
		all = append(all, Gap{"what the stack did meanwhile", "no telemetry was kept with the results"})
	} else {
		for _, m := range r.Telemetry.Missing {
			all = append(all, Gap{m.What, m.Why})
		}
	}
	for _, gap := range []Gap{
		{"the comparison with other runs", r.Uncompared}, {"the diagnosis", r.Undiagnosed},
		{"recommendations", r.Unadvised}, {"where the CPU time of pods goes", r.Unprofiled},
	} {
		if gap.Why != "" {
			all = append(all, gap)
		}
	}
	return all
}

// Headline is the verdict in two words.
func (r *Report) Headline() string {
	switch {
	case r.Missed():
		return "OBJECTIVES MISSED"
	case r.OverBudget():
		return "BUDGETS MISSED"
	case r.Passed:
		return "objectives kept"
	}
	return "NO PASS"
}

// OverBudget tells whether a budget was missed.
func (r *Report) OverBudget() bool { return load.BudgetMissed(r.Budgets) }

// Format is a form of reports.
type Format string

// Formats of a report.
const (
	HTML     Format = "html"
	Markdown Format = "md"
	JSON     Format = "json"
	Text     Format = "text"
)

var formats = []Format{HTML, Markdown, JSON, Text}

// Check wants a format to be one of those that there are.
func (f Format) Check() error {
	if slices.Contains(formats, f) {
		return nil
	}
	var names []string
	for _, one := range formats {
		names = append(names, string(one))
	}
	return fmt.Errorf("format is %q, want one of %s", f, strings.Join(names, ", "))
}

// Write writes the report in a format.
func (r *Report) Write(w io.Writer, f Format) error {
	switch f {
	case HTML:
		return r.html(w)
	case Markdown:
		return r.markdown(w)
	case JSON:
		return json.NewEncoder(w).Encode(r)
	case Text:
		return r.text(w)
	}
	return f.Check()
}
