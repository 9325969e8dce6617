package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/perf/load"
)

// path joins a line's points, but for gaps. A point between two gaps is a dot.
func (l Line) path(x, y scale, class int) Path {
	p := Path{Name: l.Name, Class: class}
	var d strings.Builder
	for i, point := range l.Points {
		if math.IsNaN(point.Value) {
			continue
		}
		joined := i > 0 && !math.IsNaN(l.Points[i-1].Value)
		goesOn := i < len(l.Points)-1 && !math.IsNaN(l.Points[i+1].Value)
		switch {
		case joined:
			fmt.Fprintf(&d, "L%v %v", x.at(point.At), y.at(point.Value))
		case goesOn:
			fmt.Fprintf(&d, "M%v %v", x.at(point.At), y.at(point.Value))
		default:
			p.Dots = append(p.Dots, [2]float64{x.at(point.At), y.at(point.Value)})
		}
	}
	p.D = d.String()
	return p
}

// tops are the lines as they are drawn: stacked ones each on those before. A time at which none has a value has none.
func (c Chart) tops() []Line {
	if !c.Stacked {
		return c.Lines
	}
	sums := map[float64]float64{}
	var all []Line
	for _, line := range c.Lines {
		top := Line{Name: line.Name}
		for _, p := range line.Points {
			sum, begun := sums[p.At]
			switch {
			case math.IsNaN(p.Value) && !begun:
				sum = math.NaN()
			case !math.IsNaN(p.Value):
				sum += p.Value
				sums[p.At] = sum
			}
			top.Points = append(top.Points, Point{p.At, sum})
		}
		all = append(all, top)
	}
	return all
}

// area is that between a line and the last of those below it, or the axis. Each stretch between gaps is one of its own.
func (l Line) area(x, y scale, below []Line) string {
	var d strings.Builder
	for i := 0; i < len(l.Points); i++ {
		from := i
		for i < len(l.Points) && !math.IsNaN(l.Points[i].Value) {
			i++
		}
		if i-from < 2 {
			continue
		}
		to := "M"
		for n := from; n < i; n++ {
			fmt.Fprintf(&d, "%s%v %v", to, x.at(l.Points[n].At), y.at(l.Points[n].Value))
			to = "L"
		}
		for n := i - 1; n >= from; n-- {
			fmt.Fprintf(&d, "L%v %v", x.at(l.Points[n].At), y.at(floor(below, l.Points[n].At)))
		}
		d.WriteByte('Z')
	}
	return d.String()
}

// floor is how high lines come at a time.
func floor(lines []Line, at float64) float64 {
	for _, line := range slices.Backward(lines) {
		if v := line.at(at); !math.IsNaN(v) {
			return v
		}
	}
	return 0
}

// mark is a limit's line. Every other one has its label on the left, so that two that are close do not hide each other.
func (l Limit) mark(y scale, number int, unit string) Mark {
	m := Mark{Y: y.at(l.Value), LabelX: width - right - 4, Anchor: "end", Label: l.Name + ": " + amount(l.Value, unit)}
	if number%2 == 1 {
		m.LabelX, m.Anchor = left+4, "start"
	}
	if m.LabelY = m.Y - labelAbove; m.LabelY < top+10 {
		m.LabelY = m.Y + 3*labelAbove
	}
	return m
}

// summary is a chart for those who hear it: what each line was between.
func (d *Drawing) summary() string {
	var all []string
	for _, line := range d.Lines {
		low, high := math.Inf(1), math.Inf(-1)
		for _, p := range line.Points {
			if !math.IsNaN(p.Value) {
				low, high = min(low, p.Value), max(high, p.Value)
			}
		}
		if low <= high {
			all = append(all, fmt.Sprintf("%s from %s to %s", line.Name, amount(low, d.Unit), amount(high, d.Unit)))
		}
	}
	for _, m := range d.Marks {
		all = append(all, m.Label)
	}
	return strings.Join(all, "; ")
}

// nines is the axis of shares: as much room for each further nine.
func nines(share float64) float64 { return -math.Log10(1 - share) }

// labelled are the shares that have a label on that axis.
var labelled = []float64{0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999, 0.999999}

// spread draws how long requests took: the value that each share of them was within.
func (r *Report) spread() *Drawing {
	c := Chart{ID: "spread", Title: "How long requests took", Unit: "ms", Source: generators}
	for _, s := range r.Spreads {
		if s.Unit == c.Unit {
			c.Lines = append(c.Lines, Line{s.Name, curve(s)})
		}
	}
	if r.against != nil {
		for _, s := range r.against.Spreads() {
			if s.Unit == c.Unit {
				c.Lines = append(c.Lines, Line{s.Name + ", " + r.against.Name, curve(s)})
			}
		}
	}
	if len(c.Lines) == 0 {
		return nil
	}
	c.Limits = r.limits(c.Unit, func(v load.Verdict) bool { return v.Share() > 0 })
	x := scale{high: 1, from: left, to: width - right}
	for _, at := range c.times() {
		x.high = max(x.high, at)
	}
	d := c.empty("share of the requests that took no longer")
	for _, share := range labelled {
		if at := nines(share); at <= x.high {
			d.XTicks = append(d.XTicks, Tick{x.at(at), short6(share*100) + " %"})
		}
	}
	d.place(x, func(at float64) string { return short6((1-math.Pow(10, -at))*100) + " % within" })
	return &d
}

// short6 is a percentage in as many digits as its nines need.
func short6(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.4f", v), "0"), ".")
}

// curve leaves the largest out, whose place would be at infinity.
func curve(s load.Spread) (all []Point) {
	for _, p := range s.Points {
		if p.Share < 1 {
			all = append(all, Point{nines(p.Share), p.Value})
		}
	}
	return all
}

// limits are the objectives of a unit as lines.
func (r *Report) limits(unit string, of func(load.Verdict) bool) (all []Limit) {
	for _, v := range r.Verdicts {
		if _, u := subject(v.Metric); u == unit && of(v) {
			all = append(all, Limit{objective(v.Threshold), v.Limit()})
		}
	}
	return all
}
