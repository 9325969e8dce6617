package metrics_test

import (
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ragscale/ragscale/ragapi/metrics"
)

func TestWhatGarbageCollectionTakesIsServed(t *testing.T) {
	runtime.GC() // the figure is as of the last one
	m := metrics.New(metrics.Build{})
	if n, err := testutil.GatherAndCount(m.Registry, "go_cpu_classes_gc_total_cpu_seconds_total"); n != 1 || err != nil {
		t.Errorf("%d series (%v), want one", n, err)
	}
}
