package rules

import (
	"fmt"

	"github.com/ragscale/ragscale/slo"
)

const (
	// databaseShare is the part of the response objective that a request may wait for a connection: a twentieth, which is
	// also what pools are sized for.
	databaseShare = 1.0 / 20
	// goroutinesPerRequest and goroutinesAtRest are far above what the API needs: a request holds two or three, an idle
	// process some forty.
	goroutinesPerRequest = 20
	goroutinesAtRest     = 500
	// restarts of one container in half an hour that are no longer an accident.
	restarts = 3
)

func (c Config) workload() []Group {
	groups := []Group{
		{Name: "api", Interval: interval, Rules: c.api()},
		{Name: "queue", Interval: interval, Rules: c.queue()},
	}
	if c.Cache {
		groups = append(groups, Group{Name: "cache", Interval: interval, Rules: c.cache()})
	}
	if c.PgBouncer {
		groups = append(groups, Group{Name: "pgbouncer", Interval: interval, Rules: c.pools()})
	}
	if c.VectorStore {
		groups = append(groups, Group{Name: "volumes", Interval: interval, Rules: c.volumes()})
	}
	return groups
}

func (c Config) api() []Rule {
	return c.alerts(
		alert{
			name: "APIMetricsMissing", severity: Page, section: "api-metrics-missing", minutes: 5,
			expr:    `absent(up{job="ragapi"} == 1)`,
			summary: "No pod of the API can be scraped: every other alert on it is blind.",
		},
		alert{
			name: "ThroughputCeiling", severity: Ticket, section: "throughput-ceiling", minutes: 10,
			of:      []slo.Threshold{c.Thresholds.API.ThroughputRPS},
			expr:    "slo:total:rate5m{slo=\"availability\"} > " + number(c.Thresholds.API.ThroughputRPS.Value),
			summary: "Demand is above the {{ $value | humanize }} requests/s that the stack is sized for.",
		},
		alert{
			name: "APIPoolWait", severity: Ticket, section: "api-pool-wait", minutes: 10,
			of: []slo.Threshold{c.Thresholds.API.ResponseSeconds},
			expr: fmt.Sprintf("sum(rate(ragapi_db_pool_wait_seconds_total[5m])) / "+
				"sum(rate(ragapi_db_pool_acquires_total[5m])) > %s",
				number(c.Thresholds.API.ResponseSeconds.Value*databaseShare)),
			summary: "Requests wait {{ $value | humanizeDuration }} on average for a database connection in the API's own pool.",
		},
		alert{
			name: "ReadsDegraded", severity: Ticket, section: "reads-degraded", minutes: 10,
			expr:    "sum by (missing) (rate(ragapi_degraded_total[5m])) > 0",
			summary: "Users are answered without what should have helped: {{ $labels.missing }}.",
		},
		alert{
			name: "GoroutineLeak", severity: Ticket, section: "goroutine-leak", minutes: 30,
			expr: fmt.Sprintf(`min_over_time(go_goroutines{job="ragapi"}[30m]) > on (instance) (%d + %d * max_over_time(ragapi_http_requests_in_flight[30m]))`,
				goroutinesAtRest, goroutinesPerRequest),
			summary: "{{ $labels.instance }} keeps {{ $value }} goroutines, more than its requests explain.",
		},
		alert{
			name: "PodsRestarting", severity: Ticket, section: "pods-restarting",
			expr: fmt.Sprintf("sum by (namespace, container) (increase(kube_pod_container_status_restarts_total{%s}[30m])) "+
				"> %d", c.in(), restarts),
			summary: "{{ $labels.container }} in {{ $labels.namespace }} restarts again and again.",
		},
	)
}

// queue watches document processing. The wait is Little's law: jobs in the queue over jobs done per second.
func (c Config) queue() []Rule {
	wait := record("queue:wait:seconds",
		`max(ragapi_queue_jobs{state="available"}) / (sum(rate(ragapi_documents_processed_total{result="ready"}[10m])) or vector(0))`)
	return append([]Rule{wait}, c.alerts(
		alert{
			name: "QueueBacklog", severity: Ticket, section: "queue-backlog", minutes: 10,
			of:      []slo.Threshold{c.Thresholds.API.UploadSecondsPerMB},
			expr:    "queue:wait:seconds > " + number(c.Thresholds.API.UploadSecondsPerMB.Value),
			summary: "A document waits longer for a worker than its processing may take.",
		},
		alert{
			name: "DocumentsFailing", severity: Ticket, section: "documents-failing", minutes: 5,
			of: []slo.Threshold{c.Thresholds.API.ErrorRatio},
			expr: fmt.Sprintf(`sum(increase(ragapi_documents_processed_total{result="failed"}[1h])) / sum(increase(ragapi_documents_processed_total{result=~"ready|failed"}[1h])) > %s`,
				number(c.Thresholds.API.ErrorRatio.Value)),
			summary: "Documents fail for good more often than requests may.",
		},
	)...)
}

func (c Config) cache() []Rule {
	return c.alerts(alert{
		name: "CacheGone", severity: Ticket, section: "cache-gone", minutes: 5,
		expr:    "min(ragapi_cache_available) == 0",
		summary: "A pod of the API does without its cache: the database answers what the cache should.",
	})
}

func (c Config) pools() []Rule {
	return c.alerts(
		alert{
			name: "PgBouncerClientsWaiting", severity: Page, section: "pgbouncer-clients-waiting", minutes: 5,
			of: []slo.Threshold{c.Thresholds.PgBouncer.WaitingClients},
			expr: "sum by (database) (pgbouncer_pools_client_waiting_connections) > " +
				number(c.Thresholds.PgBouncer.WaitingClients.Value),
			summary: "{{ $value }} clients of {{ $labels.database }} wait for a connection.",
		},
		alert{
			name: "PgBouncerDown", severity: Page, section: "pgbouncer-down", minutes: 2,
			expr:    `absent(pgbouncer_up == 1)`,
			summary: "No PgBouncer answers: the API reaches no database.",
		},
	)
}

func (c Config) volumes() []Rule {
	return c.alerts(alert{
		name: "VolumeFilling", severity: Ticket, section: "volume-filling", minutes: 15,
		of: []slo.Threshold{c.Thresholds.Nodes.StoragePercent},
		expr: fmt.Sprintf("100 * kubelet_volume_stats_used_bytes{%[1]s} / on (namespace, persistentvolumeclaim) "+
			"kubelet_volume_stats_capacity_bytes{%[1]s} > %[2]s",
			c.in(), number(c.Thresholds.Nodes.StoragePercent.Value)),
		summary: "Volume {{ $labels.persistentvolumeclaim }} is {{ $value | humanize }} % full.",
	})
}
