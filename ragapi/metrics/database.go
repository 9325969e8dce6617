package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ragscale/ragscale/ragapi/queue"
)

// WatchPool adds the figures of a connection pool: primary, replica or queue. They are the pool's own, read at each scrape.
func (m *Metrics) WatchPool(pool string, stat func() *pgxpool.Stat) {
	labels := prometheus.Labels{"pool": pool}
	gauge := func(name, help string, value func(*pgxpool.Stat) float64) {
		m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Subsystem: "db_pool", Name: name, Help: help, ConstLabels: labels}, func() float64 { return value(stat()) }))
	}
	total := func(name, help string, value func(*pgxpool.Stat) float64) {
		m.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: namespace, Subsystem: "db_pool", Name: name, Help: help, ConstLabels: labels}, func() float64 { return value(stat()) }))
	}
	gauge("acquired_connections", "Connections in use.", func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) })
	gauge("idle_connections", "Connections open and not in use.", func(s *pgxpool.Stat) float64 { return float64(s.IdleConns()) })
	gauge("max_connections", "Connections at most.", func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) })
	total("acquires_total", "Connections handed out.", func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) })
	total("waits_total", "Connections that had to be waited for: none was idle.", func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) })
	total("wait_seconds_total", "Time waited for connections.", func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() })
	total("canceled_waits_total", "Waits for a connection that were given up.", func(s *pgxpool.Stat) float64 { return float64(s.CanceledAcquireCount()) })
}

// WatchWait adds how long who asks a pool for a connection would wait.
func (m *Metrics) WatchWait(pool string, expected func() time.Duration) {
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: "db_pool", Name: "expected_wait_seconds", Help: "Wait that a request would have for a connection now.", ConstLabels: prometheus.Labels{"pool": pool},
	}, func() float64 { return expected().Seconds() }))
}

// depthFor is how long a depth is shown again: however often is scraped, the queue is counted that often.
const depthFor = 10 * time.Second

// depthWithin bounds the query that a scrape makes.
const depthWithin = 2 * time.Second

// WatchQueue adds the queue's depth, ten seconds old at most. While it cannot be had the gauges are absent, which an alert can
// see, and the other metrics are served.
func (m *Metrics) WatchQueue(depth func(context.Context) (queue.Depth, error)) {
	m.Registry.MustRegister(&queueCollector{
		depth:      depth,
		processing: prometheus.NewDesc(namespace+"_queue_jobs", "Unfinished jobs that process documents, by state.", []string{"state"}, nil),
		vectors:    prometheus.NewDesc(namespace+"_vector_jobs", "Unfinished jobs that bring documents' vectors to the vector store, or remove them, by state.", []string{"state"}, nil),
	})
}

type queueCollector struct {
	depth               func(context.Context) (queue.Depth, error)
	processing, vectors *prometheus.Desc

	mu    sync.Mutex
	known queue.Depth
	until time.Time
}

func (c *queueCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.processing; ch <- c.vectors }

func (c *queueCollector) Collect(ch chan<- prometheus.Metric) {
	depth, err := c.current()
	if err != nil {
		return
	}
	for _, state := range []string{"available", "pending", "running", "retryable", "scheduled"} {
		ch <- prometheus.MustNewConstMetric(c.processing, prometheus.GaugeValue, float64(depth.Processing[state]), state)
		ch <- prometheus.MustNewConstMetric(c.vectors, prometheus.GaugeValue, float64(depth.Vectors[state]), state)
	}
}

// current is the depth that is known, asked anew when that is old.
func (c *queueCollector) current() (queue.Depth, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.until) {
		return c.known, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), depthWithin)
	defer cancel()
	depth, err := c.depth(ctx)
	if err == nil {
		c.known, c.until = depth, time.Now().Add(depthFor)
	}
	return depth, err
}
