// Package twin simulates how the API scales: requests that come, pods that serve them, the horizontal autoscaler that
// counts the pods and the node autoscaler that makes room for them.
//
// The controllers are simulated event by event. Requests are too, where there are few; where there are many, their
// waiting is computed for each tick instead (fluid.go), and tests hold the one to the other.
//
// Owns: pods, nodes, metrics, what requests wait for; calibration; what follows: shortages, policies that do better.
// Does not own: the autoscaler's arithmetic (hpa), waiting (queueing), loads (curve), flags and printing
// (cmd/ragscale).
package twin

import (
	"errors"
	"fmt"
	"math"

	"github.com/ragscale/ragscale/perf/twin/hpa"
	"github.com/ragscale/ragscale/perf/twin/queueing"
)

// Stack is what is simulated.
type Stack struct {
	Name       string
	HPA        hpa.Spec
	Controller hpa.Settings
	Metrics    Metrics
	Pod        Pod
	Work       Work
	Database   Database
	Groups     []Group // of nodes, in the order in which they are asked for more
	Headroom   int     // pods that keep room free and give way, each of an API pod's size
	Nodes      Nodes
	Objective  Objective
}

// Metrics is when and over what pods' usage is measured.
type Metrics struct {
	ResolutionSeconds float64 // between two measurements
	WindowSeconds     float64 // that usage is averaged over
	LeastAgeSeconds   float64 // a container younger than that has no metric
	LateSeconds       float64 // from a measurement until the controller can see it
}

// Pod is one of the API's.
type Pod struct {
	CPUMilli    int64   // request, thousandths of a core
	MemoryBytes int64   // request
	MemoryUsed  int64   // bytes; 0 is not known, and the target of memory is then left out
	LimitCores  float64 // 0: as much as its node has

	ScheduleSeconds float64 // from being created until a node has it, where there is room
	StartSeconds    float64 // from its container's start until it answers
	ProbeSeconds    float64 // between two probes of readiness: the first that finds it is anywhere within
	RegisterSeconds float64 // from ready until the load balancer sends requests
	StartCPUSeconds float64 // CPU that its start takes
	SpreadCV        float64 // of StartSeconds from pod to pod: log-normal, 0 is none
}

// ReadySeconds is from when a pod is decided on until it serves, on a node that has room, on average. The image is
// there: nodes that come have it by the time they take pods (Nodes.StartSeconds).
func (p Pod) ReadySeconds() float64 {
	return p.ScheduleSeconds + p.StartSeconds + p.ProbeSeconds/2 + p.RegisterSeconds
}

// Work is what one request takes.
type Work struct {
	CPUSeconds     float64       // of an API pod
	CV2            float64       // squared coefficient of variation of it
	Elsewhere      queueing.Time // that takes no CPU of the pod: network, cache, vectors, what else is not modelled
	IdleCores      float64       // what a pod uses without requests
	TimeoutSeconds float64       // who waits longer has no answer
}

// Database is what the requests that no cache answers ask.
type Database struct {
	Share      float64 // of requests that reach it: 1 − what caches answer
	Seconds    float64 // that each holds a connection
	CV2        float64
	Servers    int // connections that work at once
	PoolPerPod int // connections that a pod may hold; 0 is no bound
}

// Group is a group of nodes.
type Group struct {
	Name                string
	Least, Most, Before int     // Before: how many there are when the load begins
	Cores               float64 // of a node, for pods
	Pods                int     // of the API's size that find place on one
	Others              int     // of those places, that others of the platform take
}

// Nodes is the node autoscaler.
type Nodes struct {
	ScanSeconds          float64
	StartSeconds         float64 // from its decision until the node takes pods, the image included
	UnneededSeconds      float64
	DelayAfterAddSeconds float64
	Utilization          float64 // a node with less of its places taken is unneeded
}

// Objective is how long a share of requests may take.
type Objective struct{ Seconds, Share float64 }

const (
	// mostPods and mostNodes bound what is simulated: ten times what one autoscaler is recommended for.
	mostPods  = 50_000
	mostNodes = 10_000
)

