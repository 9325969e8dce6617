package nodeagent

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestUserOfAContainer(t *testing.T) {
	yes, id, root := true, int64(1000), int64(0)
	for name, c := range map[string]struct {
		pod  *corev1.PodSecurityContext
		own  *corev1.SecurityContext
		want int64
		err  string
	}{
		"nothing said":              {nil, nil, 0, ""},
		"pod's user":                {&corev1.PodSecurityContext{RunAsUser: &id}, nil, 1000, ""},
		"container's user wins":     {&corev1.PodSecurityContext{RunAsUser: &root}, &corev1.SecurityContext{RunAsUser: &id}, 1000, ""},
		"nonroot without a user":    {&corev1.PodSecurityContext{RunAsNonRoot: &yes}, nil, nonRootUser, ""},
		"nonroot with user of root": {&corev1.PodSecurityContext{RunAsNonRoot: &yes, RunAsUser: &root}, nil, 0, "container c has runAsNonRoot and runAsUser 0, want another user"},
	} {
		uid, _, err := userOf(&corev1.Pod{Spec: corev1.PodSpec{SecurityContext: c.pod}}, &corev1.Container{Name: "c", SecurityContext: c.own})
		message := ""
		if err != nil {
			message = err.Error()
		}
		if uid != c.want || message != c.err {
			t.Errorf("%s: user %d, error %q, want %d, %q", name, uid, message, c.want, c.err)
		}
	}
}
