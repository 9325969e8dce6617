package cloudwatch

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
)

// metricName is a metric as the API names it.
type metricName struct {
	Namespace, MetricName string
	Dimensions            []metrics.Dimension
}

func (m metricName) id(region string) metrics.ID {
	var pairs []string
	for _, d := range m.Dimensions {
		pairs = append(pairs, d.Name, d.Value)
	}
	return metrics.Of(region, m.Namespace, m.MetricName, pairs...)
}

// query is one line of a question: a metric's statistic, or an expression over other lines.
type query struct {
	id         string
	expression string
	metric     metrics.ID
	stat       metrics.Statistic
	unit       string // "" for any
	period     int    // s; of an expression 0 for that of its metrics
}

// question is what GetMetricData or an alarm asks.
type question map[string]query

var idForm = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,254}$`)

// periodOf is the period of a line: an expression has that of what it needs, which must agree.
func (q question) periodOf(id string, above ...string) (int, error) {
	line, known := q[id]
	if !known {
		return 0, fmt.Errorf("the id %q is used and no query has it", id)
	}
	for _, other := range above {
		if other == id {
			return 0, fmt.Errorf("the expression %q needs itself", id)
		}
	}
	if line.expression == "" {
		return line.period, nil
	}
	parsed, err := metrics.ParseExpression(line.expression)
	if err != nil {
		return 0, err
	}
	period := line.period
	for _, needed := range parsed.IDs() {
		p, err := q.periodOf(needed, append(above, id)...)
		switch {
		case err != nil:
			return 0, err
		case period != 0 && p != period:
			return 0, fmt.Errorf("the expression %q mixes periods of %d and %d seconds, which is not answered here", id, period, p)
		}
		period = p
	}
	if period == 0 {
		return 0, errors.New("an expression needs a metric, or a Period of its own")
	}
	return period, nil
}

// grid are n periods from a time on.
type grid struct {
	from   time.Time
	period time.Duration
	n      int
}

func (g grid) at(i int) time.Time { return g.from.Add(time.Duration(i) * g.period) }

// aligned is the grid of periods between two times, the first rounded down.
func aligned(from, to time.Time, seconds int) grid {
	period := time.Duration(max(seconds, 60)) * time.Second // what is finer than a minute is kept by minutes
	start := from.Truncate(period)
	return grid{start, period, max(int((to.Sub(start)+period-1)/period), 0)}
}

// points are the values of a line over a grid.
func (q question) points(store *metrics.Store, id string, g grid) (metrics.Points, error) {
	line, known := q[id]
	if !known {
		return nil, fmt.Errorf("the id %q is used and no query has it", id)
	}
	if line.expression != "" {
		parsed, err := metrics.ParseExpression(line.expression)
		if err != nil {
			return nil, err
		}
		return parsed.Evaluate(g.n, g.period.Seconds(), func(id string) (metrics.Points, error) { return q.points(store, id, g) })
	}
	out := make(metrics.Points, g.n)
	for i := range out {
		out[i] = math.NaN()
		if set := line.set(store, g, i); set.Count > 0 {
			out[i] = line.stat.Of(set)
		}
	}
	return out, nil
}

// set is what was measured of a metric in a period.
func (l query) set(store *metrics.Store, g grid, i int) metrics.Set {
	if unit, known := metrics.UnitOf(l.metric); known && l.unit != "" && unit != l.unit {
		return metrics.Set{}
	}
	return store.Window(l.metric, g.at(i), g.period)
}
