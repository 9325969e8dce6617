package review

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Write writes the review as Markdown.
func (r *Review) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Load tests of stack %s, %s to %s\n",
		text(r.Stack), r.Since.UTC().Format(time.DateOnly), r.At.UTC().Format(time.DateOnly))
	bullets(&b, "Due", r.Due)
	if len(r.Series) == 0 {
		fmt.Fprint(&b, "\nThere was no run.\n")
	}
	for _, s := range r.Series {
		s.write(&b)
	}
	bullets(&b, "Not told", r.Missing)
	_, err := io.WriteString(w, b.String())
	return err
}

func bullets(b *strings.Builder, title string, all []string) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", title)
	for _, one := range all {
		fmt.Fprintf(b, "- %s\n", text(one))
	}
}

func (s Series) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s. Runs %d, %s to %s; passed %d", text(s.Scenario), text(s.Load), len(s.Runs),
		s.From.UTC().Format(time.DateOnly), s.To.UTC().Format(time.DateOnly), s.Passed)
	if s.Unfit > 0 {
		fmt.Fprintf(b, "; cut short or without all of their load, and in no trend, %d", s.Unfit)
	}
	fmt.Fprint(b, ".\n")
	if e := s.ErrorBudget; e != nil {
		fmt.Fprintf(b, "Error budget: %s %% spent, %s faults of %s allowed in %s requests.\n",
			number(e.SpentPercent), number(e.Faults), number(e.Allowed), number(e.Requests))
	}
	if c := s.Cost; c != nil {
		fmt.Fprintf(b, "A million right answers at this load, at list prices without what is billed by use: "+
			"%s USD then, %s USD now.\n", c.Then, c.Now)
	}
	if len(s.Trends) == 0 {
		return
	}
	fmt.Fprint(b, "\n| figure | runs | then | now | change | course |\n|---|--:|--:|--:|--:|---|\n")
	for _, t := range s.Trends {
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s | %s |\n",
			text(t.Figure), len(t.Values), amount(t.Then, t.Unit), amount(t.Now, t.Unit), t.change(), t.course())
	}
	for i, c := range s.Changes {
		if i == 0 {
			fmt.Fprint(b, "\nChanges:\n\n")
		}
		c.write(b)
	}
}

// String is a range of USD.
func (r Range) String() string {
	if r.LeastUSD == r.MostUSD {
		return number(r.LeastUSD)
	}
	return number(r.LeastUSD) + " to " + number(r.MostUSD)
}

// change is that from then to now; a dash where they are the same runs, or then is 0.
func (t Trend) change() string {
	if len(t.Values) < 2*ends || t.Then == 0 {
		return "–"
	}
	return fmt.Sprintf("%+.1f %%", 100*(t.Now/t.Then-1))
}

// bars draw a course, from the least value to the largest.
var bars = []rune("▁▂▃▄▅▆▇█")

// mostBars is how many of the newest runs a course has.
const mostBars = 40

func (t Trend) course() string {
	values := t.Values[max(0, len(t.Values)-mostBars):]
	least, largest := slices.Min(values), slices.Max(values)
	var line strings.Builder
	for _, v := range values {
		i := 0
		if largest > least {
			i = int((v - least) / (largest - least) * float64(len(bars)-1))
		}
		line.WriteRune(bars[i])
	}
	return line.String()
}

func (c Change) write(b *strings.Builder) {
	direction := "worse"
	if c.Better {
		direction = "better"
	}
	by := ""
	if c.Before != 0 {
		by = fmt.Sprintf(" by %+.1f %%", 100*(c.Then/c.Before-1))
	}
	fmt.Fprintf(b, "- %s: %s got %s%s with `%s`, from %s to %s (p %s).", c.At.UTC().Format(time.DateOnly), text(c.Figure),
		direction, by, code(c.Run), amount(c.Before, c.Unit), amount(c.Then, c.Unit), strconv.FormatFloat(c.P, 'g', 2, 64))
	if len(c.Differs) == 0 {
		fmt.Fprintf(b, " Nothing in the fingerprint differs from `%s`.\n", code(c.After))
		return
	}
	fmt.Fprintf(b, " Since `%s`:", code(c.After))
	for i, d := range c.Differs {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(b, " %s `%s`, was `%s`", text(d.Key), code(strings.Join(d.Now, " ")), code(strings.Join(d.Then, " ")))
	}
	b.WriteString(".\n")
}

// amount is a value with its unit.
func amount(v float64, unit string) string {
	switch unit {
	case "ratio":
		return number(100*v) + " %"
	case "right answers/s": // the figure's name says of what
		unit = "/s"
	}
	return number(v) + " " + unit
}

// number has three digits that tell, or all before the point.
func number(v float64) string {
	if size := max(v, -v); size >= 100 || v == 0 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// text keeps a text a text, on one line and in one cell.
func text(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;", "[", `\[`, "*", `\*`, "#", `\#`, "@", "@\u200b").Replace(s)
}

// code keeps a text within backticks.
func code(s string) string { return strings.NewReplacer("`", "'", "\n", " ", "\r", " ").Replace(s) }
