package observability

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/ragscale/ragscale/components/observability/rules"
)

// scrapeInterval is the shortest that a managed scraper takes.
// Source:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/managed-prometheus-collectors-scraper-configuration.html
// ; read 2026-11-24.
const scrapeInterval = "30s"

// job is a set of pods that serve metrics on one port.
type job struct {
	name       string
	namespaces []string
	// pods matches their names. A name is all that charts and add-ons agree on.
	pods string
	port string // number, or name of the container's port
	// whole keeps every metric; else only those that rules and dashboards use are kept.
	whole bool
	// honorLabels keeps the namespace and pod that a metric is about, rather than those of whoever serves it.
	honorLabels bool
}

func (a Args) jobs() []job {
	jobs := []job{{name: rules.JobAPI, namespaces: []string{a.APINamespace}, pods: "agentic-rag-(api|worker)-.+",
		port: "metrics", whole: true}}
	if a.PgBouncer {
		jobs = append(jobs, job{name: rules.JobPgBouncer, namespaces: []string{a.APINamespace}, pods: "pgbouncer-.+",
			port: "metrics", whole: true})
	}
	if a.AutoscalingNamespace != "" {
		in := []string{a.AutoscalingNamespace}
		jobs = append(jobs,
			job{name: rules.JobClusterAutoscaler, namespaces: in, pods: ".*cluster-autoscaler-.+", port: "8085"},
			job{name: rules.JobVPARecommender, namespaces: in, pods: ".*(vpa|vertical-pod-autoscaler)-recommender-.+",
				port: "8942"})
	}
	return append(jobs, job{name: rules.JobStateMetrics, namespaces: []string{stateMetricsNamespace}, pods: stateMetrics +
		"-.+", port: "8080", honorLabels: true})
}

// scrapeConfiguration is Prometheus' own format; the provider encodes it.
func (a Args) scrapeConfiguration() (string, error) {
	var configs []any
	for _, j := range a.jobs() {
		configs = append(configs, j.config())
	}
	configs = append(configs, kubelet())
	text, err := yaml.Marshal(map[string]any{
		"global":         map[string]any{"scrape_interval": scrapeInterval, "scrape_timeout": "10s"},
		"scrape_configs": configs,
	})
	if err != nil {
		return "", fmt.Errorf("scrape configuration: %w", err)
	}
	return string(text), nil
}

func (j job) config() map[string]any {
	port := "__meta_kubernetes_pod_container_port_number"
	if strings.Trim(j.port, "0123456789") != "" {
		port = "__meta_kubernetes_pod_container_port_name"
	}
	config := map[string]any{
		"job_name":              j.name,
		"honor_labels":          j.honorLabels,
		"kubernetes_sd_configs": []any{map[string]any{"role": "pod", "namespaces": map[string]any{"names": j.namespaces}}},
		"relabel_configs": []any{
			relabel("keep", j.pods, "", "__meta_kubernetes_pod_name"),
			relabel("keep", j.port, "", port),
			// A pod that ended keeps its address until it is deleted.
			relabel("drop", "Succeeded|Failed", "", "__meta_kubernetes_pod_phase"),
			relabel("replace", "", "namespace", "__meta_kubernetes_namespace"),
			relabel("replace", "", "pod", "__meta_kubernetes_pod_name"),
		},
	}
	if !j.whole {
		config["metric_relabel_configs"] = []any{used(j.name)}
	}
	return config
}

// kubelet serves the volumes' fill. It is reached through the API server's proxy: AmazonPrometheusScraperPolicy allows
// nodes/proxy, and the token is mounted where pods have theirs (both as remembered from AWS' default configuration; to
// settle: aws amp get-default-scraper-configuration). Like that one it names no ca_file: whether the collector has the
// cluster's authority as a file CreateScraper would tell, and without one it reaches the API server as AWS' own jobs
// do.
func kubelet() map[string]any {
	return map[string]any{
		"job_name":              rules.JobKubelet,
		"scheme":                "https",
		"honor_labels":          true,
		"bearer_token_file":     "/var/run/secrets/kubernetes.io/serviceaccount/token",
		"kubernetes_sd_configs": []any{map[string]any{"role": "node"}},
		"relabel_configs": []any{
			map[string]any{"target_label": "__address__", "replacement": "kubernetes.default.svc:443"},
			map[string]any{
				"source_labels": []string{"__meta_kubernetes_node_name"}, "regex": "(.+)",
				"target_label": "__metrics_path__", "replacement": "/api/v1/nodes/$1/proxy/metrics",
			},
		},
		"metric_relabel_configs": []any{used(rules.JobKubelet)},
	}
}

// used drops what no rule and no dashboard asks for.
func used(job string) map[string]any {
	return relabel("keep", strings.Join(slices.Sorted(slices.Values(rules.Metrics[job])), "|"), "", "__name__")
}

func relabel(action, regex, target string, sources ...string) map[string]any {
	config := map[string]any{"action": action, "source_labels": sources}
	if regex != "" {
		config["regex"] = regex
	}
	if target != "" {
		config["target_label"] = target
	}
	return config
}
