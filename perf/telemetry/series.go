package telemetry

import "slices"

// query is a panel, as a workspace is asked for it.
type query struct {
	name, title, unit string
	lines             []line
}

// line is a query and what its series are called; {label} stands for that of a series, $range for the time that rates
// are taken over.
type line struct{ name, expr string }

// asked are the panels of a run. Their series are those of the rules and dashboards (components/observability) and of
// the API's own metrics (docs/api.md).
var asked = []query{
	{"api-latency", "Latency as the API's pods see it", "ms", []line{
		{"p50", millis(`0.5, sum by (le) (rate(ragapi_http_request_duration_seconds_bucket[$range]))`)},
		{"p95", millis(`0.95, sum by (le) (rate(ragapi_http_request_duration_seconds_bucket[$range]))`)},
		{"p99", millis(`0.99, sum by (le) (rate(ragapi_http_request_duration_seconds_bucket[$range]))`)},
	}},
	{"api-routes", "Requests by route", "/s", []line{
		{"{route}", `sum by (route) (rate(ragapi_http_request_duration_seconds_count[$range])) > 0`}}},
	{"api-route-latency", "Latency by route, p95", "ms", []line{
		{"{route}", millis(`0.95, sum by (le, route) (rate(ragapi_http_request_duration_seconds_bucket[$range]))`)}}},
	{"api-status", "Answers by status", "/s", []line{
		{"{status}", `sum by (status) (rate(ragapi_http_request_duration_seconds_count[$range])) > 0`}}},
	{"api-in-flight", "Requests in flight", "", []line{{"in flight", `sum(ragapi_http_requests_in_flight)`}}},
	{"replicas", "Replicas", "", []line{
		{"{horizontalpodautoscaler} wanted", `kube_horizontalpodautoscaler_status_desired_replicas`},
		{"{deployment} ready", `kube_deployment_status_replicas_ready and on (namespace, deployment) ` +
			`label_replace(kube_horizontalpodautoscaler_status_desired_replicas, ` +
			`"deployment", "$1", "horizontalpodautoscaler", "(.+)")`},
	}},
	{"nodes", "Nodes", "", []line{
		{"{state}", `sum by (state) (cluster_autoscaler_nodes_count)`},
		{"pods that fit none", `sum(cluster_autoscaler_unschedulable_pods_count)`},
	}},
	{"cpu", "CPU of the API's pods, together", "cores", []line{
		{"{tier}", `sum by (tier) (` + tiers(`rate(process_cpu_seconds_total{job="ragapi"}[$range])`) + `)`}}},
	{"memory", "Memory of the API's pods, the largest", "MiB", []line{
		{"{tier}", `max by (tier) (` + tiers(`process_resident_memory_bytes{job="ragapi"}`) + `) / 1048576`}}},
	{"goroutines", "Goroutines of the API's pods, the most", "", []line{
		{"{tier}", `max by (tier) (` + tiers(`go_goroutines{job="ragapi"}`) + `)`}}},
	{"pool-wait", "Wait for a connection of a pod's pool, mean", "ms", []line{
		{"{pool}", `1000 * sum by (pool) (rate(ragapi_db_pool_wait_seconds_total[$range])) ` +
			`/ sum by (pool) (rate(ragapi_db_pool_acquires_total[$range]))`}}},
	{"pgbouncer", "Clients of PgBouncer", "", []line{
		{"{database} active", `sum by (database) (pgbouncer_pools_client_active_connections)`},
		{"{database} waiting", `sum by (database) (pgbouncer_pools_client_waiting_connections)`},
	}},
	{"database-sessions", "Sessions of the database", "", []line{
		{"{database} active", `sum by (database) (pgbouncer_pools_server_active_connections)`},
		{"{database} idle", `sum by (database) (pgbouncer_pools_server_idle_connections)`},
	}},
	{"search", "Time of searches, p95", "ms", []line{
		{"{mode}", millis(`0.95, sum by (le, mode) (rate(ragapi_search_duration_seconds_bucket[$range]))`)}}},
	{"cache", "Answered from a cache, of all that was looked for", "%", []line{
		{"{level}", `sum by (level) (rate(ragapi_cache_requests_total{result=~"hit|stale"}[$range])) ` +
			`/ on () group_left () sum(rate(ragapi_cache_requests_total[$range]))`}}},
	{"cache-latency", "Time of the cache's answers, p95", "ms", []line{
		{"{operation}", millis(`0.95, sum by (le, operation) ` +
			`(rate(ragapi_cache_operation_duration_seconds_bucket[$range]))`)}}},
	{"vectors", "Time of the vector store's answers, p95", "ms", []line{
		{"{operation}", millis(`0.95, sum by (le, operation) ` +
			`(rate(ragapi_vector_operation_duration_seconds_bucket[$range]))`)}}},
	{"jobs", "Jobs of uploads", "", []line{{"{state}", `max by (state) (ragapi_queue_jobs)`}}},
	{"degraded", "Answers that did without", "/s", []line{
		{"{missing}", `sum by (missing) (rate(ragapi_degraded_total[$range]))`}}},
	// What perf/diagnose reads. Seconds in each second are how many are at it at once (Little's law); over a rate they
	// are the mean time of one.
	{"busy", "Where requests are, seconds in each second", "", slices.Concat(
		spent("requests", "", `ragapi_http_request_duration_seconds_sum{pod=~"agentic-rag-api-.+"}`),
		spent("pool {pool} waiting", "pool", `ragapi_db_pool_wait_seconds_total{pod=~"agentic-rag-api-.+"}`),
		spent("pgbouncer {database} waiting", "database", `pgbouncer_stats_totals_client_wait_seconds_total`),
		spent("pgbouncer {database} in transaction", "database",
			`pgbouncer_stats_totals_server_in_transaction_seconds_total`),
		spent("cache {operation}", "operation",
			`ragapi_cache_operation_duration_seconds_sum{pod=~"agentic-rag-api-.+"}`),
		spent("vectors {operation}", "operation",
			`ragapi_vector_operation_duration_seconds_sum{pod=~"agentic-rag-api-.+"}`),
		spent("search {mode}", "mode", `ragapi_search_duration_seconds_sum{pod=~"agentic-rag-api-.+"}`),
		spent("garbage collection", "", `go_cpu_classes_gc_total_cpu_seconds_total{pod=~"agentic-rag-api-.+"}`),
	)},
	{"rates", "How often", "/s", slices.Concat(
		spent("requests", "", `ragapi_http_request_duration_seconds_count{pod=~"agentic-rag-api-.+"}`),
		spent("pool {pool}", "pool", `ragapi_db_pool_acquires_total{pod=~"agentic-rag-api-.+"}`),
		spent("pgbouncer {database}", "database", `pgbouncer_stats_totals_sql_transactions_pooled_total`),
		spent("search {mode}", "mode", `ragapi_search_duration_seconds_count{pod=~"agentic-rag-api-.+"}`),
		spent("vectors {operation}", "operation",
			`ragapi_vector_operation_duration_seconds_count{pod=~"agentic-rag-api-.+"}`),
	)},
	{"route-time", "Time of a request by route, mean", "ms", []line{
		{"{method} {route}", `1000 * sum by (method, route) (rate(ragapi_http_request_duration_seconds_sum[$range])) ` +
			`/ sum by (method, route) (rate(ragapi_http_request_duration_seconds_count[$range]))`}}},
	{"pod-time", "Time of a request by pod, mean", "ms", []line{
		{"{pod}", `1000 * sum by (pod) (rate(ragapi_http_request_duration_seconds_sum[$range])) ` +
			`/ sum by (pod) (rate(ragapi_http_request_duration_seconds_count[$range]))`}}},
	{"pod-cpu", "CPU of each of the API's pods", "cores", []line{
		{"{pod}", `sum by (pod) (rate(process_cpu_seconds_total{job="ragapi",pod=~"agentic-rag-api-.+"}[$range]))`}}},
	{"pool", "Connections of the API's pools", "", []line{
		{"{pool} in use", `sum by (pool) (ragapi_db_pool_acquired_connections{pod=~"agentic-rag-api-.+"})`},
		{"{pool} at most", `sum by (pool) (ragapi_db_pool_max_connections{pod=~"agentic-rag-api-.+"})`},
	}},
	{"hpa", "Bounds of autoscalers", "", []line{
		{"{horizontalpodautoscaler} at most", `kube_horizontalpodautoscaler_spec_max_replicas`}}},
	{"shed", "Requests sent away, by what was short", "/s", []line{
		{"{reason}", `sum by (reason) (rate(ragapi_shed_total[$range]))`}}},
	{"restarts", "Containers that began anew", "", []line{
		{"{namespace}/{container}", `sum by (namespace, container) ` +
			`(increase(kube_pod_container_status_restarts_total[$range]))`}}},
	{"cache-in-use", "The cache is in use, of all pods", "", []line{
		{"in use", `min(ragapi_cache_available{pod=~"agentic-rag-api-.+"})`}}},
	{"vector-jobs", "Jobs of vectors", "", []line{{"{state}", `max by (state) (ragapi_vector_jobs)`}}},
}

// spent is how fast a counter rises, by a label; "" for all of it together.
func spent(name, label, counter string) []line {
	if label == "" {
		return []line{{name, `sum(rate(` + counter + `[$range]))`}}
	}
	return []line{{name, `sum by (` + label + `) (rate(` + counter + `[$range]))`}}
}

// millis is a quantile in ms.
func millis(of string) string { return "1000 * histogram_quantile(" + of + ")" }

// tiers names the tier of each pod: api, worker.
func tiers(of string) string {
	return `label_replace(` + of + `, "tier", "$1", "pod", "agentic-rag-([a-z]+)-.+")`
}
