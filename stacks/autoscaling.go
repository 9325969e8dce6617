package stacks

import "math"

// Autoscaling is what scales beside the pods: nodes, the room kept free on them, and the pods' own size.
type Autoscaling struct {
	// Time from a pod that finds no place until it runs on a new node, s.
	NodeStartSeconds int `json:"nodeStartSeconds" rule:"min=5 max=1800"`
	// Steepest rise of traffic that must not wait for a node, requests/s in each minute; 0 = no over-provisioning. By
	// default, in production, that of the load scenario peak.
	SlopeRPSPerMinute float64 `json:"slopeRPSPerMinute" rule:"min=0 max=10000000"`
	// Vertical autoscalers.
	Vertical VerticalWorkloads `json:"vertical"`
}

// VerticalWorkloads are the workloads with a vertical autoscaler.
type VerticalWorkloads struct {
	// Of the API, which scales horizontally on CPU and memory: it only recommends, unless slo.hpa.memoryPercent is 0;
	// then it may act on [memory].
	API Vertical `json:"api"`
	// Of the upload worker, which has the API's targets: as the API.
	Worker Vertical `json:"worker"`
	// Of PgBouncer, which scales horizontally on CPU: it may act on [memory].
	PgBouncer Vertical `json:"pgbouncer"`
	// Of Chroma, which has one pod: it may act on both. A recreated pod is an interruption of searches by meaning.
	Chroma Vertical `json:"chroma"`
}

// Vertical is one vertical autoscaler.
type Vertical struct {
	// Off only recommends, Initial sizes new pods, InPlaceOrRecreate resizes running ones, and recreates them where
	// their node has no room. Refused on a resource that the workload's horizontal autoscaler acts on: CPU of API,
	// worker and PgBouncer, and memory of API and worker unless slo.hpa.memoryPercent is 0.
	Mode string `json:"mode" rule:"of=vpaModes"`
	// What it recommends for, or acts on: from half of the workload's request up to what the smallest node that fits
	// it can hold, and, but for Chroma, whose limits grow along, up to its limit.
	Resources []string `json:"resources" rule:"one=cpu|memory minItems=1 maxItems=2"`
}

// asPeak is SlopeRPSPerMinute until the load scenarios are known.
const asPeak = -1

// slope is the rise of traffic while a scenario's users come, requests/s in each minute.
func (s Scenario) slope() float64 {
	return s.OfferedRPS() / (float64(max(1, s.RampUpSeconds)) / 60)
}

// RPSPerPod is the share of the throughput objective that one API pod serves at full scale, requests/s.
func (c *Config) RPSPerPod() float64 { return c.SLO.ThroughputRPS / float64(c.SLO.HPA.MaxReplicas) }

// OverProvisioning is the room kept free by pods that do nothing and give way to any other: how many, and what each
// holds, which is what an API pod requests. While a node starts, traffic rises by slope × start; that many more API
// pods must find a place at once:
//
//	⌈slopeRPSPerMinute × nodeStartSeconds/60 ÷ (throughputRPS/maxReplicas)⌉, at most maxReplicas − minReplicas
//
// In production 250 requests/s in each minute × 2 min ÷ 50 requests/s = 10 pods. Free room that happens to be on the
// nodes, and what pods below their target could still take, are left out: both are gone when a rise begins at a peak.
func (c *Config) OverProvisioning() (replicas int, each Requests) {
	rise := c.Autoscaling.SlopeRPSPerMinute * float64(c.Autoscaling.NodeStartSeconds) / 60
	pods := int(math.Ceil(rise / c.RPSPerPod()))
	return min(pods, c.SLO.HPA.MaxReplicas-c.SLO.HPA.MinReplicas), c.API.Requests
}

// NodeScaling is what cluster-autoscaler is told.
type NodeScaling struct {
	ScaleDownUnneededSeconds      int     // a node has been unneeded for so long before it goes
	ScaleDownDelayAfterAddSeconds int     // no node goes for so long after one came
	ScaleDownUtilization          float64 // a node is unneeded below this share of its capacity in requests
	MaxNodeProvisionSeconds       int     // a node that has not come by then is looked for in another group

	// Priorities are the node groups by preference when pods find no place; the highest number is asked first.
	Priorities map[int][]string
}

const (
	// scaleDownUtilization is cluster-autoscaler's own default: the pods of a node under half full find place on two
	// others that are half full. Higher would move pods about for a node that the next wave asks for again.
	scaleDownUtilization = 0.5

	// startsUntilGivenUp is how many times the usual start a node may take: spot capacity that has run out shows as a node
	// that never comes, and each minute of waiting is a minute without the pods.
	startsUntilGivenUp = 3
)

// NodeScaling derives the settings of the cluster autoscaler. A node goes after twice the time that the horizontal
// autoscaler waits before it removes a pod, so that a wave which comes back within it meets the nodes too, and no
// sooner than five node starts, so that a node is not given back for less time than five of its like take to come. In
// production that is 10 minutes.
//
// Pods that find no place are put on the group burst first: spot is the cheapest, and the base runs on demand already,
// in the least size of group api. Where spot has nothing, api follows. No pod of the platform asks for the others
// without need.
func (c *Config) NodeScaling() NodeScaling {
	start := c.Autoscaling.NodeStartSeconds
	unneeded := max(2*c.ScaleDownStabilizationSeconds(), 5*start)
	priorities := map[int][]string{}
	for _, name := range c.NodeGroupNames() {
		priority := map[string]int{"burst": 30, "api": 20}[name]
		if priority == 0 {
			priority = 10
		}
		priorities[priority] = append(priorities[priority], name)
	}
	return NodeScaling{
		ScaleDownUnneededSeconds:      unneeded,
		ScaleDownDelayAfterAddSeconds: unneeded,
		ScaleDownUtilization:          scaleDownUtilization,
		MaxNodeProvisionSeconds:       startsUntilGivenUp * start,
		Priorities:                    priorities,
	}
}
