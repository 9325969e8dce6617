package dashboards

import (
	"fmt"
	"strings"

	"github.com/ragscale/ragscale/components/observability/rules"
)

// Units as Grafana names them.
const (
	seconds  = "s"
	share    = "percentunit"
	percent  = "percent"
	perSec   = "reqps"
	plain    = "short"
	quantile = "histogram_quantile(%s, sum by (le) (rate(%s_bucket%s[5m])))"
)

// Pages are the dashboards: is an objective missed; where on the way of a request; does scaling keep up.
func Pages(c rules.Config) []Page {
	return []Page{
		{Name: "objectives", Title: "Objectives", Rows: objectives(c)},
		{Name: "request-path", Title: "Way of a request", Rows: requestPath(c)},
		{Name: "scaling", Title: "Scaling", Rows: scaling(c)},
	}
}

func p95(metric, labels string) Line {
	return Line{fmt.Sprintf(quantile, "0.95", metric, labels), "p95"}
}

func objectives(c rules.Config) []Row {
	return []Row{
		{Title: "Now", Graphs: []Graph{
			{Title: "Response time", Unit: seconds, Section: "latency-burn",
				Limits: []float64{c.Thresholds.API.ResponseSeconds.Value}, Lines: []Line{
					{fmt.Sprintf(quantile, "0.5", "ragapi_http_request_duration_seconds", ""), "p50"},
					p95("ragapi_http_request_duration_seconds", ""),
					{fmt.Sprintf(quantile, "0.99", "ragapi_http_request_duration_seconds", ""), "p99"},
				}},
			{Title: "Complex searches", Unit: seconds, Section: "complex-search-burn",
				Limits: []float64{c.Thresholds.API.ComplexSearchSeconds.Value},
				Lines:  []Line{p95("ragapi_search_duration_seconds", `{mode="complex"}`)}},
			{Title: "Processing of uploads, per MB", Unit: seconds, Section: "upload-burn",
				Limits: []float64{c.Thresholds.API.UploadSecondsPerMB.Value},
				Lines:  []Line{p95("ragapi_document_processing_seconds_per_megabyte", "")}},
			{Title: "Requests", Unit: perSec, Section: "throughput-ceiling",
				Limits: []float64{c.Thresholds.API.ThroughputRPS.Value},
				Lines:  []Line{{`slo:total:rate5m{slo="availability"}`, "all"}, {`slo:bad:rate5m{slo="availability"}`, "failed"}}},
		}},
		{Title: "Error budgets", Graphs: []Graph{
			{Title: "Burn rate over an hour: 14.4 wakes someone", Unit: plain, Section: "availability-burn",
				Limits: []float64{rules.FastestBurn},
				Lines:  []Line{{"slo:bad:ratio_1h / on (slo) slo:budget:ratio", "{{slo}}"}}},
			{Title: "Burn rate over a day: 3 is a ticket", Unit: plain, Limits: []float64{3},
				Lines: []Line{{"slo:bad:ratio_1d / on (slo) slo:budget:ratio", "{{slo}}"}}},
			{Title: "Budget left at the pace of the last 3 days", Unit: share,
				Lines: []Line{{"1 - slo:bad:ratio_3d / on (slo) slo:budget:ratio", "{{slo}}"}}},
		}},
	}
}

