package diagnose

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/perf/telemetry"
)

// Fact is a figure with where it is from, or the reason why there is none. The zero value is not measured.
type Fact struct {
	Value  float64   `json:"value"`            // 0 where it is not measured
	Unit   string    `json:"unit"`             // s, /s, cores, share; "" of counts
	Series string    `json:"series"`           // panel and series of the telemetry, or what of the results
	From   time.Time `json:"from"`             // of the first value that it is made of
	To     time.Time `json:"to"`               // of the last
	Values int       `json:"values"`           // that it is made of
	Steady float64   `json:"steady,omitempty"` // of a fact that holds or not at each time: the share of times
	// Lacking says why it was not measured; empty where it was.
	Lacking string `json:"notMeasured,omitempty"`

	known bool
}

// Known tells whether it was measured.
func (f Fact) Known() bool { return f.known }

// or is the value, or another where there is none.
func (f Fact) or(other float64) float64 {
	if f.known {
		return f.Value
	}
	return other
}

// per is a fact over another, as s/s over /s are s of each. It is known where both are and the other is above 0.
func (f Fact) per(other Fact, unit string) Fact {
	switch {
	case !f.known:
		return f
	case !other.known:
		return Fact{Lacking: other.Lacking, Series: other.Series}
	case other.Value <= 0:
		return lacking(other.Series, "is 0 over the load")
	}
	f.Value, f.Unit, f.Series = f.Value/other.Value, unit, f.Series+" over "+other.Series
	if math.Abs(f.Value) > math.MaxFloat32 {
		return lacking(f.Series, "is beyond all measure")
	}
	return f
}

// plus adds what is known; it is not known where neither is.
func (f Fact) plus(other Fact) Fact {
	switch {
	case !f.known:
		return other
	case !other.known:
		return f
	}
	f.Value, f.Series = f.Value+other.Value, f.Series+" + "+other.Series
	return f
}

func lacking(series, why string) Fact { return Fact{Series: series, Lacking: why} }

// told is a fact of the run's own results.
func (r reading) told(value float64, unit, what string) Fact {
	return Fact{Value: value, Unit: unit, Series: what, From: r.began, To: r.to, Values: 1, known: true}
}

// lookBack is how far before its time a value of telemetry reaches: rates are over the two minutes around it
// (perf/telemetry), what CloudWatch has over one.
const lookBack = time.Minute

// reading reads telemetry over the steady part of a run: from when all users were there until the load ended.
type reading struct {
	telemetry       *telemetry.Telemetry // nil where none was kept
	began, from, to time.Time
}

// line is a series with the times of its values.
type line struct {
	name   string
	at     []time.Time
	values []float64
}

// lines are the series of a panel whose names a test likes, with their values of the steady part; why there are none.
func (r reading) lines(panel string, like func(string) bool) (all []line, why string) {
	if r.telemetry == nil {
		return nil, "the run has no telemetry"
	}
	i := slices.IndexFunc(r.telemetry.Panels, func(p telemetry.Panel) bool { return p.Name == panel })
	if i < 0 {
		return nil, r.missing(panel)
	}
	for _, s := range r.telemetry.Panels[i].Series {
		if like(s.Name) {
			if l := r.steady(r.telemetry.Panels[i], s); len(l.values) > 0 {
				all = append(all, l)
			}
		}
	}
	if len(all) == 0 {
		return nil, "the run kept no such series"
	}
	return all, ""
}

// missing is why a panel is not there.
func (r reading) missing(panel string) string {
	if len(r.telemetry.Missing) > 0 && len(r.telemetry.Panels) == 0 {
		return r.telemetry.Missing[0].Why
	}
	return fmt.Sprintf("the run kept no panel %s", panel)
}

