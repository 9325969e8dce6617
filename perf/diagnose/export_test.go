package diagnose

import (
	"testing"

	"github.com/ragscale/ragscale/perf/load"
)

// Planted is a world with a fault, for tests of what follows from a diagnosis.
type Planted struct{ w world }

// Plant plants one of the faults.
func Plant(fault string) Planted {
	w := healthy()
	faults[fault](&w)
	return Planted{w}
}

// Diagnosed runs the world, and diagnoses it.
func (p Planted) Diagnosed(t *testing.T, seed uint64) (*Diagnosis, *load.Run, string) {
	t.Helper()
	cfg := p.w.stackOf(t)
	run, err := load.Merge("normal-1", []load.Result{simulate(p.w, seed).result(cfg)})
	if err != nil {
		t.Fatal(err)
	}
	return p.w.diagnosed(t, seed), run, p.w.file(t)
}

// Mended is the mean time of requests, ms, once a tier has some times its capacity.
func (p Planted) Mended(t *testing.T, cause string, times float64, seed uint64) (millis float64, kept bool) {
	t.Helper()
	w := p.w
	grown := func(n *int) { *n = int(float64(*n)*times + 0.5) }
	switch cause {
	case "hpa-maximum":
		grown(&w.pods)
		grown(&w.mostPods)
	case "cpu-limit":
		w.speed *= times
	case "api-pool":
		grown(&w.pool)
	case "pgbouncer-pool":
		grown(&w.serverPool)
	case "database-cpu":
		grown(&w.vcpu)
	case "vectors":
		w.vectorMillis /= times
	default:
		t.Fatalf("%s is not mended here", cause)
	}
	d := w.diagnosed(t, seed)
	return d.Split.Total(), len(d.Effects) == 0
}
