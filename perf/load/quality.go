package load

import "slices"

// Metrics of the scripts that tell whether answers are good, beside being fast.
const (
	recallMetric    = "recall"
	degradedMetric  = "degraded"        // by what the API says
	vectorsMetric   = "without_vectors" // by what hits show
	freshnessMetric = "freshness_seconds"
)

// qualityMetrics are what every run has to be judged by whose scripts measure them.
var qualityMetrics = []string{recallMetric, freshnessMetric, degradedMetric, vectorsMetric}

// MeasuresQuality reports whether the run's scripts measure recall, freshness and degraded answers. Those of earlier
// versions do not: such a run is judged by the objectives that there were when it was made, and tells nothing of these.
func (r *Run) MeasuresQuality() bool { return r.Version >= withQuality }

// judgeQuality adds what is lacking: scripts that measure the quality of answers judge it, whatever they were told.
func (r *Run) judgeQuality() {
	if !r.MeasuresQuality() {
		return
	}
	for _, metric := range qualityMetrics {
		judged := slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return v.Metric == metric })
		if !judged {
			r.Add(Verdict{
				Threshold: Threshold{Metric: metric}, Samples: r.samples(metric), Outcome: NotMeasured,
				Why: "the run had no threshold for it",
			})
		}
	}
}

// versionOf is that of the oldest result.
func versionOf(results []Result) int {
	return slices.MinFunc(results, func(a, b Result) int { return a.Version - b.Version }).Version
}
