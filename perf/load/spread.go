package load

import "math"

// Spread is how long what an objective is about took, over a whole run.
type Spread struct {
	Name    string   `json:"name"` // response
	Metric  string   `json:"metric"`
	Unit    string   `json:"unit"`
	Samples float64  `json:"samples"`
	Points  []Within `json:"points"` // from the least to the largest
}

// Within says that a share of the samples took a value at most.
type Within struct {
	Share float64 `json:"share"`
	Value float64 `json:"value"`
}

// spreads are the trends that objectives are about.
var spreads = []Spread{
	{Name: "response", Metric: responseMetric, Unit: "ms"},
	{Name: "complex search", Metric: complexMetric, Unit: "ms"},
	{Name: "upload", Metric: uploadMetric, Unit: "s/MB"},
}

// Spreads are those that a run has samples of. A share closer to 1 than a sample is not told.
func (r *Run) Spreads() []Spread {
	all := []Spread{}
	for _, s := range spreads {
		samples := r.trend(s.Metric)
		if len(samples) == 0 {
			continue
		}
		s.Samples = samples.count()
		for _, share := range sharesOf(s.Samples) {
			s.Points = append(s.Points, Within{share, samples.quantile(share)})
		}
		all = append(all, s)
	}
	return all
}

// sharesOf are those of a curve: every fiftieth, and the closer to 1 the denser, as far as samples reach.
func sharesOf(samples float64) []float64 {
	var all []float64
	for i := range 45 {
		all = append(all, float64(i)/50)
	}
	for beyond := 0.1; beyond*samples >= 1; beyond /= math.Pow(10, 0.125) {
		all = append(all, 1-beyond)
	}
	return append(all, 1)
}