// Check names all that cannot be simulated.
func (s Stack) Check() error {
	faults := []error{s.HPA.Check()}
	if s.HPA.Max > mostPods {
		faults = append(faults, fmt.Errorf("replicas are up to %d, want %d at the most", s.HPA.Max, mostPods))
	}
	for _, n := range []struct {
		name        string
		value, from float64
	}{
		{"the controller's sync period", s.Controller.SyncSeconds, 0.1},
		{"metrics' resolution", s.Metrics.ResolutionSeconds, 0.1}, {"metrics' window", s.Metrics.WindowSeconds, 0.1},
		{"metrics' delay", s.Metrics.LateSeconds, 0}, {"a pod's CPU request", float64(s.Pod.CPUMilli), 1},
		{"CPU seconds of a request", s.Work.CPUSeconds, 1e-9}, {"the timeout", s.Work.TimeoutSeconds, 1e-3},
		{"the objective", s.Objective.Seconds, 1e-3}, {"the node autoscaler's scan", s.Nodes.ScanSeconds, 0.1},
		{"a pod's limit", s.Pod.LimitCores, 0}, {"a pod's start", s.Pod.StartSeconds, 0},
		{"a node's start", s.Nodes.StartSeconds, 0}, {"headroom", float64(s.Headroom), 0},
		{"a request's time elsewhere", s.Work.Elsewhere.Mean, 0}, {"CPU of an idle pod", s.Work.IdleCores, 0},
		{"the database's time", s.Database.Seconds, 0},
	} {
		if !(n.value >= n.from && n.value < 1e9) {
			faults = append(faults, fmt.Errorf("%s is %v, want %v or more", n.name, n.value, n.from))
		}
	}
	if !(s.Objective.Share > 0 && s.Objective.Share < 1) {
		faults = append(faults, fmt.Errorf("the objective is for a share of %v, want between 0 and 1", s.Objective.Share))
	}
	return errors.Join(append(faults, s.checkGroups(), s.Database.check())...)
}

func (s Stack) checkGroups() error {
	var faults []error
	nodes, places := 0, 0
	for _, g := range s.Groups {
		if g.Least < 0 || g.Most < g.Least || g.Cores <= 0 || g.Pods < 1 || math.IsNaN(g.Cores) {
			faults = append(faults, fmt.Errorf("node group %s has %d to %d nodes of %v cores for %d pods, want some",
				g.Name, g.Least, g.Most, g.Cores, g.Pods))
		}
		nodes, places = nodes+g.Most, places+max(0, g.Most*g.Pods-g.Others)
	}
	if nodes > mostNodes {
		faults = append(faults, fmt.Errorf("there are up to %d nodes, want %d at the most", nodes, mostNodes))
	}
	if places < s.HPA.Min {
		faults = append(faults, fmt.Errorf("nodes have places for %d pods at the most, want %d replicas to find one",
			places, s.HPA.Min))
	}
	return errors.Join(faults...)
}

func (d Database) check() error {
	if d.Share < 0 || d.Share > 1 || math.IsNaN(d.Share) {
		return fmt.Errorf("the database answers a share of %v requests, want 0 to 1", d.Share)
	}
	if d.asked() && d.Servers < 1 {
		return fmt.Errorf("the database has %d connections, want 1 or more", d.Servers)
	}
	return nil
}

// asked says that requests reach the database.
func (d Database) asked() bool { return d.Share > 0 && d.Seconds > 0 }

// most is the rate of requests that the database's connections hold, requests/s.
func (d Database) most(station queueing.Station) float64 {
	if !d.asked() {
		return math.Inf(1)
	}
	return station.Most() / d.Share
}

// station is the database for so many pods: its connections, or fewer where the pods' pools hold fewer.
func (d Database) station(pods int) queueing.Station {
	servers := d.Servers
	if d.PoolPerPod > 0 {
		servers = min(servers, max(1, pods*d.PoolPerPod))
	}
	return queueing.Station{Servers: servers, Seconds: d.Seconds, CV2: d.CV2}
}
