package metrics

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sink gathers the values of a metric.
type Sink interface {
	Add(value float64, at time.Time)
	Empty() bool
	// Values are the statistics by name; trend names those of a trend, elapsed is the time that rates per second are of.
	Values(trend []string, elapsed time.Duration) map[string]float64
	// Statistic is one of them, as thresholds name it.
	Statistic(name string, elapsed time.Duration) (float64, error)
}

func newSink(t Type) Sink {
	switch t {
	case Counter:
		return &counter{}
	case Gauge:
		return &gauge{}
	case Rate:
		return &rate{}
	case Trend:
		return &trend{sorted: true}
	}
	panic("no metric has type " + string(t)) // types are ours
}

func statistic(s Sink, typ Type, name string, elapsed time.Duration) (float64, error) {
	value, ok := s.Values(nil, elapsed)[name]
	if !ok {
		return 0, fmt.Errorf("metrics of type %s have no statistic %s", typ, name)
	}
	return value, nil
}

type counter struct {
	sum  float64
	seen bool
}

func (c *counter) Add(value float64, _ time.Time) { c.sum, c.seen = c.sum+value, true }
func (c *counter) Empty() bool                    { return !c.seen }

func (c *counter) Values(_ []string, elapsed time.Duration) map[string]float64 {
	perSecond := 0.0
	if elapsed > 0 {
		perSecond = c.sum / elapsed.Seconds()
	}
	return map[string]float64{"count": c.sum, "rate": perSecond}
}

func (c *counter) Statistic(name string, elapsed time.Duration) (float64, error) {
	return statistic(c, Counter, name, elapsed)
}

type gauge struct {
	value, min, max float64
	seen            bool
}

func (g *gauge) Add(value float64, _ time.Time) {
	if !g.seen {
		g.min, g.max = value, value
	}
	g.value, g.min, g.max, g.seen = value, math.Min(g.min, value), math.Max(g.max, value), true
}

func (g *gauge) Empty() bool { return !g.seen }

func (g *gauge) Values([]string, time.Duration) map[string]float64 {
	return map[string]float64{"value": g.value, "min": g.min, "max": g.max}
}

func (g *gauge) Statistic(name string, elapsed time.Duration) (float64, error) {
	return statistic(g, Gauge, name, elapsed)
}

type rate struct{ passes, total int64 }

func (r *rate) Add(value float64, _ time.Time) {
	r.total++
	if value != 0 {
		r.passes++
	}
}

func (r *rate) Empty() bool { return r.total == 0 }

func (r *rate) Values([]string, time.Duration) map[string]float64 {
	share := 0.0
	if r.total > 0 {
		share = float64(r.passes) / float64(r.total)
	}
	return map[string]float64{"rate": share, "passes": float64(r.passes), "fails": float64(r.total - r.passes)}
}

func (r *rate) Statistic(name string, elapsed time.Duration) (float64, error) {
	return statistic(r, Rate, name, elapsed)
}

// trend keeps every value: percentiles are exact.
type trend struct {
	values []float64
	sum    float64
	sorted bool
}

func (t *trend) Add(value float64, _ time.Time) {
	t.sorted = len(t.values) == 0 || t.sorted && value >= t.values[len(t.values)-1]
	t.values, t.sum = append(t.values, value), t.sum+value
}

func (t *trend) Empty() bool { return len(t.values) == 0 }

func (t *trend) Values(names []string, elapsed time.Duration) map[string]float64 {
	all := map[string]float64{}
	for _, name := range names {
		if value, err := t.Statistic(name, elapsed); err == nil { // names were checked when they were read
			all[name] = value
		}
	}
	return all
}

func (t *trend) Statistic(name string, _ time.Duration) (float64, error) {
	n := len(t.values)
	switch name {
	case "count":
		return float64(n), nil
	case "avg":
		return t.sum / math.Max(1, float64(n)), nil
	case "min":
		return t.percentile(0), nil
	case "med":
		return t.percentile(0.5), nil
	case "max":
		return t.percentile(1), nil
	}
	percent, err := parsePercentile(name)
	if err != nil {
		return 0, err
	}
	return t.percentile(percent / 100), nil
}

// percentile interpolates between the two values that it lies between.
func (t *trend) percentile(share float64) float64 {
	if len(t.values) == 0 {
		return 0
	}
	if !t.sorted {
		slices.Sort(t.values)
		t.sorted = true
	}
	at := share * float64(len(t.values)-1)
	low := int(math.Floor(at))
	high := min(low+1, len(t.values)-1)
	return t.values[low] + (t.values[high]-t.values[low])*(at-float64(low))
}

func parsePercentile(name string) (float64, error) {
	inner, ok := strings.CutPrefix(name, "p(")
	inner, closed := strings.CutSuffix(inner, ")")
	percent, err := strconv.ParseFloat(inner, 64)
	if !ok || !closed || err != nil || !(percent >= 0 && percent <= 100) {
		return 0, fmt.Errorf("invalid trend statistic %q, want avg, min, med, max, count or p(N) with N from 0 to 100", name)
	}
	return percent, nil
}

// CheckTrendStatistics reports names that no trend has.
func CheckTrendStatistics(names []string) error {
	for _, name := range names {
		if _, err := (&trend{}).Statistic(name, 0); err != nil {
			return err
		}
	}
	return nil
}
