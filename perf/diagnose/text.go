package diagnose

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Write tells a diagnosis for a terminal: the verdict with its evidence, where the time goes, what binds first, and
// what was not measured.
func (d *Diagnosis) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s: %s\n", d.Run, d.headline(), d.Says)
	if len(d.Effects) > 0 {
		fmt.Fprintf(w, "  effects: %s\n", strings.Join(words(d.Effects), ", "))
	}
	fmt.Fprintf(w, "  steady part: %s to %s UTC, %.4g requests/s\n", d.From.UTC().Format(time.TimeOnly),
		d.To.UTC().Format(time.TimeOnly), d.Load)
	for i, f := range d.Findings {
		f.write(w, i)
	}
	for _, f := range d.Seen {
		fmt.Fprintf(w, "\n  seen, without an effect on what the run is judged by: %s (%s)\n", f.Says, f.Cause)
	}
	if err := d.Split.write(w); err != nil {
		return err
	}
	if err := d.Laws.write(w); err != nil {
		return err
	}
	d.gaps(w)
	return nil
}

func (d *Diagnosis) headline() string {
	if d.Outcome == Named {
		return fmt.Sprintf("first cause %s (confidence %s)", d.Findings[0].Cause, d.Findings[0].Confidence)
	}
	return string(d.Outcome)
}

func words(all []Effect) []string {
	var texts []string
	for _, e := range all {
		texts = append(texts, string(e))
	}
	return texts
}

func (f Finding) write(w io.Writer, i int) {
	goes := percentOf(f.Share) + " of the time goes with it"
	if f.apart {
		goes = percentOf(f.Share) + " of what was missed, by its own measure: the mean time below does not tell"
	}
	fmt.Fprintf(w, "\n  %d. %s: %s; %s\n", i+1, f.Cause, f.Says, goes)
	for _, e := range f.Evidence {
		fmt.Fprintf(w, "     %s\n", e)
	}
	if len(f.Leads) > 0 {
		fmt.Fprintf(w, "     follows from it: %s\n", strings.Join(f.Leads, ", "))
	}
	fmt.Fprintf(w, "     confidence %s: %s\n", f.Confidence, strings.Join(f.Why, ";\n       "))
	fmt.Fprintf(w, "     docs/operations.md: %s\n", f.Section)
}

// String tells a sign: what was measured, against what, and where it is from.
func (e Evidence) String() string {
	if !e.Fact.known {
		return fmt.Sprintf("%s: not measured (%s)", e.Sign, e.Fact.Lacking)
	}
	return fmt.Sprintf("%s: %s, limit %s (%s); %s, %d values %s to %s", e.Sign, amount(e.Fact.Value, e.Fact.Unit),
		amount(e.Limit, e.Fact.Unit), e.Why, e.Fact.Series, e.Fact.Values, e.Fact.From.UTC().Format(time.TimeOnly),
		e.Fact.To.UTC().Format(time.TimeOnly))
}

