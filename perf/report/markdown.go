package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ragscale/ragscale/perf/compare"
)

// markdown writes the summary for a pull request: the verdict, the objectives, the comparison, what is open.
func (r *Report) markdown(w io.Writer) error {
	var b strings.Builder
	s := r.Scenario
	fmt.Fprintf(&b, "### %s `%s`: %s\n\n", mark(r), code(r.Name), r.Headline())
	fmt.Fprintf(&b, "Scenario %s, stack %s: %d users, %s, generators %d, begun %s.\n\n", cell(s.Name),
		cell(r.Environment["stack"]), s.Users, span(r.Seconds()), s.Generators,
		r.BeganAt.UTC().Format("2006-01-02 15:04 MST"))
	fmt.Fprint(&b, "| objective | limit | measured | samples | verdict |\n|---|---|--:|--:|---|\n")
	for _, v := range r.Verdicts {
		verdict := said(v.Outcome)
		if v.Why != "" {
			verdict += ": " + v.Why
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell(objective(v.Threshold)), cell(limit(v.Threshold)), measured(v),
			digits(v.Samples), cell(verdict))
	}
	for _, h := range r.Budgets {
		verdict := said(h.Outcome)
		if h.Why != "" {
			verdict += ": " + h.Why
		}
		fmt.Fprintf(&b, "| budget of %s | %s | %s | | %s |\n", cell(h.Figure), cell(Wanted(h)), came(h), cell(verdict))
	}
	if r.ErrorBudget != nil {
		fmt.Fprintf(&b, "\nError budget: %s.\n", spent(r.ErrorBudget))
	}
	if r.explained {
		fmt.Fprintf(&b, "\nWhy: %s.\n", strings.TrimSuffix(r.sentence(cell), "."))
	}
	r.compared(&b)
	r.endpoints(&b)
	if len(r.Gaps) > 0 {
		fmt.Fprint(&b, "\nNot measured:\n\n")
		for _, gap := range r.Gaps {
			fmt.Fprintf(&b, "- %s: %s\n", cell(gap.What), cell(gap.Why))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mark shows the verdict where a pull request lists several.
func mark(r *Report) string {
	switch {
	case r.Missed(), r.OverBudget():
		return "❌"
	case r.Passed:
		return "✅"
	}
	return "⚠️"
}

// compared writes the comparison, and what differs between the runs.
func (r *Report) compared(b *strings.Builder) {
	c := r.Comparison
	if c == nil {
		return
	}
	fmt.Fprintf(b, "\nCompared with %s:\n\n", list(c.Then))
	fmt.Fprint(b, "| figure | then | now | change | 95 % between | answer |\n|---|--:|--:|--:|---|---|\n")
	for _, a := range c.Answers {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", cell(a.Figure), then(a), now(a),
			change95(a), interval(a), cell(answer(a)))
	}
	for i, d := range c.Changes {
		if i == 0 {
			fmt.Fprint(b, "\nWhat differs:\n\n")
		}
		fmt.Fprintf(b, "- %s: %s, was %s\n", cell(d.Key), list(d.Now), list(d.Then))
	}
}

// then and now are both sides of a comparison, a dash for one without a value.
func then(a compare.Answer) string { return side(a, a.Then) }

func now(a compare.Answer) string { return side(a, a.Now) }

func side(a compare.Answer, value float64) string {
	if empty(a) {
		return "–"
	}
	return figure(value, a.Unit)
}

// empty tells whether a side has no value at all.
func empty(a compare.Answer) bool { return a.Then == 0 && a.Now == 0 }

// change95 is a change, a dash for one that is not known.
func change95(a compare.Answer) string {
	if empty(a) {
		return "–"
	}
	return changed(a, a.Change)
}

// interval is the one that holds a change, a dash where it is not known.
func interval(a compare.Answer) string {
	if !known(a) {
		return "–"
	}
	low, _, _ := strings.Cut(changed(a, a.Low), " ")
	return low + " to " + changed(a, a.High)
}

// answer is what the runs say of a figure, with the reason where they do not.
func answer(a compare.Answer) string {
	if a.Why != "" {
		return string(a.Outcome) + ": " + a.Why
	}
	return string(a.Outcome)
}

// endpoints writes a table that is folded away.
func (r *Report) endpoints(b *strings.Builder) {
	if len(r.Endpoints) == 0 {
		return
	}
	fmt.Fprint(b, "\n<details><summary>Endpoints, ms</summary>\n\n")
	fmt.Fprint(b, "| endpoint | requests | p50 | p95 | p99 | max |\n|---|--:|--:|--:|--:|--:|\n")
	for _, e := range r.Endpoints {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n",
			cell(e.Kind), digits(e.Requests), digits(e.P50), digits(e.P95), digits(e.P99), digits(e.Max))
	}
	fmt.Fprint(b, "\n</details>\n")
}

// list are values as code, one after the other.
func list(values []string) string {
	var all []string
	for _, v := range values {
		if v == "" {
			all = append(all, "nothing")
			continue
		}
		all = append(all, "`"+code(v)+"`")
	}
	return strings.Join(all, ", ")
}

// code keeps a text within backticks, on one line, within a cell.
func code(text string) string {
	return strings.NewReplacer("`", "'", "\n", " ", "\r", " ", "|", "/").Replace(text)
}

// markdownSigns are what would be Markdown, HTML or a mention.
var markdownSigns = strings.NewReplacer(
	"\\", `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"\n", " ", "\r", " ", "@", "@\u200b", "#", `\#`)

// cell keeps a text a text, on one line.
func cell(text string) string { return markdownSigns.Replace(text) }