func requestPath(c rules.Config) []Row {
	rows := []Row{{Title: "API", Graphs: []Graph{
		{Title: "Requests by route", Unit: perSec,
			Lines: []Line{{"sum by (route) (rate(ragapi_http_request_duration_seconds_count[5m]))", "{{route}}"}}},
		{Title: "Answers by status", Unit: perSec,
			Lines: []Line{{"sum by (status) (rate(ragapi_http_request_duration_seconds_count[5m]))", "{{status}}"}}},
		{Title: "Requests in flight", Unit: plain, Section: "goroutine-leak", Lines: []Line{
			{"sum(ragapi_http_requests_in_flight)", "in flight"}, {`sum(go_goroutines{job="ragapi"})`, "goroutines"}}},
		{Title: "Wait for a connection of the pod's own pool", Unit: seconds, Section: "api-pool-wait", Lines: []Line{
			{"sum(rate(ragapi_db_pool_wait_seconds_total[5m])) / sum(rate(ragapi_db_pool_acquires_total[5m]))", "mean"}}},
		{Title: "Answers that did without", Unit: perSec, Section: "reads-degraded", Lines: []Line{
			{"sum by (missing) (rate(ragapi_degraded_total[5m]))", "{{missing}}"}}},
	}}}
	if c.Cache {
		rows = append(rows, cache())
	}
	if c.PgBouncer {
		rows = append(rows, pgbouncer(c))
	}
	rows = append(rows,
		Row{Title: "PostgreSQL, as the API sees it", Graphs: []Graph{
			{Title: "Time of searches", Unit: seconds, Lines: []Line{
				{"histogram_quantile(0.95, sum by (le, mode) (rate(ragapi_search_duration_seconds_bucket[5m])))", "p95 {{mode}}"}}},
			{Title: "Connections of the pods", Unit: plain, Lines: []Line{
				{"sum(ragapi_db_pool_acquired_connections)", "in use"}, {"sum(ragapi_db_pool_max_connections)", "at most"}}},
		}},
		Row{Title: "Uploads", Graphs: []Graph{
			{Title: "Jobs", Unit: plain, Lines: []Line{{"max by (state) (ragapi_queue_jobs)", "{{state}}"}}},
			{Title: "Wait for a worker", Unit: seconds, Section: "queue-backlog",
				Limits: []float64{c.Thresholds.API.UploadSecondsPerMB.Value},
				Lines:  []Line{{"queue:wait:seconds", "wait"}}},
			{Title: "Documents", Unit: perSec, Section: "documents-failing",
				Lines: []Line{{"sum by (result) (rate(ragapi_documents_processed_total[5m]))", "{{result}}"}}},
		}})
	if c.VectorStore {
		rows = append(rows, vectorStore(c))
	}
	return rows
}

func cache() Row {
	const found = `sum by (kind) (rate(ragapi_cache_requests_total{result=~"hit|stale"}[5m]))`
	return Row{Title: "Cache, as the API sees it", Graphs: []Graph{
		{Title: "Answered from the cache", Unit: share, Section: "cache-gone",
			Lines: []Line{{found + " / sum by (kind) (rate(ragapi_cache_requests_total[5m]))", "{{kind}}"}}},
		{Title: "Time of its answers", Unit: seconds, Lines: []Line{
			{"histogram_quantile(0.95, sum by (le, operation) (rate(ragapi_cache_operation_duration_seconds_bucket[5m])))",
				"p95 {{operation}}"}}},
		{Title: "Pods that use it", Unit: plain,
			Lines: []Line{{"sum(ragapi_cache_available)", "with the cache"}, {"count(ragapi_cache_available)", "all"}}},
	}}
}

func vectorStore(c rules.Config) Row {
	return Row{Title: "Chroma", Graphs: []Graph{
		{Title: "Time of its answers", Unit: seconds, Lines: []Line{
			{"histogram_quantile(0.95, sum by (le, operation) (rate(ragapi_vector_operation_duration_seconds_bucket[5m])))",
				"p95 {{operation}}"}}},
		{Title: "Volume used", Unit: percent, Section: "volume-filling",
			Limits: []float64{c.Thresholds.Nodes.StoragePercent.Value}, Lines: []Line{
				{"100 * kubelet_volume_stats_used_bytes / on (namespace, persistentvolumeclaim) " +
					"kubelet_volume_stats_capacity_bytes",
					"{{persistentvolumeclaim}}"}}},
	}}
}

