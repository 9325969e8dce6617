package rules

import "slices"

// Jobs that are scraped. A rule may ask for the label job.
const (
	JobAPI               = "ragapi"
	JobPgBouncer         = "pgbouncer"
	JobClusterAutoscaler = "cluster-autoscaler"
	JobVPARecommender    = "vpa-recommender"
	JobStateMetrics      = "kube-state-metrics"
	JobKubelet           = "kubelet"
)

// Metrics are what rules and dashboards may use, by the job that serves them. Those of our own workloads are kept
// whole; of the others the scraper keeps only these: managed Prometheus is paid by the sample.
//
// Sources, all read 2026-11-24: ragapi: docs/api.md, and client_golang's Go collector. pgbouncer:
// https://github.com/prometheus-community/pgbouncer_exporter (collector.go). cluster-autoscaler:
// https://github.com/kubernetes/autoscaler (cluster-autoscaler/metrics/metrics.go). vpa-recommender: the same
// (vertical-pod-autoscaler/docs, recommender metrics). kube-state-metrics:
// https://github.com/kubernetes/kube-state-metrics (docs/metrics); it has served no VPA metrics of its own since 2.9,
// so that the last one comes from StateMetricsConfig.
var Metrics = map[string][]string{
	JobAPI: {
		"go_goroutines", "ragapi_cache_available", "ragapi_cache_operation_duration_seconds_bucket",
		"ragapi_cache_requests_total",
		"ragapi_db_pool_acquired_connections", "ragapi_db_pool_acquires_total", "ragapi_db_pool_max_connections",
		"ragapi_db_pool_wait_seconds_total", "ragapi_degraded_total",
		"ragapi_document_processing_seconds_per_megabyte_bucket",
		"ragapi_document_processing_seconds_per_megabyte_count", "ragapi_documents_processed_total",
		"ragapi_http_request_duration_seconds_bucket",
		"ragapi_http_request_duration_seconds_count", "ragapi_http_requests_in_flight", "ragapi_queue_jobs",
		"ragapi_search_duration_seconds_bucket", "ragapi_search_duration_seconds_count",
		"ragapi_vector_operation_duration_seconds_bucket",
	},
	JobPgBouncer: {
		"pgbouncer_pools_client_active_connections", "pgbouncer_pools_client_maxwait_seconds",
		"pgbouncer_pools_client_waiting_connections",
		"pgbouncer_pools_server_active_connections", "pgbouncer_pools_server_idle_connections", "pgbouncer_up",
	},
	JobClusterAutoscaler: {
		"cluster_autoscaler_cluster_safe_to_autoscale", "cluster_autoscaler_errors_total",
		"cluster_autoscaler_failed_scale_ups_total",
		"cluster_autoscaler_last_activity", "cluster_autoscaler_nodes_count", "cluster_autoscaler_scaled_down_nodes_total",
		"cluster_autoscaler_scaled_up_nodes_total", "cluster_autoscaler_unschedulable_pods_count",
	},
	JobVPARecommender: {"vpa_recommender_execution_latency_seconds_count", "vpa_recommender_vpa_objects_count"},
	JobStateMetrics: {
		"kube_customresource_vpa_containerrecommendations_target", "kube_deployment_status_replicas_ready",
		"kube_horizontalpodautoscaler_spec_max_replicas", "kube_horizontalpodautoscaler_spec_min_replicas",
		"kube_horizontalpodautoscaler_spec_target_metric", "kube_horizontalpodautoscaler_status_condition",
		"kube_horizontalpodautoscaler_status_current_replicas", "kube_horizontalpodautoscaler_status_desired_replicas",
		"kube_horizontalpodautoscaler_status_target_metric", "kube_pod_container_resource_requests",
		"kube_pod_container_status_restarts_total", "kube_pod_status_unschedulable",
	},
	JobKubelet: {"kubelet_volume_stats_capacity_bytes", "kubelet_volume_stats_used_bytes"},
}

// Known tells whether a metric is scraped or recorded.
func (c Config) Known(metric string) bool {
	if metric == "up" {
		return true
	}
	for _, metrics := range Metrics {
		if slices.Contains(metrics, metric) {
			return true
		}
	}
	for _, f := range c.Files() {
		for _, g := range f.Groups {
			if slices.ContainsFunc(g.Rules, func(r Rule) bool { return r.Record == metric }) {
				return true
			}
		}
	}
	return false
}
