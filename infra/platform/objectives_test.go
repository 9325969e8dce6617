package platform

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/stacks"
)

// changes are another value for each objective, and the kinds of places where it must act.
var changes = map[string]struct {
	value any
	kinds []string
}{
	"responseSeconds":      {1, []string{"alarm", "rule", "load test", "primary", "replica", "cache", "pooler"}},
	"complexSearchSeconds": {10, []string{"rule", "load test", "primary", "replica", "capacity"}},
	"uploadSecondsPerMB":   {60, []string{"alarm", "rule", "load test", "primary", "replica"}},
	"throughputRPS":        {2000, []string{"alarm", "rule", "primary", "replica", "pooler", "capacity"}},
	"cpuPercent":           {75, []string{"alarm"}},
	"memoryPercent":        {90, []string{"alarm"}},
	"storagePercent":       {50, []string{"alarm", "rule"}},
	"availabilityPercent":  {99, []string{"alarm", "rule", "load test"}},
	"recallPercent":        {90, []string{"load test"}},
	"freshnessSeconds":     {45, []string{"load test"}},
	"hpa.minReplicas":      {4, []string{"autoscaler"}},
	"hpa.maxReplicas":      {12, []string{"autoscaler", "pooler", "capacity"}},
	"hpa.cpuPercent":       {55, []string{"autoscaler"}},
	"hpa.memoryPercent":    {60, []string{"autoscaler"}},
}

// TestAnObjectiveReachesWhatFollowsFromIt changes one objective at a time and lists every threshold of the graph that
// follows, which is to be reviewed like code: one that is missing was typed twice, one too many follows from the wrong
// objective.
func TestAnObjectiveReachesWhatFollowsFromIt(t *testing.T) {
	thresholds := func(change map[string]any) map[string][]float64 {
		configure(t, "prod", change)
		values := map[string][]float64{}
		for _, f := range thresholdsIn(t, graph.Run(t, "prod", Declare)) {
			values[f.where] = append(values[f.where], f.value)
		}
		for _, v := range values {
			slices.Sort(v)
		}
		return values
	}
	before := thresholds(nil)
	var text strings.Builder
	for _, objective := range stacks.Objectives() {
		c := changes[objective]
		after := thresholds(map[string]any{"slo." + objective: c.value})
		fmt.Fprintf(&text, "slo.%s = %v\n", objective, c.value)
		reached := map[string]bool{}
		all := maps.Clone(before) // one that is the service's own default is in one of the two only
		maps.Copy(all, after)
		for _, where := range slices.Sorted(maps.Keys(all)) {
			if slices.Equal(before[where], after[where]) {
				continue
			}
			for _, kind := range c.kinds {
				reached[kind] = reached[kind] || strings.HasPrefix(where, kind+" ")
			}
			fmt.Fprintf(&text, "  %s: %s -> %s\n", where, written(before[where]), written(after[where]))
		}
		for _, kind := range c.kinds {
			if !reached[kind] {
				t.Errorf("slo.%s = %v changes no threshold of kind %s", objective, c.value, kind)
			}
		}
	}
	graph.Golden(t, "testdata/objectives.golden", text.String())
}

// written lists values, each once.
func written(values []float64) string {
	if len(values) == 0 {
		return "none"
	}
	var all []string
	for _, v := range slices.Compact(slices.Clone(values)) {
		all = append(all, fmt.Sprintf("%.10g", v))
	}
	return strings.Join(all, " ")
}
