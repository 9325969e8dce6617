package probe

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestProbeVerdictNeedsItsThresholdInARow(t *testing.T) {
	p := &corev1.Probe{SuccessThreshold: 2, FailureThreshold: 3}
	var count Thresholds
	for i, step := range []struct{ ok, reached bool }{{true, false}, {false, false}, {false, false}, {true, false}, {true, true}, {true, true}, {false, false}, {false, false}, {false, true}} {
		if _, reached := count.Add(step.ok, p); reached != step.reached {
			t.Errorf("result %d: reached is %t, want %t", i, reached, step.reached)
		}
	}
}
