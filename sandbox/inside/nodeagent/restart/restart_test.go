package restart

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestBackoffDoublesToItsLimitAndStartsOverAfterALongRun(t *testing.T) {
	b := Backoff{Base: time.Second, Limit: 5 * time.Second}
	for i, want := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		if got := b.After(time.Second); got != want {
			t.Errorf("pause %d is %s, want %s", i, got, want)
		}
	}
	if got := b.After(time.Minute); got != 0 {
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
		policy := Policy(&corev1.PodSpec{RestartPolicy: c.pod}, &corev1.Container{RestartPolicy: c.own}, c.init)
		if got := Again(policy, c.exit); got != c.want {
			t.Errorf("%s: again is %t, want %t", name, got, c.want)
		}
	}
}