func pgbouncer(c rules.Config) Row {
	return Row{Title: "PgBouncer", Graphs: []Graph{
		{Title: "Clients", Unit: plain, Section: "pgbouncer-clients-waiting",
			Limits: []float64{c.Thresholds.PgBouncer.WaitingClients.Value}, Lines: []Line{
				{"sum by (database) (pgbouncer_pools_client_active_connections)", "{{database}} active"},
				{"sum by (database) (pgbouncer_pools_client_waiting_connections)", "{{database}} waiting"}}},
		{Title: "Longest wait", Unit: seconds,
			Lines: []Line{{"max by (database) (pgbouncer_pools_client_maxwait_seconds)", "{{database}}"}}},
		{Title: "Connections to PostgreSQL", Unit: plain, Section: "pgbouncer-down", Lines: []Line{
			{"sum by (database) (pgbouncer_pools_server_active_connections)", "{{database}} active"},
			{"sum by (database) (pgbouncer_pools_server_idle_connections)", "{{database}} idle"}}},
	}}
}

func scaling(c rules.Config) []Row {
	in := `{namespace=~"` + strings.Join(c.Namespaces, "|") + `"}`
	const hpa = "kube_horizontalpodautoscaler_"
	rows := []Row{{Title: "Pods", Graphs: []Graph{
		{Title: "Replicas", Unit: plain, Section: "hpa-at-maximum", Lines: []Line{
			{hpa + "status_desired_replicas" + in, "{{horizontalpodautoscaler}} wanted"},
			{hpa + "status_current_replicas" + in, "{{horizontalpodautoscaler}} there"},
			{hpa + "spec_max_replicas" + in, "{{horizontalpodautoscaler}} at most"}}},
		{Title: "Replicas that are lacking", Unit: plain, Section: "replicas-lacking",
			Lines: []Line{{"hpa:lacking:replicas", "{{deployment}}"}}},
		{Title: "Time to scale, mean of an hour", Unit: seconds,
			Limits: []float64{60 * c.Thresholds.Scaling.UnschedulableMinutes.Value},
			Lines:  []Line{{"hpa:time_to_scale:seconds", "{{deployment}}"}}},
		{Title: "CPU, share of the autoscaler's target", Unit: share, Section: "over-provisioned",
			Lines: []Line{{"hpa:cpu:share_of_target", "{{horizontalpodautoscaler}}"}}},
	}}}
	if !c.Autoscaling {
		return rows
	}
	return append(rows,
		Row{Title: "Nodes", Graphs: []Graph{
			{Title: "Nodes", Unit: plain, Lines: []Line{{"sum by (state) (cluster_autoscaler_nodes_count)", "{{state}}"}}},
			{Title: "Pods that fit no node", Unit: plain, Section: "pods-unschedulable", Lines: []Line{
				{"sum(cluster_autoscaler_unschedulable_pods_count)", "cluster"},
				{"sum by (namespace) (kube_pod_status_unschedulable" + in + ")", "{{namespace}}"}}},
			{Title: "Nodes added and removed in 10 minutes", Unit: plain, Lines: []Line{
				{"sum(increase(cluster_autoscaler_scaled_up_nodes_total[10m]))", "added"},
				{"sum(increase(cluster_autoscaler_scaled_down_nodes_total[10m]))", "removed"}}},
			{Title: "Errors in 10 minutes", Unit: plain, Section: "autoscaler-errors", Lines: []Line{
				{"sum by (type) (increase(cluster_autoscaler_errors_total[10m]))", "{{type}}"},
				{"sum by (reason) (increase(cluster_autoscaler_failed_scale_ups_total[10m]))", "no growth: {{reason}}"}}},
		}},
		Row{Title: "Requests of the pods", Graphs: []Graph{
			{Title: "Requested, times the recommendation", Unit: plain, Section: "request-drift",
				Lines: []Line{{"vpa:request_over_target:ratio", "{{container}} {{resource}}"}}},
			{Title: "VerticalPodAutoscalers", Unit: plain, Section: "vpa-without-recommendation",
				Lines: []Line{{"sum by (has_recommendation) (vpa_recommender_vpa_objects_count)",
					"with recommendation: {{has_recommendation}}"}}},
		}})
}
