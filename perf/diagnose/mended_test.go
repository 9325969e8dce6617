package diagnose_test

import (
	"strings"
	"testing"

	"github.com/ragscale/ragscale/perf/diagnose"
	"github.com/ragscale/ragscale/perf/recommend"
	"github.com/ragscale/ragscale/stacks"
)

// capacityFaults are those that more of something mends.
var capacityFaults = []string{
	"too few replicas: hpa-maximum", "HPA maximum too low: hpa-maximum", "CPU limit: cpu-limit", "small API pool: api-pool",
	"small PgBouncer pool: pgbouncer-pool", "missing index: database-cpu", "slow database, small pool: database-cpu",
	"slow Chroma: vectors",
}

// What was recommended is done to the simulated stack, by as much as it says, and what comes of it is held against the
// prediction.
func TestWhatIsPredictedComes(t *testing.T) {
	within, better, all := 0, 0, 0
	for _, fault := range capacityFaults {
		for seed := uint64(1); seed <= 1; seed++ {
			planted := diagnose.Plant(fault)
			d, run, file := planted.Diagnosed(t, seed)
			free := func(map[string]string) (recommend.Cost, error) { return recommend.Cost{}, nil }
			a, err := recommend.For(recommend.Input{Diagnosis: d, Run: run, File: "Pulumi.prod.yaml", Text: []byte(file), Check: free})
			if err != nil || len(a.Recommendations) == 0 {
				t.Errorf("%s: %v, nothing is recommended: %v", fault, err, a)
				continue
			}
			r := a.Recommendations[0]
			all++
			came, kept := planted.Mended(t, r.Cause, r.Times, seed)
			p := r.Predict
			hit := came >= 0.9*p.Low && came <= 1.1*p.High // a tenth for what is measured
			if hit {
				within++
			}
			if came < 0.9*p.Now {
				better++
			}
			t.Logf("%-42s %-34s predicted %6.0f ms to %6.1f (%6.1f to %6.1f), came %6.1f, within %t, objectives kept %t", fault,
				r.Edits[0].Key+" "+r.Edits[0].To, p.Now, p.Likely, p.Low, p.High, came, hit, kept)
		}
	}
	t.Logf("within the bounds %d of %d, better %d", within, all, better)
	if within*10 < all*8 || better < all {
		t.Errorf("within the bounds %d, better %d of %d, want 80 %% and all", within, better, all)
	}
}

// Whatever is recommended of a planted fault loads, and is about the first cause.
func TestTheRecommendationIsAboutTheFirstCause(t *testing.T) {
	d, run, file := diagnose.Plant("tiny cache: cache-full").Diagnosed(t, 1)
	check := func(values map[string]string) (recommend.Cost, error) {
		_, err := stacks.Parse("prod", values)
		return recommend.Cost{}, err
	}
	a, err := recommend.For(recommend.Input{Diagnosis: d, Run: run, File: "Pulumi.prod.yaml", Text: []byte(file), Check: check})
	if err != nil || len(a.Recommendations) == 0 || a.Recommendations[0].Cause != d.Findings[0].Cause ||
		!strings.Contains(a.Recommendations[0].Patch, "+    nodeType: cache.r7g.xlarge") {
		t.Errorf("%v: %+v", err, a.Recommendations[0].Edits)
	}
}
