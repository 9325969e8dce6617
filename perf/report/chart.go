package report

import (
	"math"
	"slices"
	"strings"
)

// Chart is what some series did over the time of a load.
type Chart struct {
	ID     string
	Title  string
	Unit   string // ms, /s, %: of shares
	Source string // who measured it
	Note   string // over what time, where that is to be said
	Lines  []Line
	// Stacked lines are parts of a whole: each stands on the one before.
	Stacked bool
	// Figures are at how many times, at most, values are written beside the drawing; 0 for all.
	Figures int
	Limits  []Limit
}

// Line is one series.
type Line struct {
	Name   string
	Points []Point // in order of time
}

// Point is a value at a time, seconds after the load began. NaN is a gap.
type Point struct{ At, Value float64 }

// Limit is an objective's line.
type Limit struct {
	Name  string
	Value float64
}

// Where the plot is in a drawing, in its own units.
const (
	width, height = 960, 230
	left, right   = 78, 26
	top, bottom   = 14, 38
	labelAbove    = 5
	mostTicks     = 10
	leastTicks    = 4
	mostSpread    = 40 // of values, beyond which a linear axis hides the small ones
)

// Drawing is a chart in the form that the page draws.
type Drawing struct {
	Chart
	Width, Height, Left, Right, Top, Bottom, Tall float64 // of the whole; the edges of the plot and its height
	Summary                                       string  // for those who do not see it
	XTicks, YTicks                                []Tick
	XTitle                                        string
	Paths                                         []Path
	Marks                                         []Mark
	Slots                                         []Slot
	Every                                         int        // time has its figures: 2 of every second
	Rows                                          [][]string // the figures: a time and a value of each line
}

// Tick is a label of an axis, and where it stands.
type Tick struct {
	At    float64
	Label string
}

// Path is a line as SVG draws it, single points that no line joins, and of stacked ones the area down to the line
// below.
type Path struct {
	Name, D, Area string
	Class         int
	Dots          [][2]float64
}

// Mark is the line of an objective.
type Mark struct {
	Y, LabelX, LabelY float64
	Anchor, Label     string
}

// Slot is the time around a point, with what there is to say of it.
type Slot struct {
	X, Width float64
	Text     string
}

// scale places values between two edges.
type scale struct {
	low, high float64
	from, to  float64
	log       bool
}

func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		low, high, v = math.Log(low), math.Log(high), math.Log(max(v, s.low))
	}
	return round(s.from + (s.to-s.from)*(v-low)/(high-low))
}

// round keeps a tenth of a unit: what no eye sees is not written.
func round(v float64) float64 { return math.Round(v*10) / 10 }

// draw places a chart over a time of seconds.
func (c Chart) draw(seconds float64) Drawing {
	d := c.empty("minutes:seconds into the load")
	if seconds >= 3600 {
		d.XTitle = "hours:minutes:seconds into the load"
	}
	x := scale{high: max(seconds, 1), from: left, to: width - right}
	for _, at := range steps(0, x.high, timeStep(x.high)) {
		d.XTicks = append(d.XTicks, Tick{x.at(at), span(at)})
	}
	d.place(x, span)
	return d
}

// empty is a drawing without lines.
func (c Chart) empty(xTitle string) Drawing {
	return Drawing{
		Chart: c, Width: width, Height: height, Left: left, Right: width - right, Top: top, Bottom: height - bottom,
		Tall: height - top - bottom, XTitle: xTitle,
	}
}

// place draws the lines on an axis of x that is there.
func (d *Drawing) place(x scale, named func(float64) string) {
	y, ticks := d.values()
	for _, v := range ticks {
		d.YTicks = append(d.YTicks, Tick{y.at(v), amount(v, d.Unit)})
	}
	tops := d.tops()
	for i, line := range tops {
		path := line.path(x, y, i%mostLines+1)
		if d.Stacked {
			path.Area = line.area(x, y, tops[:i])
		}
		d.Paths = append(d.Paths, path)
	}
	for i, l := range d.Limits {
		d.Marks = append(d.Marks, l.mark(y, i, d.Unit))
	}
	d.slots(x, named)
	d.Summary = d.summary()
}

