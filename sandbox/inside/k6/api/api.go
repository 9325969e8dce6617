// Package api answers k6's REST API as far as it tells of a run: its status and its metrics.
//
// Owns: paths and forms. Does not own: what is counted (metrics), who may ask: it listens where --address says.
//
// Source: https://grafana.com/docs/k6/latest/reference/k6-rest-api/ ; read 2026-11-30.
package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// trendStats are the statistics that trends have here, whatever the script asks for in its summary.
var trendStats = []string{"avg", "min", "med", "max", "p(90)", "p(95)"}

// Run is what is told of.
type Run interface {
	Elapsed() time.Duration
	Users() (active, initialized int64)
	Stopped() bool
}

// attributes of the status.
type attributes struct {
	Paused  bool  `json:"paused"`
	Users   int64 `json:"vus"`
	Most    int64 `json:"vus-max"`
	Stopped bool  `json:"stopped"`
	Running bool  `json:"running"`
	Tainted bool  `json:"tainted"`
}

// sample is a metric until now.
type sample struct {
	Type     metrics.Type       `json:"type"`
	Contains metrics.Contents   `json:"contains"`
	Tainted  *bool              `json:"tainted"` // a threshold is missed; null without one
	Sample   map[string]float64 `json:"sample"`
}

// resource is the form of everything, that of JSON:API.
type resource struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	Attributes any    `json:"attributes"`
}

// Handler answers what is asked of a run.
func Handler(run Run, engine *metrics.Engine) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) {
		active, initialized := run.Users()
		answer(w, http.StatusOK, "data", resource{"status", "default", attributes{
			Users: active, Most: initialized, Stopped: run.Stopped(), Running: !run.Stopped(), Tainted: engine.Tainted(),
		}})
	})
	mux.HandleFunc("GET /v1/metrics", func(w http.ResponseWriter, _ *http.Request) {
		all := []resource{}
		engine.Look("", func(m *metrics.Metric) { all = append(all, describe(m, run.Elapsed())) })
		answer(w, http.StatusOK, "data", all)
	})
	mux.HandleFunc("GET /v1/metrics/{id}", func(w http.ResponseWriter, r *http.Request) {
		var one *resource
		engine.Look(r.PathValue("id"), func(m *metrics.Metric) {
			found := describe(m, run.Elapsed())
			one = &found
		})
		if one == nil {
			answer(w, http.StatusNotFound, "errors", []map[string]string{{
				"status": "404", "title": "Not Found", "detail": "No metric with that ID was found",
			}})
			return
		}
		answer(w, http.StatusOK, "data", one)
	})
	return mux
}

func describe(m *metrics.Metric, elapsed time.Duration) resource {
	s := sample{Type: m.Type, Contains: m.Contains, Sample: m.Sink.Values(trendStats, elapsed)}
	if len(m.Thresholds) > 0 {
		failed := m.Failed()
		s.Tainted = &failed
	}
	return resource{"metrics", m.Name, s}
}

func answer(w http.ResponseWriter, status int, name string, what any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{name: what}) // who asked may be gone
}
