package profile

import (
	"bytes"
	"context"
	"fmt"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metrics of ragapi that are read.
const (
	requestsMetric  = "ragapi_http_request_duration_seconds"
	documentsMetric = "ragapi_documents_processed_total"
	buildMetric     = "ragapi_build_info"
	startedMetric   = "process_start_time_seconds"
	cpuMetric       = "process_cpu_seconds_total"
	mostMetrics     = 8 << 20 // bytes
)

// probes are routes that balancers ask: no work of users.
var probes = map[string]bool{"/healthz": true, "/readyz": true}

// reading is what a pod's counters said at a time.
type reading struct {
	at      time.Time
	started float64
	cpu     float64 // seconds that the process has used
	served  map[string]float64
	build   Build
}

// readMetrics reads what a pod has served so far and what it runs.
func readMetrics(ctx context.Context, address, tier string) (r reading, err error) {
	text, err := get(ctx, address, "/metrics", mostMetrics)
	if err != nil {
		return r, err
	}
	r.at = time.Now()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return r, fmt.Errorf("/metrics: %w", err)
	}
	if families[buildMetric] == nil {
		return r, fmt.Errorf("/metrics has no %s, want a pod of ragapi", buildMetric)
	}
	build := labels(families[buildMetric].GetMetric()[0])
	r.build = Build{Version: build["version"], Revision: build["revision"], Go: build["goversion"]}
	if f := families[startedMetric]; f != nil {
		r.started = f.GetMetric()[0].GetGauge().GetValue()
	}
	if f := families[cpuMetric]; f != nil {
		r.cpu = f.GetMetric()[0].GetCounter().GetValue()
	}
	r.served = servedBy(families, tier)
	return r, nil
}

// servedBy is what a pod has served: requests by route but for probes, or documents.
func servedBy(families map[string]*dto.MetricFamily, tier string) map[string]float64 {
	all := map[string]float64{}
	if tier == Worker {
		for _, m := range families[documentsMetric].GetMetric() {
			if labels(m)["result"] == "ready" {
				all["ready"] += m.GetCounter().GetValue()
			}
		}
		return all
	}
	for _, m := range families[requestsMetric].GetMetric() {
		if route := labels(m)["route"]; !probes[route] {
			all[route] += float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func labels(m *dto.Metric) map[string]string {
	all := map[string]string{}
	for _, l := range m.GetLabel() {
		all[l.GetName()] = l.GetValue()
	}
	return all
}

// since is what was served after an earlier reading.
func (r reading) since(before reading) (map[string]float64, error) {
	if r.started != before.started {
		return nil, fmt.Errorf("its process was started anew meanwhile: what it served is not known")
	}
	served := map[string]float64{}
	for name, n := range r.served {
		if n -= before.served[name]; n > 0 {
			served[name] = n
		}
		if n < 0 {
			return nil, fmt.Errorf("its counter of %s went back by %v: what it served is not known", name, -n)
		}
	}
	return served, nil
}
