package report

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/ragscale/ragscale/perf/diagnose"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/profile"
	figures "github.com/ragscale/ragscale/perf/profile/page"
	"github.com/ragscale/ragscale/perf/recommend"
)

// Explanation leads from a missed objective to the change that mends it. Each part may be nil, and its reason says why
// then.
type Explanation struct {
	Diagnosis   *diagnose.Diagnosis `json:"diagnosis"`
	Undiagnosed string              `json:"undiagnosed,omitempty"`
	Advice      *recommend.Answer   `json:"recommendations"`
	Unadvised   string              `json:"unrecommended,omitempty"`
	Profile     *profile.Report     `json:"profile"`
	Unprofiled  string              `json:"unprofiled,omitempty"`
}

// Explain adds an explanation to a report. Without one its forms say nothing of it, and the page that there is none.
func (r *Report) Explain(e Explanation) {
	const why = "this report was made without one"
	r.Explanation, r.explained = e, true
	if e.Diagnosis == nil {
		r.Undiagnosed = cmp.Or(e.Undiagnosed, why)
	}
	if e.Advice == nil {
		r.Unadvised = cmp.Or(e.Unadvised, why)
	}
	if e.Profile == nil {
		r.Unprofiled = cmp.Or(e.Unprofiled, why)
	}
	r.Gaps = r.gaps()
}

// Step is one of the way from what was missed to what mends it.
type Step struct{ Of, Says string }

// Chain is that way: what was missed, the tier and its cause, the statement or function there, the change. Where it is
// not known how it goes on, that is its last step but the change.
func (r *Report) Chain() []Step {
	all := []Step{{"missed", r.missed()}}
	d := r.Diagnosis
	switch {
	case d == nil:
		all = append(all, Step{"diagnosis", "there is none: " + r.Undiagnosed})
	case d.Outcome != diagnose.Named || len(d.Findings) == 0:
		all = append(all, Step{"diagnosis", fmt.Sprintf("%s: %s", d.Outcome, d.Says)})
	default:
		f := d.Findings[0]
		all = append(all, Step{"tier", fmt.Sprintf("%s: %s (%s, confidence %s)", f.Tier, f.Says, f.Cause, f.Confidence)},
			r.innermost(f))
	}
	if change := r.change(); change != "" {
		all = append(all, Step{"change", change})
	}
	return all
}

