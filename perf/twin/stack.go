package twin

import (
	"fmt"
	"math"

	"github.com/ragscale/ragscale/perf/queueing"
	"github.com/ragscale/ragscale/perf/twin/hpa"
	"github.com/ragscale/ragscale/stacks"
)

// Declared is what a stack's program declares beside its configuration.
type Declared struct {
	HPA             hpa.Spec
	ProbeSeconds    float64 // period of readiness probes
	RegisterSeconds float64 // a target's health checks until it gets requests: interval × healthy threshold
}

// Assumption is a number that is neither declared nor measured, or one that a run measured, with where it comes from.
type Assumption struct {
	What  string `json:"what"`
	Value string `json:"value"`
	Why   string `json:"why"`
}

const (
	// scheduleSeconds is from a pod's creation until a node has it, where there is room: the deployment's and the
	// scheduler's queues. First assumption, 2026-11; to be replaced by measurement.
	scheduleSeconds = 1
	// startSeconds is from the API's start until its probe answers: its connections, its migrations' lock. First
	// assumption, 2026-11; to be replaced by measurement.
	startSeconds = 5
	// sandboxStartSeconds is from a decision until the sandbox's pod is ready: watched twice, 0.9 and 1.4 s; 2026-11-30.
	sandboxStartSeconds = 1.2
	// scanSeconds is the cluster autoscaler's default --scan-interval, which the stack leaves as it is
	// (https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md).
	scanSeconds = 10
	// networkSeconds is the way through the load balancer and back. First assumption, 2026-11; to be replaced by
	// measurement.
	networkSeconds = 0.005
	// sandboxNetworkSeconds is the same through the sandbox's load balancer: 0.5 to 1.0 ms of which the pod has 0.27
	// (docs/performance.md).
	sandboxNetworkSeconds = 0.0005
)

// eksMetrics is metrics-server with its defaults: every 15 s (--metric-resolution), over the two last of which usage is
// taken, of what the kubelet's cAdvisor measured within its 10 s (housekeepingInterval), 5 s before on average.
var eksMetrics = Metrics{ResolutionSeconds: 15, WindowSeconds: 30, LeastAgeSeconds: 10, LateSeconds: 5}

// The sandbox's controllers are told to be sooner (sandbox/controlplane, sandbox/inside/daemon); a test holds these to
// what stands there.
var (
	sandboxController = hpa.Settings{SyncSeconds: 2, Tolerance: 0.1, InitialReadinessSeconds: 5,
		CPUInitializationSeconds: 10, DownscaleStabilizationSeconds: 30}
	sandboxMetrics = Metrics{ResolutionSeconds: 10, WindowSeconds: 10, LeastAgeSeconds: 10, LateSeconds: 1}
)

// ControllerOf is the horizontal autoscaler's controller of a stack: EKS leaves Kubernetes' defaults, the sandbox is
// sooner.
func ControllerOf(c *stacks.Config) hpa.Settings {
	if c.Environment == stacks.Local {
		return sandboxController
	}
	return hpa.Defaults()
}

// Of is the twin of a stack, with what had to be assumed. A request's CPU is what the stack's file implies until a
// run is known: a pod at its target serves its part of the throughput objective. machineCores are those of this
// machine, which all nodes of stack local share.
func Of(c *stacks.Config, d Declared, machineCores int) (Stack, []Assumption, error) {
	nodes := c.NodeScaling()
	headroom, _ := c.OverProvisioning()
	s := Stack{
		Name: c.Stack, HPA: d.HPA, Controller: ControllerOf(c), Metrics: eksMetrics,
		Pod: Pod{
			CPUMilli: int64(c.API.Requests.CPU), MemoryBytes: int64(c.API.Requests.Memory),
			LimitCores: float64(c.API.Limits.CPU) / 1000, ScheduleSeconds: scheduleSeconds, StartSeconds: startSeconds,
			ProbeSeconds: d.ProbeSeconds, RegisterSeconds: d.RegisterSeconds,
		},
		Work:     workOf(c),
		Database: databaseOf(c),
		Headroom: headroom,
		Nodes: Nodes{
			ScanSeconds:          scanSeconds,
			StartSeconds:         math.Max(1, float64(c.Autoscaling.NodeStartSeconds)-scanSeconds/2-scheduleSeconds),
			UnneededSeconds:      float64(nodes.ScaleDownUnneededSeconds),
			DelayAfterAddSeconds: float64(nodes.ScaleDownDelayAfterAddSeconds),
			Utilization:          nodes.ScaleDownUtilization,
		},
		Objective: Objective{Seconds: c.SLO.ResponseSeconds, Share: 0.95},
	}
	if c.Environment == stacks.Local {
		s.Metrics = sandboxMetrics
		s.Pod.ScheduleSeconds, s.Pod.StartSeconds, s.Pod.ProbeSeconds = 0, sandboxStartSeconds, 0
	}
	s.Groups = groupsOf(c, machineCores)
	return s, assumptions(c, s), s.Check()
}

