// Package status derives what the API server is told of a pod.
//
// Owns: phase, conditions, container statuses, the patch from one status to the next. Does not own: the pod's state, from which
// all of it follows, and when it is published.
package status

import (
	"encoding/json"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// Waiting is the state of a container that cannot run yet.
func Waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// Pod is a pod's state at one moment: everything that its status derives from.
type Pod struct {
	NetworkReady bool
	Initialized  bool // all init containers have done their part
	Stopping     bool // no container is started any more
	Over         bool // nothing runs and nothing will
	Reason       string
	Message      string
	PodIP        string
	HostIP       string
	StartedAt    metav1.Time
	Containers   map[string]Container
}

// Container is the state of one of its containers.
type Container struct {
	State    corev1.ContainerState
	Last     corev1.ContainerState
	Restarts int32
	Started  bool
	Ready    bool
}

// Of derives the status of a pod. Conditions that others set are kept, and those named by readiness gates count.
func Of(pod *corev1.Pod, s Pod, now metav1.Time) corev1.PodStatus {
	st := *pod.Status.DeepCopy()
	st.ObservedGeneration = pod.Generation
	st.StartTime = &s.StartedAt
	if s.HostIP != "" {
		st.HostIP, st.HostIPs = s.HostIP, []corev1.HostIP{{IP: s.HostIP}}
	}
	if s.NetworkReady {
		st.PodIP, st.PodIPs = s.PodIP, []corev1.PodIP{{IP: s.PodIP}}
	}
	st.InitContainerStatuses = containerStatuses(pod, pod.Spec.InitContainers, pod.Status.InitContainerStatuses, s, true)
	st.ContainerStatuses = containerStatuses(pod, pod.Spec.Containers, pod.Status.ContainerStatuses, s, false)
	st.EphemeralContainerStatuses = refusedContainers(pod, now)
	st.Phase = phase(pod, s)
	st.Reason, st.Message = s.Reason, s.Message
	setConditions(pod, &st, s, now)
	return st
}

func containerStatuses(pod *corev1.Pod, specs []corev1.Container, before []corev1.ContainerStatus, s Pod, init bool) []corev1.ContainerStatus {
	var out []corev1.ContainerStatus
	for i := range specs {
		spec := &specs[i]
		c := s.Containers[spec.Name]
		started := c.Started
		cs := corev1.ContainerStatus{
			Name: spec.Name, Image: spec.Image, ImageID: "local://" + spec.Image,
			State: c.State, LastTerminationState: c.Last, RestartCount: c.Restarts, Ready: c.Ready && !s.Stopping, Started: &started,
			Resources:          &corev1.ResourceRequirements{Requests: spec.Resources.Requests, Limits: spec.Resources.Limits},
			AllocatedResources: spec.Resources.Requests,
		}
		if init && !IsSidecar(spec) {
			cs.Ready = c.State.Terminated != nil && c.State.Terminated.ExitCode == 0
		}
		if c.State.Running != nil || c.State.Terminated != nil {
			cs.ContainerID = ContainerID(pod, spec.Name, c.Restarts)
		}
		for j := range before { // set by admission or others, never by this agent
			if before[j].Name == spec.Name {
				cs.AllocatedResourcesStatus, cs.VolumeMounts, cs.User = before[j].AllocatedResourcesStatus, before[j].VolumeMounts, before[j].User
			}
		}
		out = append(out, cs)
	}
	return out
}

// refusedContainers says of ephemeral containers (kubectl debug) that this node has none, where silence would have their
// maker wait.
func refusedContainers(pod *corev1.Pod, now metav1.Time) []corev1.ContainerStatus {
	var out []corev1.ContainerStatus
	for i := range pod.Spec.EphemeralContainers {
		c := &pod.Spec.EphemeralContainers[i]
		cs := corev1.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: "local://" + c.Image}
		for j := range pod.Status.EphemeralContainerStatuses {
			if before := &pod.Status.EphemeralContainerStatuses[j]; before.Name == c.Name {
				cs.State = before.State
			}
		}
		if cs.State.Terminated == nil {
			cs.State.Terminated = &corev1.ContainerStateTerminated{
				ExitCode: 1, Reason: "NotSupported", FinishedAt: now, StartedAt: now,
				Message: "this node runs no ephemeral containers: `kubectl exec` reaches the pod's own",
			}
		}
		out = append(out, cs)
	}
	return out
}

// ContainerID names one run of a container.
func ContainerID(pod *corev1.Pod, container string, restarts int32) string {
	return fmt.Sprintf("process://%s/%s/%d", pod.UID, container, restarts)
}

