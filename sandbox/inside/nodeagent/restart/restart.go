// Package restart says whether and when a container is started again.
//
// Owns: the policy that holds for each kind of container, the pause of CrashLoopBackOff. Does not own: starting.
package restart

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Policy is the policy that holds for one container.
func Policy(pod *corev1.PodSpec, c *corev1.Container, init bool) corev1.RestartPolicy {
	switch {
	case c.RestartPolicy != nil:
		return corev1.RestartPolicy(*c.RestartPolicy)
	case init && pod.RestartPolicy == corev1.RestartPolicyAlways:
		return corev1.RestartPolicyOnFailure
	}
	return pod.RestartPolicy
}

// Again tells whether a container that ended is started again.
func Again(policy corev1.RestartPolicy, exit int) bool {
	return policy == corev1.RestartPolicyAlways || (policy == corev1.RestartPolicyOnFailure && exit != 0)
}

// Backoff is the pause before a restart: none before the first, then base, doubled up to limit; a long enough run starts over.
type Backoff struct {
	Base, Limit time.Duration
	next        time.Duration
}

// After is the pause after a run of this length.
func (b *Backoff) After(ran time.Duration) time.Duration {
	if ran > 2*b.Limit {
		b.next = 0
	}
	pause := b.next
	b.next = min(max(2*b.next, b.Base), b.Limit)
	return pause
}
