package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/report"
	"github.com/ragscale/ragscale/perf/trial"
)

// trialProgress says after a pair how far it is.
func (c console) trialProgress(t *trial.Trial) {
	var said []string
	for _, a := range t.Answers {
		if a.Judged {
			said = append(said, fmt.Sprintf("%s %s", a.Figure, trialChange(a, a.Change)))
		}
	}
	c.note("pair %d, %s: %s", len(t.Pairs), t.Outcome, strings.Join(said, ", "))
}

// trial prints one and returns what it comes to as an error.
func (c console) trial(t *trial.Trial, asJSON bool) error {
	var err error
	if asJSON {
		err = json.NewEncoder(c.out).Encode(t)
	} else {
		err = printTrial(c.out, t)
	}
	switch t.Outcome {
	case compare.Regressed:
		return errors.Join(err, errUnhealthy)
	case trial.Undecided:
		return errors.Join(err, fmt.Errorf("trial %s does not tell: %s", t.Name, t.Why))
	}
	return err
}

func printTrial(w io.Writer, t *trial.Trial) error {
	fmt.Fprintf(w, "%s: %s after %d pairs of blocks of %.0f s, of which %.0f s do not count; %d cores, %.0f %% busy before\n", t.Name, t.Outcome,
		len(t.Pairs), t.BlockSeconds, t.DiscardedSeconds, t.Machine.Cores, t.Machine.BusyPercent)
	for _, side := range []trial.Side{trial.A, trial.B} {
		fmt.Fprintf(w, "  %s: %s\n", side, armText(t.Arms[side]))
	}
	if t.Why != "" {
		fmt.Fprintf(w, "  it ended because %s\n", t.Why)
	}
	for _, why := range t.Dropped {
		fmt.Fprintf(w, "  left out: %s\n", why)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "  \tfigure\tA\tB\tchange\t95 % between\tseen from\tpairs\tmore blocks\n")
	for _, a := range t.Answers {
		fmt.Fprintf(table, "  %s\t%s\t%s %s\t%s\t%s\t%s to %s\t%s\t%d\t%s\n", trialOutcome(a), a.Figure, report.Short(a.A), a.Unit, report.Short(a.B),
			trialChange(a, a.Change), trialChange(a, a.Low), trialChange(a, a.High), trialChange(a, a.Smallest), a.Pairs, moreBlocks(a))
	}
	return table.Flush()
}

// trialOutcome of a figure that does not decide stands in brackets.
func trialOutcome(a trial.Answer) string {
	if a.Judged {
		return string(a.Outcome)
	}
	return "(" + string(a.Outcome) + ")"
}

func moreBlocks(a trial.Answer) string {
	if a.MoreBlocks < 0 {
		return "too many"
	}
	return fmt.Sprint(a.MoreBlocks)
}

func armText(arm trial.Arm) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(arm.Settings)) {
		all = append(all, key+"="+arm.Settings[key])
	}
	if len(all) == 0 {
		return "the stack as it is"
	}
	return strings.Join(all, " ")
}

// trialChange is a change as people see it: of a ratio a difference in points, else a share.
func trialChange(a trial.Answer, change float64) string {
	switch {
	case a.Pairs == 0 || change >= 1e6 || change <= -1e6:
		return "-"
	case a.Unit == "ratio":
		return fmt.Sprintf("%+.2f points", change*100)
	}
	return fmt.Sprintf("%+.1f %%", change*100)
}
