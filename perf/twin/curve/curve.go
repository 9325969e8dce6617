// Package curve is how much load comes when: requests per second over time.
//
// Owns: shapes, reading a monitor's CSV. Does not own: what the load does (perf/twin).
package curve

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// Curve is a load: straight lines between its points, which rise in time. Before the first and after the last it stays.
type Curve struct {
	Name   string  `json:"name"`
	Points []Point `json:"-"`
}

// Point is a rate at a time: s since the beginning, requests/s.
type Point struct{ At, RPS float64 }

// Bounds of what is simulated.
const (
	MostRPS     = 1e7
	MostSeconds = 31 * 86400
)

// Shapes are the names of those that Shape makes.
func Shapes() []string { return []string{"step", "ramp", "spike", "wave", "day"} }

const (
	// spikeSeconds is how long a spike lasts: half a minute, shorter than pods take to come.
	spikeSeconds = 30
	// waves is how many come in a curve.
	waves = 4
	// lead is the share of a curve that stays at its base, so that what follows finds a system at rest.
	lead = 0.1
	// quietHour is when a day has the least load; twelve hours later it has the most.
	quietHour = 3
	// pieces of a wave or a day.
	pieces = 288
)

// Shape makes a curve between a base and a peak, requests/s, of some seconds.
func Shape(name string, base, peak, seconds float64) (Curve, error) {
	if err := checkShape(base, peak, seconds); err != nil {
		return Curve{}, err
	}
	c := Curve{Name: name}
	from := lead * seconds
	switch name {
	case "step":
		c.add(0, base).add(from, base).add(from, peak).add(seconds, peak)
	case "ramp":
		c.add(0, base).add(from, base).add(0.6*seconds, peak).add(seconds, peak)
	case "spike":
		c.add(0, base).add(seconds/4, base).add(seconds/4, peak)
		c.add(seconds/4+spikeSeconds, peak).add(seconds/4+spikeSeconds, base).add(seconds, base)
	case "wave":
		c.add(0, base).swing(base, peak, from, seconds, func(part float64) float64 { return part * waves })
	case "day":
		c.swing(base, peak, 0, seconds, func(part float64) float64 { return part - quietHour/24.0 })
	default:
		return c, fmt.Errorf("the load is %q, want one of %s, or the name of a CSV file", name,
			strings.Join(Shapes(), ", "))
	}
	return c, nil
}

func (c *Curve) add(at, rps float64) *Curve {
	c.Points = append(c.Points, Point{at, rps})
	return c
}

// swing is a cosine from its least to its most and back in a phase of 1; phase is that at a part of the way from a time
// to another.
func (c *Curve) swing(base, peak, from, to float64, phase func(part float64) float64) {
	for i := range pieces + 1 {
		part := float64(i) / pieces
		c.add(from+part*(to-from), base+(peak-base)*(1-math.Cos(2*math.Pi*phase(part)))/2)
	}
}

func checkShape(base, peak, seconds float64) error {
	if !(base >= 0 && base <= peak && peak > 0 && peak <= MostRPS) {
		return fmt.Errorf("the load goes from %v to %v requests/s, want it to rise, to %v at the most", base, peak,
			float64(MostRPS))
	}
	if !(seconds >= 60 && seconds <= MostSeconds) {
		return fmt.Errorf("the load lasts %v s, want 60 to %d", seconds, int(MostSeconds))
	}
	return nil
}

// Seconds is how long the curve is.
func (c Curve) Seconds() float64 {
	if len(c.Points) == 0 {
		return 0
	}
	return c.Points[len(c.Points)-1].At
}

// Rate is that at a time, requests/s. Where two points share a time, the later one counts from it on.
func (c Curve) Rate(at float64) float64 {
	i := sort.Search(len(c.Points), func(i int) bool { return c.Points[i].At > at })
	switch {
	case len(c.Points) == 0:
		return 0
	case i == 0:
		return c.Points[0].RPS
	case i == len(c.Points):
		return c.Points[i-1].RPS
	}
	a, b := c.Points[i-1], c.Points[i]
	return a.RPS + (b.RPS-a.RPS)*(at-a.At)/(b.At-a.At)
}

// Peak is the highest rate, requests/s.
func (c Curve) Peak() float64 {
	if len(c.Points) == 0 {
		return 0
	}
	return slices.MaxFunc(c.Points, func(a, b Point) int { return cmp.Compare(a.RPS, b.RPS) }).RPS
}

// Scaled is the curve with another peak, requests/s.
func (c Curve) Scaled(peak float64) (Curve, error) {
	if !(peak > 0 && peak <= MostRPS) {
		return c, fmt.Errorf("the peak is %v requests/s, want more than 0, %v at the most", peak, float64(MostRPS))
	}
	highest := c.Peak()
	if highest <= 0 {
		return c, fmt.Errorf("%s has no requests, so that it has no peak to scale", c.Name)
	}
	scaled := Curve{Name: c.Name}
	for _, p := range c.Points {
		scaled.add(p.At, p.RPS/highest*peak)
	}
	return scaled, nil
}

// Requests is how many come in all.
func (c Curve) Requests() (sum float64) {
	for i := 1; i < len(c.Points); i++ {
		a, b := c.Points[i-1], c.Points[i]
		sum += (a.RPS + b.RPS) / 2 * (b.At - a.At)
	}
	return sum
}
