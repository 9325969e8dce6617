package metrics_test

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ragscale/ragscale/ragapi/metrics"
	"github.com/ragscale/ragscale/ragapi/queue"
)

func TestTheQueueIsNotCountedAtEveryScrape(t *testing.T) {
	m := metrics.New(metrics.Build{})
	asked := 0
	m.WatchQueue(func(context.Context) (queue.Depth, error) {
		asked++
		return queue.Depth{Processing: map[string]int{"available": 3}}, nil
	})
	for range 20 {
		if n, err := testutil.GatherAndCount(m.Registry, "ragapi_queue_jobs"); n != 5 || err != nil {
			t.Fatalf("%d states shown (%v), want 5", n, err)
		}
	}
	if asked != 1 {
		t.Errorf("counted %d times, want once", asked)
	}
}
