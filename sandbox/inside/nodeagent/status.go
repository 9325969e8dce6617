package nodeagent

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// snapshot is a pod's state at one moment: everything that its status derives from.
type snapshot struct {
	networkReady bool
	initialized  bool // all init containers have done their part
	stopping     bool // no container is started any more
	over         bool // nothing runs and nothing will
	reason       string
	message      string
	podIP        string
	hostIP       string
	startedAt    metav1.Time
	containers   map[string]containerSnapshot
}

type containerSnapshot struct {
	state    corev1.ContainerState
	last     corev1.ContainerState
	restarts int32
	started  bool
	ready    bool
}

// podStatus derives the status of a pod. Conditions that others set are kept, and those named by readiness gates count.
func podStatus(pod *corev1.Pod, s snapshot, now metav1.Time) corev1.PodStatus {
	st := *pod.Status.DeepCopy()
	st.ObservedGeneration = pod.Generation
	st.StartTime = &s.startedAt
	if s.hostIP != "" {
		st.HostIP, st.HostIPs = s.hostIP, []corev1.HostIP{{IP: s.hostIP}}
	}
	if s.networkReady {
		st.PodIP, st.PodIPs = s.podIP, []corev1.PodIP{{IP: s.podIP}}
	}
	st.InitContainerStatuses = containerStatuses(pod, pod.Spec.InitContainers, pod.Status.InitContainerStatuses, s, true)
	st.ContainerStatuses = containerStatuses(pod, pod.Spec.Containers, pod.Status.ContainerStatuses, s, false)
	st.EphemeralContainerStatuses = refusedContainers(pod, now)
	st.Phase = podPhase(pod, s)
	st.Reason, st.Message = s.reason, s.message
	setConditions(pod, &st, s, now)
	return st
}

func containerStatuses(pod *corev1.Pod, specs []corev1.Container, before []corev1.ContainerStatus, s snapshot, init bool) []corev1.ContainerStatus {
	var out []corev1.ContainerStatus
	for i := range specs {
		spec := &specs[i]
		c := s.containers[spec.Name]
		started := c.started
		cs := corev1.ContainerStatus{
			Name: spec.Name, Image: spec.Image, ImageID: "local://" + spec.Image,
			State: c.state, LastTerminationState: c.last, RestartCount: c.restarts, Ready: c.ready && !s.stopping, Started: &started,
			Resources:          &corev1.ResourceRequirements{Requests: spec.Resources.Requests, Limits: spec.Resources.Limits},
			AllocatedResources: spec.Resources.Requests,
		}
		if init && !isSidecar(spec) {
			cs.Ready = c.state.Terminated != nil && c.state.Terminated.ExitCode == 0
		}
		if c.state.Running != nil || c.state.Terminated != nil {
			cs.ContainerID = containerID(pod, spec.Name, c.restarts)
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

func containerID(pod *corev1.Pod, container string, restarts int32) string {
	return fmt.Sprintf("process://%s/%s/%d", pod.UID, container, restarts)
}

// podPhase follows the kubelet: Pending until the containers can run; Running while one does or will again; then
// Succeeded or Failed.
func podPhase(pod *corev1.Pod, s snapshot) corev1.PodPhase {
	total, n := len(pod.Spec.Containers), countContainers(pod, s)
	switch {
	case s.over && s.reason == "" && n.succeeded == total:
		return corev1.PodSucceeded
	case s.over:
		return corev1.PodFailed
	case !s.initialized || (n.waiting > 0 && n.running == 0):
		return corev1.PodPending
	}
	return corev1.PodRunning
}

// counts says how many of a pod's containers are in which state.
type counts struct{ running, succeeded, waiting int }

func countContainers(pod *corev1.Pod, s snapshot) (n counts) {
	for i := range pod.Spec.Containers {
		c := s.containers[pod.Spec.Containers[i].Name]
		switch ended := c.state.Terminated; {
		case c.state.Running != nil:
			n.running++
		case ended != nil && ended.ExitCode == 0:
			n.succeeded++
		case ended == nil && c.last.Terminated == nil: // never ran
			n.waiting++
		}
	}
	return n
}

func setConditions(pod *corev1.Pod, st *corev1.PodStatus, s snapshot, now metav1.Time) {
	why := ""
	if !s.initialized {
		why = "ContainersNotInitialized"
	}
	ready, notReady := containersReady(pod, st, s)
	setCondition(st, corev1.PodReadyToStartContainers, s.networkReady && !s.over, "", now)
	setCondition(st, corev1.PodInitialized, s.initialized, why, now)
	setCondition(st, corev1.ContainersReady, ready, notReady, now)
	if ready && closedGate(pod, st) != "" {
		ready, notReady = false, "ReadinessGatesNotReady"
	}
	setCondition(st, corev1.PodReady, ready, notReady, now)
}

// containersReady says whether all containers and sidecars are ready, and if not the reason.
func containersReady(pod *corev1.Pod, st *corev1.PodStatus, s snapshot) (ready bool, reason string) {
	ready = !s.stopping && !s.over && s.initialized
	for _, cs := range st.ContainerStatuses {
		ready = ready && cs.Ready
	}
	for i, cs := range st.InitContainerStatuses {
		ready = ready && (cs.Ready || !isSidecar(&pod.Spec.InitContainers[i]))
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

// isSidecar says whether an init container is one that keeps running.
func isSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}
