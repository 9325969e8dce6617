package twin

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/ragscale/ragscale/perf/wrap"
)

// mostRows of a trajectory that people are shown.
const mostRows = 24

// Write tells a plan to people.
func (p *Plan) Write(out io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Stack %s under load %s: %.0f s from %.4g to %.4g requests/s, %.0f requests; "+
		"objective %.4g s for %.0f %%\n", p.Stack, p.Load.Name, p.Load.Seconds, p.Load.First, p.Load.Peak,
		p.Load.Requests, p.Objective.Seconds, 100*p.Objective.Share)
	p.writeResult(&b)
	p.writeTrajectory(&b)
	p.writeShortages(&b)
	p.writeSearch(&b)
	p.writeAssumptions(&b)
	_, err := out.Write(b.Bytes())
	return err
}

func (p *Plan) writeResult(b *bytes.Buffer) {
	r := p.Result
	fmt.Fprintf(b, "p50 %s, p95 %s, p99 %s; %s over the objective, %s of them without an answer; "+
		"%.2f pod hours, %.2f node hours\n", seconds(r.P50), seconds(r.P95), seconds(r.P99), percent(r.OverShare()),
		percent(share(r.Refused, r.Over)), r.PodHours, r.NodeHours)
	fmt.Fprintf(b, "A pod serves %s after it is decided on, %s later where a node must come.\n", seconds(p.PodReady),
		seconds(p.NodeReady))
	switch q := p.Reaction; {
	case q == nil:
		fmt.Fprintln(b, "The load never asks for more than the fewest replicas.")
	case q.After == nil:
		fmt.Fprintf(b, "From %.0f s on the target asks for %d pods: so many never serve.\n", q.At, q.Wanted)
	default:
		fmt.Fprintf(b, "From %.0f s on the target asks for %d pods: so many serve %.0f s later.\n", q.At, q.Wanted,
			*q.After)
	}
}

func (p *Plan) writeTrajectory(b *bytes.Buffer) {
	fmt.Fprintln(b)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "s\trequests/s\twanted\tserving\tnodes\troom\tCPU\tp95\tover\t")
	for _, one := range telling(p.Result.Points) {
		p95 := "-"
		if one.P95 != nil {
			p95 = seconds(*one.P95)
		}
		fmt.Fprintf(t, "%.0f\t%.0f\t%d\t%d\t%d\t%d\t%d %%\t%s\t%s\t\n", one.At, one.RPS, one.Wanted, one.Serving, one.Nodes,
			one.Headroom, one.Utilization, p95, percent(one.OverShare))
	}
	t.Flush()
}

// telling are the points at which something changed, thinned to what people read.
func telling(all []Point) []Point {
	var kept []Point
	for i, one := range all {
		if i == 0 || i == len(all)-1 {
			kept = append(kept, one)
			continue
		}
		before := all[i-1]
		if one.Wanted != before.Wanted || one.Serving != before.Serving || one.Nodes != before.Nodes ||
			(one.OverShare > 0.05) != (before.OverShare > 0.05) {
			kept = append(kept, one)
		}
	}
	if len(kept) <= mostRows {
		return kept
	}
	thinned := make([]Point, 0, mostRows)
	for i := range mostRows {
		thinned = append(thinned, kept[i*(len(kept)-1)/(mostRows-1)])
	}
	return thinned
}

func (p *Plan) writeShortages(b *bytes.Buffer) {
	fmt.Fprintln(b)
	if len(p.Shortages) == 0 {
		fmt.Fprintf(b, "The objective is kept all the time.\n")
		return
	}
	for _, s := range p.Shortages {
		rests := ""
		if s.Rests != "" {
			rests = " (" + s.Rests + ")"
		}
		fmt.Fprintln(b, wrap.Text(fmt.Sprintf("Short from %.0f to %.0f s: %d pods served, whose %s hold %.0f requests/s%s; "+
			"%d are needed; %.0f requests over the objective. %s", s.From, s.To, s.Had, s.Binds, s.Held, rests, s.Needed,
			s.Over, s.why()), wrap.Width, ""))
	}
}