// Figure is a value with three significant digits, as people write it: 2640, not 2.64e+03.
func Figure(v float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

func amount(v float64, unit string) string {
	if unit == share {
		return percentOf(v)
	}
	return strings.TrimSpace(Figure(v) + " " + unit)
}

func (s Split) write(w io.Writer) error {
	fmt.Fprintf(w, "\n  where the time of a request goes, mean over all kinds: %.4g ms\n", s.total())
	if why, none := s.unmeasured(); none {
		fmt.Fprintf(w, "    its parts were not measured: %s\n", why)
		return s.writeKinds(w)
	}
	if s.UnexplainedShare < -unexplainedMost {
		fmt.Fprintf(w, "    parts overlap: each was measured by itself, and together they come to %.4g ms, %s of that\n",
			s.parts(), percentOf(1-s.UnexplainedShare))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "    \tmean\tof its time\tfrom\n")
	for _, p := range s.Parts {
		if p.Lacking != "" {
			fmt.Fprintf(table, "    %s\t-\t\tnot measured: %s\n", p.Name, clip(p.Lacking))
			continue
		}
		fmt.Fprintf(table, "    %s\t%s ms\t%s\t%s\n", p.Name, Figure(p.Millis), percentOf(p.Share), clip(p.From))
	}
	left := s.Left()
	fmt.Fprintf(table, "    %s\t%s ms\t%s\t%s\n", left.Name, Figure(left.Millis), percentOf(left.Share), left.From)
	if err := table.Flush(); err != nil {
		return err
	}
	return s.writeKinds(w)
}

// Left is what is left of a request's time beside its parts, or by what they come to more than it, with what it may be.
func (s Split) Left() Part {
	if s.Unexplained < 0 {
		return Part{Name: "counted beyond its time", Millis: -s.Unexplained, Share: -s.UnexplainedShare,
			From: "ran at once, or beside requests: the worker's, what is read anew"}
	}
	return Part{Name: "without an explanation", Millis: s.Unexplained, Share: s.UnexplainedShare,
		From: "waiting for a processor, locks, what was not measured"}
}

// unmeasured is why no part was measured; false where one was.
func (s Split) unmeasured() (why string, none bool) {
	for _, p := range s.Parts {
		if p.Lacking == "" {
			return "", false
		}
		if why == "" {
			why = clip(p.Lacking)
		}
	}
	return why, true
}

// parts is what the parts come to, ms.
func (s Split) parts() (sum float64) {
	for _, p := range s.Parts {
		sum += p.Millis
	}
	return sum
}

// writeKinds tells what each kind of request spends.
func (s Split) writeKinds(w io.Writer) error {
	if len(s.Kinds) == 0 {
		return nil
	}
	var lacking []Kind
	below := false
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\n    mean, ms\tclient\tAPI\toutside\n")
	for _, k := range s.Kinds {
		if k.API == nil {
			lacking = append(lacking, k)
			fmt.Fprintf(table, "    %s\t%.4g\t-\t-\n", k.Kind, k.Client)
			continue
		}
		below = below || *k.Outside < 0
		fmt.Fprintf(table, "    %s\t%.4g\t%.4g\t%.4g\n", k.Kind, k.Client, *k.API, *k.Outside)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	reason := func(i int) (string, string) { return lacking[i].Kind, clip(lacking[i].Lacking) }
	for _, g := range grouped(len(lacking), reason) {
		fmt.Fprintf(w, "    not told apart at the API: %s: %s\n", some(g.names), g.shared)
	}
	if below {
		fmt.Fprintln(w, "    outside is below 0 where the API was slower in the steady part, of which its means are,")
		fmt.Fprintln(w, "    than over all the load, of which the clients' are, or where its route serves others, too")
	}
	return nil
}

func (l Laws) write(w io.Writer) error {
	at := "a rate that was not measured"
	if l.Rate.known {
		at = amount(l.Rate.Value, l.Rate.Unit)
	}
	fmt.Fprintf(w, "\n  what binds, by utilisation and demand (U = X·D, X ≤ servers/D), at %s\n", at)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(l.Tiers) > 0 {
		fmt.Fprint(table, "    \tdemand\tbusy\tof\tbinds at\tslo.cpuPercent at\n")
	}
	for _, t := range l.Tiers {
		at := "-"
		if t.AtObjective > 0 {
			at = amount(t.AtObjective, perSecond)
		}
		fmt.Fprintf(table, "    %s\t%s ms\t%s\t%s\t%s\t%s\n", t.Name, Figure(t.Demand), Figure(t.Busy), Figure(t.Servers),
			amount(t.Bound, perSecond), at)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if l.Users > 0 {
		fmt.Fprintf(w, "    %s binds at some %.0f users (N* = Xmax·(R + Z)); once it is lifted, %s\n", l.Tiers[0].Name,
			l.Users, l.second())
	}
	l.lacks(w)
	for _, c := range l.Checks {
		switch {
		case c.Lacking != "":
			fmt.Fprintf(w, "    not checked: %s (%s)\n", c.Law, clip(c.Lacking))
		case c.Violated:
			fmt.Fprintf(w, "    VIOLATED: %s\n", c)
		default:
			fmt.Fprintf(w, "    holds: %s: %s and %s\n", c.Law, Figure(c.One), Figure(c.Other))
		}
	}
	return nil
}

// lacks tells of which tiers the demand is not known, each reason once.
func (l Laws) lacks(w io.Writer) {
	groups := grouped(len(l.Lacking), func(i int) (string, string) {
		name, why, _ := strings.Cut(l.Lacking[i], ": ")
		return name, clip(why)
	})
	for _, g := range groups {
		fmt.Fprintf(w, "    no demand of %s: %s\n", some(g.names), g.shared)
	}
}

func (l Laws) second() string {
	next, ok := l.Next()
	if !ok {
		return "no other was measured whose demand would stay"
	}
	return fmt.Sprintf("%s at %s", next.Name, amount(next.Bound, perSecond))
}