// values are the axis of a chart's values and where it has labels.
func (c Chart) values() (scale, []float64) {
	low, high := math.Inf(1), 0.0
	for _, v := range c.all() {
		high = max(high, v)
		if v > 0 {
			low = min(low, v)
		}
	}
	s := scale{from: height - bottom, to: top}
	if c.Unit == "ms" && high > mostSpread*low {
		s.log, s.low = true, decade(low)
		s.high = max(high*1.15, s.low*10)
		return s, decades(s.low, s.high)
	}
	if high == 0 {
		high = 1
	}
	step := niceStep(high / leastTicks)
	s.high = step * math.Ceil(high*1.02/step)
	return s, steps(0, s.high, step)
}

// all are a chart's values, with those of its limits.
func (c Chart) all() (all []float64) {
	for _, l := range c.Limits {
		all = append(all, l.Value)
	}
	for _, line := range c.tops() {
		for _, p := range line.Points {
			if !math.IsNaN(p.Value) {
				all = append(all, p.Value)
			}
		}
	}
	return all
}

// decade is the power of ten below a value, or twice or five times that.
func decade(v float64) float64 {
	ten := math.Pow(10, math.Floor(math.Log10(v)))
	for _, times := range []float64{5, 2} {
		if ten*times <= v {
			return ten * times
		}
	}
	return ten
}

// decades are the labels of a logarithmic axis: 1, 2 and 5 of each power of ten, or the powers alone.
func decades(low, high float64) (all []float64) {
	times := []float64{1, 2, 5}
	if high/low > 2e3 {
		times = times[:1]
	}
	for ten := math.Pow(10, math.Floor(math.Log10(low))); ten <= high; ten *= 10 {
		for _, t := range times {
			if v := ten * t; v >= low*0.999 && v <= high {
				all = append(all, v)
			}
		}
	}
	return all
}

// niceStep is the next of 1, 2 and 5 with a power of ten.
func niceStep(v float64) float64 {
	ten := math.Pow(10, math.Floor(math.Log10(v)))
	for _, times := range []float64{1, 2, 5} {
		if ten*times >= v*0.999 {
			return ten * times
		}
	}
	return ten * 10
}

// timeSteps are those that clocks have, in seconds.
var timeSteps = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400}

func timeStep(seconds float64) float64 {
	for _, step := range timeSteps {
		if seconds/step <= mostTicks {
			return step
		}
	}
	return niceStep(seconds / mostTicks)
}

func steps(from, to, step float64) (all []float64) {
	for i := 0; from+float64(i)*step <= to*1.0001; i++ {
		all = append(all, from+float64(i)*step)
	}
	return all
}

// times are those of all points, each once, in order.
func (c Chart) times() []float64 {
	var all []float64
	for _, line := range c.Lines {
		for _, p := range line.Points {
			all = append(all, p.At)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// figures are the times at which values are written: all, or evenly few.
func (d *Drawing) figures() (some []float64) {
	all := d.times()
	d.Every = 1
	if d.Figures > 0 {
		d.Every = max(1, (len(all)+d.Figures-1)/d.Figures)
	}
	for i := 0; i < len(all); i += d.Every {
		some = append(some, all[i])
	}
	return some
}

// slots are what a pointer finds over the plot, and the same figures as a table.
func (d *Drawing) slots(x scale, named func(float64) string) {
	times, tops := d.figures(), d.tops()
	for i, at := range times {
		from, to := x.from, x.to
		if i > 0 {
			from = round((x.at(times[i-1]) + x.at(at)) / 2)
		}
		if i < len(times)-1 {
			to = round((x.at(at) + x.at(times[i+1])) / 2)
		}
		row, text := []string{named(at)}, []string{named(at)}
		for _, line := range d.Lines {
			value := line.at(at)
			row = append(row, amount(value, d.Unit))
			if !math.IsNaN(value) {
				text = append(text, line.Name+": "+amount(value, d.Unit))
			}
		}
		if d.Stacked && len(text) > 2 {
			text = append(text, "together: "+amount(floor(tops, at), d.Unit))
		}
		d.Slots = append(d.Slots, Slot{X: from, Width: round(to - from), Text: strings.Join(text, "\n")})
		d.Rows = append(d.Rows, row)
	}
}

func (l Line) at(time float64) float64 {
	i, found := slices.BinarySearchFunc(l.Points, time, func(p Point, at float64) int {
		switch {
		case p.At < at:
			return -1
		case p.At > at:
			return 1
		}
		return 0
	})
	if !found {
		return math.NaN()
	}
	return l.Points[i].Value
}
