package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/perf/load"
	figures "github.com/ragscale/ragscale/perf/profile/page"
)

//go:embed page.gohtml
var pageText string

//go:embed explain.gohtml
var explainText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"amount": amount, "digits": digits, "figure": figure, "said": said, "span": span,
	"objective": objective, "wanted": Wanted, "came": came, "spent": spent, "limit": limit, "measured": measured,
	"then": then, "now": now, "change": change95, "interval": interval, "answer": answer, "seen": smallest,
	"moment": func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 MST") },
	"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"list":   plain, "plain": figures.Plain, "sign": sign, "unit": plainUnit, "coded": coded, "predicted": predicted,
	"value": figures.Amount, "title": figures.Title, "headline": figures.Headline, "flameStyle": figures.FlameStyle,
	"percent": func(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) },
	"upper":   upper,
	"next":    func(i int) int { return i + 1 },
	"wide":    func(share float64) string { return fmt.Sprintf("%.1f", 100*min(1, max(0, share))) },
	"class":   func(text any) string { return strings.ReplaceAll(strings.ToLower(fmt.Sprint(text)), " ", "-") },
}).Parse(pageText + explainText))

// html writes the report as one page that needs nothing else. It reads in light and dark, narrow and wide, and on
// paper; charts are drawn in it, and runs nothing.
func (r *Report) html(w io.Writer) error {
	if err := page.Execute(w, r); err != nil {
		return fmt.Errorf("page of run %s: %w", r.Name, err)
	}
	return nil
}

// Drawings are the charts over time, all on one axis.
func (r *Report) Drawings() (all []Drawing) {
	for _, c := range r.Charts {
		all = append(all, c.draw(r.length()))
	}
	return all
}

// length is that of the axis of time, in seconds.
func (r *Report) length() float64 { return max(r.Seconds(), r.Scenario.DurationSeconds) }

// Spread is the drawing of how long requests took, nil where none were measured.
func (r *Report) Spread() *Drawing { return r.spread() }

// Sentence is the verdict as a sentence.
func (r *Report) Sentence() string {
	switch {
	case r.Missed():
		return "Objectives were missed."
	case r.OverBudget():
		return "Budgets were missed."
	case r.Passed:
		return "The objectives were kept."
	}
	return "The run is no pass: it does not tell."
}

// Tone is how the verdict looks.
func (r *Report) Tone() load.Outcome {
	switch {
	case r.Missed(), r.OverBudget():
		return load.Missed
	case r.Passed:
		return load.Kept
	}
	return load.NotMeasured
}

// Count is how many objectives have an outcome.
func (r *Report) Count(o load.Outcome) (n int) {
	for _, v := range r.Verdicts {
		if v.Outcome == o {
			n++
		}
	}
	return n
}

// Setting is something that the run was made under, and what it was then where that differs.
type Setting struct{ Key, Value, Then string }

// Settings are what the run was made under; what differs from the runs that it is compared with comes first.
func (r *Report) Settings() (all []Setting) {
	differs := map[string]bool{}
	if r.Comparison != nil {
		for _, c := range r.Comparison.Changes {
			differs[c.Key] = true
			all = append(all, Setting{c.Key, plain(c.Now), plain(c.Then)})
		}
	}
	if r.Program != "" {
		all = append(all, Setting{Key: "load generator", Value: r.Program})
	}
	for _, key := range slices.Sorted(maps.Keys(r.Environment)) {
		if !differs[key] {
			all = append(all, Setting{Key: key, Value: r.Environment[key]})
		}
	}
	return all
}

// plain are values one after the other.
func plain(values []string) string {
	var all []string
	for _, v := range values {
		if v == "" {
			v = "nothing"
		}
		all = append(all, v)
	}
	return strings.Join(all, ", ")
}
