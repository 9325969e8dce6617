package servicenet

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

const gateRetry = time.Second // after the API server refused a status

// gates writes targets' health to the readiness gates of their pods, as the AWS Load Balancer Controller does.
type gates struct {
	log     *slog.Logger
	clients kubernetes.Interface
	dirty   chan struct{} // holds one
}

func newGates(log *slog.Logger, clients kubernetes.Interface) *gates {
	return &gates{log: log, clients: clients, dirty: make(chan struct{}, 1)}
}

// wake has the gates looked at again.
func (g *gates) wake() {
	select {
	case g.dirty <- struct{}{}:
	default:
	}
}

func (g *gates) run(ctx context.Context, cluster func() *snapshot, healthOf func(arn string, pod objectName) (healthState, bool)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.dirty:
		}
		for _, c := range gateChanges(cluster(), healthOf) {
			if err := g.patch(ctx, c); err != nil && ctx.Err() == nil {
				g.log.Warn("readiness gate", "pod", c.pod.namespace+"/"+c.pod.name, "gate", c.condition.Type, "error", err)
				time.AfterFunc(gateRetry, g.wake)
			}
		}
	}
}

// gateChange is a condition that a pod's status should have and has not.
type gateChange struct {
	pod       objectName
	condition corev1.PodCondition
}

func gateChanges(s *snapshot, healthOf func(arn string, pod objectName) (healthState, bool)) []gateChange {
	groups := make(map[objectName]string, len(s.bindings))
	for _, b := range s.bindings {
		groups[b.objectName] = b.targetGroup
	}
	var out []gateChange
	for name, pod := range s.pods {
		if pod.DeletionTimestamp != nil {
			continue
		}
		for _, gate := range targetGates(pod) {
			arn, ok := groups[objectName{name.namespace, gate}]
			if !ok {
				continue
			}
			state, registered := healthOf(arn, name)
			want := gateCondition(gate, state, registered)
			if statusOf(pod, want.Type) != want.Status {
				out = append(out, gateChange{name, want})
			}
		}
	}
	return out
}

func gateCondition(gate string, state healthState, registered bool) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.PodConditionType(gatePrefix + gate), Status: corev1.ConditionFalse, Reason: "Target." + string(state)}
	switch {
	case !registered:
		c.Reason = "Target.NotRegistered"
	case state == healthy:
		c.Status, c.Reason = corev1.ConditionTrue, "Healthy"
	}
	return c
}

func statusOf(pod *corev1.Pod, kind corev1.PodConditionType) corev1.ConditionStatus {
	for _, c := range pod.Status.Conditions {
		if c.Type == kind {
			return c.Status
		}
	}
	return ""
}

func (g *gates) patch(ctx context.Context, c gateChange) error {
	c.condition.LastTransitionTime = metav1.Now()
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.PodCondition{c.condition}}})
	if err != nil {
		return err
	}
	_, err = g.clients.CoreV1().Pods(c.pod.namespace).Patch(ctx, c.pod.name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}
