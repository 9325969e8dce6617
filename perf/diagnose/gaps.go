package diagnose

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/perf/telemetry"
	"github.com/ragscale/ragscale/stacks"
)

// What a terminal is told of gaps is bounded; JSON has all causes and series.
const (
	mostGaps    = 6   // lines or names of a kind
	mostNames   = 3   // names before a reason
	mostLetters = 110 // of a line that is put together of names, beside its indentation
	mostNotes   = 15  // reasons for which telemetry lacks something
	mostReason  = 80  // letters of a text that comes from elsewhere
)

// clip bounds a text that comes from elsewhere: an error may hold a page. It begins with a file's name and ends with
// what is wrong, so that its middle goes.
func clip(text string) string { return clipTo(text, mostReason) }

func clipTo(text string, most int) string {
	letters := []rune(strings.Join(strings.Fields(text), " "))
	if len(letters) <= most {
		return string(letters)
	}
	return string(letters[:most/3]) + "…" + string(letters[len(letters)-(most-most/3-1):])
}

// some names the first of many.
func some(names []string) string {
	if len(names) <= mostNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNames], ", "), len(names)-mostNames)
}

// group is names with what they share.
type group struct {
	shared string
	names  []string
}

// grouped puts names together by what they share, in the order in which they came.
func grouped(n int, of func(i int) (name, shared string)) (all []group) {
	for i := range n {
		name, shared := of(i)
		at := slices.IndexFunc(all, func(g group) bool { return g.shared == shared })
		if at < 0 {
			all, at = append(all, group{shared: shared}), len(all)
		}
		all[at].names = append(all[at].names, name)
	}
	return all
}

// NotKept begins notes of what telemetry lacks.
const NotKept = "not kept:"

// notKept tells what telemetry lacks, each reason once.
func notKept(missing []telemetry.Missing) (notes []string) {
	groups := grouped(len(missing), func(i int) (string, string) {
		return clip(missing[i].What), clipTo(missing[i].Why, mostReason*3/2)
	})
	for _, g := range groups {
		notes = append(notes, fmt.Sprintf(NotKept+" %s: %s", some(g.names), g.shared))
	}
	if more := len(notes) - mostNotes; more > 0 {
		notes = append(notes[:mostNotes], fmt.Sprintf(NotKept+" more, for %d reasons: telemetry.json has them", more))
	}
	return notes
}

// told tells whether telemetry has anything of the API over the steady part.
func (f *Facts) told() bool { return f.Rate.known || f.Busy.known || f.CPU.known }

// leastTold is how long a run has to last for rates over a minute to be of it, s: what perf/telemetry asks of short
// runs.
const leastTold = 120

// untold says that the steady part has no telemetry, and what to do for it; "" where it has some.
func (d *Diagnosis) untold(x *situation) string {
	if x.told() {
		return ""
	}
	says := fmt.Sprintf("the steady part of %.0f s has no telemetry: ", d.To.Sub(d.From).Seconds())
	if loadSeconds(x.run) < leastTold {
		return says + fmt.Sprintf("`ragscale load run %s --stack %s` lasts long enough", longEnough(x.cfg), x.cfg.Stack)
	}
	return says + clip(x.Rate.Lacking)
}

// lacks says in a line what would decide.
func (d *Diagnosis) lacks(x *situation) string {
	if says := d.untold(x); says != "" {
		return says
	}
	return fmt.Sprintf("%d causes may hold, and not all that decides was measured: `ragscale diagnose %s` says what lacks",
		len(d.Open), d.Run)
}

// longEnough is the first scenario that lasts long enough to be told of, and has a steady part.
func longEnough(cfg *stacks.Config) string {
	for _, s := range cfg.LoadScenarios() {
		if !s.StopAtFault && s.DurationSeconds >= leastTold && s.RampUpSeconds < s.DurationSeconds {
			return s.Name
		}
	}
	return "SCENARIO"
}

// gaps tells what the answer lacks.
func (d *Diagnosis) gaps(w io.Writer) {
	if len(d.Open)+len(d.Laws.Lacking)+len(d.Notes) > 0 {
		fmt.Fprintln(w, "\n  what the answer lacks")
	}
	if len(d.Open) > 0 {
		d.open(w)
	}
	for _, n := range d.Notes {
		fmt.Fprintf(w, "    %s\n", n)
	}
}

// open tells which causes could not be told, and for lack of which series.
func (d *Diagnosis) open(w io.Writer) {
	var causes, series []string
	for _, o := range d.Open {
		causes = append(causes, o.Cause)
		for _, s := range o.Lacking {
			if s = clip(s); !slices.Contains(series, s) {
				series = append(series, s)
			}
		}
	}
	line := ""
	for i, c := range causes {
		if i > 0 && len(line)+len(c) > mostLetters {
			fmt.Fprintf(w, "    may hold: %s\n", line)
			line = ""
		}
		line += c
		if i+1 < len(causes) {
			line += ", "
		}
	}
	fmt.Fprintf(w, "    may hold: %s\n", line)
	for _, s := range series[:min(mostGaps, len(series))] {
		fmt.Fprintf(w, "    not measured: %s\n", s)
	}
	if more := len(series) - mostGaps; more > 0 {
		fmt.Fprintf(w, "    not measured: %d more series (--json names all)\n", more)
	}
}