// missed is what a run missed, in words.
func (r *Report) missed() string {
	var all []string
	for _, v := range r.Verdicts {
		if v.Outcome == load.Missed {
			all = append(all, fmt.Sprintf("%s %s, want %s", objective(v.Threshold), measured(v), limit(v.Threshold)))
		}
	}
	for _, h := range r.Budgets {
		if h.Outcome == load.Missed {
			all = append(all, fmt.Sprintf("budget of %s: %s, want %s", h.Figure, came(h), Wanted(h)))
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, "; ")
}

// profiled are the tiers of a diagnosis whose pods are profiled.
var profiled = map[string]string{"API": profile.API, "upload workers": profile.Worker}

// innermost is the statement or the function of a finding's tier that takes most. Of other tiers there is neither.
func (r *Report) innermost(f diagnose.Finding) Step {
	if f.Tier == "database" {
		return Step{"statement", r.statement()}
	}
	if tier, has := profiled[f.Tier]; has {
		return Step{"function", r.function(tier)}
	}
	return Step{"there", "neither statements nor functions of this tier are measured; docs/operations.md: " + f.Section}
}

// statement is the one that takes most of the database's instance that has the most to do.
func (r *Report) statement() string {
	all := r.Diagnosis.Facts.Databases
	if len(all) == 0 {
		return "not known: no database told of its load"
	}
	d := slices.MaxFunc(all, func(a, b diagnose.Database) int { return cmp.Compare(a.Load.Value, b.Load.Value) })
	if !d.Statements.Known() || d.Load.Value <= 0 {
		return "not known: " + cmp.Or(d.Statements.Lacking, "the database had no load")
	}
	return fmt.Sprintf("%s (%.0f %% of the load of the database's %s)", d.Statement, 100*d.Statements.Value/d.Load.Value,
		d.Name)
}

// function is what takes most of a tier's processors, of the functions of the API and its workers.
func (r *Report) function(tier string) string {
	if r.Profile == nil {
		return "not known: " + r.Unprofiled
	}
	for _, f := range r.Flames() {
		if f.Tier == tier && len(f.Charges) > 0 {
			c := f.Charges[0]
			return fmt.Sprintf("%s (%.0f %% of the CPU time of a %s, with what it calls of other modules; %s samples in all)",
				figures.Plain(c.Name), 100*c.Share, f.Per, digits(f.Samples))
		}
	}
	return fmt.Sprintf("not known: the profiles have no CPU time of functions of tier %s", tier)
}

// change is what is to be done first, "" where no cause is known.
func (r *Report) change() string {
	a := r.Advice
	switch {
	case r.Diagnosis == nil || r.Diagnosis.Outcome != diagnose.Named:
		return ""
	case a == nil:
		return "none is recommended: " + r.Unadvised
	case len(a.Recommendations) > 0:
		return fmt.Sprintf("%s (%s)", a.Recommendations[0].Says, predicted(a.Recommendations[0]))
	case len(a.ByHand) > 0:
		return fmt.Sprintf("by hand: %s; docs/operations.md: %s", a.ByHand[0].Says, a.ByHand[0].Section)
	}
	return "no key of the stack's file is recommended"
}

// predicted is what is predicted of a recommendation.
func predicted(r recommend.Recommendation) string {
	p := r.Predict
	if p.Now <= 0 {
		return "unverified, no effect predicted: " + p.How
	}
	return fmt.Sprintf("predicted, unverified: mean response %s ms to %s, between %s and %s", digits(p.Now),
		digits(p.Likely), digits(p.Low), digits(p.High))
}

// sentence is the chain in one line. Its last step is told apart: it is what to do, not why.
func (r *Report) sentence(clean func(string) string) string {
	var why []string
	change := ""
	for _, s := range r.Chain() {
		if s.Of == "change" {
			change = ". Change: " + clean(s.Says)
			continue
		}
		why = append(why, s.Of+": "+clean(s.Says))
	}
	return strings.Join(why, " → ") + change
}

// explain writes the chain for a terminal.
func (r *Report) explain(w io.Writer) {
	if r.explained {
		fmt.Fprintf(w, "\n  why: %s\n", r.sentence(oneLine))
	}
}

// upper is a text as it begins a sentence.
func upper(text any) string {
	letters := []rune(fmt.Sprint(text))
	if len(letters) > 0 {
		letters[0] = unicode.ToUpper(letters[0])
	}
	return string(letters)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Flame is a tier's CPU time: a flame graph, and what the functions of the API and its workers spend.
type Flame struct {
	profile.Hotspots
	Title, Headline string
	Charges         []profile.Charge // the most expensive first, most of them
	Others          profile.Charge   // what none of ours called: the runtime's own work

	root *profile.Node
}

// mostCharges of a tier are told.
const mostCharges = 15

// Flames are the CPU times of the profiled tiers.
func (r *Report) Flames() (all []Flame) {
	if r.Profile == nil {
		return nil
	}
	for i, h := range r.Profile.Hotspots {
		if h.Kind != profile.CPU || i >= len(r.Profile.Trees) {
			continue
		}
		f := Flame{Hotspots: h, Title: figures.Title(h), Headline: figures.Headline(h), root: r.Profile.Trees[i]}
		f.Charges, f.Others = f.root.Charges()
		f.Charges = f.Charges[:min(len(f.Charges), mostCharges)]
		all = append(all, f)
	}
	return all
}

// Draw is the flame graph.
func (f Flame) Draw() (template.HTML, error) { return figures.FlameGraph(f.Hotspots, f.root) }

// Routes are what each route takes.
func (f Flame) Routes() (all []profile.Label) {
	for _, l := range f.Labels {
		if l.Key == profile.RouteLabel {
			l.Name = cmp.Or(l.Name, "of no request: the runtime's own work, what is read anew")
			all = append(all, l)
		}
	}
	return all
}

// Measured tells whether any part of the time has a measure.
func (r *Report) Measured() bool {
	return r.Diagnosis != nil && r.Telemetry != nil && slices.ContainsFunc(r.Diagnosis.Split.Parts,
		func(p diagnose.Part) bool { return p.Lacking == "" && p.Millis > 0 })
}

// Notes are what bounds a diagnosis, beside what is told as not measured.
func (r *Report) Notes() []string {
	return slices.DeleteFunc(slices.Clone(r.Diagnosis.Notes), func(n string) bool {
		return r.Telemetry != nil && strings.HasPrefix(n, diagnose.NotKept)
	})
}

// plainUnit is a diagnosis' unit as this package writes it.
func plainUnit(unit string) string {
	if unit == "share" {
		return "%"
	}
	return unit
}

// sign is a sign's measured value, a dash with the reason where there is none.
func sign(f diagnose.Fact) string {
	if !f.Known() {
		return "– (" + f.Lacking + ")"
	}
	return amount(f.Value, plainUnit(f.Unit))
}

// coded is a text in which what stands between backticks is code.
func coded(text string) template.HTML {
	var b strings.Builder
	parts := strings.Split(text, "`")
	for i, p := range parts {
		p = template.HTMLEscapeString(p)
		switch {
		case i%2 == 1 && i+1 < len(parts):
			p = "<code>" + p + "</code>"
		case i%2 == 1:
			p = "`" + p
		}
		b.WriteString(p)
	}
	return template.HTML(b.String())
}
