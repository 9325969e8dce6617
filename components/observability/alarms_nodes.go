package observability

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/slo"
)

// mostFailed nodes: any at all is wrong.
const mostFailed = 0

// nodeAlarms watch the cluster's nodes, on average, through Container Insights.
func (a Args) nodeAlarms() []alarm {
	t := a.Thresholds.Nodes
	node := func(key, title, meaning, name, stat string, threshold slo.Threshold, unit string) alarm {
		return alarm{
			tier: nodesTier, key: key, title: title, meaning: meaning, threshold: threshold, unit: unit, when: sustained,
			whenMissing: quiet,
			metrics: []metric{{"value", "ContainerInsights", name, stat,
				map[string]pulumi.StringInput{"ClusterName": a.ClusterName}}},
		}
	}
	return []alarm{
		node("node-cpu", "CPU of the nodes", "The nodes work above the objective for CPU.", "node_cpu_utilization", "Average",
			t.CPUPercent, "%"),
		node("node-memory", "Memory of the nodes", "The nodes' memory is used above the objective.",
			"node_memory_utilization", "Average", t.MemoryPercent, "%"),
		node("node-storage", "Disks of the nodes", "A node's disk fills up: it will evict pods.",
			"node_filesystem_utilization", "Maximum", t.StoragePercent, "%"),
		node("node-failed", "Failed nodes", "A node does not work, and its pods are elsewhere or nowhere.",
			"cluster_failed_node_count", "Maximum", slo.Threshold{Value: mostFailed}, "nodes"),
	}
}
