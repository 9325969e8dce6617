// Package hpa is the arithmetic of Kubernetes' HorizontalPodAutoscaler, without a cluster: from what pods use to how
// many there should be.
//
// It follows what is documented (https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/,
// KEP-853 on velocity, KEP-4951 on tolerance) and, where the documents are silent, what controller-manager 1.33 to 1.37
// does (pkg/controller/podautoscaler). Times are seconds since any fixed moment.
//
// Owns: replicas for a metric, several metrics, missing and unready pods, tolerance, stabilization, policies, bounds,
// reading a spec. Does not own: pods and their usage (perf/twin).
package hpa

import (
	"errors"
	"math"
)

// Spec is what an autoscaler is told, of autoscaling/v2.
type Spec struct {
	Min, Max int
	Metrics  []Target
	Up, Down Rules
}

// Target is the utilization that a resource should have: percent of the pods' requests.
type Target struct {
	Resource string // CPU or Memory
	Percent  int
}

// Resources that a target is of.
const (
	CPU    = "cpu"
	Memory = "memory"
)

// Settings are those of the controller: flags of kube-controller-manager.
type Settings struct {
	SyncSeconds                   float64
	Tolerance                     float64 // a share, both ways
	InitialReadinessSeconds       float64 // within which a pod that becomes unready has never been ready
	CPUInitializationSeconds      float64
	DownscaleStabilizationSeconds float64 // of autoscalers that say none
}

// Defaults are those of kube-controller-manager, which EKS leaves as they are.
func Defaults() Settings {
	return Settings{SyncSeconds: 15, Tolerance: 0.1, InitialReadinessSeconds: 30, CPUInitializationSeconds: 300,
		DownscaleStabilizationSeconds: 300}
}

// Pod is what the controller sees of a pod.
type Pod struct {
	Gone      bool // being deleted, or failed
	Pending   bool
	Ready     bool
	Started   float64 // when the kubelet took it
	ChangedAt float64 // when its readiness last changed
	Requests  map[string]int64
	Usage     map[string]Usage // by resource; absent where there is no metric
}

// Usage is what a pod used: thousandths of a core on average over a window that ended at a time, or of a byte.
type Usage struct{ Value, At, Window float64 }

// ErrNoMetrics is what a proposal fails with where no pod has a metric that counts.
var ErrNoMetrics = errors.New("no pod that counts has a metric")

// groups are pods by what counts of them.
type groups struct {
	ready            int
	counted          []sample
	unready, missing []int64 // their requests
}

// sample is a usage with the request that it is of.
type sample struct{ used, request int64 }

// Propose is how many replicas a target asks for, and the utilization that it was told of, percent.
//
// Unready pods count as idle, and pods without metrics as idle while more are wanted, as busy while fewer are. Neither
// may turn the direction around.
func (c Settings) Propose(t Target, current int, pods []Pod, up, down, now float64) (replicas, percent int, err error) {
	g := c.group(t.Resource, pods, now)
	if len(g.counted) == 0 {
		return 0, 0, ErrNoMetrics
	}
	ratio, percent := ratioOf(g.counted, t.Percent)
	within := func(ratio float64) bool { return 1-down <= ratio && ratio <= 1+up }
	if (len(g.unready) == 0 || ratio <= 1) && len(g.missing) == 0 {
		if within(ratio) {
			return current, percent, nil
		}
		return int(math.Ceil(ratio * float64(g.ready))), percent, nil
	}
	all := g.supposed(ratio, t.Percent)
	again, _ := ratioOf(all, t.Percent)
	replicas = int(math.Ceil(again * float64(len(all))))
	if within(again) || opposed(ratio, again) || opposed(float64(replicas)/float64(current), again) {
		return current, percent, nil
	}
	return replicas, percent, nil
}

// opposed says that of two ratios one asks for more and the other for fewer.
func opposed(a, b float64) bool { return a < 1 && b > 1 || a > 1 && b < 1 }

// group sorts pods as the controller does: those that go do not count, those that start or are too young are unready.
func (c Settings) group(resource string, pods []Pod, now float64) (g groups) {
	for _, p := range pods {
		usage, measured := p.Usage[resource]
		request := p.Requests[resource]
		switch {
		case p.Gone:
		case p.Pending:
			g.unready = append(g.unready, request)
		case !measured:
			g.missing = append(g.missing, request)
		case resource == CPU && c.young(p, usage, now):
			g.unready = append(g.unready, request)
		default:
			g.ready++
			g.counted = append(g.counted, sample{int64(usage.Value), request})
		}
	}
	return g
}

// young says that a pod's CPU is that of its start: within the initialization period, unless it is ready and has been
// for a window of its metric; afterwards, if it never became ready.
func (c Settings) young(p Pod, u Usage, now float64) bool {
	if p.Started+c.CPUInitializationSeconds > now {
		return !p.Ready || u.At < p.ChangedAt+u.Window
	}
	return !p.Ready && p.Started+c.InitialReadinessSeconds > p.ChangedAt
}

// supposed are the samples with those of pods that have none.
func (g groups) supposed(ratio float64, target int) []sample {
	all := g.counted
	for _, request := range g.missing {
		switch {
		case ratio < 1:
			all = append(all, sample{request * int64(max(100, target)) / 100, request})
		case ratio > 1:
			all = append(all, sample{0, request})
		}
	}
	if ratio > 1 {
		for _, request := range g.unready {
			all = append(all, sample{0, request})
		}
	}
	return all
}

// ratioOf is utilization over target. The controller cuts utilization to whole percent first.
func ratioOf(all []sample, target int) (ratio float64, percent int) {
	var used, requested int64
	for _, s := range all {
		used, requested = used+s.used, requested+s.request
	}
	if requested <= 0 {
		return 0, 0
	}
	percent = int(used * 100 / requested)
	return float64(percent) / float64(target), percent
}
