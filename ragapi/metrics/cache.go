package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ragscale/ragscale/ragapi/cache"
)

// Redis and Chroma answer within milliseconds, or something is wrong.
var operationBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}

type cacheMetrics struct {
	requests   *prometheus.CounterVec
	operations *prometheus.HistogramVec
	available  prometheus.Gauge
}

func newCacheMetrics() *cacheMetrics {
	c := &cacheMetrics{
		requests:   counterVec("cache_requests_total", "Answers looked for in the cache, by kind, result (hit, stale when it was shown once more and read anew, miss, error when the cache was gone) and where: process or redis.", "kind", "result", "level"),
		operations: histogramVec("cache_operation_duration_seconds", "Time that the cache took, by operation.", operationBuckets, "operation"),
		available:  prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "cache_available", Help: "1 while the cache is in use, 0 while the API does without."}),
	}
	for _, kind := range cache.Kinds {
		for _, result := range []string{"hit", "stale", "miss", "error"} {
			c.requests.WithLabelValues(kind, result, "redis")
			if result != "error" {
				c.requests.WithLabelValues(kind, result, "process")
			}
		}
	}
	for _, operation := range []string{"get", "set", "marks", "invalidate", "lease", "relay"} {
		c.operations.WithLabelValues(operation)
	}
	return c
}

// CacheRequest counts an answer that was looked for.
func (m *Metrics) CacheRequest(kind, result, level string) {
	m.cache.requests.WithLabelValues(kind, result, level).Inc()
}

// CacheOperation counts a question to the cache.
func (m *Metrics) CacheOperation(operation string, took time.Duration) {
	m.cache.operations.WithLabelValues(operation).Observe(took.Seconds())
}

// CacheAvailable says whether the cache is in use.
func (m *Metrics) CacheAvailable(available bool) {
	if available {
		m.cache.available.Set(1)
	} else {
		m.cache.available.Set(0)
	}
}

// VectorOperation counts a question to the vector store.
func (m *Metrics) VectorOperation(operation string, ok bool, took time.Duration) {
	result := "error"
	if ok {
		result = "ok"
	}
	m.vectors.WithLabelValues(operation, result).Observe(took.Seconds())
}

// ClientCache counts an answer that a client may keep, by the copy that it had.
func (m *Metrics) ClientCache(route, result string) {
	m.clients.WithLabelValues(route, result).Inc()
}
