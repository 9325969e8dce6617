package rules

import (
	"fmt"

	"github.com/ragscale/ragscale/slo"
)

const (
	// overProvisioned is the share of its CPU target below which an autoscaler's pods idle: with half of them the rest
	// would still be at the target.
	overProvisioned = 0.5
	// flappingShare of an hour spent turning round is no longer the end of a wave. The window of a turn is 10 minutes,
	// twice the 5 that Kubernetes waits before it takes a pod away.
	flappingShare = 0.5
	// A quarter more pods are enough to tell what they bring. Of that growth less than a quarter in requests served is
	// no gain: the pods lack what they share.
	growthOfPods  = 0.25
	yieldOfGrowth = 0.25
	// driftFactor is how far a request may be from the recommendation: the VPA's own bounds are that wide in the first
	// days of its history.
	driftFactor = 2
	// idleLoop is how long the autoscaler may go without a turn of its loop, s. One takes 10 s.
	idleLoop = 600
)

func (c Config) scaling() []Group {
	groups := []Group{{Name: "horizontal-autoscaling", Interval: interval,
		Rules: append(c.scalingRecords(), c.horizontal()...)}}
	if c.Autoscaling {
		groups = append(groups,
			Group{Name: "cluster-autoscaler", Interval: interval, Rules: c.nodes()},
			Group{Name: "vertical-autoscaling", Interval: interval, Rules: c.vertical()})
	}
	return groups
}

// scalingRecords measure how well scaling works: how long wanted replicas are missing, how idle those are that stand,
// how often the direction turns. A Deployment and its autoscaler have the same name.
func (c Config) scalingRecords() []Rule {
	desired := fmt.Sprintf("kube_horizontalpodautoscaler_status_desired_replicas{%s}", c.in())
	return []Rule{
		record("hpa:lacking:replicas", fmt.Sprintf(
			`clamp_min(label_replace(%s, "deployment", "$1", "horizontalpodautoscaler", "(.+)") - on (namespace, deployment) kube_deployment_status_replicas_ready{%s}, 0)`,
			desired, c.in())),
		record("hpa:lacking:bool", "hpa:lacking:replicas > bool 0"),
		record("hpa:lacking:seconds_1h", "3600 * avg_over_time(hpa:lacking:bool[1h])"),
		record("hpa:scale_ups:count_1h", fmt.Sprintf(
			`label_replace(max by (namespace, horizontalpodautoscaler) (changes(%s[1h]) - resets(%s[1h])), "deployment", "$1", "horizontalpodautoscaler", "(.+)")`, desired, desired)),
		record("hpa:time_to_scale:seconds", "hpa:lacking:seconds_1h / on (namespace, deployment) (hpa:scale_ups:count_1h > "+
			"0)"),
		record("hpa:cpu:share_of_target", fmt.Sprintf(
			`kube_horizontalpodautoscaler_status_target_metric{%[1]s,metric_name="cpu",metric_target_type="utilization"} / on (namespace, horizontalpodautoscaler) kube_horizontalpodautoscaler_spec_target_metric{%[1]s,metric_name="cpu",metric_target_type="utilization"}`, c.in())),
		record("api:serving:pods", "count(sum by (instance) (rate(ragapi_http_request_duration_seconds_count[5m])) > 0)"),
		record("api:served:rate5m", `sum(slo:total:rate5m{slo="availability"}) - sum(slo:bad:rate5m{slo="availability"})`),
		record("api:growth_yield:ratio", fmt.Sprintf(
			"(api:served:rate5m - api:served:rate5m offset 15m) / api:served:rate5m offset 15m / ((api:serving:pods - "+
				"api:serving:pods offset 15m) / api:serving:pods offset 15m >= %s)", number(growthOfPods))),
		record("hpa:turning:bool", fmt.Sprintf("((changes(%[1]s[10m]) - resets(%[1]s[10m])) > bool 0) * "+
			"(resets(%[1]s[10m]) > bool 0)", desired)),
	}
}

