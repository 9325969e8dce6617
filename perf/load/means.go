package load

import (
	"maps"
	"slices"
	"strings"
)

// Mean is how long requests of a kind took on average. Means add up where percentiles do not.
type Mean struct {
	Kind     string  `json:"kind"`
	Requests float64 `json:"requests"`
	Millis   float64 `json:"millis"`
}

// Means are the kinds of requests of which the generators kept a mean, in alphabetical order.
func (r *Run) Means() []Mean {
	all := map[string]Mean{}
	for _, one := range r.results {
		for metric, m := range one.Metrics {
			kind, ok := strings.CutPrefix(metric, kindPrefix)
			avg, kept := m.Values["avg"]
			if n := m.Values["count"]; ok && kept && n > 0 {
				kind = strings.TrimSuffix(kind, "}")
				sum := all[kind]
				all[kind] = Mean{kind, sum.Requests + n, (sum.Millis*sum.Requests + avg*n) / (sum.Requests + n)}
			}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b Mean) int { return strings.Compare(a.Kind, b.Kind) })
}

// PausedSeconds is how long users paused, together, their lateness included; 0 where they do not pause.
func (r *Run) PausedSeconds() float64 {
	meant := r.sum(pauseMetric, "count") / 1000
	if r.Stretch != nil {
		meant *= 1 + *r.Stretch
	}
	return meant
}

// Dropped is how many iterations the generators could not begin; false where they did not keep that.
func (r *Run) Dropped() (count float64, kept bool) {
	for _, one := range r.results {
		if _, ok := one.Metrics[droppedMetric]; ok {
			kept = true
		}
	}
	return r.sum(droppedMetric, "count"), kept
}

// droppedMetric counts load that could not be made. k6 has it only where there was some.
const droppedMetric = "dropped_iterations"
