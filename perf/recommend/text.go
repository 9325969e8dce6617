package recommend

import (
	"fmt"
	"io"
	"strings"
)

// Write tells recommendations for a terminal, the patch of the first included.
func (a *Answer) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s: %s\n", a.Run, a.Outcome, a.Says)
	for _, h := range a.ByHand {
		fmt.Fprintf(w, "  by hand, for %s: %s (docs/operations.md: %s)\n", h.Cause, h.Says, h.Section)
	}
	for i, r := range a.Recommendations {
		r.write(w, i+1)
	}
	if len(a.Recommendations) == 0 {
		fmt.Fprintln(w, "  no key of the stack's file is recommended")
	}
	for _, why := range a.Refused {
		fmt.Fprintf(w, "  considered and left: %s\n", strings.ReplaceAll(why, "\n", "; "))
	}
	return nil
}

func (r Recommendation) write(w io.Writer, n int) {
	fmt.Fprintf(w, "\n  %d. %s\n", n, r.Says)
	if p := r.Predict; p.Now > 0 {
		fmt.Fprintf(w, "     predicted, unverified: mean response %.4g ms to %.4g (%.4g to %.4g)\n", p.Now, p.Likely,
			p.Low, p.High)
	}
	fmt.Fprintf(w, "     how: %s\n", r.Predict.How)
	fmt.Fprintf(w, "     cost: %+.2f USD a month with the fewest nodes, %+.2f with all at its most\n", r.AddsLeast,
		r.AddsMost)
	fmt.Fprintf(w, "     risk: %s\n     undo: %s\n     try:  %s\n     why not the next: %s\n", r.Risk, r.Undo, r.Try,
		r.WhyNext)
	for _, line := range strings.Split(strings.TrimSuffix(r.Patch, "\n"), "\n") {
		if line != "" {
			fmt.Fprintf(w, "     %s\n", line)
		}
	}
}