func (c Config) horizontal() []Rule {
	const prefix = "kube_horizontalpodautoscaler_"
	on := "on (namespace, horizontalpodautoscaler) "
	limits := c.Thresholds.Scaling
	return c.alerts(
		alert{
			name: "HPAAtMaximum", severity: Ticket, section: "hpa-at-maximum", minutes: int(limits.AtMaximumMinutes.Value),
			of: []slo.Threshold{limits.MaxReplicas, limits.CPUPercent, limits.MemoryPercent, limits.AtMaximumMinutes},
			expr: fmt.Sprintf("%[1]sstatus_desired_replicas{%[2]s} >= %[3]s%[1]sspec_max_replicas and "+
				"%[3]s(%[1]sspec_max_replicas > %[3]s%[1]sspec_min_replicas)",
				prefix, c.in(), on),
			summary: "{{ $labels.horizontalpodautoscaler }} wants its maximum of replicas: more load finds no more pods.",
		},
		alert{
			name: "ReplicasDoNotHelp", severity: Ticket, section: "replicas-do-not-help", minutes: 5,
			expr: fmt.Sprintf(`api:growth_yield:ratio < %s and on () slo:bad:ratio_5m{slo="latency"} > %s`,
				number(yieldOfGrowth), number(percentileBudget)),
			summary: "Pods of the API were added and answers stay late: each 1 % of pods brought {{ $value | humanize }} % of " +
				"requests.",
		},
		alert{
			name: "ReplicasLacking", severity: Page, section: "replicas-lacking",
			minutes: int(limits.UnschedulableMinutes.Value),
			of:      []slo.Threshold{limits.MinReplicas, limits.UnschedulableMinutes},
			expr:    "hpa:lacking:replicas > 0",
			summary: "{{ $labels.deployment }} lacks {{ $value }} of the replicas that its autoscaler asked for.",
		},
		alert{
			name: "OverProvisioned", severity: Ticket, section: "over-provisioned", minutes: 6 * 60,
			of: []slo.Threshold{limits.CPUPercent},
			expr: fmt.Sprintf("hpa:cpu:share_of_target < %s and %s(%sstatus_desired_replicas > %s%sspec_min_replicas)",
				number(overProvisioned), on, prefix, on, prefix),
			summary: "{{ $labels.horizontalpodautoscaler }} keeps more replicas than its CPU asks for.",
		},
		alert{
			name: "HPAFlapping", severity: Ticket, section: "hpa-flapping",
			expr:    "avg_over_time(hpa:turning:bool[1h]) > " + number(flappingShare),
			summary: "{{ $labels.horizontalpodautoscaler }} adds and removes replicas by turns.",
		},
		alert{
			name: "HPABlind", severity: Page, section: "hpa-blind", minutes: 5,
			expr: fmt.Sprintf(`%sstatus_condition{%s,condition=~"ScalingActive|AbleToScale",status="false"} == 1`,
				prefix, c.in()),
			summary: "{{ $labels.horizontalpodautoscaler }} cannot scale: {{ $labels.condition }} is false.",
		},
		alert{
			name: "PodsUnschedulable", severity: Page, section: "pods-unschedulable",
			minutes: int(limits.UnschedulableMinutes.Value),
			of:      []slo.Threshold{limits.UnschedulableMinutes},
			expr:    fmt.Sprintf("sum by (namespace) (kube_pod_status_unschedulable{%s}) > 0", c.in()),
			summary: "{{ $value }} pods in {{ $labels.namespace }} fit no node.",
		},
	)
}

// nodes watches cluster-autoscaler.
func (c Config) nodes() []Rule {
	return c.alerts(
		alert{
			name: "AutoscalerErrors", severity: Ticket, section: "autoscaler-errors", minutes: 10,
			expr:    "sum by (type) (increase(cluster_autoscaler_errors_total[10m])) > 0",
			summary: "cluster-autoscaler keeps failing: {{ $labels.type }}.",
		},
		alert{
			name: "ScaleUpFailed", severity: Ticket, section: "scale-up-failed",
			expr:    "sum by (reason) (increase(cluster_autoscaler_failed_scale_ups_total[30m])) > 0",
			summary: "A node group could not grow: {{ $labels.reason }}.",
		},
		alert{
			name: "AutoscalerStalled", severity: Page, section: "autoscaler-stalled", minutes: 5,
			expr: fmt.Sprintf("(time() - max(cluster_autoscaler_last_activity{activity=\"main\"}) > "+
				"%d)\nor\nmax(cluster_autoscaler_cluster_safe_to_autoscale) == 0\nor\nabsent(up{job=\"cluster-autoscaler\"} == 1)",
				idleLoop),
			summary: "Nodes are not scaled: cluster-autoscaler does not run, or deems the cluster unsafe.",
		},
	)
}

// vertical watches the VPA. The recommendations come from kube-state-metrics by StateMetricsConfig.
func (c Config) vertical() []Rule {
	ratio := record("vpa:request_over_target:ratio", fmt.Sprintf(
		`avg by (namespace, container, resource) (kube_pod_container_resource_requests{%[1]s,resource=~"cpu|memory"}) / on (namespace, container, resource) max by (namespace, container, resource) (kube_customresource_vpa_containerrecommendations_target{%[1]s})`, c.in()))
	return append([]Rule{ratio}, c.alerts(
		alert{
			name: "RequestDrift", severity: Ticket, section: "request-drift", minutes: 6 * 60,
			expr: fmt.Sprintf("vpa:request_over_target:ratio < %s or vpa:request_over_target:ratio > %s",
				number(1.0/driftFactor), number(driftFactor)),
			summary: "{{ $labels.container }} requests {{ $value | humanize }} times the {{ $labels.resource }} that the VPA " +
				"recommends.",
		},
		alert{
			name: "VPAWithoutRecommendation", severity: Ticket, section: "vpa-without-recommendation", minutes: 60,
			expr:    `sum(vpa_recommender_vpa_objects_count{has_recommendation="false",matches_pods="true"}) > 0`,
			summary: "{{ $value }} VerticalPodAutoscalers have pods and no recommendation.",
		},
		alert{
			name: "RecommenderStalled", severity: Ticket, section: "recommender-stalled", minutes: 30,
			expr: "sum(increase(vpa_recommender_execution_latency_seconds_count[15m])) == " +
				"0\nor\nabsent(up{job=\"vpa-recommender\"} == 1)",
			summary: "The VPA recommender does not work.",
		},
	)...)
}
