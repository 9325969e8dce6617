package capacity

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ragscale/ragscale/perf/wrap"
)

// Write prints a plan for people. Every table ends with where its figures are from.
func (p *Plan) Write(w io.Writer) error {
	var b strings.Builder
	p.writeTarget(&b)
	if p.Study != nil {
		p.Study.write(&b)
	}
	p.writeLimits(&b)
	p.writeSizes(&b)
	p.writeFrontier(&b)
	for _, a := range p.Assumed {
		said(&b, "assumed", "%s: %.4g %s in the stack's derivation, %.4g measured", a.What, a.Assumed, a.Unit, a.Measured)
	}
	for _, m := range p.Missing {
		said(&b, "note", "%s", m)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *Plan) writeTarget(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %.0f requests/s (%s)", p.Stack, p.Target.RPS, p.Target.Origin)
	if !p.Target.Until.IsZero() {
		fmt.Fprintf(b, ", until %s", day(p.Target.Until))
	}
	if p.Target.ZoneLost {
		b.WriteString(", with one zone lost")
	}
	if p.Target.Beyond {
		fmt.Fprintf(b, ", BEYOND %v × what was measured (%.0f): sizes rest on the model alone", trustedReach, p.Study.most())
	}
	b.WriteString("\n")
}

// write tells what was measured and what follows.
func (s *Study) write(b *strings.Builder) {
	fmt.Fprintf(b, "measured by %s\n\n", strings.Join(s.Runs, ", "))
	t := table(b, "LEVEL\tUSERS\tREQUESTS/S\tMEAN MS\tP95 MS\tIN THE SYSTEM\tLAW\tMODEL")
	for i, l := range s.Levels {
		users, law := fmt.Sprintf("%.0f", l.Users), s.Law.Throughput(l.N)
		if l.Users > 0 {
			law = s.Law.Users(l.Users, s.Model.Think)
		} else {
			users = fmt.Sprintf("%.0f/s", l.Offered)
		}
		p95 := "-"
		if l.P95 != nil {
			p95 = fmt.Sprintf("%.0f", 1000**l.P95)
		}
		fmt.Fprintf(t, "%d\t%s\t%.1f\t%.1f\t%s\t%.1f\t%.1f\t%.1f\n", i+1, users, l.X, 1000*l.Response, p95, l.N, law,
			s.Model.throughput(l))
	}
	flush(t)
	a, beta, g := s.Law.Intervals(0.9)
	fmt.Fprintf(b, "law       α %.4g (%.2g to %.2g), β %.3g (%.2g to %.2g), γ %.4g/s (%.4g to %.4g): 90 %%, linearised, "+
		"Student's t\n",
		s.Law.Alpha, a.Low, a.High, s.Law.Beta, beta.Low, beta.High, s.Law.Gamma, g.Low, g.High)
	peak := "no peak: β is 0"
	if n, x := s.Law.Peak(); !math.IsInf(n, 1) {
		peak = fmt.Sprintf("peak %.4g/s with %.3g in the system", x, n)
	}
	fmt.Fprintf(b, "          %s; it speaks of up to %.3g in the system\n", peak, s.Law.Reach())
	s.writeModel(b)
}

func (s *Study) writeModel(b *strings.Builder) {
	for _, station := range s.Model.Stations {
		servers := "nobody waits"
		if station.Servers > 0 {
			servers = fmt.Sprintf("%d at once", station.Servers)
		}
		said(b, "model", "%s: %.3f ms a request, %s (%s)", station.Name, 1000*station.Demand, servers,
			s.Model.Origins[station.Name])
	}
	for _, d := range s.Demands {
		if _, is := s.Model.Origins[string(d.Tier)]; !is {
			said(b, "demand", "%s: %.3f ms a request (%s)", d.Tier, 1000*d.Seconds, d.Origin)
		}
	}
	fmt.Fprintf(b, "          law and model differ by %.0f %% at most, of %.0f %% that they may\n", 100*s.Disagreement,
		100*bestAgreement)
	fmt.Fprintf(b, "held out  %d levels, each predicted by the others' law: missed by %.1f %% in the median, %d within "+
		"their 90 %% intervals\n\n", s.HeldOut.Levels, 100*s.HeldOut.Missed, s.HeldOut.Inside)
}

func (p *Plan) writeLimits(b *strings.Builder) {
	if len(p.Limits) == 0 {
		return
	}
	rows := [][]string{{"GIVES OUT", "AT REQUESTS/S", "WHEN", "FROM"}}
	for _, l := range p.Limits {
		when := "-"
		switch {
		case !l.When.IsZero():
			when = day(l.When)
		case p.Target.GrowthPercent > 0 && l.RPS <= p.Target.TodayRPS:
			when = "already"
		}
		rows = append(rows, []string{l.What, fmt.Sprintf("%.1f", l.RPS), when, l.Origin})
	}
	b.WriteString(wrap.Table(rows) + "\n")
}

func (p *Plan) writeSizes(b *strings.Builder) {
	rows := [][]string{{"SIZE", "TODAY", "THEN", "FROM"}}
	for _, s := range p.Sizes {
		rows = append(rows, []string{s.What, s.Today, s.Then, s.Origin})
	}
	b.WriteString(wrap.Table(rows))
	then := ""
	if p.Chosen != nil {
		then = fmt.Sprintf("; then %.0f to %.0f, %.2f USD per million requests at full scale", p.Chosen.Cost.LeastUSD,
			p.Chosen.Cost.MostUSD, p.Chosen.Cost.PerMillionUSD)
	}
	said(b, "cost", "today %.0f to %.0f USD a month at list prices%s (ragscale plan cost says what is left out)",
		p.Today.LeastUSD, p.Today.MostUSD, then)
	b.WriteString("\n")
}

func (p *Plan) writeFrontier(b *strings.Builder) {
	if len(p.Frontier) == 0 {
		return
	}
	t := table(b, "USD A MONTH, MOST\tP95 MS\tAPI PODS\tNODES\tDATABASE")
	for _, f := range p.Frontier {
		fmt.Fprintf(t, "%.0f\t%.0f\t%d\t%d %s\t%s, %d replicas\n", f.Cost.MostUSD, 1000*f.P95, f.Pods, f.Nodes, f.NodeType,
			f.Class, f.Replicas)
	}
	flush(t)
	b.WriteString("p95: mean response of the open network of stations, times p95 over mean of the levels\n")
}

// said is a line after a word of what it is about, in as many lines as it takes.
func said(b *strings.Builder, word, format string, args ...any) {
	indent := strings.Repeat(" ", 10)
	text := wrap.Text(fmt.Sprintf(format, args...), wrap.Width-len(indent), indent)
	fmt.Fprintf(b, "%-10s%s\n", word, text)
}

func table(b *strings.Builder, head string) *tabwriter.Writer {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, head)
	return t
}

// flush cannot fail: what is written to is memory.
func flush(t *tabwriter.Writer) { _ = t.Flush() }

// Day reads the end of a time of growth: a day such as 2027-06-30.
func Day(text string) (time.Time, error) {
	until, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return until, fmt.Errorf("%q is no day, want one such as 2027-06-30", text)
	}
	return until, nil
}
