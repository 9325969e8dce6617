// Package metrics measures the RAG API for Prometheus.
//
// Owns: the names, labels and buckets of the metrics. Does not own: where they are served.
package metrics

import (
	"regexp"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/ragscale/ragscale/ragapi/admission"
	"github.com/ragscale/ragscale/ragapi/document"
)

const (
	namespace = "ragapi"
	megabyte  = 1_000_000 // the objectives count decimal megabytes
)

// Buckets lie close around the objectives of 2 s for the API and 5 s for complex searches: a quantile is
// interpolated within one bucket, so near them that bucket must be narrow.
var requestBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 1.5, 1.75, 2, 2.25, 2.5, 3.5, 4.5, 5, 5.5, 7.5, 10, 30}

// The objective is 30 s per MB.
var processingBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 20, 25, 30, 35, 60, 120, 300}

// collectionTime adds go_cpu_classes_gc_total_cpu_seconds_total: what garbage collection takes of the processors, as of the last
// one.
var collectionTime = collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{
	Matcher: regexp.MustCompile(`^/cpu/classes/gc/total:cpu-seconds$`),
})

// Metrics are one process's measurements.
type Metrics struct {
	Registry *prometheus.Registry

	requests   *prometheus.HistogramVec
	inFlight   prometheus.Gauge
	limit      prometheus.Gauge
	shed       *prometheus.CounterVec
	searches   *prometheus.HistogramVec
	uploaded   prometheus.Counter
	processing prometheus.Histogram
	processed  *prometheus.CounterVec
	chunks     prometheus.Counter
	degraded   *prometheus.CounterVec
	queryLog   *prometheus.CounterVec
	keys       *prometheus.CounterVec
	clients    *prometheus.CounterVec
	cache      *cacheMetrics
	vectors    *prometheus.HistogramVec
}

// Build is what this binary was built from.
type Build struct{ Version, Revision string }

// New returns metrics in a registry of their own, with those of the Go runtime and the process.
func New(build Build) *Metrics {
	m := &Metrics{
		Registry:   prometheus.NewRegistry(),
		requests:   histogramVec("http_request_duration_seconds", "Time to answer a request, by route, method and status.", requestBuckets, "route", "method", "status"),
		inFlight:   prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "http_requests_in_flight", Help: "Requests being answered, those that wait for their clients too."}),
		limit:      prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "http_requests_in_flight_limit", Help: "Requests that may be at work at once; more are shed."}),
		shed:       counterVec("shed_total", "Requests sent away so that others are answered, by what was short (places for requests, connections to the database, memory) and priority.", "reason", "priority"),
		searches:   histogramVec("search_duration_seconds", "Time that a search took, in the cache or the database, by mode.", requestBuckets, "mode"),
		uploaded:   counter("uploaded_bytes_total", "Bytes of text accepted for processing."),
		processing: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: "document_processing_seconds_per_megabyte", Help: "Time from a document's acceptance until it could be found, per MB (10^6 bytes) of text; a document below 1 MB counts as 1 MB.", Buckets: processingBuckets}),
		processed:  counterVec("documents_processed_total", "Attempts to process a document, by result: ready, retried or failed.", "result"),
		chunks:     counter("chunks_written_total", "Chunks written."),
		degraded:   counterVec("degraded_total", "Reads that did without what they would have used, by what was missing: replica or vector.", "missing"),
		queryLog:   counterVec("query_log_records_total", "Searches for the query log, by result: written or dropped.", "result"),
		keys:       counterVec("auth_key_fetches_total", "Times that the issuer was asked for its keys, by result: ok or error.", "result"),
		clients:    counterVec("client_cache_requests_total", "Answers that clients may keep, by route and the copy that they had: hit (it is used, 304), stale (there is another by now) or miss (they had none).", "route", "result"),
		cache:      newCacheMetrics(),
		vectors:    histogramVec("vector_operation_duration_seconds", "Time that the vector store took, by operation and result.", operationBuckets, "operation", "result"),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": build.Revision, "goversion": runtime.Version()},
	})
	info.Set(1)
	// A counter that appears with its first event hides that event from rate().
	for _, missing := range []string{"replica", "vector"} {
		m.degraded.WithLabelValues(missing)
	}
	for _, reason := range admission.Reasons {
		for _, priority := range admission.Priorities {
			m.shed.WithLabelValues(reason, priority.String())
		}
	}
	for _, operation := range []string{"query", "upsert", "delete"} {
		m.vectors.WithLabelValues(operation, "ok")
		m.vectors.WithLabelValues(operation, "error")
	}
	for _, result := range []string{"ok", "error"} {
		m.keys.WithLabelValues(result)
	}
	for _, result := range []string{"written", "dropped"} {
		m.queryLog.WithLabelValues(result)
	}
	m.Registry.MustRegister(collectors.NewGoCollector(collectionTime), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		info, m.requests, m.inFlight, m.limit, m.shed, m.searches, m.uploaded, m.processing, m.processed, m.chunks, m.degraded, m.queryLog, m.keys, m.clients, m.vectors,
		m.cache.requests, m.cache.operations, m.cache.available)
	return m
}

func histogramVec(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

// RequestBegins counts a request in flight; the returned function ends it.
func (m *Metrics) RequestBegins() (ends func()) {
	m.inFlight.Inc()
	return m.inFlight.Dec
}

// RequestsLimit says how many requests may be in flight.
func (m *Metrics) RequestsLimit(limit int) { m.limit.Set(float64(limit)) }

// Shed counts a request that was sent away.
func (m *Metrics) Shed(reason, priority string) { m.shed.WithLabelValues(reason, priority).Inc() }

// Request counts an answered request. route is a pattern, never a path: paths are without number.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Observe(took.Seconds())
}

// Degraded returns what counts a read that had to do without missing.
func (m *Metrics) Degraded(missing string) func() { return m.degraded.WithLabelValues(missing).Inc }

// Logged counts records of the query log.
func (m *Metrics) Logged(written bool, records int) {
	result := "dropped"
	if written {
		result = "written"
	}
	m.queryLog.WithLabelValues(result).Add(float64(records))
}

// KeysFetched counts a fetch of the issuer's keys.
func (m *Metrics) KeysFetched(err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.keys.WithLabelValues(result).Inc()
}

// Search counts a search, whether it was cached or not.
func (m *Metrics) Search(mode string, took time.Duration) {
	m.searches.WithLabelValues(mode).Observe(took.Seconds())
}

// Uploaded counts an accepted text.
func (m *Metrics) Uploaded(bytes int64) { m.uploaded.Add(float64(bytes)) }

// Processed counts a document that became ready.
func (m *Metrics) Processed(doc document.Document) {
	m.processed.WithLabelValues("ready").Inc()
	m.chunks.Add(float64(doc.ChunkCount))
	m.processing.Observe(doc.UpdatedAt.Sub(doc.AcceptedAt).Seconds() / max(1, float64(doc.Bytes)/megabyte))
}

// ProcessingFailed counts a failed attempt; final means that there will be no other.
func (m *Metrics) ProcessingFailed(final bool) {
	result := "retried"
	if final {
		result = "failed"
	}
	m.processed.WithLabelValues(result).Inc()
}