// workOf is a request as the stack's file implies it.
func workOf(c *stacks.Config) Work {
	network := networkSeconds
	if c.Environment == stacks.Local {
		network = sandboxNetworkSeconds
	}
	target := float64(c.SLO.HPA.CPUPercent) / 100 * float64(c.API.Requests.CPU) / 1000
	return Work{CPUSeconds: target / c.RPSPerPod(), CV2: 1,
		Elsewhere:      queueing.Time{Mean: network, Variance: network * network},
		TimeoutSeconds: float64(c.StatementTimeoutMillis()) / 1000}
}

// databaseOf is the pool chain: as many connections as PgBouncer's fewest pods hold, each held as long as the chain is
// made for.
func databaseOf(c *stacks.Config) Database {
	p := c.Pools()
	return Database{Share: 1, Seconds: p.Demand.HoldSeconds, CV2: 1,
		Servers:    p.Demand.Usable(p.PgBouncer.MinPods*p.PgBouncer.Write, p.PgBouncer.MinPods*p.PgBouncer.Read),
		PoolPerPod: p.Demand.Usable(p.API.Write, p.API.Read)}
}

// groupsOf are the node groups. What else runs there takes places in the first of them that has nodes.
func groupsOf(c *stacks.Config, machineCores int) []Group {
	var all []Group
	nodes := 0
	for _, p := range c.Places() {
		cores := float64(p.VCPU)
		nodes += p.Node.Max
		all = append(all, Group{Name: p.Group, Least: p.Node.Min, Most: p.Node.Max, Before: p.Node.Desired,
			Cores: cores, Pods: p.EachFit})
	}
	others := othersOf(c)
	for i := range all {
		if c.Environment == stacks.Local { // one machine is all nodes
			all[i].Cores = float64(machineCores) / float64(nodes)
		}
		if all[i].Before > 0 && others > 0 {
			all[i].Others = min(others, all[i].Before*all[i].Pods)
			others -= all[i].Others
		}
	}
	return all
}

// othersOf is how many places the rest of the platform takes: workers, PgBouncer and Chroma at their least, by what
// they request.
func othersOf(c *stacks.Config) int {
	cpu := c.API.Worker.Min*int(c.API.Worker.Requests.CPU) + c.PgBouncer.Min*int(c.PgBouncer.Requests.CPU) +
		int(c.VectorStore.Requests.CPU)
	memory := int64(c.API.Worker.Min)*int64(c.API.Worker.Requests.Memory) +
		int64(c.PgBouncer.Min)*int64(c.PgBouncer.Requests.Memory) + int64(c.VectorStore.Requests.Memory)
	return int(math.Ceil(math.Max(float64(cpu)/float64(c.API.Requests.CPU),
		float64(memory)/float64(c.API.Requests.Memory))))
}

// assumptions are what nobody declared or measured.
func assumptions(c *stacks.Config, s Stack) []Assumption {
	all := []Assumption{
		{"CPU of a request", milliseconds(s.Work.CPUSeconds), fmt.Sprintf(
			"slo: %d %% of api.requests.cpu %s serve throughputRPS/maxReplicas = %.0f/s; a run measures it (--run)",
			c.SLO.HPA.CPUPercent, c.API.Requests.CPU, c.RPSPerPod())},
		{"a request's connection", milliseconds(s.Database.Seconds), fmt.Sprintf(
			"the pool chain's (plan pools); at once %d of a pod, %d of PgBouncer's least, until the pool of reads or of "+
				"writes is full; no cache answers", s.Database.PoolPerPod, s.Database.Servers)},
		{"start of a pod", seconds(s.Pod.ReadySeconds()), fmt.Sprintf(
			"%v s until a node has it, %v s until it answers%s, probes every %v s, %v s of health "+
				"checks at the load balancer", s.Pod.ScheduleSeconds, s.Pod.StartSeconds, startNote(c), s.Pod.ProbeSeconds,
			s.Pod.RegisterSeconds)},
		{"start of a node", seconds(float64(c.Autoscaling.NodeStartSeconds)),
			"autoscaling.nodeStartSeconds, from a pod without place to one that runs"},
		{"what else runs on the nodes", fmt.Sprintf("%d places", othersOf(c)),
			"workers, PgBouncer and Chroma at their least, by their requests"},
		{"arrivals", "Poisson", "service times of a coefficient of variation of 1"},
	}
	if s.Pod.LimitCores == 0 {
		all = append(all, Assumption{"CPU of a pod", "its part of its node",
			"api.limits has no cpu: pods use idle cores"})
	}
	if s.Pod.MemoryUsed == 0 && hasMemory(s.HPA) {
		all = append(all, Assumption{"the memory target", "left out",
			"what pods use is not known; a run measures it (--run)"})
	}
	return all
}

// startNote says how far a pod's start is known.
func startNote(c *stacks.Config) string {
	if c.Environment == stacks.Local {
		return " (together watched twice, its probe included)"
	}
	return " (both not measured yet)"
}

func hasMemory(s hpa.Spec) bool {
	for _, t := range s.Metrics {
		if t.Resource == hpa.Memory {
			return true
		}
	}
	return false
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.3g ms", 1000*seconds) }

func seconds(s float64) string { return fmt.Sprintf("%.3g s", s) }
