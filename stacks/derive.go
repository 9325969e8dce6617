package stacks

import (
	"maps"
	"math"
	"slices"
)

// SurgePercent is how many pods above its replicas a rolling update may start (Deployment maxSurge, percent). It counts
// in the connection budget: during an update at full scale the surge pods hold connections too.
const SurgePercent = 25

// MetricsPort is where the API's image serves metrics and profiles.
const MetricsPort = 9090

// NodeGroupNames lists the declared node groups, sorted.
func (c *Config) NodeGroupNames() []string { return slices.Sorted(maps.Keys(c.Cluster.NodeGroups)) }

// ResourceTags are the tags of every resource of the stack, without component, which each component adds.
func (c *Config) ResourceTags() map[string]string {
	tags := maps.Clone(c.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags["project"] = "ragscale"
	tags["stack"] = c.Stack
	tags["environment"] = string(c.Environment)
	tags["cost-centre"] = c.CostCentre
	tags["managed-by"] = "pulumi"
	return tags
}

// ZoneNames are the stack's availability zones in order: those configured, else the region's a, b, c.
func (c *Config) ZoneNames() []string {
	if len(c.Network.ZoneNames) > 0 {
		return c.Network.ZoneNames
	}
	zones := make([]string, 0, c.Network.Zones)
	for i := range c.Network.Zones {
		zones = append(zones, c.Region+string(rune('a'+i)))
	}
	return zones
}

// WorkerHPA is the autoscaler of the upload worker: its own bounds, the API's targets.
func (c *Config) WorkerHPA() HPA {
	hpa := c.SLO.HPA
	hpa.MinReplicas, hpa.MaxReplicas = c.API.Worker.Min, c.API.Worker.Max
	return hpa
}

// ScaleDownStabilizationSeconds is how long load must have been low before the autoscaler removes a pod, s: Kubernetes'
// own 300, for a pod that goes too early costs a cold start at the next wave. On one machine 15, for there someone
// waits to see it.
func (c *Config) ScaleDownStabilizationSeconds() int {
	if c.Environment == Local {
		return 15
	}
	return 300
}

// ScaleDownPercent is the share of the pods that may go in each minute: a quarter, so that a wave which comes back
// meets most of them. On one machine all of them, for the same reason as above.
func (c *Config) ScaleDownPercent() int {
	if c.Environment == Local {
		return 100
	}
	return 25
}

// StatementTimeoutMillis is how long one SQL statement may run, ms: six times the objective for complex searches, and
// no less than the processing of one MB of upload. Migrations and upkeep set their own.
func (c *Config) StatementTimeoutMillis() int {
	return millis(math.Max(6*c.SLO.ComplexSearchSeconds, c.SLO.UploadSecondsPerMB))
}

// SlowStatementMillis is from when on a statement is logged, ms: a quarter of the response objective, for a request
// with one such statement can still meet it.
func (c *Config) SlowStatementMillis() int { return millis(c.SLO.ResponseSeconds / 4) }

func millis(seconds float64) int { return int(math.Ceil(seconds * 1000)) }
