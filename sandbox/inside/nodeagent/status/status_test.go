package status

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func runningState() Container {
	return Container{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, Started: true, Ready: true}
}

func endedState(exit int32) Container {
	return Container{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: exit}}}
}

func waitingState() Container {
	return Container{State: Waiting("ContainerCreating", "")}
}

func crashedState() Container {
	return Container{State: Waiting("CrashLoopBackOff", ""), Last: endedState(1).State, Restarts: 2}
}

func podOf(names ...string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "rag", UID: "u"}, Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways}}
	for _, n := range names {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: n, Image: "api:1"})
	}
	return p
}

func TestPhaseFollowsTheContainers(t *testing.T) {
	for name, c := range map[string]struct {
		a, b        Container
		over        bool
		initialized bool
		reason      string
		want        corev1.PodPhase
	}{
		"init containers still run":          {waitingState(), waitingState(), false, false, "", corev1.PodPending},
		"containers start":                   {waitingState(), waitingState(), false, true, "", corev1.PodPending},
		"one runs, the other waits":          {runningState(), waitingState(), false, true, "", corev1.PodRunning},
		"one runs, the other ended":          {runningState(), endedState(0), false, true, "", corev1.PodRunning},
		"both wait after a crash":            {crashedState(), crashedState(), false, true, "", corev1.PodRunning},
		"both ended well":                    {endedState(0), endedState(0), true, true, "", corev1.PodSucceeded},
		"one ended badly":                    {endedState(0), endedState(3), true, true, "", corev1.PodFailed},
		"an init container ended badly":      {waitingState(), waitingState(), true, false, "", corev1.PodFailed},
		"deadline exceeded by all that ran":  {endedState(0), endedState(0), true, true, "DeadlineExceeded", corev1.PodFailed},
		"deadline exceeded, one still ends":  {runningState(), endedState(0), false, true, "DeadlineExceeded", corev1.PodRunning},
		"ended before it started any of two": {endedState(0), waitingState(), true, true, "", corev1.PodFailed},
	} {
		got := phase(podOf("a", "b"), Pod{Over: c.over, Initialized: c.initialized, Reason: c.reason, Containers: map[string]Container{"a": c.a, "b": c.b}})
		if got != c.want {
			t.Errorf("%s: phase is %s, want %s", name, got, c.want)
		}
	}
}

func condition(st corev1.PodStatus, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range st.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{}
}

func TestReadinessGateOfOthersHoldsThePodBack(t *testing.T) {
	pod := podOf("a")
	pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "target-health"}}
	s := Pod{Initialized: true, NetworkReady: true, Containers: map[string]Container{"a": runningState()}}
	if c := condition(Of(pod, s, metav1.Now()), corev1.PodReady); c.Status != corev1.ConditionFalse || c.Reason != "ReadinessGatesNotReady" {
		t.Errorf("with the gate closed Ready is %s (%s), want False (ReadinessGatesNotReady)", c.Status, c.Reason)
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: "target-health", Status: corev1.ConditionTrue}}
	st := Of(pod, s, metav1.Now())
	if c := condition(st, corev1.PodReady); c.Status != corev1.ConditionTrue {
		t.Errorf("with the gate open Ready is %s, want True", c.Status)
	}
	if c := condition(st, "target-health"); c.Status != corev1.ConditionTrue {
		t.Errorf("the gate's own condition is %q after publishing, want it kept", c.Status)
	}
}

func TestEphemeralContainersAreRefusedInWords(t *testing.T) {
	p := podOf("a")
	p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debugger", Image: "busybox"}}}
	st := Of(p, Pod{Initialized: true}, metav1.Now())
	if got := st.EphemeralContainerStatuses; len(got) != 1 || got[0].State.Terminated == nil || got[0].State.Terminated.Reason != "NotSupported" {
		t.Errorf("got %+v", got)
	}
	p.Status = st
	if again := Of(p, Pod{Initialized: true}, metav1.NewTime(time.Now().Add(time.Hour))); !again.EphemeralContainerStatuses[0].State.Terminated.FinishedAt.Equal(&st.EphemeralContainerStatuses[0].State.Terminated.FinishedAt) {
		t.Error("the status changes by itself")
	}
}

func TestStoppingPodIsNotReady(t *testing.T) {
	s := Pod{Initialized: true, Stopping: true, Containers: map[string]Container{"a": runningState()}}
	if c := condition(Of(podOf("a"), s, metav1.Now()), corev1.PodReady); c.Status != corev1.ConditionFalse {
		t.Errorf("Ready is %s, want False", c.Status)
	}
}

func TestUnchangedConditionKeepsItsTransitionTime(t *testing.T) {
	pod, s := podOf("a"), Pod{Initialized: true, Containers: map[string]Container{"a": runningState()}}
	then := metav1.NewTime(time.Unix(1000, 0))
	pod.Status = Of(pod, s, then)
	later := Of(pod, s, metav1.NewTime(time.Unix(2000, 0)))
	if c := condition(later, corev1.PodReady); !c.LastTransitionTime.Equal(&then) {
		t.Errorf("transition time is %s, want %s", c.LastTransitionTime, then)
	}
}

func TestUnchangedStatusNeedsNoPatch(t *testing.T) {
	pod := podOf("a")
	s := Pod{Initialized: true, StartedAt: metav1.NewTime(time.Unix(1000, 0)), Containers: map[string]Container{"a": runningState()}}
	pod.Status = Of(pod, s, metav1.NewTime(time.Unix(1000, 0)))
	patch, err := Patch(pod, Of(pod, s, metav1.NewTime(time.Unix(2000, 0))))
	if err != nil || patch != nil {
		t.Errorf("patch is %s (%v), want none", patch, err)
	}
}
