package downward

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestDownwardAPIQuotesLabels(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "api", "tier": `a"b`}}}
	got, err := (View{Pod: pod}).Field("metadata.labels")
	if want := "app=\"api\"\ntier=\"a\\\"b\""; err != nil || got != want {
		t.Errorf("labels are %q (%v), want %q", got, err, want)
	}
}

func TestUnknownFieldPathIsRefused(t *testing.T) {
	pod := &corev1.Pod{}
	_, err := (View{Pod: pod}).Field("status.phase")
	if want := "fieldPath status.phase is not supported"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
