package nodeagent

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// resume takes over from what an earlier agent reported. Its processes are gone: what ran is started anew, what had
// ended for good stays so, except for init containers: the network and volumes they prepared are new.
func (c *container) resume(before *corev1.ContainerStatus, policy corev1.RestartPolicy) {
	c.restarts, c.last = before.RestartCount, before.LastTerminationState
	ended := before.State.Terminated
	if before.State.Running != nil {
		ended = &corev1.ContainerStateTerminated{ExitCode: exitUnknown, Reason: reasonUnknown, Message: "the container's process ended with the node agent",
			StartedAt: before.State.Running.StartedAt, FinishedAt: metav1.Now(), ContainerID: before.ContainerID}
	}
	switch {
	case ended == nil && c.last.Terminated == nil: // it has never run
	case ended == nil:
		c.restarts++
	case c.init && !c.sidecar:
		c.last = corev1.ContainerState{Terminated: ended}
	case restarts(policy, int(ended.ExitCode)):
		c.restarts++
		c.last = corev1.ContainerState{Terminated: ended}
	default:
		c.settled = true
		c.state = corev1.ContainerState{Terminated: ended}
	}
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// restartPolicy is the policy that holds for one container.
func restartPolicy(pod *corev1.PodSpec, c *corev1.Container, init bool) corev1.RestartPolicy {
	switch {
	case c.RestartPolicy != nil:
		return corev1.RestartPolicy(*c.RestartPolicy)
	case init && pod.RestartPolicy == corev1.RestartPolicyAlways:
		return corev1.RestartPolicyOnFailure
	}
	return pod.RestartPolicy
}

func restarts(policy corev1.RestartPolicy, exit int) bool {
	return policy == corev1.RestartPolicyAlways || (policy == corev1.RestartPolicyOnFailure && exit != 0)
}

// backoff is the pause before a restart: none before the first, then base, doubled up to limit; a long enough run starts over.
type backoff struct {
	base, limit, next time.Duration
}

func (b *backoff) after(ran time.Duration) time.Duration {
	if ran > 2*b.limit {
		b.next = 0
	}
	pause := b.next
	b.next = min(max(2*b.next, b.base), b.limit)
	return pause
}
