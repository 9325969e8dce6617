package load

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Direction is which values of a figure are better.
type Direction string

// Directions.
const (
	Lower  Direction = "lower"
	Higher Direction = "higher"
)

// Figure is one number of a run by which runs are compared.
type Figure struct {
	Name    string    `json:"name"` // response p95
	Unit    string    `json:"unit"`
	Better  Direction `json:"better"`
	Value   float64   `json:"value"`
	Samples float64   `json:"samples"`
	// Events are what a ratio counts; 0 for others.
	Events float64 `json:"events,omitempty"`
}

// unitRatio is that of a figure that counts events.
const unitRatio = "ratio"

// IsRatio reports whether it is Events of Samples.
func (f Figure) IsRatio() bool { return f.Unit == unitRatio }

// Metrics of the scripts by which runs are compared.
const (
	responseMetric = "http_req_duration{objective:response}"
	complexMetric  = "http_req_duration{objective:complex-search}"
	uploadMetric   = "upload_seconds_per_mb"
	faultsMetric   = "faults"
	kindPrefix     = "http_req_duration{kind:"
)

// comparedPercents are the percentiles of spreads by which runs are compared.
var comparedPercents = []float64{50, 95}

// FigureNames are those that a run can have.
func FigureNames() map[string]bool {
	names := map[string]bool{"faults": true, "throughput": true}
	for _, t := range spreads {
		for _, percent := range comparedPercents {
			names[fmt.Sprintf("%s p%v", t.Name, percent)] = true
		}
	}
	return names
}

// figures are what a run is compared by: what it measured of the objectives.
func (r *Run) figures() []Figure {
	var all []Figure
	for _, t := range spreads {
		samples := r.trend(t.Metric)
		for _, percent := range comparedPercents {
			if len(samples) > 0 && samples.count() >= math.Ceil(leastBeyond/(1-percent/100)-1e-6) {
				all = append(all, Figure{Name: fmt.Sprintf("%s p%v", t.Name, percent), Unit: t.Unit, Better: Lower,
					Value: samples.quantile(percent / 100), Samples: samples.count()})
			}
		}
	}
	if n := r.samples(faultsMetric); n > 0 {
		wrong := r.sum(faultsMetric, "passes")
		all = append(all, Figure{Name: "faults", Unit: unitRatio, Better: Lower, Value: wrong / n, Samples: n, Events: wrong})
		if r.Seconds() > 0 {
			all = append(all, Figure{Name: "throughput", Unit: "right answers/s", Better: Higher,
				Value: (n - wrong) / r.Seconds(), Samples: n})
		}
	}
	return all
}

// Endpoint is what requests of one kind took, ms.
type Endpoint struct {
	Kind     string  `json:"kind"`
	Requests float64 `json:"requests"`
	P50      float64 `json:"p50"`
	P95      float64 `json:"p95"`
	P99      float64 `json:"p99"`
	Max      float64 `json:"max"`
}

// Endpoints are the kinds of requests that a run made, in alphabetical order.
func (r *Run) Endpoints() []Endpoint {
	kinds := map[string]bool{}
	for _, one := range r.results {
		for metric := range one.Metrics {
			if kind, ok := strings.CutPrefix(metric, kindPrefix); ok {
				kinds[strings.TrimSuffix(kind, "}")] = true
			}
		}
	}
	var all []Endpoint
	for kind := range kinds {
		if t := r.trend(kindPrefix + kind + "}"); len(t) > 0 {
			all = append(all, Endpoint{
				Kind: kind, Requests: t.count(),
				P50: t.quantile(0.5), P95: t.quantile(0.95), P99: t.quantile(0.99), Max: t.quantile(1),
			})
		}
	}
	slices.SortFunc(all, func(a, b Endpoint) int { return strings.Compare(a.Kind, b.Kind) })
	return all
}

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
