package page

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/profile"
)

// Text writes a report for a terminal.
func Text(w io.Writer, r *profile.Report) error {
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	during := "no load test"
	if r.Run != "" {
		during = "run " + r.Run
	}
	fmt.Fprintf(out, "profiles %s, stack %s, %s: windows %d, pods %d, during %s\n", r.Name, r.Stack,
		r.TakenAt.UTC().Format(time.DateTime), r.Windows, r.Pods, during)
	for _, h := range r.Hotspots {
		hotspots(out, h)
	}
	notes(out, r.Notes)
	for _, m := range r.Missing {
		fmt.Fprintf(out, "missing: %s: %s\n", m.What, m.Why)
	}
	return out.Flush()
}

func notes(w io.Writer, all []string) {
	if len(all) > 0 {
		fmt.Fprintln(w)
	}
	for _, n := range all {
		fmt.Fprintf(w, "note: %s\n", n)
	}
}

func hotspots(w io.Writer, h profile.Hotspots) {
	fmt.Fprintf(w, "\n%s: %s\n", strings.ToUpper(title(h)), headline(h))
	for i, l := range h.Labels {
		if i == 0 || h.Labels[i-1].Key != l.Key {
			fmt.Fprintf(w, "  BY %s\tPER %s\tSHARE\tPER ONE OF ITS OWN\n", strings.ToUpper(l.Key), strings.ToUpper(h.Per))
		}
		own := "-"
		if l.Own > 0 {
			own = fmt.Sprintf("%s of %s", amount(l.Own, h.Unit), count(l.OwnOf))
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", none(l.Name), amount(l.Value, h.Unit), percent(l.Share), own)
	}
	fmt.Fprintf(w, "  FUNCTION\tITSELF\tSHARE\tWITH WHAT IT CALLS\tSHARE\n")
	for _, f := range h.Functions[:min(len(h.Functions), inText)] {
		if f.Flat == 0 {
			break
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", plain(f.Name), amount(f.Flat, h.Unit), percent(f.Share),
			amount(f.Cum, h.Unit), percent(f.CumPart))
	}
}

// plain is a function's name without the types that it is made for: a line has no room for them.
func plain(name string) string {
	from, to := strings.IndexByte(name, '['), strings.LastIndexByte(name, ']')
	if from < 0 || to < from {
		return name
	}
	return name[:from] + "[…]" + name[to+1:]
}

// Verdict is a comparison in a sentence.
func Verdict(c *profile.Comparison) string {
	n := map[profile.Outcome]int{}
	for _, f := range c.Functions {
		n[f.Outcome]++
	}
	return fmt.Sprintf("%d functions cost more beside the others, %d less, %d the same; of %d the samples are too few "+
		"for %s, and of %d for any answer.", n[profile.More], n[profile.Less], n[profile.Same], n[profile.TooFew],
		percent(c.See), c.Untested)
}

// whole is what a tier did in all.
func whole(c *profile.Comparison) string {
	a := c.Total
	text := fmt.Sprintf("%s per %s: %s, then %s, now %s", titles[c.Kind], c.Per, a.Outcome, amount(a.Then, c.Unit),
		amount(a.Now, c.Unit))
	if a.Then > 0 {
		text += fmt.Sprintf(", %s (95 %% between %s and %s)", change(a.Change), change(a.Low), change(a.High))
	}
	if a.Outcome == compare.NoBaseline {
		text += ": " + a.Why
	}
	return text
}

// told is what a function did beside the others, the interval that holds it, and from which change on it would have
// been seen; "-" where nothing could be asked.
func told(f profile.Change) (beside, between, from string) {
	if f.Smallest == 0 {
		return "-", "-", "-"
	}
	return change(f.Change), change(f.Low) + " to " + change(f.High), percent(f.Smallest)
}

// Comparison writes one for a terminal.
func Comparison(w io.Writer, c *profile.Comparison) error {
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(out, "%s: then %s (windows %d, %s, samples %s), now %s (windows %d, %s, samples %s)\n",
		titleOf(c.Kind, c.Tier), strings.Join(c.Then, ", "), c.Windows[0], plural(c.Served[0], c.Per), count(c.Samples[0]),
		strings.Join(c.Now, ", "), c.Windows[1], plural(c.Served[1], c.Per), count(c.Samples[1]))
	fmt.Fprintln(out, whole(c))
	fmt.Fprintln(out, Verdict(c))
	fmt.Fprintf(out, "\nFUNCTION\tANSWER\tTHEN\tNOW\tBESIDE OTHERS\t95 %% BETWEEN\tSEEN FROM\tSAMPLES\n")
	for i, f := range c.Functions {
		beside, between, from := told(f)
		if i >= inText && f.Outcome != profile.More && f.Outcome != profile.Less {
			break
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s, %s\n", plain(f.Name), f.Outcome, amount(f.Then, c.Unit),
			amount(f.Now, c.Unit), beside, between, from, count(f.Samples[0]), count(f.Samples[1]))
	}
	notes(out, c.Notes)
	return out.Flush()
}