// steady are the values of a series in the steady part. A value reaches back, so that the first would tell of the
// ramp-up: it is left out where others remain. Of a run that is too short for any, the last value within the load.
func (r reading) steady(p telemetry.Panel, s telemetry.Series) line {
	began, step := r.telemetry.Steps(p)
	var within, settled, last line
	for i, v := range s.Values {
		at := began.Add(time.Duration(float64(i) * float64(step)))
		if math.IsNaN(v) || at.After(r.to.Add(step/2)) || at.Before(r.began) {
			continue
		}
		last = line{values: []float64{v}, at: []time.Time{at}}
		if !at.Before(r.from) {
			within.values, within.at = append(within.values, v), append(within.at, at)
		}
		if !at.Before(r.from.Add(lookBack)) {
			settled.values, settled.at = append(settled.values, v), append(settled.at, at)
		}
	}
	for _, l := range []line{settled, within, last} {
		if len(l.values) > 0 {
			l.name = s.Name
			return l
		}
	}
	return line{}
}

// whole reads the whole load, its beginning included.
func (r reading) whole() reading {
	r.from = r.began.Add(-lookBack)
	return r
}

// is likes one name, starts those with a beginning, anything all.
func is(name string) func(string) bool { return func(s string) bool { return s == name } }

func starts(with string) func(string) bool {
	return func(s string) bool { return strings.HasPrefix(s, with) }
}

func ends(with string) func(string) bool {
	return func(s string) bool { return strings.HasSuffix(s, with) }
}

func anything(string) bool { return true }

// sum is the mean over time of all series together that a test likes.
func (r reading) sum(panel, what, unit string, like func(string) bool) Fact {
	return r.over(panel, what, unit, like, func(at []float64) (sum float64) {
		for _, v := range at {
			sum += v
		}
		return sum
	})
}

// most is the mean over time of the largest.
func (r reading) most(panel, what, unit string, like func(string) bool) Fact {
	return r.over(panel, what, unit, like, slices.Max[[]float64])
}

// mean is that of one series.
func (r reading) mean(panel, series, unit string) Fact { return r.sum(panel, series, unit, is(series)) }

// over is the mean over time of what a function makes of the values of one time.
func (r reading) over(panel, what, unit string, like func(string) bool, of func([]float64) float64) Fact {
	lines, why := r.lines(panel, like)
	if why != "" {
		return lacking(strings.TrimSpace(panel+" "+what), why)
	}
	each := across(lines)
	f := Fact{Unit: unit, Series: strings.TrimSpace(panel + " " + what), known: true, Values: len(each)}
	above := 0
	for _, one := range each {
		v := of(one.values)
		f.Value += v / float64(len(each))
		if v > 0 {
			above++
		}
	}
	f.Steady = float64(above) / float64(len(each))
	f.From, f.To = each[0].at[0], each[len(each)-1].at[0]
	return f
}

// across turns series into times, each with the values that there are of it.
func across(lines []line) (times []line) {
	byTime := map[time.Time][]float64{}
	for _, l := range lines {
		for i, at := range l.at {
			byTime[at] = append(byTime[at], l.values[i])
		}
	}
	for at, values := range byTime {
		times = append(times, line{at: []time.Time{at}, values: values})
	}
	slices.SortFunc(times, func(a, b line) int { return a.at[0].Compare(b.at[0]) })
	return times
}

// ends are the means of the first sixth of a sum's times, one at least, and of the last third; false with fewer than
// three.
func (r reading) ends(panel string, like func(string) bool) (first, last float64, ok bool) {
	lines, why := r.lines(panel, like)
	if why != "" {
		return 0, 0, false
	}
	each := across(lines)
	n := len(each) / 3
	if n == 0 {
		return 0, 0, false
	}
	begin := max(1, len(each)/6)
	for _, one := range each[:begin] {
		for _, v := range one.values {
			first += v / float64(begin)
		}
	}
	for _, one := range each[len(each)-n:] {
		for _, v := range one.values {
			last += v / float64(n)
		}
	}
	return first, last, true
}
