package nodeagent

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func runningState() containerSnapshot {
	return containerSnapshot{state: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, started: true, ready: true}
}

func endedState(exit int32) containerSnapshot {
	return containerSnapshot{state: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: exit}}}
}

func waitingState() containerSnapshot {
	return containerSnapshot{state: waiting("ContainerCreating", "")}
}

func crashedState() containerSnapshot {
	return containerSnapshot{state: waiting(reasonCrashLoop, ""), last: endedState(1).state, restarts: 2}
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
		a, b        containerSnapshot
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
		got := podPhase(podOf("a", "b"), snapshot{over: c.over, initialized: c.initialized, reason: c.reason, containers: map[string]containerSnapshot{"a": c.a, "b": c.b}})
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
	s := snapshot{initialized: true, networkReady: true, containers: map[string]containerSnapshot{"a": runningState()}}
	if c := condition(podStatus(pod, s, metav1.Now()), corev1.PodReady); c.Status != corev1.ConditionFalse || c.Reason != "ReadinessGatesNotReady" {
		t.Errorf("with the gate closed Ready is %s (%s), want False (ReadinessGatesNotReady)", c.Status, c.Reason)
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: "target-health", Status: corev1.ConditionTrue}}
	st := podStatus(pod, s, metav1.Now())
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
	st := podStatus(p, snapshot{initialized: true}, metav1.Now())
	if got := st.EphemeralContainerStatuses; len(got) != 1 || got[0].State.Terminated == nil || got[0].State.Terminated.Reason != "NotSupported" {
		t.Errorf("got %+v", got)
	}
	p.Status = st
	if again := podStatus(p, snapshot{initialized: true}, metav1.NewTime(time.Now().Add(time.Hour))); !again.EphemeralContainerStatuses[0].State.Terminated.FinishedAt.Equal(&st.EphemeralContainerStatuses[0].State.Terminated.FinishedAt) {
		t.Error("the status changes by itself")
	}
}

func TestStoppingPodIsNotReady(t *testing.T) {
	s := snapshot{initialized: true, stopping: true, containers: map[string]containerSnapshot{"a": runningState()}}
	if c := condition(podStatus(podOf("a"), s, metav1.Now()), corev1.PodReady); c.Status != corev1.ConditionFalse {
		t.Errorf("Ready is %s, want False", c.Status)
	}
}

func TestUnchangedConditionKeepsItsTransitionTime(t *testing.T) {
	pod, s := podOf("a"), snapshot{initialized: true, containers: map[string]containerSnapshot{"a": runningState()}}
	then := metav1.NewTime(time.Unix(1000, 0))
	pod.Status = podStatus(pod, s, then)
	later := podStatus(pod, s, metav1.NewTime(time.Unix(2000, 0)))
	if c := condition(later, corev1.PodReady); !c.LastTransitionTime.Equal(&then) {
		t.Errorf("transition time is %s, want %s", c.LastTransitionTime, then)
	}
}

func TestUnchangedStatusNeedsNoPatch(t *testing.T) {
	pod := podOf("a")
	s := snapshot{initialized: true, startedAt: metav1.NewTime(time.Unix(1000, 0)), containers: map[string]containerSnapshot{"a": runningState()}}
	pod.Status = podStatus(pod, s, metav1.NewTime(time.Unix(1000, 0)))
	patch, err := statusPatch(pod, podStatus(pod, s, metav1.NewTime(time.Unix(2000, 0))))
	if err != nil || patch != nil {
		t.Errorf("patch is %s (%v), want none", patch, err)
	}
}

func TestBackoffDoublesToItsLimitAndStartsOverAfterALongRun(t *testing.T) {
	b := backoff{base: time.Second, limit: 5 * time.Second}
	for i, want := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		if got := b.after(time.Second); got != want {
			t.Errorf("pause %d is %s, want %s", i, got, want)
		}
	}
	if got := b.after(time.Minute); got != 0 {
		t.Errorf("pause after a long run is %s, want none", got)
	}
}

func TestRestartPolicyOfEachKindOfContainer(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	for name, c := range map[string]struct {
		pod  corev1.RestartPolicy
		own  *corev1.ContainerRestartPolicy
		init bool
		exit int
		want bool
	}{
		"always, well":        {corev1.RestartPolicyAlways, nil, false, 0, true},
		"on failure, well":    {corev1.RestartPolicyOnFailure, nil, false, 0, false},
		"on failure, badly":   {corev1.RestartPolicyOnFailure, nil, false, 1, true},
		"never, badly":        {corev1.RestartPolicyNever, nil, false, 1, false},
		"init, always, well":  {corev1.RestartPolicyAlways, nil, true, 0, false},
		"init, always, badly": {corev1.RestartPolicyAlways, nil, true, 1, true},
		"sidecar, never":      {corev1.RestartPolicyNever, &always, true, 0, true},
	} {
		policy := restartPolicy(&corev1.PodSpec{RestartPolicy: c.pod}, &corev1.Container{RestartPolicy: c.own}, c.init)
		if got := restarts(policy, c.exit); got != c.want {
			t.Errorf("%s: restarts is %t, want %t", name, got, c.want)
		}
	}
}

func TestProbeVerdictNeedsItsThresholdInARow(t *testing.T) {
	p := &corev1.Probe{SuccessThreshold: 2, FailureThreshold: 3}
	var count thresholds
	for i, step := range []struct{ ok, reached bool }{{true, false}, {false, false}, {false, false}, {true, false}, {true, true}, {true, true}, {false, false}, {false, false}, {false, true}} {
		if _, reached := count.add(step.ok, p); reached != step.reached {
			t.Errorf("result %d: reached is %t, want %t", i, reached, step.reached)
		}
	}
}
