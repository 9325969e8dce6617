package load

import (
	"fmt"
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
