package stacks

// Observability is who hears of what is wrong, and what is kept to look at. Thresholds are derived: see Thresholds.
type Observability struct {
	// Who gets the alarms; each address has to confirm once. Production needs one.
	AlarmEmails []string `json:"alarmEmails" rule:"match=email maxItems=20"`
	// Days that Managed Prometheus keeps metrics.
	MetricRetentionDays int `json:"metricRetentionDays" rule:"min=1 max=1095"`
	// Days that the logs of rules and alert manager are kept.
	LogRetentionDays int `json:"logRetentionDays" rule:"of=logDays"`
	// Namespace of a Grafana in the cluster, whose sidecar gets the dashboards as ConfigMaps; empty = none.
	GrafanaNamespace string `json:"grafanaNamespace" rule:"match=namespace"`
}