// why says what would have met a shortage.
func (s Shortage) why() string {
	ready := fmt.Sprintf("pods are ready %s after the decision at the soonest", seconds(s.Earliest))
	if s.NoNode {
		ready += ", since nodes must come"
	}
	until := fmt.Sprintf("in the first %s no policy that reacts can help, for %s", seconds(s.Earliest), ready)
	switch {
	case s.Database:
		return "No number of pods holds it: the database's connections are what is short."
	case s.NoPolicy:
		return "No policy that reacts can meet it: " + ready +
			", and it is over by then. Only replicas that stand ready do, or a smaller spike."
	case s.Beyond:
		return "More pods are needed than maxReplicas lets."
	case s.Decided == nil:
		return "So many were never wanted: policies, or the target of CPU, held replicas back; " + until + "."
	case s.Enough == nil:
		return fmt.Sprintf("They were wanted after %.0f s and did not serve in time; %s.", *s.Decided, until)
	}
	return fmt.Sprintf("They were wanted after %.0f s and served after %.0f s; %s.", *s.Decided, *s.Enough, until)
}

func (p *Plan) writeSearch(b *bytes.Buffer) {
	if p.Search == nil {
		return
	}
	fmt.Fprintf(b, "\n%d policies tried with this load; of them none of these is dearer and worse than another:\n",
		p.Search.Tried)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "node h\tpod h\tover\tp95\tseconds missed\tmin\tmax\tCPU target\troom\tscale-up\tdown after\t\t")
	for _, one := range shown(p.Search.Frontier, p.Search.Declared) {
		up, mark := "as it is", ""
		if one.UpPercent > 0 {
			up = fmt.Sprintf("%d %% in %d s", one.UpPercent, upSeconds)
		}
		if one.Declared {
			mark = "declared"
		}
		fmt.Fprintf(t, "%.2f\t%.2f\t%s\t%s\t%d\t%d\t%d\t%d %%\t%d\t%s\t%s\t%s\t\n", one.NodeHours, one.PodHours,
			percent(one.OverShare), seconds(one.P95), one.Missed, one.Least, one.Most, one.CPUPercent, one.Headroom, up,
			seconds(one.Down), mark)
	}
	t.Flush()
	switch best := p.Search.Best; {
	case best == nil:
		fmt.Fprintln(b, "None of them keeps the objective.")
	case best.Declared:
		fmt.Fprintln(b, "The stack as it is keeps the objective, and none is cheaper that does.")
	default:
		fmt.Fprintf(b, "The cheapest that keeps the objective misses it for %d s and costs %+.2f node hours. "+
			"It fits this load: try it with others too (--load).\n", best.Missed, best.NodeHours-p.Search.Declared.NodeHours)
		for _, s := range p.Suggestions {
			fmt.Fprintln(b, "  "+s.line())
		}
	}
}

// shown is a frontier with what is declared.
func shown(all []Tried, declared Tried) []Tried {
	for _, one := range all {
		if one.Declared {
			return all
		}
	}
	return append([]Tried{declared}, all...)
}

func (s Suggestion) line() string {
	key := "ragscale:" + s.Key
	if s.Key == "" {
		key = s.Note
		return fmt.Sprintf("%s: %s → %s", key, s.From, s.To)
	}
	line := fmt.Sprintf("%s: %s → %s", key, s.From, s.To)
	if s.Note != "" {
		line += " (" + s.Note + ")"
	}
	return line
}

func (p *Plan) writeAssumptions(b *bytes.Buffer) {
	fmt.Fprintln(b, "\nTaken for it:")
	rows := make([][]string, 0, len(p.Assumptions))
	for _, a := range p.Assumptions {
		rows = append(rows, []string{"  " + a.What, a.Value, a.Why})
	}
	b.WriteString(wrap.Table(rows))
	for _, line := range p.Unsure {
		fmt.Fprintln(b, wrap.Text(line, wrap.Width, ""))
	}
}

func percent(share float64) string {
	switch p := 100 * share; {
	case share == 0 || math.IsNaN(share):
		return "0 %"
	case p < 0.01:
		return "< 0.01 %"
	default:
		return fmt.Sprintf("%.3g %%", p)
	}
}
