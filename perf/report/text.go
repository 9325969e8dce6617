package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/load"
)

// text writes a run for a terminal: verdicts, what each kind of request took, and the comparison where there is one.
func (r *Report) text(w io.Writer) error {
	s := r.Scenario
	fmt.Fprintf(w, "%s: %s, %.0f s, %d users, generators %d", r.Name, r.Headline(), r.Seconds(), s.Users, s.Generators)
	if s.Generators > 1 {
		fmt.Fprintf(w, ", which began within %.1f s", r.SkewSeconds)
	}
	fmt.Fprintln(w)
	if b := r.ErrorBudget; b != nil {
		fmt.Fprintf(w, "  error budget: %s\n", spent(b))
	}
	if !r.MeasuresQuality() {
		fmt.Fprintln(w, "  not measured, by scripts of before: recall, freshness, answers without vectors; "+
			"it counts for no verdict")
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range r.Verdicts {
		value := "-"
		if v.Value != nil {
			value = Short(*v.Value)
		}
		if v.Why != "" {
			value += "\t" + v.Why
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", said(v.Outcome), v.Metric, v.Threshold.Threshold, value)
	}
	budgets(table, r.Budgets)
	if err := table.Flush(); err != nil {
		return err
	}
	r.explain(w)
	r.kindsTook(table)
	if err := table.Flush(); err != nil || r.Comparison == nil {
		return err
	}
	fmt.Fprintln(w)
	return Comparison(w, r.Comparison)
}

// kindsTook writes what each kind of request took.
func (r *Report) kindsTook(w io.Writer) {
	if len(r.Endpoints) > 0 {
		fmt.Fprint(w, "\n  ms\trequests\tp50\tp95\tp99\tmax\n")
	}
	for _, e := range r.Endpoints {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\n",
			e.Kind, Short(e.Requests), Short(e.P50), Short(e.P95), Short(e.P99), Short(e.Max))
	}
}

// Comparison writes one for a terminal.
func Comparison(w io.Writer, c *load.Comparison) error {
	fmt.Fprintf(w, "%s: runs now %d, then %d, others for the noise %d\n", c.Scenario, len(c.Now), len(c.Then), c.Alike)
	for _, change := range c.Changes {
		fmt.Fprintf(w, "  %s: %s, was %s\n", change.Key, strings.Join(change.Now, ", "), strings.Join(change.Then, ", "))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "  \tfigure\tthen\tnow\tchange\t95 % between\tseen from\tmore runs\n")
	for _, a := range c.Answers {
		if a.Outcome == compare.NoBaseline && !known(a) {
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t\t%s\n", a.Outcome, a.Figure, Short(a.Then), Short(a.Now), a.Why)
			continue
		}
		fmt.Fprintf(table, "  %s\t%s\t%s %s\t%s\t%s\t%s to %s\t%s\t%d\n",
			a.Outcome, a.Figure, Short(a.Then), a.Unit, Short(a.Now),
			change(a, a.Change), change(a, a.Low), change(a, a.High), smallest(a), a.MoreRuns)
	}
	if len(c.Budgets) > 0 {
		fmt.Fprintln(table)
		budgets(table, c.Budgets)
	}
	return table.Flush()
}

// budgets writes rows of a table: outcome, figure, limit, value.
func budgets(w io.Writer, all []load.Held) {
	for _, h := range all {
		value := "-"
		if h.Value != nil {
			value = Short(*h.Value)
		}
		if h.Why != "" {
			value += "\t" + h.Why
		}
		fmt.Fprintf(w, "  %s\tbudget of %s\t%s\t%s\n", said(h.Outcome), h.Figure, Wanted(h), value)
	}
}

// spent is what a run took of its error budget.
func spent(b *load.ErrorBudget) string {
	return fmt.Sprintf("%s %% spent, %s faults of %s allowed", Short(b.SpentPercent), Short(b.Faults), Short(b.Allowed))
}

// change is one for a terminal: of a ratio a difference, else a share.
func change(a compare.Answer, change float64) string {
	if a.Smallest == 0 {
		return fmt.Sprintf("%+.5f", change)
	}
	return fmt.Sprintf("%+.1f %%", change*100)
}

// smallest is the smallest change that would have been seen.
func smallest(a compare.Answer) string {
	if a.Smallest == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", a.Smallest*100)
}