// phase follows the kubelet: Pending until the containers can run; Running while one does or will again; then
// Succeeded or Failed.
func phase(pod *corev1.Pod, s Pod) corev1.PodPhase {
	total, n := len(pod.Spec.Containers), countContainers(pod, s)
	switch {
	case s.Over && s.Reason == "" && n.succeeded == total:
		return corev1.PodSucceeded
	case s.Over:
		return corev1.PodFailed
	case !s.Initialized || (n.waiting > 0 && n.running == 0):
		return corev1.PodPending
	}
	return corev1.PodRunning
}

// counts says how many of a pod's containers are in which state.
type counts struct{ running, succeeded, waiting int }

func countContainers(pod *corev1.Pod, s Pod) (n counts) {
	for i := range pod.Spec.Containers {
		c := s.Containers[pod.Spec.Containers[i].Name]
		switch ended := c.State.Terminated; {
		case c.State.Running != nil:
			n.running++
		case ended != nil && ended.ExitCode == 0:
			n.succeeded++
		case ended == nil && c.Last.Terminated == nil: // never ran
			n.waiting++
		}
	}
	return n
}

func setConditions(pod *corev1.Pod, st *corev1.PodStatus, s Pod, now metav1.Time) {
	why := ""
	if !s.Initialized {
		why = "ContainersNotInitialized"
	}
	ready, notReady := containersReady(pod, st, s)
	setCondition(st, corev1.PodReadyToStartContainers, s.NetworkReady && !s.Over, "", now)
	setCondition(st, corev1.PodInitialized, s.Initialized, why, now)
	setCondition(st, corev1.ContainersReady, ready, notReady, now)
	if ready && closedGate(pod, st) != "" {
		ready, notReady = false, "ReadinessGatesNotReady"
	}
	setCondition(st, corev1.PodReady, ready, notReady, now)
}

// containersReady says whether all containers and sidecars are ready, and if not the reason.
func containersReady(pod *corev1.Pod, st *corev1.PodStatus, s Pod) (ready bool, reason string) {
	ready = !s.Stopping && !s.Over && s.Initialized
	for _, cs := range st.ContainerStatuses {
		ready = ready && cs.Ready
	}
	for i, cs := range st.InitContainerStatuses {
		ready = ready && (cs.Ready || !IsSidecar(&pod.Spec.InitContainers[i]))
	}
	switch {
	case ready:
		return true, ""
	case st.Phase == corev1.PodSucceeded:
		return false, "PodCompleted"
	case st.Phase == corev1.PodFailed:
		return false, "PodFailed"
	}
	return false, "ContainersNotReady"
}

// closedGate is a readiness gate whose condition is not True, or "".
func closedGate(pod *corev1.Pod, st *corev1.PodStatus) corev1.PodConditionType {
	for _, gate := range pod.Spec.ReadinessGates {
		open := false
		for _, c := range st.Conditions {
			open = open || (c.Type == gate.ConditionType && c.Status == corev1.ConditionTrue)
		}
		if !open {
			return gate.ConditionType
		}
	}
	return ""
}

func setCondition(st *corev1.PodStatus, kind corev1.PodConditionType, ok bool, reason string, now metav1.Time) {
	want := corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason, LastTransitionTime: now, ObservedGeneration: st.ObservedGeneration}
	if ok {
		want.Status = corev1.ConditionTrue
	}
	for i := range st.Conditions {
		if have := &st.Conditions[i]; have.Type == kind {
			if have.Status == want.Status {
				want.LastTransitionTime = have.LastTransitionTime
			}
			*have = want
			return
		}
	}
	st.Conditions = append(st.Conditions, want)
}

// IsSidecar says whether an init container is one that keeps running.
func IsSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// Patch is the change from what the API server has to the wanted status, for this very pod; nil if there is none.
func Patch(base *corev1.Pod, want corev1.PodStatus) ([]byte, error) {
	before, err := json.Marshal(corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: base.UID}, Status: base.Status})
	if err != nil {
		return nil, err
	}
	after, err := json.Marshal(corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: base.UID}, Status: want})
	if err != nil {
		return nil, err
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
	if err != nil || string(patch) == "{}" {
		return nil, err
	}
	var change map[string]any
	if err := json.Unmarshal(patch, &change); err != nil {
		return nil, err
	}
	change["metadata"] = map[string]any{"uid": base.UID}
	return json.Marshal(change)
}

// Newer says whether a is a later version than b. Resource versions are comparable since Kubernetes 1.35.
func Newer(a, b *corev1.Pod) bool {
	x, errX := strconv.ParseUint(a.ResourceVersion, 10, 64)
	y, errY := strconv.ParseUint(b.ResourceVersion, 10, 64)
	return errX != nil || errY != nil || x > y
}
